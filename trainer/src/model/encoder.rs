//! From log-mel windows to unit vectors, whatever the network.

use tch::Tensor;
use tch::nn::VarStore;

use super::Mode;
use super::architecture::Architecture;
use super::cnn::CnnBody;
use super::embedding_head::EmbeddingHead;
use super::pool::LayerPooling;
use super::vit::VitBody;

/// A network and the head that makes embeddings of what it sees.
#[derive(Debug)]
pub struct Encoder {
    body: Body,
    head: EmbeddingHead,
}

#[derive(Debug)]
enum Body {
    Cnn(CnnBody),
    Vit(VitBody),
}

/// Name of the path that an encoder's variables lie below.
pub const ENCODER: &str = "encoder";

/// Log-mel values in dB lie between −60 and about 5; this brings them near zero mean, unit variance.
const INPUT_CENTRE_DB: f64 = -30.0;
const INPUT_SCALE_DB: f64 = 15.0;

impl Encoder {
    /// Creates the network's variables below [`ENCODER`].
    pub fn new(variables: &VarStore, architecture: &Architecture) -> Self {
        let path = &(variables.root() / ENCODER);
        let (body, pooled_size) = match architecture {
            Architecture::Cnn(config) => {
                let body = CnnBody::new(path, config);
                let size = body.pooled_size();
                (Body::Cnn(body), size)
            }
            Architecture::Vit(config) => {
                (Body::Vit(VitBody::new(variables, ENCODER, config)), VitBody::pooled_size(config))
            }
        };
        let head = EmbeddingHead::new(path, pooled_size, architecture.embedding_size(), architecture.is_folded());
        Self { body, head }
    }

    /// Windows in dB, shape N × frames × bands, to unit vectors, shape N × embedding size.
    pub fn forward(&self, log_mel: &Tensor, mode: Mode) -> Tensor {
        self.head.forward(&self.pooled(log_mel, mode), mode)
    }

    /// Activations pooled over time: what the head maps to embeddings.
    pub fn pooled(&self, log_mel: &Tensor, mode: Mode) -> Tensor {
        match &self.body {
            Body::Cnn(body) => body.pooled(&self.scaled(log_mel), mode),
            Body::Vit(body) => body.pooled(&self.scaled(log_mel), mode),
        }
    }

    /// The map from pooled activations to embeddings.
    pub fn head(&self) -> &EmbeddingHead {
        &self.head
    }

    /// The vision transformer, where it is one.
    pub fn vit(&self) -> Option<&VitBody> {
        match &self.body {
            Body::Cnn(_) => None,
            Body::Vit(body) => Some(body),
        }
    }

    /// What the network reads: log-mel values in dB, brought near zero mean and unit variance.
    pub fn scaled(&self, log_mel: &Tensor) -> Tensor {
        (log_mel - INPUT_CENTRE_DB) / INPUT_SCALE_DB
    }

    /// What [`Encoder::scaled`] was made of.
    pub fn in_db(&self, scaled: &Tensor) -> Tensor {
        scaled * INPUT_SCALE_DB + INPUT_CENTRE_DB
    }

    /// Names of the layers whose activations can be taken instead of the embedding, from the input
    /// on.
    pub fn layer_names(&self) -> Vec<String> {
        match &self.body {
            Body::Cnn(body) => body.layer_names(),
            Body::Vit(body) => body.layer_names(),
        }
    }

    /// Activations of a layer, pooled over time and frequency: N × channels (twice for both).
    /// `None` where there is no such layer.
    pub fn layer(&self, log_mel: &Tensor, name: &str, pooling: LayerPooling) -> Option<Tensor> {
        let depth = self.layer_names().iter().position(|layer| layer == name)?;
        Some(match &self.body {
            Body::Cnn(body) => body.layer(&self.scaled(log_mel), depth, pooling),
            Body::Vit(body) => body.layer(&self.scaled(log_mel), depth, pooling),
        })
    }

    /// Names and values of the same network with [`Architecture::with_folded`], below the same path.
    pub fn folded(&self) -> Vec<(String, Tensor)> {
        let _no_gradients = tch::no_grad_guard();
        let mut named = match &self.body {
            Body::Cnn(body) => body.folded(),
            Body::Vit(body) => body.named(),
        };
        named.extend(self.head.folded());
        named
    }

    /// Takes over a folded network of the same architecture, so that it can be trained on: batch
    /// normalisations get the statistics of `log_mel`, windows in dB, and an affine part that undoes them.
    pub fn unfold(&self, folded: &Encoder, log_mel: &Tensor) {
        let _no_gradients = tch::no_grad_guard();
        let (weight, bias) = folded.head.weight_and_bias();
        self.head.set(&weight, &bias);
        match (&self.body, &folded.body) {
            (Body::Cnn(own), Body::Cnn(other)) => own.unfold(other, &self.scaled(log_mel)),
            (Body::Vit(own), Body::Vit(other)) => own.take_over(other),
            (Body::Cnn(_), Body::Vit(_)) | (Body::Vit(_), Body::Cnn(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::model::{VitConfig, weights};

    #[test]
    fn a_vision_transformer_is_folded_and_unfolded_and_stays_the_same() {
        tch::manual_seed(6);
        let config = VitConfig { width: 16, depth: 2, heads: 2, embedding_size: 8, ..Default::default() };
        let architecture = Architecture::Vit(config);
        let build = |architecture: &Architecture| {
            let variables = VarStore::new(Device::Cpu);
            let encoder = Encoder::new(&variables, architecture);
            (variables, encoder)
        };
        let log_mel = Tensor::randn([6, 40, 64], tch::kind::FLOAT_CPU) * 15.0 - 30.0;
        let (_variables, encoder) = build(&architecture);
        for _ in 0..5 {
            let _ = encoder.forward(&log_mel, Mode::Train { frozen_layers: 0 });
        }
        let expected = encoder.forward(&log_mel, Mode::Serve);
        let (variables, folded) = build(&architecture.with_folded(true));
        let named = encoder.folded();
        assert_eq!(named.len(), variables.variables().len());
        let bytes = weights::named_to_bytes(named, "encoder.").unwrap();
        weights::from_bytes(&variables, "encoder.", &bytes).unwrap();
        let (_again, unfolded) = build(&architecture);
        unfolded.unfold(&folded, &log_mel);
        for other in [&folded, &unfolded] {
            let difference = (&expected - other.forward(&log_mel, Mode::Serve)).abs().max().double_value(&[]);
            assert!(difference < 1e-5, "{difference}");
        }
    }
}
