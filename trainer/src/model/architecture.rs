//! Shape of the convolutional network.

use audio_frontend::OutOfRange;
use serde::{Deserialize, Serialize};

use super::pool::Pooling;

/// Shape of the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CnnConfig {
    /// Channels of the blocks; each block halves both axes.
    pub channels: Vec<i64>,
    /// Length of an embedding.
    pub embedding_size: i64,
    /// Kind of the blocks.
    #[serde(default)]
    pub block: BlockKind,
    /// How activations are pooled over time.
    #[serde(default)]
    pub pooling: Pooling,
    /// Which blocks the head looks at.
    #[serde(default)]
    pub taps: Taps,
    /// Whether batch normalisation is folded into the convolutions: a network that only serves.
    #[serde(default)]
    pub folded: bool,
}

/// Blocks whose pooled activations the head looks at. The last ones know genres; the first ones keep the sound
/// of a recording, by which its other half or a copy is recognised.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Taps {
    /// The last one.
    #[default]
    Last,
    /// All of them, side by side.
    All,
}

/// Kind of a block.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlockKind {
    /// [`ResidualBlock`](super::residual::ResidualBlock).
    #[default]
    Residual,
    /// [`InvertedBlock`](super::inverted::InvertedBlock), widened threefold.
    Inverted,
}

impl Default for CnnConfig {
    fn default() -> Self {
        Self {
            channels: vec![32, 64, 96, 128],
            embedding_size: 128,
            block: Default::default(),
            pooling: Default::default(),
            taps: Taps::All,
            folded: false,
        }
    }
}

impl CnnConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn validate(&self) -> Result<(), OutOfRange> {
        let sizes = 1..=4096;
        let channels = !self.channels.is_empty() && self.channels.iter().all(|channels| sizes.contains(channels));
        OutOfRange::check(&[
            (channels, "channels must hold numbers in 1..=4096"),
            ((2..=4096).contains(&self.embedding_size), "embedding_size must be in 2..=4096"),
        ])
    }

    /// The same network, with or without batch normalisation of its own.
    pub fn with_folded(&self, folded: bool) -> Self {
        Self { folded, ..self.clone() }
    }
}
