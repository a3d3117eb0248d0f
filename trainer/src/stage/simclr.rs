//! Contrastive learning without labels (SimCLR, Chen et al. 2020; for music: Spijkervet & Burgoyne 2021, McCallum
//! et al. 2022): two crops of a track, each varied by itself, are told from the crops of all other tracks.
//!
//! The paper's negatives come from batches of thousands. A queue may remember the projections of past batches, which
//! costs one product of matrices a step (Wang et al. 2020, XBM). From the start on, when embeddings drift fast, telling
//! new projections from old ones is all that is learnt (benches/results/label_free.md), so it counts later, if at all.

use audio_frontend::OutOfRange;
use serde::{Deserialize, Serialize};
use tch::Tensor;
use tch::nn::Path;

use super::fit::{FitConfig, Fitted, Objective, Stage, StepLoss, Surroundings, fit};
use super::network::{Network, Start};
use super::{Material, Setup};
use crate::data::batch::{Batch, BatchConfig};
use crate::error::Result;
use crate::metric::loss::nt_xent::{Past, nt_xent};
use crate::model::Mode;
use crate::model::embedding_head::normalised;
use crate::model::projection::ProjectionHead;

/// Settings of the stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SimclrConfig {
    /// Temperature τ of the softmax over cosines, above 0.
    pub temperature: f64,
    /// Length of the projection head's hidden layer.
    pub hidden_size: i64,
    /// Length of a projection.
    pub projection_size: i64,
    /// Projections of past batches that are remembered as negatives; 0: those of the batch alone.
    pub queue: usize,
    /// Share of `fit.steps` after which the remembered ones count, however long a step takes.
    pub queue_after: f64,
    /// What batches are made of: tracks in even numbers of crops, which are pairs; labels are not looked at.
    pub batch: BatchConfig,
    /// How it moves.
    pub fit: FitConfig,
}

impl Default for SimclrConfig {
    fn default() -> Self {
        Self {
            temperature: 0.1,
            hidden_size: 128,
            projection_size: 64,
            queue: 0,
            queue_after: 0.5,
            batch: BatchConfig::without_labels(),
            fit: FitConfig::default(),
        }
    }
}

impl SimclrConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn validate(&self) -> std::result::Result<(), OutOfRange> {
        let sizes = 1..=4096;
        OutOfRange::check(&[
            (self.temperature > 0.0, "temperature must be above 0"),
            (sizes.contains(&self.hidden_size), "hidden_size must be in 1..=4096"),
            (sizes.contains(&self.projection_size), "projection_size must be in 1..=4096"),
            (self.queue <= 1_000_000, "queue must be in 0..=1000000"),
            ((0.0..=1.0).contains(&self.queue_after), "queue_after must be in 0..=1"),
            (self.batch.mixup_share == 0.0, "mixup_share must be 0: a mixture has no other view"),
            (self.batch.crops_per_track.is_multiple_of(2), "crops_per_track must be even: crops are pairs"),
        ])?;
        self.batch.validate()?;
        self.fit.validate()
    }
}

/// The projection head g, and the queue. Both are variables, so that a checkpoint holds them.
struct Simclr<'a> {
    config: &'a SimclrConfig,
    head: ProjectionHead,
    /// Unit vectors, queue × projection size.
    queue: Tensor,
    /// The track of each, counted from 1; 0: still empty.
    queue_tracks: Tensor,
    /// Crops remembered so far, in one number.
    remembered: Tensor,
}

impl<'a> Simclr<'a> {
    fn new(config: &'a SimclrConfig, embedding_size: i64, path: &Path<'_>) -> Self {
        Self {
            config,
            head: ProjectionHead::new(path, embedding_size, config.hidden_size, config.projection_size),
            queue: path.zeros_no_train("queue", &[config.queue as i64, config.projection_size]),
            queue_tracks: path.zeros_no_train("queue_tracks", &[config.queue as i64]),
            remembered: path.zeros_no_train("remembered", &[1]),
        }
    }

    fn past(&self) -> Result<(Tensor, Vec<Option<usize>>)> {
        let tracks = Vec::<f32>::try_from(&self.queue_tracks)?;
        // A copy: the place is overwritten before the gradient is worked out.
        Ok((self.queue.copy(), tracks.into_iter().map(|track| (track as usize).checked_sub(1)).collect()))
    }

    /// The latest projections take the place of the oldest.
    fn remember(&self, projections: &Tensor, batch: &Batch) -> Result<()> {
        let _no_gradients = tch::no_grad_guard();
        let size = self.config.queue as i64;
        let first = self.remembered.f_double_value(&[0])? as i64;
        let count = batch.crops.len() as i64;
        let places: Vec<i64> = (0..count).map(|number| (first + number) % size).collect();
        // Of a batch larger than the queue, the end.
        let kept = count.min(size);
        let places = Tensor::f_from_slice(&places)?.f_narrow(0, count - kept, kept)?;
        let numbers: Vec<f32> = batch.crops.iter().map(|crop| crop.track as f32 + 1.0).collect();
        let numbers = Tensor::f_from_slice(&numbers)?.f_narrow(0, count - kept, kept)?;
        let projections = projections.f_detach()?.f_narrow(0, count - kept, kept)?;
        let _ = self.queue.shallow_clone().f_index_copy_(0, &places, &projections)?;
        let _ = self.queue_tracks.shallow_clone().f_index_copy_(0, &places, &numbers)?;
        let _ = self.remembered.shallow_clone().f_fill_((first + count) % size)?;
        Ok(())
    }
}

impl Objective for Simclr<'_> {
    fn name(&self) -> &'static str {
        "simclr"
    }

    fn loss(&self, network: &Network, log_mel: &Tensor, batch: &Batch, mode: Mode) -> Result<StepLoss> {
        let vectors = network.encoder.forward(log_mel, mode);
        let projections = normalised(&self.head.forward(&vectors));
        let tracks: Vec<usize> = batch.crops.iter().map(|crop| crop.track).collect();
        let has_queue = mode.trains() && self.config.queue > 0;
        let is_late = batch.step as f64 >= self.config.queue_after * self.config.fit.steps as f64;
        let past = if has_queue && is_late { Some(self.past()?) } else { None };
        let past = past.as_ref().map(|(unit_vectors, tracks)| Past { unit_vectors, tracks });
        let loss = nt_xent(&projections, &tracks, past.as_ref(), self.config.temperature);
        if has_queue {
            self.remember(&projections, batch)?;
        }
        Ok(StepLoss { loss, vectors, active_triplets: None })
    }
}

/// Trains from `start` without labels.
///
/// # Errors
/// As [`fit`].
pub fn train(
    config: &SimclrConfig,
    setup: Setup<'_>,
    material: Material<'_>,
    start: &Start,
    surroundings: Surroundings<'_>,
) -> Result<Fitted> {
    let objective = |network: &Network| -> Result<Box<dyn Objective>> {
        let size = setup.architecture.embedding_size();
        Ok(Box::new(network.with_objective(setup.seed, |path| Ok(Simclr::new(config, size, path)))?))
    };
    let stage = Stage::new(setup, material, &config.fit, &config.batch, &objective);
    fit(&stage, start, surroundings)
}

#[cfg(test)]
mod tests {
    use tch::nn::VarStore;
    use tch::{Device, Kind};

    use super::*;
    use crate::metric::Crop;

    #[test]
    fn the_latest_projections_take_the_place_of_the_oldest() {
        let config = SimclrConfig { queue: 3, projection_size: 1, hidden_size: 1, ..Default::default() };
        let variables = VarStore::new(Device::Cpu);
        let stage = Simclr::new(&config, 1, &variables.root());
        let remember = |first: usize, count: usize| {
            let tracks = first..first + count;
            let crops = tracks.clone().map(|track| Crop { track, artist: 0, genre: None }).collect();
            let batch = Batch { crops, ..Default::default() };
            let projections = Tensor::arange_start(first as i64, tracks.end as i64, (Kind::Float, Device::Cpu));
            stage.remember(&projections.view([-1, 1]), &batch).unwrap();
            let (vectors, tracks) = stage.past().unwrap();
            (Vec::<f32>::try_from(vectors.view([-1])).unwrap(), tracks)
        };
        assert_eq!(remember(10, 2), (vec![10.0, 11.0, 0.0], vec![Some(10), Some(11), None]));
        assert_eq!(remember(20, 2), (vec![21.0, 11.0, 20.0], vec![Some(21), Some(11), Some(20)]));
        // Of more than it holds, the end.
        let (vectors, tracks) = remember(30, 5);
        assert_eq!(vectors.iter().map(|&value| Some(value as usize)).collect::<Vec<_>>(), tracks);
        let mut kept: Vec<_> = tracks.into_iter().flatten().collect();
        kept.sort_unstable();
        assert_eq!(kept, [32, 33, 34]);
    }
}
