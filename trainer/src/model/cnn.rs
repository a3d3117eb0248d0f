//! A small residual network on log-mel windows (He et al. 2016; for music the "short-chunk"
//! networks of Won et al. 2020).

use audio_frontend::OutOfRange;
use serde::{Deserialize, Serialize};
use tch::nn;
use tch::{Kind, Tensor};

/// Shape of the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CnnConfig {
    /// Channels of the residual blocks; each block halves both axes.
    pub channels: Vec<i64>,
    /// Length of an embedding.
    pub embedding_size: i64,
}

impl Default for CnnConfig {
    fn default() -> Self {
        Self { channels: vec![32, 64, 96, 128], embedding_size: 128 }
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

/// From log-mel windows to unit vectors.
#[derive(Debug)]
pub struct CnnEncoder {
    stem: nn::Conv2D,
    stem_norm: nn::BatchNorm,
    blocks: Vec<ResidualBlock>,
    head: nn::Linear,
    neck: nn::BatchNorm,
}

/// Log-mel values in dB lie between −60 and about 5; this brings them near zero mean, unit variance.
const INPUT_CENTRE_DB: f64 = -30.0;
const INPUT_SCALE_DB: f64 = 15.0;

impl CnnEncoder {
    /// Creates the network's variables below `path`.
    pub fn new(path: &nn::Path<'_>, config: &CnnConfig) -> Self {
        let first = config.channels.first().copied().unwrap_or(1);
        let stem_config = nn::ConvConfig { stride: 2, padding: 2, bias: false, ..Default::default() };
        let no_bias = nn::LinearConfig { bias: false, ..Default::default() };
        let no_affine = nn::BatchNormConfig { affine: false, ..Default::default() };
        let mut blocks = Vec::new();
        let mut channels = first;
        for (number, &next) in config.channels.iter().enumerate() {
            blocks.push(ResidualBlock::new(&(path / "blocks" / number), channels, next));
            channels = next;
        }
        Self {
            stem: nn::conv2d(path / "stem", 1, first, 5, stem_config),
            stem_norm: nn::batch_norm2d(path / "stem_norm", first, Default::default()),
            blocks,
            head: nn::linear(path / "head", 2 * channels, config.embedding_size, no_bias),
            neck: nn::batch_norm1d(path / "neck", config.embedding_size, no_affine),
        }
    }

    /// Windows in dB, shape N × frames × bands, to unit vectors, shape N × embedding size. The last
    /// batch norm takes away what all music has in common (the "neck" of Luo et al. 2019), without
    /// which all cosines lie near 1.
    pub fn forward_t(&self, log_mel: &Tensor, train: bool) -> Tensor {
        let pooled = self.pooled_activations(log_mel, train);
        normalised(&pooled.apply(&self.head).apply_t(&self.neck, train))
    }

    /// Activations of the last block, pooled over time and frequency by mean and by maximum: shape
    /// N × twice its channels.
    pub fn pooled_activations(&self, log_mel: &Tensor, train: bool) -> Tensor {
        let input = (log_mel - INPUT_CENTRE_DB) / INPUT_SCALE_DB;
        let mut x = input.transpose(1, 2).unsqueeze(1).contiguous();
        x = x.apply(&self.stem).apply_t(&self.stem_norm, train).relu();
        for block in &self.blocks {
            x = block.forward_t(&x, train);
        }
        let mean = x.mean_dim([2_i64, 3].as_slice(), false, Kind::Float);
        Tensor::cat(&[mean, x.amax([2_i64, 3].as_slice(), false)], 1)
    }
}

/// Rows scaled to unit length.
pub(crate) fn normalised(rows: &Tensor) -> Tensor {
    let norm = rows.norm_scalaropt_dim(2.0, [1_i64].as_slice(), true);
    rows / norm.clamp_min(1e-12)
}

#[derive(Debug)]
struct ResidualBlock {
    conv1: nn::Conv2D,
    norm1: nn::BatchNorm,
    conv2: nn::Conv2D,
    norm2: nn::BatchNorm,
    shortcut: nn::Conv2D,
    shortcut_norm: nn::BatchNorm,
}

impl ResidualBlock {
    fn new(path: &nn::Path<'_>, from: i64, to: i64) -> Self {
        let conv = |name: &str, from, size, stride, padding| {
            let config = nn::ConvConfig { stride, padding, bias: false, ..Default::default() };
            nn::conv2d(path / name, from, to, size, config)
        };
        let norm = |name: &str| nn::batch_norm2d(path / name, to, Default::default());
        Self {
            conv1: conv("conv1", from, 3, 2, 1),
            norm1: norm("norm1"),
            conv2: conv("conv2", to, 3, 1, 1),
            norm2: norm("norm2"),
            shortcut: conv("shortcut", from, 1, 2, 0),
            shortcut_norm: norm("shortcut_norm"),
        }
    }

    fn forward_t(&self, x: &Tensor, train: bool) -> Tensor {
        let inner = x.apply(&self.conv1).apply_t(&self.norm1, train).relu();
        let inner = inner.apply(&self.conv2).apply_t(&self.norm2, train);
        (inner + x.apply(&self.shortcut).apply_t(&self.shortcut_norm, train)).relu()
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    #[test]
    fn embeddings_are_unit_vectors_of_the_configured_size() {
        tch::manual_seed(1);
        let variables = nn::VarStore::new(Device::Cpu);
        let config = CnnConfig { channels: vec![4, 8], embedding_size: 16 };
        let encoder = CnnEncoder::new(&variables.root(), &config);
        let log_mel = Tensor::randn([3, 50, 64], tch::kind::FLOAT_CPU) * 15.0 - 30.0;
        let vectors = encoder.forward_t(&log_mel, false);
        assert_eq!(vectors.size(), [3, 16]);
        let norms = Vec::<f32>::try_from(vectors.norm_scalaropt_dim(2.0, [1_i64].as_slice(), false)).unwrap();
        assert!(norms.iter().all(|norm| (norm - 1.0).abs() < 1e-5), "{norms:?}");
        assert_eq!(encoder.pooled_activations(&log_mel, false).size(), [3, 16]);
    }
}
