//! A small convolutional network on log-mel windows.

use tch::Tensor;
use tch::nn::Path;

use super::Mode;
use super::architecture::{BlockKind, CnnConfig, Taps};
use super::conv_norm::{ConvNorm, ConvShape};
use super::inverted::InvertedBlock;
use super::pool::{LayerPooling, Pool};
use super::residual::ResidualBlock;

/// Widening of inverted blocks.
const EXPANSION: i64 = 3;

/// From log-mel windows to activations pooled over time.
#[derive(Debug)]
pub struct CnnBody {
    stem: ConvNorm,
    blocks: Vec<Block>,
    taps: Taps,
    pool: Pool,
    pooled_size: i64,
    exponent_name: String,
}

#[derive(Debug)]
enum Block {
    Residual(Box<ResidualBlock>),
    Inverted(Box<InvertedBlock>),
}

impl CnnBody {
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
        let exponent_name = (path / "pool").path("exponent");
        Self { stem, blocks, taps: config.taps, pooled_size: pool.size(tapped), pool, exponent_name }
    }

    /// Length of what [`CnnBody::pooled`] makes of a window.
    pub fn pooled_size(&self) -> i64 {
        self.pooled_size
    }

    /// Activations of the tapped blocks, pooled over time, of windows N × frames × bands.
    pub fn pooled(&self, input: &Tensor, mode: Mode) -> Tensor {
        let first = match self.taps {
            Taps::Last => self.blocks.len(),
            Taps::All => 1,
        };
        let mut pooled = Vec::new();
        let _ = self.through_layers(input, self.blocks.len(), mode, |layer, x| {
            if layer >= first {
                pooled.push(self.pool.forward(x));
            }
        });
        Tensor::cat(&pooled, 1)
    }

    /// Names of the layers, from the input on.
    pub fn layer_names(&self) -> Vec<String> {
        let blocks = (0..self.blocks.len()).map(|number| format!("blocks.{number}"));
        std::iter::once("stem".to_owned()).chain(blocks).collect()
    }

    /// Activations of the stem (depth 0) or of a block (from 1 on), pooled: N × channels (twice for both).
    pub fn layer(&self, input: &Tensor, depth: usize, pooling: LayerPooling) -> Tensor {
        pooling.pool(&self.activations(input, depth, Mode::Serve), [2, 3])
    }

    /// Output of the stem (depth 0) or of a block (from 1 on), N × channels × bands × frames.
    fn activations(&self, input: &Tensor, depth: usize, mode: Mode) -> Tensor {
        self.through_layers(input, depth, mode, |_, _| ())
    }

    /// The same; `look` is shown each layer's output on the way.
    fn through_layers(&self, input: &Tensor, depth: usize, mode: Mode, mut look: impl FnMut(usize, &Tensor)) -> Tensor {
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
        let mut named = Vec::new();
        for convolution in self.convolutions() {
            let (name, weight, bias) = convolution.folded();
            named.push((format!("{name}.weight"), weight));
            named.push((format!("{name}.bias"), bias));
        }
        if let Pool::Gem(exponent) = &self.pool {
            named.push((self.exponent_name.clone(), exponent.copy()));
        }
        named
    }

    /// Takes over a folded network; batch normalisations get the statistics of `input`.
    pub fn unfold(&self, folded: &CnnBody, input: &Tensor) {
        for (own, other) in self.convolutions().into_iter().zip(folded.convolutions()) {
            let (_, weight, bias) = other.folded();
            own.unfold(&weight, &bias);
        }
        if let (Pool::Gem(own), Pool::Gem(other)) = (&self.pool, &folded.pool) {
            own.shallow_clone().copy_(other);
        }
        let _ = self.pooled(input, Mode::Calibrate);
    }
}

#[cfg(test)]
mod tests {
    use tch::nn::VarStore;
    use tch::{Device, Kind};

    use super::*;
    use crate::model::pool::Pooling;
    use crate::model::{Architecture, Encoder, weights};

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

    fn build(config: &CnnConfig) -> (VarStore, Encoder) {
        let variables = VarStore::new(Device::Cpu);
        let encoder = Encoder::new(&variables, &Architecture::Cnn(config.clone()));
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
    fn trained(config: &CnnConfig) -> (VarStore, Encoder) {
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
            let (mut folded_variables, folded) = build(&CnnConfig { folded: true, ..config.clone() });
            let named = encoder.folded();
            assert_eq!(named.len(), folded_variables.variables().len());
            let bytes = weights::named_to_bytes(named, "encoder.").unwrap();
            weights::from_bytes(&folded_variables, "encoder.", &bytes).unwrap();
            folded_variables.freeze();
            let log_mel = log_mel();
            let expected = encoder.forward(&log_mel, Mode::Serve);
            let difference = |other: &Tensor| (&expected - other).abs().max().double_value(&[]);
            assert!(difference(&folded.forward(&log_mel, Mode::Serve)) < 1e-4);

            let (_again_variables, again) = build(&config);
            again.unfold(&folded, &log_mel);
            assert!(difference(&again.forward(&log_mel, Mode::Serve)) < 1e-4, "{config:?}");
            // The batch normalisations below the head keep their output when training begins.
            let activations = |encoder: &Encoder, mode| encoder.pooled(&log_mel, mode);
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
