//! What heads in closed form share: pooled activations of many tracks' crops, and maps of them put side by side.

use tch::{Kind, Tensor};

use super::network::{Network, Start};
use super::{Material, Setup};
use crate::data::batch::BatchConfig;
use crate::data::sampler::Sampler;
use crate::error::Result;
use crate::model::Mode;
use crate::torch::guard;

/// Tracks that are looked at, from all over the corpus: many more than a scatter of some hundred dimensions
/// needs.
const MOST_TRACKS: usize = 3000;

/// Tracks whose crops are looked at together.
const BATCH_TRACKS: usize = 8;

/// The network that a stage starts from, the tracks that were looked at, and the pooled activations of their crops, tracks ·
/// crops × size, those of a track one after the other. `varied_share` of the crops are varied as in training.
///
/// # Errors
/// [`Error::Torch`](crate::Error::Torch), [`Error::Io`](crate::Error::Io), and as [`Network::begin`].
pub fn pooled_crops(
    crops_per_track: usize,
    varied_share: f32,
    setup: Setup<'_>,
    material: Material<'_>,
    start: &Start,
) -> Result<(Network, Vec<usize>, Tensor)> {
    let batch = BatchConfig { crops_per_track, varied_share, mixup_share: 0.0, ..Default::default() };
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
    let pooled = guard("looking at crops", || Ok(Tensor::f_cat(&pooled, 0)?))?;
    Ok((network, all, pooled))
}

/// An affine map of pooled activations.
#[derive(Debug)]
pub struct Map {
    /// Out × in.
    pub weight: Tensor,
    /// Out.
    pub bias: Tensor,
}

impl Map {
    /// The one that a network has, in double precision.
    pub fn of_head(network: &Network) -> Self {
        let (weight, bias) = network.encoder.head().weight_and_bias();
        Self { weight: weight.to_kind(Kind::Double), bias: bias.to_kind(Kind::Double) }
    }

    /// Mean squared length of what it makes of `vectors` (N × in).
    pub fn squared_length(&self, vectors: &Tensor) -> f64 {
        let squared = self.of(vectors).square().sum_dim_intlist([1_i64].as_slice(), false, Kind::Double);
        squared.mean(Kind::Double).double_value(&[])
    }

    /// N × in to N × out.
    pub fn of(&self, x: &Tensor) -> Tensor {
        x.matmul(&self.weight.tr()) + &self.bias
    }
}

/// Both maps side by side, each with its share of the squared length, brought back to the trained one's size
/// along the directions that hold most of it.
pub fn together(pooled: &Tensor, new: &Map, trained: &Map, trained_share: f64) -> Result<Map> {
    let scale = |map: &Map, share: f64| (share / map.squared_length(pooled).max(1e-12)).sqrt();
    let (of_new, of_trained) = (scale(new, 1.0 - trained_share), scale(trained, trained_share));
    let both = Map {
        weight: Tensor::f_cat(&[&new.weight * of_new, &trained.weight * of_trained], 0)?,
        bias: Tensor::f_cat(&[&new.bias * of_new, &trained.bias * of_trained], 0)?,
    };
    let y = both.of(pooled);
    let (_, vectors) = y.tr().matmul(&y).f_linalg_eigh("L")?;
    // Ascending: the last ones hold most.
    let size = trained.weight.size()[0];
    let kept = vectors.f_narrow(1, vectors.size()[1] - size, size)?.tr();
    Ok(Map { weight: kept.matmul(&both.weight), bias: kept.mv(&both.bias) })
}

/// Four tracks of two crops in two dimensions: they differ along the second by 1, and each within itself along the first
/// by 6.
#[cfg(test)]
pub(super) fn example() -> Tensor {
    let rows = [0.0, 1.0, 2.0, 3.0].map(|track: f64| [[-3.0, track], [3.0, track]]);
    Tensor::from_slice(&rows.concat().concat()).view([8, 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_maps_keep_their_share_of_the_length_and_all_cosines() {
        let pooled = example();
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
