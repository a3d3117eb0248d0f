//! Shapes of networks, as a configuration and a card hold them.

use audio_frontend::{FrontEndConfig, OutOfRange};
use serde::{Deserialize, Serialize};

use super::pool::Pooling;

/// Shape of a network. In TOML it is the table of a [`CnnConfig`] or, with `kind = "vit"`, of a [`VitConfig`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "toml::Table", into = "toml::Table")]
pub enum Architecture {
    /// A convolutional network.
    Cnn(CnnConfig),
    /// A vision transformer.
    Vit(VitConfig),
}

/// Key of an architecture's table. Tables of the first cards had none, and were convolutional networks.
const KIND: &str = "kind";

impl Architecture {
    /// The default shape of a kind of network, `cnn` or `vit`.
    pub fn of_kind(kind: &str) -> Option<Self> {
        match kind {
            "cnn" => Some(Self::Cnn(CnnConfig::default())),
            "vit" => Some(Self::Vit(VitConfig::default())),
            _ => None,
        }
    }

    /// Length of an embedding.
    pub fn embedding_size(&self) -> i64 {
        match self {
            Self::Cnn(config) => config.embedding_size,
            Self::Vit(config) => config.embedding_size,
        }
    }

    /// Whether it only serves: batch normalisation is part of the maps before it.
    pub fn is_folded(&self) -> bool {
        match self {
            Self::Cnn(config) => config.folded,
            Self::Vit(config) => config.folded,
        }
    }

    /// The same network, with or without batch normalisation of its own.
    pub fn with_folded(&self, folded: bool) -> Self {
        match self {
            Self::Cnn(config) => Self::Cnn(CnnConfig { folded, ..config.clone() }),
            Self::Vit(config) => Self::Vit(VitConfig { folded, ..config.clone() }),
        }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn validate(&self) -> Result<(), OutOfRange> {
        match self {
            Self::Cnn(config) => config.validate(),
            Self::Vit(config) => config.validate(),
        }
    }

    /// Checks whether it can be trained on such windows.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn validate_training(&self, front_end: &FrontEndConfig) -> Result<(), OutOfRange> {
        let crashes = match self {
            Self::Cnn(config) => config.channels.iter().any(|channels| channels % 16 != 0),
            Self::Vit(_) => false,
        };
        let divided = match self {
            Self::Cnn(_) => true,
            Self::Vit(config) => {
                (front_end.window_frames as i64) % config.patch_frames == 0
                    && (front_end.mel_bands as i64) % config.patch_bands == 0
            }
        };
        OutOfRange::check(&[
            (!crashes, "channels must be multiples of 16: libtorch 2.13 crashes in training with some others"),
            (divided, "patch_frames and patch_bands must divide window_frames and mel_bands"),
            (!self.is_folded(), "architecture.folded must be false: a folded network cannot be trained"),
        ])
    }
}

impl Default for Architecture {
    fn default() -> Self {
        Self::Cnn(CnnConfig::default())
    }
}

impl TryFrom<toml::Table> for Architecture {
    type Error = String;

    fn try_from(mut table: toml::Table) -> Result<Self, String> {
        let kind = table.remove(KIND);
        let wrong = |error: toml::de::Error| error.message().to_owned();
        match kind.as_ref().map_or(Some("cnn"), toml::Value::as_str) {
            Some("cnn") => Ok(Self::Cnn(table.try_into().map_err(wrong)?)),
            Some("vit") => Ok(Self::Vit(table.try_into().map_err(wrong)?)),
            _ => Err("architecture.kind must be \"cnn\" or \"vit\"".to_owned()),
        }
    }
}

impl From<Architecture> for toml::Table {
    fn from(architecture: Architecture) -> Self {
        // Plain numbers and names: there is nothing in them that TOML could not hold.
        match architecture {
            Architecture::Cnn(config) => Self::try_from(config).unwrap_or_default(),
            Architecture::Vit(config) => {
                let mut table = Self::try_from(config).unwrap_or_default();
                table.insert(KIND.to_owned(), "vit".into());
                table
            }
        }
    }
}

/// Shape of the convolutional network.
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
}

/// Shape of the vision transformer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VitConfig {
    /// Frames of a patch; divides a window's.
    pub patch_frames: i64,
    /// Mel bands of a patch; divides a window's.
    pub patch_bands: i64,
    /// Length of a token, a multiple of 4 and of `heads`.
    pub width: i64,
    /// Number of blocks.
    pub depth: usize,
    /// Attention heads of a block.
    pub heads: i64,
    /// Length of an embedding.
    pub embedding_size: i64,
    /// Whether the batch normalisation behind the head is folded into it: a network that only serves.
    pub folded: bool,
}

impl Default for VitConfig {
    fn default() -> Self {
        // 80 patches of 0.2 s × 16 bands a window of 4 s; 0.8 million weights.
        Self { patch_frames: 10, patch_bands: 16, width: 128, depth: 4, heads: 4, embedding_size: 128, folded: false }
    }
}

impl VitConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn validate(&self) -> Result<(), OutOfRange> {
        let sizes = 1..=4096;
        let patch = sizes.contains(&self.patch_frames) && sizes.contains(&self.patch_bands);
        let heads = self.heads >= 1 && self.width % self.heads == 0;
        OutOfRange::check(&[
            (patch, "patch_frames and patch_bands must be in 1..=4096"),
            (sizes.contains(&self.width) && self.width % 4 == 0, "width must be a multiple of 4 in 4..=4096"),
            ((1..=100).contains(&self.depth), "depth must be in 1..=100"),
            (heads, "heads must divide width"),
            ((2..=4096).contains(&self.embedding_size), "embedding_size must be in 2..=4096"),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_says_which_network_it_is_of() {
        let both = [Architecture::default(), Architecture::Vit(VitConfig::default())];
        for architecture in both {
            let text = toml::to_string(&architecture).unwrap();
            assert_eq!(toml::from_str::<Architecture>(&text).unwrap(), architecture, "{text}");
        }
        let text = "channels = [4]\nembedding_size = 8";
        assert!(matches!(toml::from_str(text).unwrap(), Architecture::Cnn(_)), "as in the first cards");
        for wrong in ["kind = \"rnn\"", "kind = 3", "kind = \"vit\"\nchannels = [4]", "width = 4"] {
            assert!(toml::from_str::<Architecture>(wrong).is_err(), "{wrong}");
        }
    }
}
