//! Triplet refinement (Schroff et al. 2015; Hermans et al. 2017): what is alike comes nearer than what
//! differs, by a margin, with negatives that are hard now.

use audio_frontend::OutOfRange;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::anchor::Anchor;
use super::fit::{FitConfig, Fitted, Keep, Objective, Stage, StepLoss, Surroundings, fit};
use super::network::{Network, Start};
use super::terms::SameTrackConfig;
use super::{Material, Setup, terms};
use crate::data::batch::{Batch, BatchConfig};
use crate::error::Result;
use crate::metric::Relations;
use crate::metric::distance::Distances;
use crate::metric::loss::triplet::{Hinge, triplet_loss};
use crate::metric::miner::corpus::CorpusConfig;
use crate::metric::miner::{Miner, Triplet, batch_all};
use crate::model::Mode;

/// Settings of the stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TripletConfig {
    /// Margin α in squared distance of unit vectors, which reaches from 0 to 4.
    pub margin: f64,
    /// What a violated margin costs.
    pub hinge: Hinge,
    /// How triplets are chosen out of a batch.
    pub miner: Miner,
    /// Telling tracks apart, beside the weight 1 of triplets.
    pub same_track: SameTrackConfig,
    /// Weight of telling genres apart.
    pub genre_weight: f64,
    /// Weight of what listeners said, 0 or more. A batch holds few preferences, one an anchor, and none costs more than the
    /// margin and the diameter of the sphere: whatever is clicked in a night, this is all that it weighs.
    pub preference_weight: f64,
    /// Weight of staying near to what the stage starts from ([`Anchor`]), 0 or more.
    pub stay_weight: f64,
    /// Hard negatives out of the whole corpus.
    pub corpus: CorpusConfig,
    /// What batches are made of.
    pub batch: BatchConfig,
    /// How it moves.
    pub fit: FitConfig,
}

impl Default for TripletConfig {
    fn default() -> Self {
        Self {
            margin: 0.2,
            hinge: Hinge::Hinge,
            miner: Miner::SemiHard,
            same_track: SameTrackConfig { weight: 1.0, ..Default::default() },
            genre_weight: 0.0,
            preference_weight: 0.5,
            stay_weight: 0.0,
            corpus: CorpusConfig::default(),
            batch: BatchConfig { mixup_share: 0.0, ..Default::default() },
            fit: FitConfig {
                steps: 200,
                learning_rate: 3e-4,
                backbone_factor: 0.5,
                warm_up_share: 0.1,
                frozen_layers: 2,
                frozen_steps: 40,
                evaluate_every: 40,
                patience: 6,
                keep: Keep::Retrieval,
                ..Default::default()
            },
        }
    }
}

impl TripletConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn validate(&self) -> std::result::Result<(), OutOfRange> {
        OutOfRange::check(&[
            (self.margin > 0.0 && self.margin <= 4.0, "margin must be in (0, 4]"),
            (self.genre_weight >= 0.0, "genre_weight must be at least 0"),
            (self.preference_weight >= 0.0, "preference_weight must be at least 0"),
            (self.stay_weight >= 0.0, "stay_weight must be at least 0"),
            (self.batch.mixup_share == 0.0, "mixup_share must be 0: a mixture has no positives"),
        ])?;
        self.corpus.validate()?;
        self.batch.validate()?;
        self.same_track.validate(&self.batch)?;
        self.fit.validate()
    }
}

struct TripletObjective<'a> {
    config: &'a TripletConfig,
    anchor: Option<Anchor>,
}

impl Objective for TripletObjective<'_> {
    fn name(&self) -> &'static str {
        "triplet"
    }

    fn loss(&self, network: &Network, log_mel: &Tensor, batch: &Batch, mode: Mode) -> Result<StepLoss> {
        let config = self.config;
        let vectors = network.encoder.forward(log_mel, mode);
        let distances = Distances::of(&vectors)?;
        let relations = Relations(&batch.crops);
        let margin = config.margin as f32;
        let triplets = config.miner.mine(&distances, relations, margin);
        let triplet = triplet_loss(&vectors, &triplets, config.margin, config.hinge)?;
        let mut loss = triplet;
        if config.same_track.weight > 0.0 {
            let same_track = &config.same_track;
            loss += terms::same_track(&vectors, &batch.crops, same_track) * same_track.weight;
        }
        if config.genre_weight > 0.0 {
            loss += terms::genre(network, &vectors, batch, 0.0)? * config.genre_weight;
        }
        if config.preference_weight > 0.0 && !batch.preferences.is_empty() {
            let preferred = triplet_loss(&vectors, &batch.preferences, config.margin, config.hinge)?;
            loss += preferred * config.preference_weight;
        }
        if let Some(anchor) = &self.anchor {
            loss += anchor.distance(log_mel, &vectors) * config.stay_weight;
        }
        // Of all triplets: what a miner chooses violates the margin by its very choice.
        let active_triplets = Some(violating_share(&distances, relations, margin));
        Ok(StepLoss { loss, vectors, active_triplets })
    }
}

/// Share of all triplets of a batch that violate the margin; 0 where there are none.
fn violating_share(distances: &Distances, relations: Relations<'_>, margin: f32) -> f64 {
    let all = batch_all::mine(relations);
    let violates = |triplet: &&Triplet| {
        let near = distances.between(triplet.anchor, triplet.positive);
        near - distances.between(triplet.anchor, triplet.negative) + margin > 0.0
    };
    all.iter().filter(violates).count() as f64 / all.len().max(1) as f64
}

/// Refines from `start`.
///
/// # Errors
/// As [`fit`].
pub fn train(
    config: &TripletConfig,
    setup: Setup<'_>,
    material: Material<'_>,
    start: &Start,
    surroundings: Surroundings<'_>,
) -> Result<Fitted> {
    let objective = |network: &Network| -> Result<Box<dyn Objective>> {
        let anchor = (config.stay_weight > 0.0).then(|| Anchor::of(setup, network)).transpose()?;
        Ok(Box::new(TripletObjective { config, anchor }))
    };
    let corpus = (config.corpus.tracks > 0).then_some(&config.corpus);
    let stage = Stage { corpus, ..Stage::new(setup, material, &config.fit, &config.batch, &objective) };
    fit(&stage, start, surroundings)
}
