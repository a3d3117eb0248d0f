//! Training stages.

pub mod classify;

use audio_frontend::FrontEndConfig;

use crate::augment::AugmentConfig;
use crate::model::CnnConfig;

/// What every stage works with.
#[derive(Debug, Clone, Copy)]
pub struct Setup<'a> {
    /// Seed of the initial weights, the batches and the augmentation.
    pub seed: u64,
    /// How windows are made.
    pub front_end: &'a FrontEndConfig,
    /// Shape of the encoder.
    pub architecture: &'a CnnConfig,
    /// What is varied in a crop.
    pub augment: &'a AugmentConfig,
}
