//! Cross-entropy against soft targets.

use tch::{Kind, Tensor};

/// Cross-entropy of N × classes logits against N × classes target shares that add up to 1 in each
/// row, a share `label_smoothing` of which is spread over all classes (Szegedy et al. 2016, § 7).
/// Rows whose targets are 0 do not count.
pub fn cross_entropy(logits: &Tensor, targets: &Tensor, label_smoothing: f64) -> Tensor {
    let classes = logits.size()[1] as f64;
    let counted = targets.sum_dim_intlist([1_i64].as_slice(), true, Kind::Float);
    let smooth = targets * (1.0 - label_smoothing) + &counted * (label_smoothing / classes);
    -(smooth * logits.log_softmax(1, Kind::Float)).sum(Kind::Float) / counted.sum(Kind::Float).clamp_min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(targets: &[f32], label_smoothing: f64) -> f64 {
        // Probabilities 1/4, 3/4 in both rows.
        let logits = Tensor::from_slice(&[0.0_f32, 3.0_f32.ln(), 0.0, 3.0_f32.ln()]).view([2, 2]);
        cross_entropy(&logits, &Tensor::from_slice(targets).view([2, 2]), label_smoothing).double_value(&[])
    }

    #[test]
    fn cross_entropy_by_hand() {
        let (quarter, three_quarters) = (4.0_f64.ln(), (4.0_f64 / 3.0).ln());
        let near = |value: f64, expected: f64| assert!((value - expected).abs() < 1e-6, "{value} {expected}");
        near(value(&[0.0, 1.0, 1.0, 0.0], 0.0), (three_quarters + quarter) / 2.0);
        near(value(&[0.0, 1.0, 0.0, 0.0], 0.0), three_quarters);
        near(value(&[0.0, 1.0, 0.0, 1.0], 0.1), 0.9 * three_quarters + 0.05 * (three_quarters + quarter));
        // Mixed up: 0.7 of the second class, 0.3 of the first.
        near(value(&[0.3, 0.7, 0.3, 0.7], 0.0), 0.7 * three_quarters + 0.3 * quarter);
        near(value(&[0.0; 4], 0.1), 0.0);
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let targets = Tensor::from_slice(&[0.2_f32, 0.8, 0.0, 1.0, 0.0, 0.0]).view([2, 3]);
        let logits = Tensor::from_slice(&[0.3_f32, -0.2, 0.5, 1.0, 0.1, -0.4]).view([2, 3]);
        crate::metric::gradient::assert_matches(&logits, |logits| cross_entropy(logits, &targets, 0.1));
    }
}
