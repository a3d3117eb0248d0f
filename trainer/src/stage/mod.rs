//! Training stages. Each is a file: a configuration and an objective. [`fit`] is what they share.

pub mod classify;
pub mod finetune;
pub mod fit;
pub mod judge;
pub mod network;
pub mod optimiser;
pub mod terms;
pub mod triplet;
pub mod whiten;

use audio_frontend::FrontEndConfig;

use crate::augment::AugmentConfig;
use crate::data::{Roster, Track};
use crate::model::CnnConfig;
use judge::Judge;

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

/// What every stage learns from and is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Material<'a> {
    /// Tracks to learn from.
    pub tracks: &'a [Track],
    /// Their numbers.
    pub roster: &'a Roster,
    /// The validation artists.
    pub judge: &'a Judge,
}
