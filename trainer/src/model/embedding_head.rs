//! From pooled activations to unit vectors.

use tch::nn::{self, Path};
use tch::{Kind, Tensor};

use super::Mode;

/// Added to the variances of the neck.
const NECK_EPSILON: f64 = 1e-5;

/// A linear map, and in training a batch normalisation behind it.
#[derive(Debug)]
pub struct EmbeddingHead {
    linear: nn::Linear,
    /// Takes away what all music has in common (the "neck" of Luo et al. 2019), without which all
    /// cosines lie near 1. Folded: it is part of the map.
    neck: Option<nn::BatchNorm>,
    name: String,
}

impl EmbeddingHead {
    /// Creates `head` and, unless `folded`, `neck` below `path`.
    pub fn new(path: &Path<'_>, pooled_size: i64, embedding_size: i64, folded: bool) -> Self {
        let linear = nn::LinearConfig { bias: folded, ..Default::default() };
        let neck = nn::BatchNormConfig { affine: false, eps: NECK_EPSILON, ..Default::default() };
        Self {
            linear: nn::linear(path / "head", pooled_size, embedding_size, linear),
            neck: (!folded).then(|| nn::batch_norm1d(path / "neck", embedding_size, neck)),
            name: path.path("head"),
        }
    }

    /// Pooled activations, N × pooled size, to unit vectors, N × embedding size.
    pub fn forward(&self, pooled: &Tensor, mode: Mode) -> Tensor {
        let mapped = pooled.apply(&self.linear);
        normalised(&match &self.neck {
            Some(neck) => mapped.apply_t(neck, mode.trains()),
            None => mapped,
        })
    }

    /// Weight and bias that map and neck come to.
    pub fn weight_and_bias(&self) -> (Tensor, Tensor) {
        match &self.neck {
            Some(neck) => {
                let gain = (&neck.running_var + NECK_EPSILON).rsqrt();
                (&self.linear.ws * gain.unsqueeze(1), -(&neck.running_mean * gain))
            }
            None => {
                let zeros = || Tensor::zeros([self.linear.ws.size()[0]], (Kind::Float, self.linear.ws.device()));
                (self.linear.ws.copy(), self.linear.bs.as_ref().map_or_else(zeros, Tensor::copy))
            }
        }
    }

    /// Makes map and neck come to this weight and bias.
    pub fn set(&self, weight: &Tensor, bias: &Tensor) {
        let _no_gradients = tch::no_grad_guard();
        self.linear.ws.shallow_clone().copy_(weight);
        match (&self.neck, &self.linear.bs) {
            (Some(neck), _) => {
                neck.running_mean.shallow_clone().copy_(&-bias);
                let _ = neck.running_var.shallow_clone().fill_(1.0 - NECK_EPSILON);
            }
            (None, Some(own)) => own.shallow_clone().copy_(bias),
            (None, None) => {}
        }
    }

    /// Names and values of the same head, folded.
    pub fn folded(&self) -> [(String, Tensor); 2] {
        let (weight, bias) = self.weight_and_bias();
        [(format!("{}.weight", self.name), weight), (format!("{}.bias", self.name), bias)]
    }
}

/// Rows scaled to unit length.
pub(crate) fn normalised(rows: &Tensor) -> Tensor {
    let norm = rows.norm_scalaropt_dim(2.0, [1_i64].as_slice(), true);
    rows / norm.clamp_min(1e-12)
}
