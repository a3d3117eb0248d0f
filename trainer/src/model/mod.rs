//! Networks and their weights.
//!
//! | module | holds |
//! |---|---|
//! | [`architecture`] | [`Architecture`]: the shape of a network, as a card holds it |
//! | [`encoder`] | [`Encoder`]: from log-mel windows to unit vectors |
//! | [`cnn`] | the convolutional network |
//! | [`residual`], [`inverted`] | its blocks |
//! | [`conv_norm`] | a convolution with batch normalisation, folded for serving |
//! | [`vit`] | the vision transformer |
//! | [`transformer`], [`position`] | its blocks, and where a patch lies |
//! | [`pool`] | activations pooled over time |
//! | [`embedding_head`] | from pooled activations to embeddings |
//! | [`heads`], [`projection`], [`patch_decoder`] | what training puts on an encoder and serving leaves out |
//! | [`weights`] | variables as safetensors |

pub mod architecture;
pub mod cnn;
pub mod conv_norm;
pub mod embedding_head;
pub mod encoder;
pub mod heads;
pub mod inverted;
pub mod patch_decoder;
pub mod pool;
pub mod position;
pub mod projection;
pub mod residual;
pub mod transformer;
pub mod vit;
pub mod weights;

pub use architecture::{Architecture, BlockKind, CnnConfig, Taps, VitConfig};
pub use encoder::Encoder;

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
