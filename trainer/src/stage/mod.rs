//! Training stages. Each is a file: a configuration and an objective. [`fit`] is what they share.

pub mod anchor;
pub mod classify;
pub mod closed_form;
pub mod discriminate;
pub mod distill;
#[cfg(test)]
pub(crate) mod example;
pub mod finetune;
pub mod fit;
pub mod judge;
pub mod masked;
pub mod network;
pub mod optimiser;
pub mod simclr;
pub mod terms;
pub mod triplet;
pub mod whiten;

use audio_frontend::FrontEndConfig;

use crate::augment::AugmentConfig;
use crate::data::{Preferences, Roster, Teacher, Track};
use crate::model::Architecture;
use judge::Judge;

/// What every stage works with.
#[derive(Debug, Clone, Copy)]
pub struct Setup<'a> {
    /// Seed of the initial weights, the batches and the augmentation.
    pub seed: u64,
    /// How windows are made.
    pub front_end: &'a FrontEndConfig,
    /// Shape of the encoder.
    pub architecture: &'a Architecture,
    /// What is varied in a crop.
    pub augment: &'a AugmentConfig,
}

/// A teacher's vectors of the tracks that are learnt from, and of those that are validated on.
#[derive(Debug, Clone, Copy)]
pub struct Teachers<'a> {
    /// Of the first.
    pub training: &'a Teacher,
    /// Of the second.
    pub validation: &'a Teacher,
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
    /// Tracks that a stage's loss is validated on; may be empty.
    pub validation: &'a [Track],
    /// What listeners said of pairs of `tracks`.
    pub preferences: Option<&'a Preferences>,
    /// What the stage [`distill`] learns from.
    pub teachers: Option<Teachers<'a>>,
}

#[cfg(test)]
mod tests;
