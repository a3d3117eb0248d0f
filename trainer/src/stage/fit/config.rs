//! Settings that all stages share.

use audio_frontend::OutOfRange;
use serde::{Deserialize, Serialize};

/// How a stage moves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitConfig {
    /// Optimiser steps at most.
    pub steps: usize,
    /// Highest learning rate, reached after the warm-up; half a cosine brings it to 0.
    pub learning_rate: f64,
    /// Factor of the learning rate below the encoder's head.
    pub backbone_factor: f64,
    /// Share of the steps over which the learning rate rises linearly.
    pub warm_up_share: f64,
    /// Decoupled weight decay; norms and biases do not decay.
    pub weight_decay: f64,
    /// Longest gradient; a longer one is scaled to it.
    pub clip_norm: f64,
    /// What is kept of the average of weights in each step; 0: no averaging.
    pub average_decay: f64,
    /// Layers, counted from the stem, that stay as they are for the first `frozen_steps`.
    pub frozen_layers: usize,
    /// See `frozen_layers`.
    pub frozen_steps: usize,
    /// Steps between two looks at the validation artists.
    pub evaluate_every: usize,
    /// Looks without a better one after which the stage ends; 0: it goes on to the last step.
    pub patience: usize,
    /// Steps between two checkpoints.
    pub checkpoint_every: usize,
    /// Which weights a stage leaves.
    pub keep: Keep,
    /// With [`Keep::Retrieval`], what the mean average precision has to be above that of the weights that are kept so far.
    pub least_gain: f64,
}

/// Which of the weights that were looked at a stage leaves, and what its patience goes by. Where nothing can be
/// validated, the last ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// Those that retrieved best among the validation artists, by mean average precision.
    Retrieval,
    /// Those of the smallest loss on the validation tracks: needs no labels.
    ValidationLoss,
}

impl Default for FitConfig {
    fn default() -> Self {
        Self {
            steps: 600,
            learning_rate: 2e-3,
            backbone_factor: 1.0,
            warm_up_share: 0.05,
            weight_decay: 0.05,
            clip_norm: 1.0,
            average_decay: 0.99,
            frozen_layers: 0,
            frozen_steps: 0,
            evaluate_every: 100,
            patience: 0,
            checkpoint_every: 100,
            keep: Keep::ValidationLoss,
            least_gain: 0.0,
        }
    }
}

impl FitConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn validate(&self) -> std::result::Result<(), OutOfRange> {
        OutOfRange::check(&[
            (self.steps >= 1, "steps must be at least 1"),
            (self.learning_rate > 0.0 && self.learning_rate < 1.0, "learning_rate must be in (0, 1)"),
            ((0.0..=1.0).contains(&self.backbone_factor), "backbone_factor must be in 0..=1"),
            ((0.0..1.0).contains(&self.warm_up_share), "warm_up_share must be in [0, 1)"),
            ((0.0..1.0).contains(&self.weight_decay), "weight_decay must be in [0, 1)"),
            (self.clip_norm > 0.0, "clip_norm must be above 0"),
            ((0.0..1.0).contains(&self.average_decay), "average_decay must be in [0, 1)"),
            (self.evaluate_every >= 1, "evaluate_every must be at least 1"),
            (self.checkpoint_every >= 1, "checkpoint_every must be at least 1"),
            (self.least_gain >= 0.0, "least_gain must be at least 0"),
        ])
    }

    /// Layers that stay as they are at a step.
    pub(super) fn frozen_layers_at(&self, step: usize) -> usize {
        if step < self.frozen_steps { self.frozen_layers } else { 0 }
    }
}
