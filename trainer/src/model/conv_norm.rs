//! A convolution with batch normalisation (Ioffe & Szegedy 2015), which is folded into the
//! convolution where the network only serves.

use tch::nn::{self, Path};
use tch::{Kind, Tensor};

use super::Mode;

/// Shape of a convolution over bands × frames.
#[derive(Debug, Clone, Copy)]
pub struct ConvShape {
    /// Channels in.
    pub from: i64,
    /// Channels out.
    pub to: i64,
    /// Side of the kernel.
    pub size: i64,
    /// Step along both axes.
    pub stride: i64,
    /// Groups of channels; as many as channels is a depthwise convolution.
    pub groups: i64,
}

/// The convolution, and the normalisation unless it is folded.
#[derive(Debug)]
pub struct ConvNorm {
    name: String,
    conv: nn::Conv2D,
    norm: Option<nn::BatchNorm>,
}

/// Added to variances.
const EPSILON: f64 = 1e-5;

impl ConvNorm {
    /// Variables `name` and, unless `folded`, `norm_name` below `path`.
    pub fn new(path: &Path<'_>, name: &str, norm_name: &str, shape: ConvShape, folded: bool) -> Self {
        let ConvShape { from, to, size, stride, groups } = shape;
        let config = nn::ConvConfig { stride, padding: size / 2, groups, bias: folded, ..Default::default() };
        let norm = nn::BatchNormConfig { eps: EPSILON, ws_init: nn::Init::Const(1.0), ..Default::default() };
        Self {
            name: path.path(name),
            conv: nn::conv2d(path / name, from, to, size, config),
            norm: (!folded).then(|| nn::batch_norm2d(path / norm_name, to, norm)),
        }
    }

    /// N × channels × bands × frames to the same with the shape's channels and stride.
    pub fn forward(&self, x: &Tensor, mode: Mode) -> Tensor {
        let x = x.apply(&self.conv);
        match (&self.norm, mode) {
            (None, _) => x,
            (Some(norm), Mode::Calibrate) => calibrate(norm, x),
            (Some(norm), _) => x.apply_t(norm, mode.trains()),
        }
    }

    /// Name and values of the convolution that does both.
    pub fn folded(&self) -> (&str, Tensor, Tensor) {
        let weight = &self.conv.ws;
        let channels = weight.size()[0];
        let zeros = || Tensor::zeros([channels], (Kind::Float, weight.device()));
        match &self.norm {
            None => (&self.name, weight.copy(), self.conv.bs.as_ref().map_or_else(zeros, Tensor::copy)),
            Some(norm) => {
                let gain =
                    norm.ws.as_ref().map_or_else(|| zeros() + 1.0, Tensor::copy) / (&norm.running_var + EPSILON).sqrt();
                let shift = norm.bs.as_ref().map_or_else(zeros, Tensor::copy) - &norm.running_mean * &gain;
                (&self.name, weight * gain.view([-1, 1, 1, 1]), shift)
            }
        }
    }

    /// Takes over a folded convolution's values; [`Mode::Calibrate`] must follow.
    pub fn unfold(&self, weight: &Tensor, bias: &Tensor) {
        let copy = |mut to: Tensor, from: &Tensor| to.copy_(from);
        copy(self.conv.ws.shallow_clone(), weight);
        match (&self.norm, &self.conv.bs) {
            (Some(norm), _) => norm.bs.iter().for_each(|shift| copy(shift.shallow_clone(), bias)),
            (None, Some(own)) => copy(own.shallow_clone(), bias),
            (None, None) => {}
        }
    }
}

/// Sets the statistics to the batch's and the affine part to their inverse: what comes out is the
/// input plus the shift that was there, and goes on being that when training begins.
fn calibrate(norm: &nn::BatchNorm, x: Tensor) -> Tensor {
    let axes = [0_i64, 2, 3].as_slice();
    let mean = x.mean_dim(axes, false, Kind::Float);
    let variance = x.var_dim(axes, false, false);
    let (Some(gain), Some(shift)) = (&norm.ws, &norm.bs) else { return x };
    let y = x + shift.view([1, -1, 1, 1]);
    norm.running_mean.shallow_clone().copy_(&mean);
    norm.running_var.shallow_clone().copy_(&variance);
    gain.shallow_clone().copy_(&(variance + EPSILON).sqrt());
    let shifted = shift + mean;
    shift.shallow_clone().copy_(&shifted);
    y
}
