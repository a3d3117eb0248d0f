//! Inverted residual block (Sandler et al. 2018, MobileNetV2, fig. 3b): widen by a 1 × 1
//! convolution, filter each channel by itself, narrow.

use tch::Tensor;
use tch::nn::Path;

use super::Mode;
use super::conv_norm::{ConvNorm, ConvShape};

/// One block that halves both axes and one that keeps them and adds its input.
#[derive(Debug)]
pub struct InvertedBlock {
    halving: [ConvNorm; 3],
    keeping: [ConvNorm; 3],
}

impl InvertedBlock {
    /// Creates the block's variables below `path`; `expansion` is the factor of widening.
    pub fn new(path: &Path<'_>, from: i64, to: i64, expansion: i64, folded: bool) -> Self {
        let block = |name: &str, from: i64, stride: i64| {
            let path = path / name;
            let wide = from * expansion;
            let conv = |name: &str, norm: &str, shape| ConvNorm::new(&path, name, norm, shape, folded);
            let (pointwise, depthwise) = (1, 3);
            [
                conv("widen", "widen_norm", ConvShape { from, to: wide, size: pointwise, stride: 1, groups: 1 }),
                conv(
                    "filter",
                    "filter_norm",
                    ConvShape { from: wide, to: wide, size: depthwise, stride, groups: wide },
                ),
                conv("narrow", "narrow_norm", ConvShape { from: wide, to, size: pointwise, stride: 1, groups: 1 }),
            ]
        };
        Self { halving: block("halving", from, 2), keeping: block("keeping", to, 1) }
    }

    /// N × from × bands × frames to N × to × half the bands × half the frames.
    pub fn forward(&self, x: &Tensor, mode: Mode) -> Tensor {
        let x = through(&self.halving, x, mode);
        through(&self.keeping, &x, mode) + x
    }

    /// Its convolutions.
    pub fn convolutions(&self) -> impl Iterator<Item = &ConvNorm> {
        self.halving.iter().chain(&self.keeping)
    }
}

fn through([widen, filter, narrow]: &[ConvNorm; 3], x: &Tensor, mode: Mode) -> Tensor {
    narrow.forward(&filter.forward(&widen.forward(x, mode).relu(), mode).relu(), mode)
}
