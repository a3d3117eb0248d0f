//! What a stage starts from, as it was: who trains on from a model that serves is not to forget what it hears
//! (learning without forgetting, Li & Hoiem 2016, with vectors in the place of class probabilities).

use tch::{Kind, Tensor};

use super::Setup;
use super::network::{Network, Start};
use crate::error::Result;
use crate::model::Mode;

/// The network that a stage starts from; it does not learn.
#[derive(Debug)]
pub struct Anchor(Network);

impl Anchor {
    /// Of a network, as it is now.
    ///
    /// # Errors
    /// [`Error::Torch`](crate::Error::Torch).
    pub fn of(setup: Setup<'_>, network: &Network) -> Result<Self> {
        let weights = network.weights()?;
        let genres = weights.genres.clone();
        Network::begin(setup, &genres, &Start::Weights(weights), &Tensor::new()).map(Self)
    }

    /// Mean of 1 − cosine between `vectors` (N × embedding size, unit length) and what it makes of the same crops.
    pub fn distance(&self, log_mel: &Tensor, vectors: &Tensor) -> Tensor {
        let before = tch::no_grad(|| self.0.encoder.forward(log_mel, Mode::Serve));
        1.0 - (vectors * before).sum_dim_intlist([1_i64].as_slice(), false, Kind::Float).mean(Kind::Float)
    }
}
