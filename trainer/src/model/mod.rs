//! Networks and their weights.
//!
//! | module | holds |
//! |---|---|
//! | [`architecture`] | [`CnnConfig`]: its shape, as a card holds it |
//! | [`cnn`] | [`CnnEncoder`]: from log-mel windows to unit vectors |
//! | [`residual`], [`inverted`] | its blocks |
//! | [`conv_norm`] | a convolution with batch normalisation, folded for serving |
//! | [`pool`] | activations pooled over time |
//! | [`heads`] | what training puts on an encoder and serving leaves out |
//! | [`weights`] | variables as safetensors |

pub mod architecture;
pub mod cnn;
pub mod conv_norm;
pub mod heads;
pub mod inverted;
pub mod pool;
pub mod residual;
pub mod weights;

pub use architecture::{BlockKind, CnnConfig, Taps};
pub use cnn::CnnEncoder;

/// What a forward pass is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Embedding: statistics of batch normalisation as they were learnt.
    Serve,
    /// A training step; the first layers, counted from the stem, stay as they are.
    Train {
        /// Number of layers that are not trained.
        frozen_layers: usize,
    },
    /// Gives the batch normalisations of an unfolded network their statistics back.
    Calibrate,
}

impl Mode {
    /// Whether batch normalisation takes the batch's own statistics.
    pub fn trains(self) -> bool {
        matches!(self, Self::Train { .. })
    }
}
