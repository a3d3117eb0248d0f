//! From activations, which are many or few as a window is long or short, to one vector.

use serde::{Deserialize, Serialize};
use tch::nn::{self, Path};
use tch::{Kind, Tensor};

/// How activations are pooled over time, and over the few rows of frequency that are left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// Mean and maximum, side by side.
    #[default]
    MeanMax,
    /// Generalised mean with a learnt exponent (Radenović et al. 2018, eq. 3).
    Gem,
}

/// The pooling and what it has learnt.
#[derive(Debug)]
pub enum Pool {
    /// See [`Pooling::MeanMax`].
    MeanMax,
    /// See [`Pooling::Gem`]; one exponent.
    Gem(Tensor),
}

/// Keeps the gradient of a power finite.
const SMALLEST: f64 = 1e-6;

impl Pool {
    /// Creates the pooling's variables below `path`.
    pub fn new(path: &Path<'_>, pooling: Pooling) -> Self {
        match pooling {
            Pooling::MeanMax => Self::MeanMax,
            Pooling::Gem => Self::Gem(path.var("exponent", &[1], nn::Init::Const(3.0))),
        }
    }

    /// Length of a pooled vector.
    pub fn size(&self, channels: i64) -> i64 {
        match self {
            Self::MeanMax => 2 * channels,
            Self::Gem(_) => channels,
        }
    }

    /// N × channels × bands × frames, none below 0 for GeM, to N × [`Pool::size`].
    pub fn forward(&self, x: &Tensor) -> Tensor {
        match self {
            Self::MeanMax => LayerPooling::Both.pool(x, [2, 3]),
            Self::Gem(exponent) => {
                mean(&x.clamp_min(SMALLEST).pow(&exponent.view([1, 1, 1, 1]))).pow(&exponent.reciprocal())
            }
        }
    }
}

/// Over time and frequency: N × channels.
fn mean(x: &Tensor) -> Tensor {
    x.mean_dim([2_i64, 3].as_slice(), false, Kind::Float)
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

impl LayerPooling {
    /// Pools over these dimensions.
    pub fn pool<const N: usize>(self, x: &Tensor, dimensions: [i64; N]) -> Tensor {
        let mean = || x.mean_dim(dimensions.as_slice(), false, Kind::Float);
        let maximum = || x.amax(dimensions.as_slice(), false);
        match self {
            Self::Mean => mean(),
            Self::Max => maximum(),
            Self::Both => Tensor::cat(&[mean(), maximum()], 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    #[test]
    fn pooling_by_hand() {
        // One channel: 1, 2, 2, 3.
        let x = Tensor::from_slice(&[1.0_f32, 2.0, 2.0, 3.0]).view([1, 1, 2, 2]);
        let pooled = |pool: &Pool| Vec::<f32>::try_from(pool.forward(&x).view([-1])).unwrap();
        assert_eq!(pooled(&Pool::MeanMax), [2.0, 3.0]);
        let variables = nn::VarStore::new(Device::Cpu);
        let gem = Pool::new(&variables.root(), Pooling::Gem);
        // Mean of cubes (1 + 8 + 8 + 27) / 4 = 11.
        assert!((pooled(&gem)[0] - 11.0_f32.cbrt()).abs() < 1e-5);
        assert_eq!((gem.size(7), Pool::MeanMax.size(7)), (7, 14));
    }
}
