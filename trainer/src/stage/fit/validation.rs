//! What a stage is looked at by now and then: retrieval among the validation artists, and its own loss on their
//! tracks.

use tch::Tensor;

use super::Stage;
use super::state::State;
use crate::data::Roster;
use crate::data::batch::{Batch, BatchConfig};
use crate::data::sampler::Sampler;
use crate::error::{Error, Result};
use crate::evaluate::Retrieval;
use crate::evaluate::scores::Reconstruction;
use crate::metric::miner::corpus::{CorpusConfig, HardNegatives};
use crate::model::Mode;
use crate::torch::guard;

/// Batches that the loss is the mean of.
const BATCHES: usize = 4;

/// Windows that the report shows.
const SHOWN: usize = 3;

/// The validation tracks, as batches that stay the same all over a stage.
pub struct Validation<'a> {
    stage: &'a Stage<'a>,
    batches: Vec<Batch>,
}

/// What a look has shown.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// Retrieval among the validation artists.
    pub retrieval: Retrieval,
    /// Variance of their vectors: 1 for an even sphere.
    pub variance: f64,
    /// The stage's loss; `None` without validation tracks.
    pub loss: Option<f64>,
}

impl<'a> Validation<'a> {
    /// Draws the batches.
    ///
    /// # Errors
    /// As [`Sampler::batch`].
    pub fn new(stage: &'a Stage<'a>) -> Result<Self> {
        let Stage { setup, material, batch, .. } = *stage;
        let tracks = material.validation;
        let mut batches = Vec::new();
        if tracks.len() >= 2 {
            let roster = Roster::among(tracks, &material.roster.genres);
            let unmixed = BatchConfig { mixup_share: 0.0, ..batch.clone() };
            let sampler = Sampler::new(tracks, &roster, setup.front_end, setup.augment, &unmixed, setup.seed);
            let sampler = match stage.teachers {
                Some(teachers) => sampler.with_teacher(teachers.validation),
                None => sampler,
            };
            for step in 0..BATCHES {
                let plan = sampler.plan(step, 0, &mut HardNegatives::default().draws(&CorpusConfig::default()));
                // A teacher may have heard none of them.
                if plan.len() >= 2 {
                    batches.push(sampler.batch(&plan, step)?);
                }
            }
        }
        Ok(Self { stage, batches })
    }

    /// Looks at the weights that are judged.
    ///
    /// # Errors
    /// [`Error::Torch`], [`Error::NotFinite`].
    pub fn look(&self, state: &State<'_>) -> Result<Seen> {
        let (retrieval, variance) = self.stage.material.judge.judge(&state.judged().encoder)?;
        let mut sum = 0.0;
        for batch in &self.batches {
            sum += guard("the loss of validation tracks", || {
                let _no_gradients = tch::no_grad_guard();
                let input = batch.input(self.stage.setup.front_end.mel_bands)?;
                Ok(state.judged_loss(&input, batch, Mode::Serve)?.loss.f_double_value(&[])?)
            })?;
        }
        if !sum.is_finite() {
            return Err(Error::NotFinite { what: "the validation loss" });
        }
        let loss = (!self.batches.is_empty()).then(|| sum / self.batches.len() as f64);
        Ok(Seen { retrieval, variance, loss })
    }

    /// What the stage makes out of some windows, where it reconstructs: of validation tracks, or else of those it
    /// learnt from.
    ///
    /// # Errors
    /// As [`TrackPower::spread`](crate::data::TrackPower::spread); [`Error::Torch`].
    pub fn reconstructions(&self, state: &State<'_>) -> Result<Vec<Reconstruction>> {
        let Stage { setup, material, .. } = *self.stage;
        let tracks = if material.validation.is_empty() { material.tracks } else { material.validation };
        let mut shown = Vec::new();
        for number in 0..SHOWN.min(tracks.len()) {
            let track = &tracks[number * tracks.len() / SHOWN.min(tracks.len())];
            let log_mel = track.power.spread(1, setup.front_end)?;
            let made = guard("reconstructing", || {
                let _no_gradients = tch::no_grad_guard();
                let input = Tensor::f_from_slice(&log_mel)?.f_view([1, -1, setup.front_end.mel_bands as i64])?;
                state.reconstruct(&input)
            })?;
            let Some(made) = made else { break };
            let seconds = made.frames as f64 * setup.front_end.hop_seconds;
            shown.push(Reconstruction { label: track.entry.label(), seconds, ..made });
        }
        Ok(shown)
    }
}
