//! Crops that a network sees together.

use audio_frontend::OutOfRange;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::metric::Crop;
use crate::metric::miner::Triplet;

/// What a batch is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BatchConfig {
    /// Genres of a batch (P), as far as there are as many; 0: labels are not looked at, and all tracks are drawn
    /// as if they had none.
    pub genres: usize,
    /// Tracks of each of them (K), by as many artists as there are, or as `tracks_per_artist` leaves.
    pub tracks_per_genre: usize,
    /// Tracks of no genre, where there are any.
    pub unlabelled_tracks: usize,
    /// Tracks of one artist that are drawn together, where they have as many.
    pub tracks_per_artist: usize,
    /// Crops of each track, at least 2: two crops of a track are always alike.
    pub crops_per_track: usize,
    /// Listeners' preferences that a batch holds at most, where there are any; their tracks come on top.
    pub preferences: usize,
    /// Share of crops that are varied; the others are heard as they are.
    pub varied_share: f32,
    /// Share of batches whose examples are mixed with each other.
    pub mixup_share: f32,
    /// How far they are mixed: see [`mixup`](crate::augment::mixup::mixup).
    pub mixup_strength: f32,
}

impl Default for BatchConfig {
    fn default() -> Self {
        Self {
            genres: 8,
            tracks_per_genre: 3,
            unlabelled_tracks: 8,
            tracks_per_artist: 1,
            crops_per_track: 2,
            preferences: 8,
            varied_share: 1.0,
            mixup_share: 0.1,
            mixup_strength: 1.0,
        }
    }
}

impl BatchConfig {
    /// Tracks of as many artists, whatever their genre; nothing is mixed.
    pub fn without_labels() -> Self {
        Self { genres: 0, unlabelled_tracks: 32, mixup_share: 0.0, ..Default::default() }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn validate(&self) -> std::result::Result<(), OutOfRange> {
        OutOfRange::check(&[
            (self.genres <= 1000, "genres must be in 0..=1000"),
            (self.genres + self.unlabelled_tracks > 0, "genres and unlabelled_tracks must not both be 0"),
            ((1..=1000).contains(&self.tracks_per_genre), "tracks_per_genre must be in 1..=1000"),
            ((1..=1000).contains(&self.tracks_per_artist), "tracks_per_artist must be in 1..=1000"),
            (self.unlabelled_tracks <= 10_000, "unlabelled_tracks must be in 0..=10000"),
            ((2..=100).contains(&self.crops_per_track), "crops_per_track must be in 2..=100"),
            (self.preferences <= 1000, "preferences must be in 0..=1000"),
            ((0.0..=1.0).contains(&self.varied_share), "varied_share must be in 0..=1"),
            ((0.0..=1.0).contains(&self.mixup_share), "mixup_share must be in 0..=1"),
            ((0.0..=1.0).contains(&self.mixup_strength), "mixup_strength must be in 0..=1"),
        ])
    }
}

/// Crops and what is known of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Log-mels in dB, shape crops × frames × bands.
    pub log_mel: Vec<f32>,
    /// One a crop.
    pub crops: Vec<Crop>,
    /// Share of each genre, shape crops × genres; all 0 for unlabelled crops.
    pub targets: Vec<f32>,
    /// Whether crops are mixed with each other: then only the targets say what they are.
    pub is_mixed: bool,
    /// Which crops listeners prefer to which others.
    pub preferences: Vec<Triplet>,
    /// A teacher's vectors of the crops, crops × its dimension; empty without a teacher.
    pub taught: Vec<f32>,
    /// The step that it was made for: random choices of a stage follow from it.
    pub step: usize,
}

impl Batch {
    /// Log-mels as the network takes them, crops × frames × bands.
    ///
    /// # Errors
    /// Where libtorch cannot copy.
    pub fn input(&self, bands: usize) -> std::result::Result<Tensor, tch::TchError> {
        Tensor::f_from_slice(&self.log_mel)?.f_view([self.crops.len() as i64, -1, bands as i64])
    }
}
