//! Fine-tuning: from any model to other genres or other music. A new head finds its place while the
//! first layers stay as they are; then all of it moves, the encoder more slowly (Howard & Ruder 2018).

use audio_frontend::OutOfRange;
use serde::{Deserialize, Serialize};

use super::classify::{self, ClassifyConfig};
use super::fit::{FitConfig, Fitted, Surroundings};
use super::network::{NetworkWeights, Start};
use super::{Material, Setup};
use crate::error::Result;

/// Settings of the stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FinetuneConfig {
    /// Whether the classifier of the start is kept, where it knows the same genres.
    pub keep_head: bool,
    /// The objective, and how it moves.
    pub classify: ClassifyConfig,
}

impl Default for FinetuneConfig {
    fn default() -> Self {
        let classify = ClassifyConfig::default();
        let fit = FitConfig {
            steps: 1000,
            learning_rate: 5e-4,
            backbone_factor: 0.2,
            warm_up_share: 0.1,
            frozen_layers: 3,
            frozen_steps: 200,
            evaluate_every: 100,
            checkpoint_every: 100,
            ..classify.fit
        };
        Self { keep_head: false, classify: ClassifyConfig { fit, ..classify } }
    }
}

impl FinetuneConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn validate(&self) -> std::result::Result<(), OutOfRange> {
        self.classify.validate()
    }
}

/// Trains on from `start`.
///
/// # Errors
/// As [`classify::train`].
pub fn train(
    config: &FinetuneConfig,
    setup: Setup<'_>,
    material: Material<'_>,
    start: &Start,
    surroundings: Surroundings<'_>,
) -> Result<Fitted> {
    let start = match start {
        Start::Weights(weights) if !config.keep_head => {
            // Of no genre: so no classifier has the same.
            Start::Weights(NetworkWeights { bytes: weights.bytes.clone(), genres: Vec::new() })
        }
        start => start.clone(),
    };
    classify::train("finetune", &config.classify, setup, material, &start, surroundings)
}
