//! Genre classification: cross-entropy on labelled crops, and with it crops of one track told from all
//! others, which needs no labels and outlasts them.

use audio_frontend::OutOfRange;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::anchor::Anchor;
use super::fit::{FitConfig, Fitted, Keep, Objective, Stage, StepLoss, Surroundings, fit};
use super::network::{Network, Start};
use super::terms::SameTrackConfig;
use super::{Material, Setup, terms};
use crate::data::batch::{Batch, BatchConfig};
use crate::error::{Error, Result};
use crate::model::Mode;

/// Settings of the stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClassifyConfig {
    /// Share of the target that is spread over all genres.
    pub label_smoothing: f64,
    /// Telling tracks apart, beside the weight 1 of telling genres apart.
    pub same_track: SameTrackConfig,
    /// Weight of staying near to what the stage starts from ([`Anchor`]), 0 or more.
    pub stay_weight: f64,
    /// What batches are made of.
    pub batch: BatchConfig,
    /// How it moves.
    pub fit: FitConfig,
}

impl Default for ClassifyConfig {
    fn default() -> Self {
        Self {
            label_smoothing: 0.1,
            same_track: SameTrackConfig::default(),
            stay_weight: 0.0,
            batch: BatchConfig::default(),
            fit: FitConfig { patience: 8, keep: Keep::Retrieval, ..Default::default() },
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
            ((0.0..1.0).contains(&self.label_smoothing), "label_smoothing must be in [0, 1)"),
            (self.stay_weight >= 0.0, "stay_weight must be at least 0"),
        ])?;
        self.batch.validate()?;
        self.same_track.validate(&self.batch)?;
        self.fit.validate()
    }
}

struct Classify<'a> {
    name: &'static str,
    config: &'a ClassifyConfig,
    anchor: Option<Anchor>,
}

impl Objective for Classify<'_> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn loss(&self, network: &Network, log_mel: &Tensor, batch: &Batch, mode: Mode) -> Result<StepLoss> {
        let vectors = network.encoder.forward(log_mel, mode);
        let mut loss = terms::genre(network, &vectors, batch, self.config.label_smoothing)?;
        if self.config.same_track.weight > 0.0 && !batch.is_mixed {
            let same_track = &self.config.same_track;
            loss += terms::same_track(&vectors, &batch.crops, same_track) * same_track.weight;
        }
        if let Some(anchor) = &self.anchor {
            loss += anchor.distance(log_mel, &vectors) * self.config.stay_weight;
        }
        Ok(StepLoss { loss, vectors, active_triplets: None })
    }
}

/// Trains on genres from `start`. `name` tells first training from fine-tuning.
///
/// # Errors
/// [`Error::TooLittleData`] with fewer than two genres, and as [`fit`].
pub fn train(
    name: &'static str,
    config: &ClassifyConfig,
    setup: Setup<'_>,
    material: Material<'_>,
    start: &Start,
    surroundings: Surroundings<'_>,
) -> Result<Fitted> {
    let genres = material.roster.genres.len();
    if genres < 2 {
        return Err(Error::TooLittleData { genres, tracks: material.tracks.len() });
    }
    let objective = |network: &Network| -> Result<Box<dyn Objective>> {
        let anchor = (config.stay_weight > 0.0).then(|| Anchor::of(setup, network)).transpose()?;
        Ok(Box::new(Classify { name, config, anchor }))
    };
    let stage = Stage::new(setup, material, &config.fit, &config.batch, &objective);
    fit(&stage, start, surroundings)
}
