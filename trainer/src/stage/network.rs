//! An encoder with the head that trains it, and the slow average of both that is judged and kept.

use std::collections::HashMap;
use std::path::Path;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use safetensors::SafeTensors;
use tch::nn::{Path as VariablePath, VarStore};
use tch::{Device, Tensor};

use super::Setup;
use crate::card::ModelCard;
use crate::embed::{ModelFiles, write_durably};
use crate::error::{Error, Result};
use crate::model::heads::CosineClassifier;
use crate::model::{Encoder, weights};
use crate::torch::guard;

/// Prefix of the encoder's variables.
const ENCODER: &str = "encoder.";

/// Name of the path below which a stage has variables of its own.
const OBJECTIVE: &str = "objective";

/// Where a stage begins.
#[derive(Debug, Clone)]
pub enum Start {
    /// Random weights.
    Random,
    /// What a stage before has left.
    Weights(NetworkWeights),
    /// A model that serves; its head for training is gone.
    Model(ModelFiles),
}

/// All variables of a network, batch normalisation unfolded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkWeights {
    /// Safetensors bytes.
    pub bytes: Vec<u8>,
    /// Genres of the classifier, in the order of its classes.
    pub genres: Vec<String>,
}

/// Key of the genres in a file's metadata.
const GENRES: &str = "genres";

impl NetworkWeights {
    /// Reads what [`NetworkWeights::write`] wrote.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Model`] where the file is damaged.
    pub fn read(path: &Path) -> Result<Self> {
        let damaged = |reason: String| Error::Model { path: path.into(), reason };
        let bytes = std::fs::read(path).map_err(|source| Error::Io { path: path.into(), source })?;
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| damaged(error.to_string()))?;
        let genres = header.metadata().as_ref().and_then(|metadata| metadata.get(GENRES));
        let genres = genres.ok_or_else(|| damaged("it does not name its genres".into()))?;
        let genres = serde_json::from_str(genres).map_err(|error| damaged(error.to_string()))?;
        Ok(Self { bytes, genres })
    }

    /// Writes all variables, and in the metadata the genres.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Model`] where something cannot be written down.
    pub fn write(&self, path: &Path) -> Result<()> {
        let unwritable = |reason: String| Error::Model { path: path.into(), reason };
        let genres = serde_json::to_string(&self.genres).map_err(|error| unwritable(error.to_string()))?;
        let named = weights::deserialise(&self.bytes).map_err(|error| unwritable(error.to_string()))?;
        let metadata = HashMap::from([(GENRES.to_owned(), genres)]);
        let bytes = weights::serialise(named, Some(metadata)).map_err(|error| unwritable(error.to_string()))?;
        write_durably(path, &bytes)
    }
}

/// An encoder and its classifier.
#[derive(Debug)]
pub struct Network {
    /// All variables.
    pub variables: VarStore,
    /// Windows to unit vectors.
    pub encoder: Encoder,
    /// Unit vectors to genres.
    pub classifier: CosineClassifier,
    genres: Vec<String>,
}

impl Network {
    /// With random weights, which depend on the setup's seed and architecture alone.
    ///
    /// # Errors
    /// [`Error::Torch`].
    pub fn random(setup: Setup<'_>, genres: &[String]) -> Result<Self> {
        guard("building the network", || {
            let variables = VarStore::new(Device::Cpu);
            let architecture = setup.architecture.with_folded(false);
            let encoder = Encoder::new(&variables, &architecture);
            let classes = genres.len().max(1) as i64;
            let classifier =
                CosineClassifier::new(&(variables.root() / "classifier"), architecture.embedding_size(), classes);
            draw_weights(&variables, "", setup.seed)?;
            Ok(Self { variables, encoder, classifier, genres: genres.to_vec() })
        })
    }

    /// From wherever a stage begins. The classifier is kept where it knows the same genres, and new
    /// otherwise. `log_mel`, N × frames × bands in dB, gives a folded model its statistics back.
    ///
    /// # Errors
    /// [`Error::Model`] where the start has another shape; [`Error::Torch`].
    pub fn begin(setup: Setup<'_>, genres: &[String], start: &Start, log_mel: &Tensor) -> Result<Self> {
        let network = Self::random(setup, genres)?;
        let unusable = |reason: String| Error::Model { path: "the model to start from".into(), reason };
        match start {
            Start::Random => {}
            Start::Weights(weights) => network.take_over(weights).map_err(|error| unusable(error.to_string()))?,
            Start::Model(files) => {
                let card = files.parsed_card(Path::new("the model to start from"))?;
                network.take_over_model(setup, &card, &files.weights, log_mel)?;
            }
        }
        Ok(network)
    }

    fn take_over(&self, stored: &NetworkWeights) -> std::result::Result<(), weights::WeightsError> {
        let named = weights::deserialise(&stored.bytes)?;
        if stored.genres == self.genres {
            return weights::set(&self.variables, "", &named);
        }
        let below =
            |(name, tensor): (&String, &Tensor)| Some((name.strip_prefix(ENCODER)?.to_owned(), tensor.shallow_clone()));
        weights::set(&self.variables, ENCODER, &named.iter().filter_map(below).collect())
    }

    fn take_over_model(&self, setup: Setup<'_>, card: &ModelCard, bytes: &[u8], log_mel: &Tensor) -> Result<()> {
        let unusable = |reason: String| Error::Model { path: "the model to start from".into(), reason };
        if card.architecture.with_folded(false) != setup.architecture.with_folded(false) {
            return Err(unusable("it has another architecture than the configuration".into()));
        }
        if card.front_end != *setup.front_end {
            return Err(unusable("it has another front end than the configuration".into()));
        }
        if !card.architecture.is_folded() {
            return weights::from_bytes(&self.variables, ENCODER, bytes).map_err(|error| unusable(error.to_string()));
        }
        guard("unfolding a model", || {
            let variables = VarStore::new(Device::Cpu);
            let folded = Encoder::new(&variables, &card.architecture);
            weights::from_bytes(&variables, ENCODER, bytes).map_err(|error| unusable(error.to_string()))?;
            self.encoder.unfold(&folded, log_mel);
            Ok(())
        })
    }

    /// Gives a stage variables of its own, made by `create`, drawn by the seed. They go with the stage.
    ///
    /// # Errors
    /// What `create` reports; [`Error::Torch`].
    pub fn with_objective<T>(&self, seed: u64, create: impl FnOnce(&VariablePath<'_>) -> Result<T>) -> Result<T> {
        guard("building what a stage needs beside the network", || {
            let objective = create(&(self.variables.root() / OBJECTIVE))?;
            draw_weights(&self.variables, OBJECTIVE, seed)?;
            Ok(objective)
        })
    }

    /// All variables but those of the stage.
    ///
    /// # Errors
    /// [`Error::Torch`].
    pub fn weights(&self) -> Result<NetworkWeights> {
        let failed =
            |error: weights::WeightsError| Error::Torch { operation: "saving weights", reason: error.to_string() };
        let kept = self.variables.variables().into_iter().filter(|(name, _)| !name.starts_with(OBJECTIVE));
        Ok(NetworkWeights { bytes: weights::serialise(kept, None).map_err(failed)?, genres: self.genres.clone() })
    }

    /// Moves towards `other`: own ← own + share · (other − own), statistics too.
    ///
    /// # Errors
    /// [`Error::Torch`].
    pub fn approach(&mut self, other: &HashMap<String, Tensor>, share: f64) -> Result<()> {
        let _no_gradients = tch::no_grad_guard();
        for (name, mut own) in self.variables.variables() {
            if let Some(other) = other.get(&name) {
                let _ = own.f_lerp_(other, share)?;
            }
        }
        Ok(())
    }
}

/// Draws all matrices and kernels that are trained and whose names begin with `prefix` evenly from ±√(6 /
/// inputs) (He et al. 2015, § 2.2). libtorch's generator is the whole process's: whatever another thread draws
/// from it would change these weights.
fn draw_weights(variables: &VarStore, prefix: &str, seed: u64) -> Result<()> {
    let _no_gradients = tch::no_grad_guard();
    let mut random = StdRng::seed_from_u64(seed);
    let all = variables.variables().into_iter();
    let mut named: Vec<(String, Tensor)> =
        all.filter(|(name, value)| name.starts_with(prefix) && value.requires_grad()).collect();
    named.sort_by(|a, b| a.0.cmp(&b.0));
    for (_, mut weight) in named {
        let shape = weight.size();
        if shape.len() > 1 {
            let inputs: i64 = shape[1..].iter().product();
            let bound = (6.0 / inputs as f32).sqrt();
            let drawn: Vec<f32> = (0..weight.numel()).map(|_| random.random_range(-bound..bound)).collect();
            weight.f_copy_(&Tensor::f_from_slice(&drawn)?.f_view(shape.as_slice())?)?;
        }
    }
    Ok(())
}

/// The encoder as it serves: batch normalisation folded, names as in a model's file.
///
/// # Errors
/// [`Error::Model`] where the weights have another shape than the setup's; [`Error::Torch`].
pub fn serving_weights(setup: Setup<'_>, stored: &NetworkWeights) -> Result<Vec<u8>> {
    let network = Network::random(setup, &stored.genres)?;
    let damaged =
        |error: weights::WeightsError| Error::Model { path: "the trained network".into(), reason: error.to_string() };
    network.take_over(stored).map_err(damaged)?;
    guard("folding the network", || {
        weights::named_to_bytes(network.encoder.folded(), ENCODER)
            .map_err(|error| Error::Torch { operation: "saving weights", reason: error.to_string() })
    })
}

#[cfg(test)]
mod tests {
    use audio_frontend::FrontEndConfig;

    use super::*;
    use crate::augment::AugmentConfig;
    use crate::model::{Architecture, CnnConfig};

    #[test]
    fn random_weights_depend_on_the_seed_whatever_other_threads_draw() {
        let config = CnnConfig { channels: vec![16, 16], embedding_size: 16, ..Default::default() };
        let architecture = Architecture::Cnn(config);
        let front_end = FrontEndConfig::default();
        let weights = |seed| {
            let setup =
                Setup { seed, front_end: &front_end, architecture: &architecture, augment: &AugmentConfig::OFF };
            Network::random(setup, &["rock".into(), "jazz".into()]).unwrap().weights().unwrap()
        };
        let first = weights(1);
        std::thread::scope(|scope| {
            let drawing = scope.spawn(|| (0..2000).for_each(|_| drop(Tensor::randn([100], tch::kind::FLOAT_CPU))));
            while !drawing.is_finished() {
                assert_eq!(weights(1), first);
            }
        });
        assert_ne!(weights(2), first);
    }
}
