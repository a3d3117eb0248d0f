//! The light decoder of masked training (He et al. 2022, § 3), which serving leaves out.

use tch::Tensor;
use tch::nn::{self, Module, Path};

use super::position::sine_cosine_grid;
use super::transformer::{TransformerBlock, linear};
use super::vit::{Grid, VitBody};

/// From the tokens of visible patches to the values of all.
#[derive(Debug)]
pub struct PatchDecoder {
    narrow: nn::Linear,
    hidden_token: Tensor,
    blocks: Vec<TransformerBlock>,
    norm: nn::LayerNorm,
    values: nn::Linear,
}

/// Attention heads of its blocks.
const HEADS: i64 = 4;

impl PatchDecoder {
    /// Creates the decoder's variables below `path`; `width` is a multiple of 4.
    pub fn new(path: &Path<'_>, encoder: &VitBody, width: i64, depth: usize) -> Self {
        let config = encoder.config();
        let block = |number: usize| {
            let path = path / "blocks" / number;
            TransformerBlock::new(&path, width, HEADS)
        };
        Self {
            narrow: linear(path / "narrow", config.width, width),
            hidden_token: path.var("hidden_token", &[1, width], nn::Init::Const(0.0)),
            blocks: (0..depth).map(block).collect(),
            norm: nn::layer_norm(path / "norm", vec![width], Default::default()),
            values: linear(path / "values", width, config.patch_frames * config.patch_bands),
        }
    }

    /// `tokens`, N × (1 + visible) × the encoder's width with the class first, of the patches numbered by
    /// `visible`, N × visible, to the values of all patches of the grid, N × patches × values.
    pub fn forward(&self, tokens: &Tensor, visible: &Tensor, grid: Grid) -> Tensor {
        let narrow = tokens.apply(&self.narrow);
        let size = narrow.size();
        let (count, width) = (size[0], size[2]);
        let hidden = self.hidden_token.view([1, 1, width]).expand([count, grid.count(), width], false);
        let places = visible.unsqueeze(2).expand([-1, -1, width], false);
        let patches = hidden.scatter(1, &places, &narrow.narrow(1, 1, size[1] - 1));
        let patches = patches + sine_cosine_grid(grid.times, grid.bands, width).unsqueeze(0);
        let mut x = Tensor::cat(&[narrow.narrow(1, 0, 1), patches], 1);
        for block in &self.blocks {
            x = block.forward(&x);
        }
        self.norm.forward(&x).apply(&self.values).narrow(1, 1, grid.count())
    }
}
