//! A head in closed form: what varies within a track is made small, so that what tells tracks apart counts.
//!
//! The last linear map of the encoder is set so that the scatter of a track's own crops, varied as in
//! training, is white (within-class covariance normalisation, Hatch et al. 2006, eq. 5), beside the map
//! that training has found. Stages before leave most of a vector's length in the few directions that
//! genres need; two halves of a track, or a noisy copy of it, are recognised by the others.

use audio_frontend::OutOfRange;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::network::{Network, NetworkWeights, Start};
use super::{Material, Setup};
use crate::data::sampler::{BatchConfig, Sampler};
use crate::error::Result;
use crate::evaluate::Retrieval;
use crate::model::Mode;
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

/// Tracks that are looked at, from all over the corpus: many more than a scatter of some hundred dimensions
/// needs.
const MOST_TRACKS: usize = 3000;

/// Tracks whose crops are looked at together.
const BATCH_TRACKS: usize = 8;

/// Gives a network the head in closed form; its other weights stay as they are.
///
/// # Errors
/// [`Error::Torch`](crate::Error::Torch), [`Error::Io`](crate::Error::Io), and as [`Network::begin`].
pub fn whiten(
    config: &WhitenConfig,
    setup: Setup<'_>,
    material: Material<'_>,
    start: &Start,
) -> Result<(NetworkWeights, Retrieval)> {
    let batch = BatchConfig { crops_per_track: config.crops_per_track, mixup_share: 0.0, ..Default::default() };
    let sampler = Sampler::new(material.tracks, material.roster, setup.front_end, setup.augment, &batch, setup.seed);
    let input = |tracks: &[usize], step| -> Result<Tensor> {
        Ok(sampler.batch(tracks, step)?.input(setup.front_end.mel_bands)?)
    };
    let count = material.tracks.len().min(MOST_TRACKS);
    let all: Vec<usize> = (0..count).map(|number| number * material.tracks.len() / count.max(1)).collect();
    let first = input(&all[..all.len().min(BATCH_TRACKS)], 0)?;
    let network = Network::begin(setup, &material.roster.genres, start, &first)?;
    let mut pooled = Vec::new();
    for (step, tracks) in all.chunks(BATCH_TRACKS).enumerate() {
        let input = input(tracks, step)?;
        pooled.push(guard("looking at crops", || {
            let _no_gradients = tch::no_grad_guard();
            Ok(network.encoder.pooled(&input, Mode::Serve).to_kind(Kind::Double))
        })?);
    }
    guard("whitening", || {
        let _no_gradients = tch::no_grad_guard();
        let pooled = Tensor::f_cat(&pooled, 0)?;
        let (weight, bias) = network.encoder.head().weight_and_bias();
        let trained = Map { weight: weight.to_kind(Kind::Double), bias: bias.to_kind(Kind::Double) };
        let white = white(&pooled, config)?;
        let head = together(&pooled, &white, &trained, config.trained_share)?;
        network.encoder.head().set(&head.weight.to_kind(Kind::Float), &head.bias.to_kind(Kind::Float));
        Ok(())
    })?;
    let (validation, _) = material.judge.judge(&network.encoder)?;
    Ok((network.weights()?, validation))
}

/// An affine map of pooled activations: out × in, and out.
struct Map {
    weight: Tensor,
    bias: Tensor,
}

impl Map {
    /// N × in to N × out.
    fn of(&self, x: &Tensor) -> Tensor {
        x.matmul(&self.weight.tr()) + &self.bias
    }
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

/// Both maps side by side, each with its share of the squared length, brought back to the trained one's size
/// along the directions that hold most of it.
fn together(pooled: &Tensor, white: &Map, trained: &Map, trained_share: f64) -> Result<Map> {
    let scale = |map: &Map, share: f64| {
        let squared = map.of(pooled).square().sum_dim_intlist([1_i64].as_slice(), false, Kind::Double);
        (share / squared.mean(Kind::Double).double_value(&[]).max(1e-12)).sqrt()
    };
    let (of_white, of_trained) = (scale(white, 1.0 - trained_share), scale(trained, trained_share));
    let both = Map {
        weight: Tensor::f_cat(&[&white.weight * of_white, &trained.weight * of_trained], 0)?,
        bias: Tensor::f_cat(&[&white.bias * of_white, &trained.bias * of_trained], 0)?,
    };
    let y = both.of(pooled);
    let (_, vectors) = y.tr().matmul(&y).f_linalg_eigh("L")?;
    // Ascending: the last ones hold most.
    let size = trained.weight.size()[0];
    let kept = vectors.f_narrow(1, vectors.size()[1] - size, size)?.tr();
    Ok(Map { weight: kept.matmul(&both.weight), bias: kept.mv(&both.bias) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four tracks of two crops in two dimensions: they differ along the second by 1, and each within itself
    /// along the first by 6.
    fn pooled() -> Tensor {
        let rows = [0.0, 1.0, 2.0, 3.0].map(|track: f64| [[-3.0, track], [3.0, track]]);
        Tensor::from_slice(&rows.concat().concat()).view([8, 2])
    }

    #[test]
    fn what_varies_within_a_track_is_made_small() {
        let config = WhitenConfig { crops_per_track: 2, regularisation: 0.01, ..Default::default() };
        let white = white(&pooled(), &config).unwrap();
        // Scatter: 9 along the first, 0 along the second; mean eigenvalue 4.5.
        let expected = [(9.0_f64 + 0.045).powf(-0.5), 0.0, 0.0, 0.045_f64.powf(-0.5)];
        let weight = Vec::<f64>::try_from(white.weight.view([-1])).unwrap();
        assert!(weight.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{weight:?}");
        let mean = Vec::<f64>::try_from(white.of(&pooled()).mean_dim([0_i64].as_slice(), false, Kind::Double)).unwrap();
        assert!(mean.iter().all(|value| value.abs() < 1e-9), "around the mean: {mean:?}");
    }

    #[test]
    fn both_maps_keep_their_share_of_the_length_and_all_cosines() {
        let pooled = pooled();
        let white = Map {
            weight: Tensor::from_slice(&[2.0_f64, 0.0, 0.0, 0.5]).view([2, 2]),
            bias: Tensor::from_slice(&[0.1_f64, 0.0]),
        };
        let trained = Map {
            weight: Tensor::eye(4, tch::kind::DOUBLE_CPU).narrow(1, 0, 2),
            bias: Tensor::zeros([4], tch::kind::DOUBLE_CPU),
        };
        let joined = together(&pooled, &white, &trained, 0.25).unwrap();
        assert_eq!(joined.weight.size(), [4, 2]);
        let squared = |map: &Map| map.of(&pooled).square().sum(Kind::Double).double_value(&[]) / 8.0;
        assert!((squared(&joined) - 1.0).abs() < 1e-9);
        // Two maps of two dimensions have four at most, and as many are kept: inner products are those of both.
        let parts = |map: &Map, share: f64| {
            let y = map.of(&pooled) * (share / squared(map)).sqrt();
            y.matmul(&y.tr())
        };
        let y = joined.of(&pooled);
        let difference = y.matmul(&y.tr()) - parts(&white, 0.75) - parts(&trained, 0.25);
        assert!(difference.abs().max().double_value(&[]) < 1e-9);
    }
}
