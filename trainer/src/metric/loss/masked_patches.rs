//! What was hidden, predicted (He et al. 2022, § 3; on spectrograms: Huang et al. 2022).

use tch::{Kind, Tensor};

/// Added to the variance of a patch's values.
const EPSILON: f64 = 1e-6;

/// Patches, N × patches × values, each brought to zero mean and unit variance; and the means and standard
/// deviations, N × patches × 1.
pub fn normalised_patches(patches: &Tensor) -> (Tensor, Tensor, Tensor) {
    let mean = patches.mean_dim([2_i64].as_slice(), true, Kind::Float);
    let variance = (patches - &mean).square().mean_dim([2_i64].as_slice(), true, Kind::Float);
    let deviation = (variance + EPSILON).sqrt();
    ((patches - &mean) / &deviation, mean, deviation)
}

/// Mean squared error between `predicted` and the normalised `patches`, both N × patches × values, over those that
/// are hidden: `hidden` is N × patches of 0 and 1. 0 where nothing is hidden.
pub fn masked_patches(predicted: &Tensor, patches: &Tensor, hidden: &Tensor) -> Tensor {
    let (target, _, _) = normalised_patches(&patches.detach());
    let of_patch = (predicted - target).square().mean_dim([2_i64].as_slice(), false, Kind::Float);
    (of_patch * hidden).sum(Kind::Float) / hidden.sum(Kind::Float).clamp_min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::loss::fixture;

    #[test]
    fn only_hidden_patches_count_by_hand() {
        // Normalised: −1, 1 and 1, −1.
        let patches = Tensor::from_slice(&[10.0_f32, 30.0, 5.0, 1.0]).view([1, 2, 2]);
        let predicted = Tensor::from_slice(&[0.0_f32, 2.0, 9.0, 9.0]).view([1, 2, 2]);
        let hidden = Tensor::from_slice(&[1.0_f32, 0.0]).view([1, 2]);
        let loss = masked_patches(&predicted, &patches, &hidden).double_value(&[]);
        assert!((loss - 1.0).abs() < 1e-5, "{loss}");
        let nothing = masked_patches(&predicted, &patches, &hidden.zeros_like());
        assert_eq!(nothing.double_value(&[]), 0.0);
    }

    #[test]
    fn no_gradient_goes_to_what_is_seen() {
        let patches = Tensor::from_slice(&[10.0_f32, 30.0, 5.0, 1.0]).view([1, 2, 2]).set_requires_grad(true);
        let predicted = Tensor::from_slice(&[0.0_f32, 2.0, 9.0, 9.0]).view([1, 2, 2]).set_requires_grad(true);
        let hidden = Tensor::from_slice(&[1.0_f32, 0.0]).view([1, 2]);
        masked_patches(&predicted, &patches, &hidden).backward();
        let gradient = Vec::<f32>::try_from(predicted.grad().view([-1])).unwrap();
        assert!(gradient[..2].iter().all(|value| value.abs() > 0.1), "{gradient:?}");
        assert_eq!(gradient[2..], [0.0, 0.0]);
        assert!(!patches.grad().defined(), "nor to the target");
    }

    #[test]
    fn losses_and_gradients_are_those_of_an_independent_reference() {
        for case in fixture::cases(&["masked_patches"]) {
            let predicted = case.tensor("prediction").set_requires_grad(true);
            let loss = masked_patches(&predicted, &case.tensor("target"), &case.tensor("mask"));
            case.assert_matches(&loss, &predicted);
        }
    }
}
