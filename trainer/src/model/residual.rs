//! Residual block (He et al. 2016, fig. 2; for music the "short-chunk" networks of Won et al. 2020).

use tch::Tensor;
use tch::nn::Path;

use super::Mode;
use super::conv_norm::{ConvNorm, ConvShape};

/// Two 3 × 3 convolutions beside a 1 × 1 one; both axes are halved.
#[derive(Debug)]
pub struct ResidualBlock {
    conv1: ConvNorm,
    conv2: ConvNorm,
    shortcut: ConvNorm,
}

impl ResidualBlock {
    /// Creates the block's variables below `path`.
    pub fn new(path: &Path<'_>, from: i64, to: i64, folded: bool) -> Self {
        let conv = |name: &str, norm: &str, from, size, stride| {
            ConvNorm::new(path, name, norm, ConvShape { from, to, size, stride, groups: 1 }, folded)
        };
        Self {
            conv1: conv("conv1", "norm1", from, 3, 2),
            conv2: conv("conv2", "norm2", to, 3, 1),
            shortcut: conv("shortcut", "shortcut_norm", from, 1, 2),
        }
    }

    /// N × from × bands × frames to N × to × half the bands × half the frames.
    pub fn forward(&self, x: &Tensor, mode: Mode) -> Tensor {
        let inner = self.conv2.forward(&self.conv1.forward(x, mode).relu(), mode);
        (inner + self.shortcut.forward(x, mode)).relu()
    }

    /// Its convolutions.
    pub fn convolutions(&self) -> impl Iterator<Item = &ConvNorm> {
        [&self.conv1, &self.conv2, &self.shortcut].into_iter()
    }
}
