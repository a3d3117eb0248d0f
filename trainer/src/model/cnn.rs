//! A small convolutional network on log-mel windows.

use tch::nn::{self, Path};
use tch::{Kind, Tensor};

use super::Mode;
use super::architecture::{BlockKind, CnnConfig, Taps};
use super::conv_norm::{ConvNorm, ConvShape};
use super::inverted::InvertedBlock;
use super::pool::{Pool, maximum, mean};
use super::residual::ResidualBlock;

/// Widening of inverted blocks.
const EXPANSION: i64 = 3;

/// From log-mel windows to unit vectors.
#[derive(Debug)]
pub struct CnnEncoder {
    stem: ConvNorm,
    blocks: Vec<Block>,
    taps: Taps,
    pool: Pool,
    head: nn::Linear,
    /// Takes away what all music has in common (the "neck" of Luo et al. 2019), without which all
    /// cosines lie near 1. Folded: it is part of the head.
    neck: Option<nn::BatchNorm>,
    head_name: String,
    exponent_name: String,
}

#[derive(Debug)]
enum Block {
    Residual(Box<ResidualBlock>),
    Inverted(Box<InvertedBlock>),
}

/// Log-mel values in dB lie between −60 and about 5; this brings them near zero mean, unit variance.
const INPUT_CENTRE_DB: f64 = -30.0;
const INPUT_SCALE_DB: f64 = 15.0;

/// Added to the variances of the neck.
const NECK_EPSILON: f64 = 1e-5;

impl CnnEncoder {
    /// Creates the network's variables below `path`.
    pub fn new(path: &Path<'_>, config: &CnnConfig) -> Self {
        let folded = config.folded;
        let mut channels = config.channels.first().copied().unwrap_or(1);
        let stem = ConvShape { from: 1, to: channels, size: 5, stride: 2, groups: 1 };
        let stem = ConvNorm::new(path, "stem", "stem_norm", stem, folded);
        let mut blocks = Vec::new();
        for (number, &next) in config.channels.iter().enumerate() {
            let path = path / "blocks" / number;
            blocks.push(match config.block {
                BlockKind::Residual => Block::Residual(Box::new(ResidualBlock::new(&path, channels, next, folded))),
                BlockKind::Inverted => {
                    Block::Inverted(Box::new(InvertedBlock::new(&path, channels, next, EXPANSION, folded)))
                }
            });
            channels = next;
        }
        let pool = Pool::new(&(path / "pool"), config.pooling);
        let tapped = match config.taps {
            Taps::Last => channels,
            Taps::All => config.channels.iter().sum(),
        };
        let head = nn::LinearConfig { bias: folded, ..Default::default() };
        let neck = nn::BatchNormConfig { affine: false, eps: NECK_EPSILON, ..Default::default() };
        Self {
            head_name: path.path("head"),
            exponent_name: (path / "pool").path("exponent"),
            stem,
            blocks,
            taps: config.taps,
            head: nn::linear(path / "head", pool.size(tapped), config.embedding_size, head),
            pool,
            neck: (!folded).then(|| nn::batch_norm1d(path / "neck", config.embedding_size, neck)),
        }
    }

    /// Windows in dB, shape N × frames × bands, to unit vectors, shape N × embedding size.
    pub fn forward(&self, log_mel: &Tensor, mode: Mode) -> Tensor {
        let head = self.pooled(log_mel, mode).apply(&self.head);
        normalised(&match &self.neck {
            Some(neck) => head.apply_t(neck, mode.trains()),
            None => head,
        })
    }

    /// Activations of the tapped blocks, pooled over time: what the head maps to embeddings.
    pub fn pooled(&self, log_mel: &Tensor, mode: Mode) -> Tensor {
        let first = match self.taps {
            Taps::Last => self.blocks.len(),
            Taps::All => 1,
        };
        let mut pooled = Vec::new();
        let _ = self.through_layers(log_mel, self.blocks.len(), mode, |layer, x| {
            if layer >= first {
                pooled.push(self.pool.forward(x));
            }
        });
        Tensor::cat(&pooled, 1)
    }

    /// Weight and bias that head and neck come to.
    pub fn head(&self) -> (Tensor, Tensor) {
        match &self.neck {
            Some(neck) => {
                let gain = (&neck.running_var + NECK_EPSILON).rsqrt();
                (&self.head.ws * gain.unsqueeze(1), -(&neck.running_mean * gain))
            }
            None => {
                let zeros = || Tensor::zeros([self.head.ws.size()[0]], (Kind::Float, self.head.ws.device()));
                (self.head.ws.copy(), self.head.bs.as_ref().map_or_else(zeros, Tensor::copy))
            }
        }
    }

    /// Makes head and neck come to this weight and bias.
    pub fn set_head(&self, weight: &Tensor, bias: &Tensor) {
        let _no_gradients = tch::no_grad_guard();
        self.head.ws.shallow_clone().copy_(weight);
        match (&self.neck, &self.head.bs) {
            (Some(neck), _) => {
                neck.running_mean.shallow_clone().copy_(&-bias);
                let _ = neck.running_var.shallow_clone().fill_(1.0 - NECK_EPSILON);
            }
            (None, Some(own)) => own.shallow_clone().copy_(bias),
            (None, None) => {}
        }
    }

    /// Names of the layers whose activations can be taken instead of the embedding, from the input
    /// on.
    pub fn layer_names(&self) -> Vec<String> {
        let blocks = (0..self.blocks.len()).map(|number| format!("blocks.{number}"));
        std::iter::once("stem".to_owned()).chain(blocks).collect()
    }

    /// Activations of a layer, pooled over time and frequency: N × channels (twice for both).
    /// `None` where there is no such layer.
    pub fn layer(&self, log_mel: &Tensor, name: &str, pooling: LayerPooling) -> Option<Tensor> {
        let depth = self.layer_names().iter().position(|layer| layer == name)?;
        let x = self.activations(log_mel, depth, Mode::Serve);
        Some(match pooling {
            LayerPooling::Mean => mean(&x),
            LayerPooling::Max => maximum(&x),
            LayerPooling::Both => Tensor::cat(&[mean(&x), maximum(&x)], 1),
        })
    }

    /// Output of the stem (depth 0) or of a block (from 1 on), N × channels × bands × frames.
    fn activations(&self, log_mel: &Tensor, depth: usize, mode: Mode) -> Tensor {
        self.through_layers(log_mel, depth, mode, |_, _| ())
    }

    /// The same; `look` is shown each layer's output on the way.
    fn through_layers(
        &self,
        log_mel: &Tensor,
        depth: usize,
        mode: Mode,
        mut look: impl FnMut(usize, &Tensor),
    ) -> Tensor {
        let input = (log_mel - INPUT_CENTRE_DB) / INPUT_SCALE_DB;
        let frozen_layers = match mode {
            Mode::Train { frozen_layers } => frozen_layers,
            Mode::Serve | Mode::Calibrate => 0,
        };
        let mut x = input.transpose(1, 2).unsqueeze(1).contiguous();
        for layer in 0..=depth {
            x = if layer < frozen_layers {
                let _no_gradients = tch::no_grad_guard();
                self.through_layer(layer, &x, Mode::Serve)
            } else {
                self.through_layer(layer, &x, mode)
            };
            look(layer, &x);
        }
        x
    }

    fn through_layer(&self, layer: usize, x: &Tensor, mode: Mode) -> Tensor {
        match layer.checked_sub(1).and_then(|block| self.blocks.get(block)) {
            None => self.stem.forward(x, mode).relu(),
            Some(Block::Residual(block)) => block.forward(x, mode),
            Some(Block::Inverted(block)) => block.forward(x, mode),
        }
    }

    fn convolutions(&self) -> Vec<&ConvNorm> {
        let mut convolutions = vec![&self.stem];
        for block in &self.blocks {
            match block {
                Block::Residual(block) => convolutions.extend(block.convolutions()),
                Block::Inverted(block) => convolutions.extend(block.convolutions()),
            }
        }
        convolutions
    }

    /// Names and values of the same network with [`CnnConfig::folded`], below the same path.
    pub fn folded(&self) -> Vec<(String, Tensor)> {
        let _no_gradients = tch::no_grad_guard();
        let mut named = Vec::new();
        for convolution in self.convolutions() {
            let (name, weight, bias) = convolution.folded();
            named.push((format!("{name}.weight"), weight));
            named.push((format!("{name}.bias"), bias));
        }
        if let Pool::Gem(exponent) = &self.pool {
            named.push((self.exponent_name.clone(), exponent.copy()));
        }
        let (weight, bias) = self.head();
        named.push((format!("{}.weight", self.head_name), weight));
        named.push((format!("{}.bias", self.head_name), bias));
        named
    }

    /// Takes over a folded network, so that it can be trained on: batch normalisations get the
    /// statistics of `log_mel`, windows in dB, and an affine part that undoes them.
    pub fn unfold(&self, folded: &CnnEncoder, log_mel: &Tensor) {
        let _no_gradients = tch::no_grad_guard();
        for (own, other) in self.convolutions().into_iter().zip(folded.convolutions()) {
            let (_, weight, bias) = other.folded();
            own.unfold(&weight, &bias);
        }
        if let (Pool::Gem(own), Pool::Gem(other)) = (&self.pool, &folded.pool) {
            own.shallow_clone().copy_(other);
        }
        let (weight, bias) = folded.head();
        self.set_head(&weight, &bias);
        let _ = self.forward(log_mel, Mode::Calibrate);
    }
}

/// How the activations of a layer are pooled where they stand in for the embedding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LayerPooling {
    /// Mean over time.
    Mean,
    /// Maximum over time.
    Max,
    /// Both, side by side.
    #[default]
    Both,
}

/// Rows scaled to unit length.
pub(crate) fn normalised(rows: &Tensor) -> Tensor {
    let norm = rows.norm_scalaropt_dim(2.0, [1_i64].as_slice(), true);
    rows / norm.clamp_min(1e-12)
}

#[cfg(test)]
mod tests {
    use tch::Device;
    use tch::nn::VarStore;

    use super::*;
    use crate::model::pool::Pooling;

    fn config(block: BlockKind, pooling: Pooling) -> CnnConfig {
        CnnConfig { channels: vec![4, 8], embedding_size: 16, block, pooling, taps: Taps::Last, folded: false }
    }

    fn kinds() -> [CnnConfig; 4] {
        [
            CnnConfig { taps: Taps::All, ..config(BlockKind::Residual, Pooling::MeanMax) },
            config(BlockKind::Residual, Pooling::MeanMax),
            config(BlockKind::Inverted, Pooling::MeanMax),
            config(BlockKind::Residual, Pooling::Gem),
        ]
    }

    fn build(config: &CnnConfig) -> (VarStore, CnnEncoder) {
        let variables = VarStore::new(Device::Cpu);
        let encoder = CnnEncoder::new(&(variables.root() / "encoder"), config);
        (variables, encoder)
    }

    fn log_mel() -> Tensor {
        Tensor::randn([6, 50, 64], tch::kind::FLOAT_CPU) * 15.0 - 30.0
    }

    #[test]
    fn embeddings_are_unit_vectors_of_the_configured_size_and_layers_have_names() {
        tch::manual_seed(1);
        for config in kinds() {
            let (_variables, encoder) = build(&config);
            let log_mel = log_mel();
            let vectors = encoder.forward(&log_mel, Mode::Serve);
            assert_eq!(vectors.size(), [6, 16]);
            let norms = Vec::<f32>::try_from(vectors.norm_scalaropt_dim(2.0, [1_i64].as_slice(), false)).unwrap();
            assert!(norms.iter().all(|norm| (norm - 1.0).abs() < 1e-5), "{norms:?}");
            assert_eq!(encoder.layer_names(), ["stem", "blocks.0", "blocks.1"]);
            let size = |name, pooling| encoder.layer(&log_mel, name, pooling).map(|x| x.size());
            assert_eq!(size("stem", LayerPooling::Mean), Some(vec![6, 4]));
            assert_eq!(size("blocks.1", LayerPooling::Both), Some(vec![6, 16]));
            assert_eq!(size("blocks.2", LayerPooling::Max), None);
        }
    }

    /// A network that has seen batches, so that its statistics are not those it began with.
    fn trained(config: &CnnConfig) -> (VarStore, CnnEncoder) {
        let (variables, encoder) = build(config);
        for _ in 0..5 {
            let _ = encoder.forward(&log_mel(), Mode::Train { frozen_layers: 0 });
        }
        (variables, encoder)
    }

    #[test]
    fn folding_changes_nothing_and_unfolding_neither() {
        tch::manual_seed(2);
        for config in kinds() {
            let (_variables, encoder) = trained(&config);
            let (mut folded_variables, folded) = build(&config.with_folded(true));
            let named = encoder.folded();
            assert_eq!(named.len(), folded_variables.variables().len());
            let bytes = super::super::weights::named_to_bytes(named, "encoder.").unwrap();
            super::super::weights::from_bytes(&folded_variables, "encoder.", &bytes).unwrap();
            folded_variables.freeze();
            let log_mel = log_mel();
            let expected = encoder.forward(&log_mel, Mode::Serve);
            let difference = |other: &Tensor| (&expected - other).abs().max().double_value(&[]);
            assert!(difference(&folded.forward(&log_mel, Mode::Serve)) < 1e-4);

            let (_again_variables, again) = build(&config);
            again.unfold(&folded, &log_mel);
            assert!(difference(&again.forward(&log_mel, Mode::Serve)) < 1e-4, "{config:?}");
            // The batch normalisations below the head keep their output when training begins.
            let activations = |encoder: &CnnEncoder, mode| encoder.activations(&log_mel, 2, mode);
            let training = activations(&again, Mode::Train { frozen_layers: 0 });
            let serving = activations(&folded, Mode::Serve);
            let error = (&training - &serving).abs().max().double_value(&[]);
            assert!(error < 1e-3 * serving.abs().max().double_value(&[]), "{config:?}: {error}");
        }
    }

    #[test]
    fn frozen_layers_keep_statistics_and_get_no_gradient() {
        tch::manual_seed(3);
        let (variables, encoder) = trained(&config(BlockKind::Residual, Pooling::MeanMax));
        let named = |name: &str| variables.variables().remove(name).unwrap();
        let before = named("encoder.blocks.0.norm1.running_mean").copy();
        let vectors = encoder.forward(&log_mel(), Mode::Train { frozen_layers: 2 });
        vectors.sum(Kind::Float).backward();
        assert_eq!(named("encoder.blocks.0.norm1.running_mean"), before);
        assert!(!named("encoder.blocks.0.conv1.weight").grad().defined());
        assert!(named("encoder.blocks.1.conv1.weight").grad().defined());
    }
}
