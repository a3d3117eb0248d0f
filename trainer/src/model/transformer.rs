//! A transformer block with normalisation in front (Vaswani et al. 2017, § 3.2; Dosovitskiy et al. 2020, eq. 2
//! and 3).

use tch::Tensor;
use tch::nn::{self, Module, Path};

/// Widening of the two-layer perceptron.
const EXPANSION: i64 = 4;

/// Attention among tokens, then a perceptron on each, both beside a shortcut.
#[derive(Debug)]
pub struct TransformerBlock {
    heads: i64,
    norm1: nn::LayerNorm,
    query_key_value: nn::Linear,
    attended: nn::Linear,
    norm2: nn::LayerNorm,
    wide: nn::Linear,
    narrow: nn::Linear,
}

/// A linear map whose bias begins at 0.
pub(super) fn linear(path: Path<'_>, from: i64, to: i64) -> nn::Linear {
    nn::linear(path, from, to, nn::LinearConfig { bs_init: Some(nn::Init::Const(0.0)), ..Default::default() })
}

impl TransformerBlock {
    /// Creates the block's variables below `path`; `heads` divides `width`.
    pub fn new(path: &Path<'_>, width: i64, heads: i64) -> Self {
        let norm = |name: &str| nn::layer_norm(path / name, vec![width], Default::default());
        Self {
            heads,
            norm1: norm("norm1"),
            query_key_value: linear(path / "query_key_value", width, 3 * width),
            attended: linear(path / "attended", width, width),
            norm2: norm("norm2"),
            wide: linear(path / "wide", width, EXPANSION * width),
            narrow: linear(path / "narrow", EXPANSION * width, width),
        }
    }

    /// Tokens, N × tokens × width, to as many.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let x = x + self.attention(&self.norm1.forward(x));
        let wide = self.norm2.forward(&x).apply(&self.wide).gelu("none");
        x + wide.apply(&self.narrow)
    }

    fn attention(&self, x: &Tensor) -> Tensor {
        let size = x.size();
        let (count, tokens, width) = (size[0], size[1], size[2]);
        let of_head = width / self.heads;
        // 3 × N × heads × tokens × width of a head.
        let split = x.apply(&self.query_key_value).view([count, tokens, 3, self.heads, of_head]);
        let split = split.permute([2, 0, 3, 1, 4]);
        let (query, key, value) = (split.get(0), split.get(1), split.get(2));
        let mixed =
            Tensor::scaled_dot_product_attention(&query, &key, &value, None::<&Tensor>, 0.0, false, None::<f64>, false);
        mixed.transpose(1, 2).contiguous().view([count, tokens, width]).apply(&self.attended)
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    #[test]
    fn attention_is_the_formula_of_the_paper() {
        tch::manual_seed(7);
        let variables = nn::VarStore::new(Device::Cpu);
        let block = TransformerBlock::new(&(variables.root() / "block"), 8, 2);
        let x = Tensor::randn([3, 5, 8], tch::kind::FLOAT_CPU);
        let projected = x.apply(&block.query_key_value);
        // Head by head: softmax(Q·Kᵀ / √d)·V.
        let heads = (0..2).map(|head| {
            let part = |which: i64| projected.narrow(2, which * 8 + head * 4, 4);
            let weights = (part(0).matmul(&part(1).transpose(1, 2)) / 2.0).softmax(2, Kind::Float);
            weights.matmul(&part(2))
        });
        let expected = Tensor::cat(&heads.collect::<Vec<_>>(), 2).apply(&block.attended);
        assert!((block.attention(&x) - expected).abs().max().double_value(&[]) < 1e-5);
    }

    #[test]
    fn tokens_have_no_order_but_what_they_hold() {
        tch::manual_seed(7);
        let variables = nn::VarStore::new(Device::Cpu);
        let block = TransformerBlock::new(&(variables.root() / "block"), 8, 2);
        let x = Tensor::randn([1, 4, 8], tch::kind::FLOAT_CPU);
        let order = Tensor::from_slice(&[2_i64, 0, 3, 1]);
        let moved = block.forward(&x.index_select(1, &order));
        assert!((moved - block.forward(&x).index_select(1, &order)).abs().max().double_value(&[]) < 1e-5);
    }
}
