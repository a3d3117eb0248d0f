//! Supervised contrastive loss (Khosla et al. 2020, eq. 2).

use tch::{Kind, Tensor};

/// [`contrastive`] of a batch's vectors among themselves. `positives` and `negatives`: N × N of 0 and 1, both 0 on
/// the diagonal.
pub fn supervised_contrastive(
    unit_vectors: &Tensor,
    positives: &Tensor,
    negatives: &Tensor,
    temperature: f64,
) -> Tensor {
    contrastive(unit_vectors, unit_vectors, positives, negatives, temperature)
}

/// Mean over the rows that have a positive of −mean over its positives p of
/// ln(exp(cos(i, p)/τ) / Σ exp(cos(i, j)/τ)), where j are the positives and negatives of i.
///
/// `unit_vectors`: N × D; `others`: M × D, whom they are held against; `positives` and `negatives`: N × M of 0 and
/// 1. A pair that is neither does not count: two tracks of one artist, it may be. 0 where no row has a positive.
pub fn contrastive(
    unit_vectors: &Tensor,
    others: &Tensor,
    positives: &Tensor,
    negatives: &Tensor,
    temperature: f64,
) -> Tensor {
    let logits = unit_vectors.matmul(&others.tr()) / temperature;
    let counted = positives + negatives;
    // Far below any cosine, but finite, so that a row without anyone does not become NaN.
    let masked = &logits * &counted + (&counted - 1.0) * 1e4;
    let log_share = &logits - masked.logsumexp([1_i64].as_slice(), true);
    let sum = |x: &Tensor| x.sum_dim_intlist([1_i64].as_slice(), false, Kind::Float);
    let positive_count = sum(positives);
    let of_row = -sum(&(log_share * positives)) / positive_count.clamp_min(1.0);
    of_row.sum(Kind::Float) / positive_count.gt(0.0).to_kind(Kind::Float).sum(Kind::Float).clamp_min(1.0)
}

/// The matrix of 0 and 1 of a relation between rows and columns.
pub fn relation_matrix(rows: usize, columns: usize, holds: impl Fn(usize, usize) -> bool) -> Tensor {
    let cells = (0..rows * columns).map(|cell| f32::from(u8::from(holds(cell / columns, cell % columns))));
    Tensor::from_slice(&cells.collect::<Vec<f32>>()).view([rows as i64, columns as i64])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::embedding_head::normalised;

    fn matrices() -> (Tensor, Tensor) {
        // Rows 0 and 1 are alike, 2 differs from both; 3 has nobody.
        let positives = relation_matrix(4, 4, |a, b| a != b && a < 2 && b < 2);
        let negatives = relation_matrix(4, 4, |a, b| a < 3 && b < 3 && (a < 2) != (b < 2));
        (positives, negatives)
    }

    #[test]
    fn supervised_contrastive_by_hand() {
        let vectors = Tensor::from_slice(&[1.0_f32, 0.0, 0.8, 0.6, 0.0, 1.0, 1.0, 0.0]).view([4, 2]);
        let (positives, negatives) = matrices();
        let loss = supervised_contrastive(&vectors, &positives, &negatives, 0.5).double_value(&[]);
        // Cosines: 0–1 0.8, 0–2 0, 1–2 0.6; divided by 0.5. Row 2 has no positive.
        let row = |positive: f64, negative: f64| -(positive.exp() / (positive.exp() + negative.exp())).ln();
        let expected = (row(1.6, 0.0) + row(1.6, 1.2)) / 2.0;
        assert!((loss - expected).abs() < 1e-6, "{loss} {expected}");
        let nobody = supervised_contrastive(&vectors, &positives.zeros_like(), &negatives, 0.5);
        assert_eq!(nobody.double_value(&[]), 0.0);
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let raw = Tensor::from_slice(&[1.0_f32, 0.2, 0.7, 0.9, -0.3, 1.1, 0.5, 0.6]).view([4, 2]);
        let (positives, negatives) = matrices();
        crate::metric::gradient::assert_matches(&raw, |raw| {
            supervised_contrastive(&normalised(raw), &positives, &negatives, 0.3)
        });
    }
}
