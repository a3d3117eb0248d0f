//! Genre classification: an encoder and a classifier on its unit vectors, trained with
//! cross-entropy on augmented crops.

use std::time::{Duration, Instant};

use audio_frontend::{Coverage, FrontEndConfig, OutOfRange, Windows};
use serde::{Deserialize, Serialize};
use tch::nn::{self, OptimizerConfig, VarStore};
use tch::{Device, Tensor};

use super::Setup;
use crate::data::LabelledTrack;
use crate::data::sampler::{Batch, Sampler};
use crate::embed::track_vector;
use crate::error::{Error, Result};
use crate::evaluate::{Labelled, Retrieval, retrieval};
use crate::model::heads::{CosineClassifier, cross_entropy};
use crate::model::{CnnEncoder, weights};
use crate::torch::guard;

/// Settings of the stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClassifyConfig {
    /// Optimiser steps.
    pub steps: usize,
    /// Crops a step.
    pub batch_crops: usize,
    /// Highest learning rate, reached after the warm-up; a half cosine brings it to 0.
    pub learning_rate: f64,
    /// Share of the steps over which the learning rate rises linearly.
    pub warm_up_share: f64,
    /// Decoupled weight decay (AdamW).
    pub weight_decay: f64,
    /// Share of the target that is spread over all genres.
    pub label_smoothing: f64,
    /// Steps between two looks at the validation artists.
    pub evaluate_every: usize,
}

impl Default for ClassifyConfig {
    fn default() -> Self {
        Self {
            steps: 1200,
            batch_crops: 64,
            learning_rate: 1e-3,
            warm_up_share: 0.05,
            weight_decay: 0.05,
            label_smoothing: 0.1,
            evaluate_every: 100,
        }
    }
}

impl ClassifyConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn validate(&self) -> std::result::Result<(), OutOfRange> {
        OutOfRange::check(&[
            (self.steps >= 1, "steps must be at least 1"),
            (self.batch_crops >= 2, "batch_crops must be at least 2"),
            (self.learning_rate > 0.0 && self.learning_rate < 1.0, "learning_rate must be in (0, 1)"),
            ((0.0..1.0).contains(&self.warm_up_share), "warm_up_share must be in [0, 1)"),
            ((0.0..1.0).contains(&self.weight_decay), "weight_decay must be in [0, 1)"),
            ((0.0..1.0).contains(&self.label_smoothing), "label_smoothing must be in [0, 1)"),
            (self.evaluate_every >= 1, "evaluate_every must be at least 1"),
        ])
    }

    /// Learning rate at a step: linear warm-up, then half a cosine.
    fn learning_rate_at(&self, step: usize) -> f64 {
        let warm_up = (self.warm_up_share * self.steps as f64).max(1.0);
        let step = step as f64;
        if step < warm_up {
            return self.learning_rate * (step + 1.0) / warm_up;
        }
        let done = (step - warm_up) / (self.steps as f64 - warm_up).max(1.0);
        self.learning_rate * 0.5 * (1.0 + (std::f64::consts::PI * done.min(1.0)).cos())
    }
}

/// What is told while the stage runs.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Steps done.
    pub step: usize,
    /// Cross-entropy of the step's batch.
    pub loss: f64,
    /// Present after a look at the validation artists.
    pub validation: Option<Retrieval>,
}

/// The encoder at its best.
#[derive(Debug, Clone)]
pub struct Trained {
    /// Safetensors bytes of the encoder.
    pub weights: Vec<u8>,
    /// Genres learnt, in the order of the labels.
    pub genres: Vec<String>,
    /// Steps done when the kept weights were reached.
    pub steps: usize,
    /// Validation retrieval of the kept weights.
    pub validation: Retrieval,
}

/// Batches made ahead of the network, by a thread of their own.
const BATCHES_AHEAD: usize = 3;

/// Trains from random weights and keeps the weights that retrieve best among the validation
/// artists. Ends early after `max_duration`.
///
/// # Errors
/// [`Error::TooLittleData`] with fewer than two genres; [`Error::Torch`]; [`Error::NotFinite`]
/// where the loss stops being a number.
pub fn train(
    training: &[LabelledTrack],
    validation: &[LabelledTrack],
    setup: Setup<'_>,
    stage: &ClassifyConfig,
    max_duration: Option<Duration>,
    mut report: impl FnMut(Progress),
) -> Result<Trained> {
    let sampler = Sampler::new(training, setup.front_end, setup.augment);
    let genres = sampler.genre_names().to_vec();
    if genres.len() < 2 {
        return Err(Error::TooLittleData { genres: genres.len() });
    }
    let started = Instant::now();
    std::thread::scope(|scope| {
        let (sender, batches) = std::sync::mpsc::sync_channel(BATCHES_AHEAD);
        let sampler = &sampler;
        scope.spawn(move || {
            // The other side hangs up when it has enough.
            (0..stage.steps)
                .map(|step| sampler.batch(stage.batch_crops, setup.seed, step))
                .all(|batch| sender.send(batch).is_ok())
        });
        let mut network = Network::new(setup, stage, genres.len())?;
        let mut best: Option<Trained> = None;
        for (step, batch) in batches.iter().enumerate() {
            let loss = network.step(&batch, stage, step)?;
            let out_of_time = max_duration.is_some_and(|limit| started.elapsed() >= limit);
            let last = step + 1 == stage.steps || out_of_time;
            let validation = if last || (step + 1) % stage.evaluate_every == 0 {
                let retrieval = network.evaluate(validation, setup.front_end)?;
                // With nothing to judge by, the latest weights are kept.
                let better = |best: &Trained| {
                    retrieval.queries == 0 || retrieval.mean_average_precision > best.validation.mean_average_precision
                };
                if best.as_ref().is_none_or(better) {
                    let weights = network.weights()?;
                    best = Some(Trained { weights, genres: genres.clone(), steps: step + 1, validation: retrieval });
                }
                Some(retrieval)
            } else {
                None
            };
            report(Progress { step: step + 1, loss, validation });
            if last {
                break;
            }
        }
        best.ok_or(Error::NotFinite { what: "the training run" })
    })
}

struct Network {
    variables: VarStore,
    encoder: CnnEncoder,
    classifier: CosineClassifier,
    optimizer: nn::Optimizer,
    bands: i64,
}

impl Network {
    fn new(setup: Setup<'_>, stage: &ClassifyConfig, genre_count: usize) -> Result<Self> {
        guard("building the network", || {
            tch::manual_seed(setup.seed as i64);
            let variables = VarStore::new(Device::Cpu);
            let encoder = CnnEncoder::new(&(variables.root() / "encoder"), setup.architecture);
            let classifier = CosineClassifier::new(
                &(variables.root() / "classifier"),
                setup.architecture.embedding_size,
                genre_count as i64,
            );
            let optimizer =
                nn::AdamW { wd: stage.weight_decay, ..Default::default() }.build(&variables, stage.learning_rate)?;
            Ok(Self { variables, encoder, classifier, optimizer, bands: setup.front_end.mel_bands as i64 })
        })
    }

    /// One optimiser step; the loss before it.
    fn step(&mut self, batch: &Batch, stage: &ClassifyConfig, step: usize) -> Result<f64> {
        let crops = batch.labels.len();
        guard("a training step", || {
            let input = Tensor::f_from_slice(&batch.log_mel)?.f_view([crops as i64, -1, self.bands])?;
            let labels = Tensor::f_from_slice(&batch.labels)?;
            let logits = self.classifier.forward(&self.encoder.forward_t(&input, true));
            let loss = cross_entropy(&logits, &labels, stage.label_smoothing);
            let value = loss.double_value(&[]);
            if !value.is_finite() {
                return Err(Error::NotFinite { what: "the training loss" });
            }
            self.optimizer.set_lr(stage.learning_rate_at(step));
            self.optimizer.backward_step_clip_norm(&loss, 1.0);
            Ok(value)
        })
    }

    fn evaluate(&self, tracks: &[LabelledTrack], front_end: &FrontEndConfig) -> Result<Retrieval> {
        let mut vectors = Vec::with_capacity(tracks.len());
        for track in tracks {
            let Some(windows) = Windows::of_track(&track.power, front_end, Coverage::Spread) else { continue };
            vectors.push((track_vector(&self.encoder, &windows, front_end)?, track));
        }
        let labelled: Vec<Labelled<'_>> = vectors
            .iter()
            .map(|(vector, track)| Labelled { vector, genre: &track.genre, artist: &track.artist })
            .collect();
        retrieval(&labelled)
    }

    fn weights(&self) -> Result<Vec<u8>> {
        guard("saving weights", || {
            weights::to_bytes(&self.variables, "encoder.")
                .map_err(|error| Error::Torch { operation: "saving weights", reason: error.to_string() })
        })
    }
}

#[cfg(test)]
mod tests {
    use audio_frontend::MelPower;

    use super::*;
    use crate::config::TrainConfig;
    use crate::model::CnnConfig;

    /// Two genres that differ in which half of the bands they use, three artists each.
    fn tracks() -> Vec<LabelledTrack> {
        let mut tracks = Vec::new();
        for (genre, low) in [("bass", true), ("treble", false)] {
            for artist in 0..3 {
                let row = |frame: usize| {
                    (0..8).map(move |band| {
                        let inside = (band < 4) == low;
                        let level = if inside { 1.0 } else { 0.01 };
                        level * (1.0 + 0.5 * ((frame * (artist + 2) + band) as f32).sin())
                    })
                };
                let power = MelPower::from_rows(8, (0..120).flat_map(row).collect());
                tracks.push(LabelledTrack { power, genre: genre.into(), artist: format!("{genre} {artist}") });
            }
        }
        tracks
    }

    fn tiny(steps: usize) -> TrainConfig {
        TrainConfig {
            front_end: FrontEndConfig { mel_bands: 8, window_frames: 16, ..Default::default() },
            architecture: CnnConfig { channels: vec![4], embedding_size: 8 },
            classify: ClassifyConfig {
                steps,
                batch_crops: 16,
                learning_rate: 0.01,
                evaluate_every: 10,
                ..Default::default()
            },
            ..Default::default()
        }
    }

    #[test]
    fn the_loss_falls_genres_separate_and_a_seed_repeats_the_run() {
        crate::use_one_thread();
        let tracks = tracks();
        let mut losses = Vec::new();
        let run = |losses: &mut Vec<f64>| {
            train(&tracks, &tracks, tiny(40).setup(), &tiny(40).classify, None, |now| losses.push(now.loss)).unwrap()
        };
        let trained = run(&mut losses);
        let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
        assert!(mean(&losses[30..]) < 0.7 * mean(&losses[..5]), "{losses:?}");
        assert!(trained.validation.mean_average_precision > 0.95, "{:?}", trained.validation);
        assert_eq!(trained.genres, ["bass", "treble"]);
        assert_eq!(trained.weights, run(&mut Vec::new()).weights);
    }

    #[test]
    fn one_genre_is_too_little() {
        let tracks: Vec<_> = tracks().into_iter().filter(|track| track.genre == "bass").collect();
        let error = train(&tracks, &tracks, tiny(1).setup(), &tiny(1).classify, None, |_| ()).unwrap_err();
        assert!(matches!(error, Error::TooLittleData { .. }));
    }

    #[test]
    fn the_learning_rate_rises_then_falls_to_zero() {
        let stage = ClassifyConfig { steps: 100, warm_up_share: 0.1, learning_rate: 1.0, ..Default::default() };
        assert_eq!(stage.learning_rate_at(0), 0.1);
        assert_eq!(stage.learning_rate_at(9), 1.0);
        assert_eq!(stage.learning_rate_at(10), 1.0);
        assert!((stage.learning_rate_at(55) - 0.5).abs() < 1e-9);
        assert!(stage.learning_rate_at(99) < 0.001);
    }
}
