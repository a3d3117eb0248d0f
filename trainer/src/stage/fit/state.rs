//! All that a run would lose if it were killed now.

use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::validation::Seen;
use super::{Ended, FIRST_STEPS, FitConfig, Fitted, Keep, Objective, Stage, Start, StepLoss, WATCH_SHARE, Watched};
use crate::checkpoint::Checkpoint;
use crate::data::batch::Batch;
use crate::data::sampler::Sampler;
use crate::error::{Error, Result};
use crate::evaluate::Retrieval;
use crate::evaluate::scores::{CurvePoint, Reconstruction, StageCurve};
use crate::metric::miner::corpus::{CorpusConfig, HardNegatives};
use crate::model::{Mode, weights};
use crate::stage::network::{Network, NetworkWeights};
use crate::stage::optimiser::{AdamW, StepSize};

/// The network, its average, each with what the stage needs beside it, the optimiser, and what was seen on the
/// way.
pub struct State<'a> {
    network: Network,
    objective: Box<dyn Objective + 'a>,
    average: Network,
    average_objective: Box<dyn Objective + 'a>,
    fit: &'a FitConfig,
    optimiser: AdamW,
    best: Option<NetworkWeights>,
    plain: Plain,
}

/// The part without tensors.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Plain {
    step: usize,
    curve: StageCurve,
    best: Option<Retrieval>,
    best_loss: Option<f64>,
    looks_without_better: usize,
    /// Since the last look.
    loss_sum: f64,
    losses: usize,
    /// Smoothed over about the last twenty steps.
    variance: Option<f64>,
    active_triplets: Option<f64>,
    negatives: HardNegatives,
    round_start: usize,
    ended: Option<Ended>,
}

impl<'a> State<'a> {
    /// From the checkpoint where there is one, else from `start`.
    pub fn begin(stage: &Stage<'a>, start: &Start, sampler: &Sampler<'_>, checkpoint: Option<&Path>) -> Result<Self> {
        let genres = &stage.material.roster.genres;
        let network = match start {
            // Only a folded model looks at windows to begin with.
            Start::Model(_) => {
                let plan = sampler.plan(0, 0, &mut HardNegatives::default().draws(&CorpusConfig::default()));
                let batch = sampler.batch(&plan, 0)?;
                let log_mel = batch.input(stage.setup.front_end.mel_bands)?;
                Network::begin(stage.setup, genres, start, &log_mel)?
            }
            Start::Random | Start::Weights(_) => Network::begin(stage.setup, genres, start, &Tensor::new())?,
        };
        let average = Network::begin(stage.setup, genres, &Start::Weights(network.weights()?), &Tensor::new())?;
        let (objective, average_objective) = ((stage.objective)(&network)?, (stage.objective)(&average)?);
        let curve = StageCurve { stage: objective.name().to_owned(), ..Default::default() };
        let mut state = Self {
            optimiser: AdamW::new(&network.variables),
            network,
            objective,
            average,
            average_objective,
            fit: stage.fit,
            best: None,
            plain: Plain { curve, ..Default::default() },
        };
        if let Some(path) = checkpoint
            && let Some(stored) = Checkpoint::read(path)?
        {
            let other = || Error::Checkpoint { path: path.into(), reason: "it is of another run".into() };
            state.restore(stored).ok_or_else(other)?;
        }
        Ok(state)
    }

    fn restore(&mut self, stored: Checkpoint<Plain>) -> Option<()> {
        let below = |prefix: &str| -> HashMap<String, Tensor> {
            let strip = |(name, tensor): (&String, &Tensor)| {
                Some((name.strip_prefix(prefix)?.to_owned(), tensor.shallow_clone()))
            };
            stored.tensors.iter().filter_map(strip).collect()
        };
        weights::set(&self.network.variables, "", &below("network/")).ok()?;
        weights::set(&self.average.variables, "", &below("average/")).ok()?;
        let moments = below("optimiser/");
        self.optimiser.restore(stored.state.step, |name| moments.get(name).map(Tensor::shallow_clone))?;
        if stored.state.best.is_some() {
            let bytes = weights::serialise(below("best/"), None).ok()?;
            self.best = Some(NetworkWeights { bytes, genres: self.network.weights().ok()?.genres });
        }
        self.plain = stored.state;
        Some(())
    }

    /// Writes the checkpoint.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut tensors = HashMap::new();
        let mut add = |prefix: &str, named: HashMap<String, Tensor>| {
            tensors.extend(named.into_iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor)));
        };
        add("network/", self.network.variables.variables());
        add("average/", self.average.variables.variables());
        add("optimiser/", self.optimiser.state().into_iter().collect());
        if let Some(best) = &self.best {
            let unreadable =
                |error: weights::WeightsError| Error::Checkpoint { path: path.into(), reason: error.to_string() };
            add("best/", weights::deserialise(&best.bytes).map_err(unreadable)?);
        }
        Checkpoint { state: self.plain.clone(), tensors }.write(path)
    }

    /// Steps done.
    pub fn step(&self) -> usize {
        self.plain.step
    }

    /// The network that is trained.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The network that is judged and kept.
    pub fn judged(&self) -> &Network {
        &self.average
    }

    /// Whether embeddings that are as one point now say that the stage has failed.
    pub fn can_collapse(&self) -> bool {
        self.objective.trains_embeddings() && self.plain.step >= FIRST_STEPS
    }

    /// The loss of a batch by the network that is trained.
    pub fn loss(&self, log_mel: &Tensor, batch: &Batch, mode: Mode) -> Result<StepLoss> {
        self.objective.loss(&self.network, log_mel, batch, mode)
    }

    /// The loss of a batch by the network that is judged.
    pub fn judged_loss(&self, log_mel: &Tensor, batch: &Batch, mode: Mode) -> Result<StepLoss> {
        self.average_objective.loss(&self.average, log_mel, batch, mode)
    }

    /// What the network that is judged makes out of a window.
    pub fn reconstruct(&self, log_mel: &Tensor) -> Result<Option<Reconstruction>> {
        self.average_objective.reconstruct(&self.average, log_mel)
    }

    /// Where the present hard negatives were found.
    pub fn round_start(&self) -> usize {
        self.plain.round_start
    }

    /// The present hard negatives.
    pub fn negatives(&self) -> &HardNegatives {
        &self.plain.negatives
    }

    /// A new search has found these.
    pub fn begin_round(&mut self, negatives: HardNegatives) {
        self.plain.negatives = negatives;
        self.plain.round_start = self.plain.step;
    }

    /// One optimiser step; the average follows.
    pub fn descend(&mut self, loss: &Tensor, size: StepSize, average_decay: f64) -> Result<()> {
        self.optimiser.zero_gradients();
        loss.f_backward()?;
        self.optimiser.step(size)?;
        self.plain.step += 1;
        // At first the average would mostly be the random weights of the beginning.
        let step = self.plain.step as f64;
        let decay = average_decay.min((1.0 + step) / (10.0 + step));
        self.average.approach(&self.network.variables.variables(), 1.0 - decay)
    }

    /// Takes note of a step.
    pub fn watch(&mut self, watched: Watched) {
        let smooth = |old: Option<f64>, new: f64| old.map_or(new, |old| old + WATCH_SHARE * (new - old));
        self.plain.loss_sum += watched.loss;
        self.plain.losses += 1;
        self.plain.variance = Some(smooth(self.plain.variance, watched.variance));
        if let Some(active) = watched.active_triplets {
            self.plain.active_triplets = Some(smooth(self.plain.active_triplets, active));
        }
    }

    /// Smoothed variance and share of active triplets.
    pub fn watched(&self) -> (f64, Option<f64>) {
        (self.plain.variance.unwrap_or(1.0), self.plain.active_triplets)
    }

    /// Takes note of a look at the validation artists, and of the weights where they are the best.
    pub fn look(&mut self, seen: Seen, learning_rate: f64) -> Result<CurvePoint> {
        let Seen { retrieval, variance, loss: validation_loss } = seen;
        let plain = &mut self.plain;
        let has_queries = retrieval.queries > 0;
        let point = CurvePoint {
            step: plain.step,
            loss: plain.loss_sum / plain.losses.max(1) as f64,
            validation_loss,
            learning_rate,
            active_triplets: plain.active_triplets,
            embedding_variance: Some(variance),
            mean_average_precision: has_queries.then_some(retrieval.mean_average_precision),
            area_under_curve: has_queries.then_some(retrieval.area_under_curve),
        };
        // A look before the first step has no loss to show.
        if plain.losses > 0 {
            plain.curve.points.push(point);
        }
        (plain.loss_sum, plain.losses) = (0.0, 0);
        // With nothing to judge by, the latest weights are kept.
        let is_better = match self.fit.keep {
            Keep::Retrieval => {
                let better = |best: &Retrieval| {
                    retrieval.mean_average_precision > best.mean_average_precision + self.fit.least_gain
                };
                !has_queries || plain.best.as_ref().is_none_or(better)
            }
            Keep::ValidationLoss => match (validation_loss, plain.best_loss) {
                (Some(loss), Some(best)) => loss < best,
                (Some(_) | None, _) => true,
            },
        };
        if is_better {
            (plain.best, plain.best_loss) = (Some(retrieval), validation_loss);
            plain.curve.kept_step = plain.step;
            plain.looks_without_better = 0;
            self.best = Some(self.average.weights()?);
        } else {
            plain.looks_without_better += 1;
        }
        Ok(point)
    }

    /// Looks since the best one.
    pub fn looks_without_better(&self) -> usize {
        self.plain.looks_without_better
    }

    /// Why the run is at its end, if it is.
    pub fn ended(&self) -> Option<Ended> {
        self.plain.ended
    }

    /// The run is at its end, or not.
    pub fn set_ended(&mut self, ended: Option<Ended>) {
        self.plain.ended = ended;
    }

    /// What has come of it.
    pub fn finish(self, reconstructions: Vec<Reconstruction>) -> Result<Fitted> {
        match (self.best, self.plain.best, self.plain.ended) {
            (Some(weights), Some(validation), Some(ended)) => {
                let curve = StageCurve { reconstructions, ..self.plain.curve };
                Ok(Fitted { weights, validation, curve, ended })
            }
            _ => Err(Error::NoWeights),
        }
    }
}
