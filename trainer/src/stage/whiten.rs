//! A head in closed form: what varies within a track is made small, so that what tells tracks apart counts.
//!
//! The last linear map of the encoder is set so that the scatter of a track's own crops, varied as in
//! training, is white (within-class covariance normalisation, Hatch et al. 2006, eq. 5), beside the map
//! that training has found. Stages before leave most of a vector's length in the few directions that
//! genres need; two halves of a track, or a noisy copy of it, are recognised by the others.

use audio_frontend::OutOfRange;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::closed_form::{Map, pooled_crops, together};
use super::network::{NetworkWeights, Start};
use super::{Material, Setup};
use crate::error::Result;
use crate::evaluate::Retrieval;
use crate::torch::guard;

/// Settings of the stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WhitenConfig {
    /// Crops of each track that its scatter is measured by.
    pub crops_per_track: usize,
    /// Added to the scatter, in mean eigenvalues: directions of next to no scatter, which may be chance, do
    /// not outweigh all others.
    pub regularisation: f64,
    /// Share of a vector's squared length that stays with the map of training.
    pub trained_share: f64,
}

impl Default for WhitenConfig {
    fn default() -> Self {
        Self { crops_per_track: 8, regularisation: 1.0, trained_share: 0.5 }
    }
}

impl WhitenConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn validate(&self) -> std::result::Result<(), OutOfRange> {
        OutOfRange::check(&[
            ((2..=1000).contains(&self.crops_per_track), "crops_per_track must be in 2..=1000"),
            (self.regularisation > 0.0, "regularisation must be above 0"),
            ((0.0..=1.0).contains(&self.trained_share), "trained_share must be in 0..=1"),
        ])
    }
}

/// Gives a network the head in closed form; its other weights stay as they are.
///
/// # Errors
/// As [`pooled_crops`].
pub fn whiten(
    config: &WhitenConfig,
    setup: Setup<'_>,
    material: Material<'_>,
    start: &Start,
) -> Result<(NetworkWeights, Retrieval)> {
    let (network, _, pooled) = pooled_crops(config.crops_per_track, 1.0, setup, material, start)?;
    guard("whitening", || {
        let _no_gradients = tch::no_grad_guard();
        let trained = Map::of_head(&network);
        let white = white(&pooled, config)?;
        let head = together(&pooled, &white, &trained, config.trained_share)?;
        network.encoder.head().set(&head.weight.to_kind(Kind::Float), &head.bias.to_kind(Kind::Float));
        Ok(())
    })?;
    let (validation, _) = material.judge.judge(&network.encoder)?;
    Ok((network.weights()?, validation))
}

/// (S + r·λ̄·I)^−½ around the mean, where S is the scatter within tracks, whose crops follow each other, and
/// λ̄ its mean eigenvalue.
fn white(pooled: &Tensor, config: &WhitenConfig) -> Result<Map> {
    let size = pooled.size()[1];
    let by_track = pooled.f_view([-1, config.crops_per_track as i64, size])?;
    let deviation = (&by_track - by_track.mean_dim([1_i64].as_slice(), true, Kind::Double)).f_view([-1, size])?;
    let scatter = deviation.tr().matmul(&deviation) / deviation.size()[0] as f64;
    let (eigenvalues, vectors) = scatter.f_linalg_eigh("L")?;
    let floor = eigenvalues.mean(Kind::Double) * config.regularisation;
    let scale = (eigenvalues.clamp_min(0.0) + floor).rsqrt();
    let weight = (&vectors * scale).matmul(&vectors.tr());
    let bias = -weight.mv(&pooled.mean_dim([0_i64].as_slice(), false, Kind::Double));
    Ok(Map { weight, bias })
}

#[cfg(test)]
mod tests {
    use super::super::closed_form::example;
    use super::*;

    #[test]
    fn what_varies_within_a_track_is_made_small() {
        let config = WhitenConfig { crops_per_track: 2, regularisation: 0.01, ..Default::default() };
        let white = white(&example(), &config).unwrap();
        // Scatter: 9 along the first, 0 along the second; mean eigenvalue 4.5.
        let expected = [(9.0_f64 + 0.045).powf(-0.5), 0.0, 0.0, 0.045_f64.powf(-0.5)];
        let weight = Vec::<f64>::try_from(white.weight.view([-1])).unwrap();
        assert!(weight.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{weight:?}");
        let mean =
            Vec::<f64>::try_from(white.of(&example()).mean_dim([0_i64].as_slice(), false, Kind::Double)).unwrap();
        assert!(mean.iter().all(|value| value.abs() < 1e-9), "around the mean: {mean:?}");
    }
}
