//! Triplet loss (Schroff et al. 2015, eq. 3; soft margin: Hermans et al. 2017, § 3).

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use crate::metric::distance::squared_euclidean_of_pairs;
use crate::metric::miner::Triplet;

/// What a violated margin costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hinge {
    /// max(0, x).
    #[default]
    Hinge,
    /// ln(1 + eˣ): never quite satisfied.
    Softplus,
}

/// ‖a − p‖² − ‖a − n‖² + `margin`, hinged, averaged over the triplets that are not 0: averaged over
/// all, the easy ones would drown the others (Hermans et al. 2017). `unit_vectors`: N × D.
///
/// # Errors
/// Where libtorch cannot copy.
pub fn triplet_loss(
    unit_vectors: &Tensor,
    triplets: &[Triplet],
    margin: f64,
    hinge: Hinge,
) -> Result<Tensor, tch::TchError> {
    if triplets.is_empty() {
        return Ok(unit_vectors.sum(Kind::Float) * 0.0);
    }
    let rows = |pick: fn(&Triplet) -> usize| -> Result<Tensor, tch::TchError> {
        let rows: Vec<i64> = triplets.iter().map(|triplet| pick(triplet) as i64).collect();
        unit_vectors.f_index_select(0, &Tensor::from_slice(&rows))
    };
    let anchors = rows(|triplet| triplet.anchor)?;
    let near = squared_euclidean_of_pairs(&anchors, &rows(|triplet| triplet.positive)?);
    let far = squared_euclidean_of_pairs(&anchors, &rows(|triplet| triplet.negative)?);
    let violation = near - far + margin;
    Ok(match hinge {
        Hinge::Hinge => {
            let active = violation.gt(0.0).to_kind(Kind::Float).sum(Kind::Float);
            violation.relu().sum(Kind::Float) / active.clamp_min(1.0)
        }
        Hinge::Softplus => violation.softplus().mean(Kind::Float),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::embedding_head::normalised;

    const TRIPLETS: [Triplet; 2] =
        [Triplet { anchor: 0, positive: 1, negative: 2 }, Triplet { anchor: 0, positive: 1, negative: 3 }];

    fn vectors() -> Tensor {
        // Squared distances from the first: 0.4 (0.8, 0.6), 2 (0, 1), 0.8 (0.6, 0.8).
        Tensor::from_slice(&[1.0_f32, 0.0, 0.8, 0.6, 0.0, 1.0, 0.6, 0.8]).view([4, 2])
    }

    #[test]
    fn triplet_loss_by_hand() {
        let loss = |margin, hinge| triplet_loss(&vectors(), &TRIPLETS, margin, hinge).unwrap().double_value(&[]);
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{a} {b}");
        // 0.4 − 2 + 0.5 < 0; 0.4 − 0.8 + 0.5 = 0.1: one of two is active.
        near(loss(0.5, Hinge::Hinge), 0.1);
        near(loss(0.1, Hinge::Hinge), 0.0);
        let softplus = |x: f64| (1.0 + x.exp()).ln();
        near(loss(0.5, Hinge::Softplus), (softplus(-1.1) + softplus(0.1)) / 2.0);
        let none = triplet_loss(&vectors(), &[], 0.5, Hinge::Hinge).unwrap();
        near(none.double_value(&[]), 0.0);
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let raw = Tensor::from_slice(&[1.0_f32, 0.2, 0.7, 0.9, -0.3, 1.1, 0.5, 0.6]).view([4, 2]);
        for hinge in [Hinge::Hinge, Hinge::Softplus] {
            crate::metric::gradient::assert_matches(&raw, |raw| {
                triplet_loss(&normalised(raw), &TRIPLETS, 0.5, hinge).unwrap()
            });
        }
    }
}
