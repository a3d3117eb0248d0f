//! What all stages share: batches made ahead, steps, looks at the validation artists, the best weights
//! kept, an eye on collapse, checkpoints.

mod config;
mod prefetch;
mod state;
mod validation;

use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::network::{Network, NetworkWeights, Start};
use super::optimiser::StepSize;
use super::{Material, Setup, Teachers};
use crate::data::batch::{Batch, BatchConfig};
use crate::data::sampler::Sampler;
use crate::error::{Error, Result};
use crate::evaluate::Retrieval;
use crate::evaluate::scores::{CurvePoint, Reconstruction, StageCurve};
use crate::metric::miner::corpus::{CorpusConfig, HardNegatives, NeighbourSearch};
use crate::model::Mode;
use crate::model::embedding_head::normalised;
use crate::schedule::rate_factor;
use crate::torch::guard;
pub use config::{FitConfig, Keep};
use prefetch::Prefetch;
use state::State;
use validation::Validation;

/// What a stage asks of a batch.
pub trait Objective {
    /// Name of the stage.
    fn name(&self) -> &'static str;

    /// The loss of a batch, whose `log_mel` (crops × frames × bands, in dB) the objective sends through the
    /// network. In [`Mode::Serve`] it is a validation batch, from which nothing may be learnt or remembered.
    ///
    /// # Errors
    /// [`Error::Torch`].
    fn loss(&self, network: &Network, log_mel: &Tensor, batch: &Batch, mode: Mode) -> Result<StepLoss>;

    /// Whether the stage trains embeddings, which then may collapse.
    fn trains_embeddings(&self) -> bool {
        true
    }

    /// Windows (one × frames × bands, in dB) as the stage sees them and makes them out, for the report.
    ///
    /// # Errors
    /// [`Error::Torch`].
    fn reconstruct(&self, _network: &Network, _log_mel: &Tensor) -> Result<Option<Reconstruction>> {
        Ok(None)
    }
}

/// The loss of a batch.
#[derive(Debug)]
pub struct StepLoss {
    /// To be made smaller.
    pub loss: Tensor,
    /// Embeddings of the crops, crops × embedding size, unit length: watched for collapse.
    pub vectors: Tensor,
    /// Share of triplets that violate the margin, where there are triplets.
    pub active_triplets: Option<f64>,
}

/// Makes a stage's objective, with what variables it needs beside the network's
/// ([`Network::with_objective`]).
pub type MakeObjective<'a> = dyn Fn(&Network) -> Result<Box<dyn Objective + 'a>> + 'a;

/// A stage, ready to run.
#[derive(Clone, Copy)]
pub struct Stage<'a> {
    /// Seed, front end, architecture, augmentation.
    pub setup: Setup<'a>,
    /// Tracks and judge.
    pub material: Material<'a>,
    /// How it moves.
    pub fit: &'a FitConfig,
    /// What batches are made of.
    pub batch: &'a BatchConfig,
    /// Whether and how hard negatives are looked for in the whole corpus.
    pub corpus: Option<&'a CorpusConfig>,
    /// Whose vectors of the crops batches hold: then only tracks that it has heard are drawn.
    pub teachers: Option<Teachers<'a>>,
    /// What it asks of a batch.
    pub objective: &'a MakeObjective<'a>,
}

impl<'a> Stage<'a> {
    /// Without hard negatives and without a teacher.
    pub fn new(
        setup: Setup<'a>,
        material: Material<'a>,
        fit: &'a FitConfig,
        batch: &'a BatchConfig,
        objective: &'a MakeObjective<'a>,
    ) -> Self {
        Self { setup, material, fit, batch, corpus: None, teachers: None, objective }
    }
}

/// What surrounds a run.
pub struct Surroundings<'a> {
    /// File that the run's state is kept in; one that is there is gone on from.
    pub checkpoint: Option<&'a Path>,
    /// Time after which the stage has to be at its end; the learning rate falls accordingly.
    pub max_duration: Option<Duration>,
    /// For hard negatives of the whole corpus.
    pub search: &'a mut dyn NeighbourSearch,
    /// Told after every step.
    pub report: &'a mut dyn FnMut(Progress),
}

/// What is told while a stage runs.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Steps done.
    pub step: usize,
    /// Loss of the step's batch.
    pub loss: f64,
    /// Its learning rate.
    pub learning_rate: f64,
    /// Share of the time so far in which the network waited for a batch.
    pub waited_share: f64,
    /// Present after a look at the validation artists.
    pub point: Option<CurvePoint>,
    /// Present with it.
    pub validation: Option<Retrieval>,
}

/// What a stage has come to.
#[derive(Debug, Clone)]
pub struct Fitted {
    /// The weights that were kept: see [`Keep`].
    pub weights: NetworkWeights,
    /// Retrieval of these.
    pub validation: Retrieval,
    /// What was told on the way.
    pub curve: StageCurve,
    /// Why it ended.
    pub ended: Ended,
}

/// Why a stage ended.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Ended {
    /// All steps were done.
    AllSteps,
    /// The validation artists were not served better for a while.
    Patience,
    /// Time was up.
    OutOfTime,
    /// The embeddings came to lie in one point.
    Collapsed {
        /// Steps done.
        step: usize,
        /// Variance of the embeddings, 1 for an even sphere.
        variance: f64,
        /// Share of triplets at work.
        active_triplets: Option<f64>,
    },
}

/// Variance below which vectors, of a batch or of the validation artists, are as good as one point.
const COLLAPSED_VARIANCE: f64 = 0.02;

/// Steps before which nothing is said to have collapsed: averages still follow the weights of the beginning.
const FIRST_STEPS: usize = 20;

/// Weight of the latest step in what is watched for collapse: about the last twenty count.
const WATCH_SHARE: f64 = 0.05;

/// Runs a stage from `start`, or from its checkpoint.
///
/// The same seed, data and number of threads give the same weights, whether or not the run was
/// interrupted: all that libtorch computes here repeats bit by bit at a fixed number of threads (a test
/// holds it to that); with another number, or on another processor, sums are rounded in another order.
///
/// # Errors
/// [`Error::TooLittleData`] without two tracks; [`Error::Torch`]; [`Error::NotFinite`] where the loss
/// stops being a number; [`Error::Checkpoint`]; [`Error::Io`]; [`Error::Search`].
pub fn fit<'a>(stage: &'a Stage<'a>, start: &Start, surroundings: Surroundings<'_>) -> Result<Fitted> {
    let Material { tracks, roster, .. } = stage.material;
    if tracks.len() < 2 {
        return Err(Error::TooLittleData { genres: roster.genres.len(), tracks: tracks.len() });
    }
    let Setup { front_end, augment, seed, .. } = stage.setup;
    let sampler = Sampler::new(tracks, roster, front_end, augment, stage.batch, seed)
        .with_preferences(stage.material.preferences);
    let sampler = match stage.teachers {
        Some(teachers) => sampler.with_teacher(teachers.training),
        None => sampler,
    };
    let mut state = State::begin(stage, start, &sampler, surroundings.checkpoint)?;
    let validation = Validation::new(stage)?;
    if state.step() == 0 && !matches!(start, Start::Random) {
        // What a stage starts from is its first candidate: none ends below it.
        let seen = validation.look(&state)?;
        state.look(seen, 0.0)?;
    }
    let mut run = Run { stage, surroundings, validation, started: Instant::now(), waited: Duration::ZERO };
    while state.ended().is_none() {
        run.round(&mut state, &sampler)?;
    }
    let reconstructions = run.validation.reconstructions(&state)?;
    state.finish(reconstructions)
}

/// A stage that runs.
struct Run<'a, 's> {
    stage: &'a Stage<'a>,
    surroundings: Surroundings<'s>,
    validation: Validation<'a>,
    started: Instant,
    waited: Duration,
}

impl Run<'_, '_> {
    /// Steps up to the next search for hard negatives, or all that are left.
    fn round(&mut self, state: &mut State, sampler: &Sampler<'_>) -> Result<()> {
        let Stage { fit, corpus, .. } = *self.stage;
        if let Some(corpus) = corpus
            && state.step().is_multiple_of(corpus.refresh_every)
        {
            let negatives = self.hard_negatives(state, corpus)?;
            state.begin_round(negatives);
        }
        let end = corpus.map_or(fit.steps, |corpus| state.round_start() + corpus.refresh_every).min(fit.steps);
        let negatives = state.negatives().clone();
        let no_search = CorpusConfig::default();
        let mined = corpus.map_or(0, |corpus| corpus.tracks);
        let draws = negatives.draws(corpus.unwrap_or(&no_search));
        std::thread::scope(|scope| {
            let batches = Prefetch::start(scope, sampler, draws, mined, state.round_start()..end, state.step());
            while state.step() < end && state.ended().is_none() {
                let waiting = Instant::now();
                let batch = batches.next()?;
                self.waited += waiting.elapsed();
                self.step(state, &batch)?;
            }
            Ok(())
        })
    }

    fn step(&mut self, state: &mut State, batch: &Batch) -> Result<()> {
        let fit = self.stage.fit;
        let elapsed = self.started.elapsed();
        let of_time = self.surroundings.max_duration.map_or(0.0, |limit| elapsed.as_secs_f64() / limit.as_secs_f64());
        let done = ((state.step() + 1) as f64 / fit.steps as f64).max(of_time);
        let learning_rate = fit.learning_rate * rate_factor(done, fit.warm_up_share);
        let watched = self.descend(state, batch, learning_rate)?;
        state.watch(watched);
        let step = state.step();
        let mut ended = self.ended(state, of_time >= 1.0);
        let mut looked = None;
        if ended.is_some() || step.is_multiple_of(fit.evaluate_every) {
            let seen = self.validation.look(state)?;
            looked = Some((state.look(seen, learning_rate)?, seen.retrieval));
            let variance = seen.variance;
            if state.can_collapse() && variance < COLLAPSED_VARIANCE {
                let (_, active_triplets) = state.watched();
                ended = Some(Ended::Collapsed { step, variance, active_triplets });
            }
        }
        let impatient = fit.patience > 0 && state.looks_without_better() >= fit.patience;
        state.set_ended(ended.or(impatient.then_some(Ended::Patience)));
        if let Some(path) = self.surroundings.checkpoint
            && (step.is_multiple_of(fit.checkpoint_every) || state.ended().is_some())
        {
            state.write(path)?;
        }
        let total = self.started.elapsed().as_secs_f64();
        (self.surroundings.report)(Progress {
            step,
            loss: watched.loss,
            learning_rate,
            waited_share: self.waited.as_secs_f64() / total.max(1e-9),
            point: looked.map(|(point, _)| point),
            validation: looked.map(|(_, validation)| validation),
        });
        Ok(())
    }

    /// One step down the loss of a batch.
    fn descend(&self, state: &mut State, batch: &Batch, learning_rate: f64) -> Result<Watched> {
        let Stage { fit, setup, .. } = *self.stage;
        let mode = Mode::Train { frozen_layers: fit.frozen_layers_at(state.step()) };
        let size = StepSize {
            learning_rate,
            backbone_factor: fit.backbone_factor,
            weight_decay: fit.weight_decay,
            clip_norm: fit.clip_norm,
        };
        guard("a training step", || {
            let input = batch.input(setup.front_end.mel_bands)?;
            let StepLoss { loss, vectors, active_triplets } = state.loss(&input, batch, mode)?;
            let value = loss.double_value(&[]);
            if !value.is_finite() {
                return Err(Error::NotFinite { what: "the training loss" });
            }
            let mean = vectors.detach().mean_dim([0_i64].as_slice(), false, Kind::Float);
            // Of unit vectors, the mean squared length is 1.
            let variance = 1.0 - mean.square().sum(Kind::Float).double_value(&[]);
            state.descend(&loss, size, fit.average_decay)?;
            Ok(Watched { loss: value, variance, active_triplets })
        })
    }

    fn ended(&self, state: &State, out_of_time: bool) -> Option<Ended> {
        let (variance, active_triplets) = state.watched();
        let step = state.step();
        if state.can_collapse() && variance < COLLAPSED_VARIANCE {
            return Some(Ended::Collapsed { step, variance, active_triplets });
        }
        if step == self.stage.fit.steps {
            return Some(Ended::AllSteps);
        }
        out_of_time.then_some(Ended::OutOfTime)
    }

    /// Embeds the labelled tracks as the network is now, and searches them.
    fn hard_negatives(&mut self, state: &State, corpus: &CorpusConfig) -> Result<HardNegatives> {
        let Stage { setup, material, .. } = *self.stage;
        let members = &material.roster.members;
        let labelled: Vec<usize> = (0..members.len()).filter(|&track| members[track].genre.is_some()).collect();
        let bands = setup.front_end.mel_bands as i64;
        let mut vectors: Vec<f32> = Vec::new();
        for tracks in labelled.chunks(CORPUS_BATCH) {
            let mut log_mel = Vec::new();
            for &track in tracks {
                log_mel.extend(material.tracks[track].power.spread(CORPUS_WINDOWS, setup.front_end)?);
            }
            vectors.extend(guard("embedding the corpus", || {
                let _no_gradients = tch::no_grad_guard();
                let windows = (tracks.len() * CORPUS_WINDOWS) as i64;
                let input = Tensor::f_from_slice(&log_mel)?.f_view([windows, -1, bands])?;
                let vectors = state.network().encoder.forward(&input, Mode::Serve);
                let of_tracks = vectors.f_view([tracks.len() as i64, CORPUS_WINDOWS as i64, -1])?;
                let mean = of_tracks.mean_dim([1_i64].as_slice(), false, Kind::Float);
                Ok(Vec::<f32>::try_from(normalised(&mean).view([-1]))?)
            })?);
        }
        HardNegatives::find(self.surroundings.search, &vectors, members, &labelled, corpus)
    }
}

/// Windows by which a track takes part in the search for hard negatives.
const CORPUS_WINDOWS: usize = 4;

/// Tracks embedded at a time.
const CORPUS_BATCH: usize = 16;

/// What a step showed.
#[derive(Debug, Clone, Copy)]
struct Watched {
    loss: f64,
    variance: f64,
    active_triplets: Option<f64>,
}

#[cfg(test)]
mod tests;
