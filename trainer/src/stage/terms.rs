//! What stages ask of a batch's vectors; each stage adds up its own mixture.

use audio_frontend::OutOfRange;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::network::Network;
use crate::data::batch::{Batch, BatchConfig};
use crate::error::Result;
use crate::metric::loss::cross_entropy::cross_entropy;
use crate::metric::loss::supervised_contrastive::{relation_matrix, supervised_contrastive};
use crate::metric::{Crop, Relations};
use crate::model::embedding_head::normalised;

/// Genres told apart: cross-entropy of the labelled crops.
///
/// # Errors
/// [`Error::Torch`](crate::Error::Torch).
pub fn genre(network: &Network, vectors: &Tensor, batch: &Batch, label_smoothing: f64) -> Result<Tensor> {
    let logits = network.classifier.forward(vectors);
    let targets = Tensor::f_from_slice(&batch.targets)?.f_view([batch.crops.len() as i64, -1])?;
    Ok(cross_entropy(&logits, &targets, label_smoothing))
}

/// How tracks are told apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SameTrackConfig {
    /// Weight beside the stage's other terms, 0 or more; 0: tracks are not told apart.
    pub weight: f64,
    /// Temperature of the softmax over cosines, above 0.
    pub temperature: f64,
    /// Crops whose mean is a view of a track, as the mean of its windows serves; 1: each by itself. It divides
    /// the batch's `crops_per_track` into two views or more.
    pub crops_per_view: usize,
    /// Whether a track is also told from others by its artist, which may well sound the same. Few of these meet
    /// in a batch unless its `tracks_per_artist` is above 1.
    pub within_artist: bool,
}

impl Default for SameTrackConfig {
    fn default() -> Self {
        Self { weight: 2.0, temperature: 0.1, crops_per_view: 1, within_artist: false }
    }
}

impl SameTrackConfig {
    /// Checks every field against the batches of its stage.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn validate(&self, batch: &BatchConfig) -> std::result::Result<(), OutOfRange> {
        OutOfRange::check(&[
            (self.weight >= 0.0, "same_track.weight must be at least 0"),
            (self.temperature > 0.0, "same_track.temperature must be above 0"),
            (
                self.crops_per_view >= 1 && batch.crops_per_track.is_multiple_of(self.crops_per_view),
                "same_track.crops_per_view must divide batch.crops_per_track",
            ),
            (
                self.weight == 0.0 || batch.crops_per_track >= 2 * self.crops_per_view,
                "same_track.crops_per_view must leave two views of a track",
            ),
        ])
    }
}

/// Views of a track told from all others: needs no labels. `vectors` are those of the batch's crops, those
/// of a track one after the other.
pub fn same_track(vectors: &Tensor, crops: &[Crop], config: &SameTrackConfig) -> Tensor {
    let a_view = config.crops_per_view;
    let views: Vec<Crop> = crops.iter().copied().step_by(a_view).collect();
    let vectors = match a_view {
        1 => vectors.shallow_clone(),
        _ => {
            let by_view = vectors.view([views.len() as i64, a_view as i64, -1]);
            normalised(&by_view.mean_dim([1_i64].as_slice(), false, Kind::Float))
        }
    };
    let relations = Relations(&views);
    let positives = relation_matrix(views.len(), views.len(), |a, b| a != b && relations.same_track(a, b));
    let negatives = relation_matrix(views.len(), views.len(), |a, b| {
        !relations.same_track(a, b) && (config.within_artist || views[a].artist != views[b].artist)
    });
    supervised_contrastive(&vectors, &positives, &negatives, config.temperature)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two tracks of one artist, two crops each.
    const CROPS: [Crop; 4] = [
        Crop { track: 0, artist: 0, genre: None },
        Crop { track: 0, artist: 0, genre: None },
        Crop { track: 1, artist: 0, genre: None },
        Crop { track: 1, artist: 0, genre: None },
    ];

    fn value(vectors: &[[f32; 2]], crops: &[Crop], config: &SameTrackConfig) -> f64 {
        let vectors = Tensor::from_slice(vectors.as_flattened()).view([-1, 2]);
        same_track(&vectors, crops, config).double_value(&[])
    }

    #[test]
    fn tracks_of_one_artist_are_told_apart_only_if_asked() {
        let vectors = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]];
        let config = SameTrackConfig { temperature: 1.0, ..Default::default() };
        // Nothing but the positive counts: ln 1.
        assert!(value(&vectors, &CROPS, &config).abs() < 1e-6);
        // Beside the positive, e¹, two negatives, e⁰.
        let config = SameTrackConfig { within_artist: true, ..config };
        let expected = -(1_f64.exp() / (1_f64.exp() + 2.0)).ln();
        assert!((value(&vectors, &CROPS, &config) - expected).abs() < 1e-5);
    }

    #[test]
    fn a_view_is_the_mean_of_its_crops() {
        let config = SameTrackConfig { crops_per_view: 2, within_artist: true, ..Default::default() };
        let crops: Vec<Crop> = [0, 0, 0, 0, 1, 1, 1, 1].map(|track| Crop { track, artist: 0, genre: None }).to_vec();
        let spread = [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [0.0, -1.0], [0.0, -1.0], [1.0, 0.0]];
        let diagonal = |sign: f32| [0.5_f32.sqrt(), sign * 0.5_f32.sqrt()];
        let means = [diagonal(1.0), diagonal(1.0), diagonal(-1.0), diagonal(-1.0)];
        let single = SameTrackConfig { crops_per_view: 1, ..config.clone() };
        assert!((value(&spread, &crops, &config) - value(&means, &CROPS, &single)).abs() < 1e-5);
    }

    #[test]
    fn the_gradient_goes_through_the_mean_of_a_view() {
        let config = SameTrackConfig { crops_per_view: 2, within_artist: true, ..Default::default() };
        let crops: Vec<Crop> = [0, 0, 0, 0, 1, 1, 1, 1].map(|track| Crop { track, artist: 0, genre: None }).to_vec();
        let vectors: Vec<f32> = (0..16).map(|n| (n as f32 * 1.7).sin()).collect();
        let vectors = Tensor::from_slice(&vectors).view([8, 2]);
        crate::metric::gradient::assert_matches(&vectors, |vectors| same_track(vectors, &crops, &config));
    }

    #[test]
    fn views_fit_into_the_crops_of_a_track() {
        let batch = |crops_per_track| BatchConfig { crops_per_track, ..Default::default() };
        let config = SameTrackConfig { crops_per_view: 2, ..Default::default() };
        config.validate(&batch(4)).unwrap();
        for wrong in [2, 5] {
            assert!(config.validate(&batch(wrong)).is_err(), "{wrong}");
        }
    }
}
