//! Settings of `retrain`.

use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use trainer::config::StageName;
use trainer::evaluate::PromotionConfig;
use trainer::stage::discriminate::DiscriminateConfig;
use trainer::stage::fit::{FitConfig, Keep};
use trainer::stage::triplet::TripletConfig;
use trainer::{ModelCard, TrainConfig};

/// What a retraining goes by; what a file leaves out keeps its default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetrainConfig {
    /// The recipe: settings of `train` over those of [`RetrainConfig::recipe`].
    pub train: toml::Table,
    /// By what a model is promoted.
    pub promotion: PromotionConfig,
    /// What is kept.
    pub keep: KeepConfig,
}

/// What is kept of models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeepConfig {
    /// Models that served, the present one among them, with their vectors: what can be rolled back to.
    pub models: usize,
    /// Days that a model is kept that was not good enough, with its report.
    pub refused_days: u32,
}

impl Default for KeepConfig {
    fn default() -> Self {
        Self { models: 3, refused_days: 7 }
    }
}

/// Share of each genre's artists that judge and are never learnt from.
const JUDGES_SHARE: f64 = 0.3;

impl RetrainConfig {
    /// Reads a file; without one, everything has its default.
    ///
    /// # Errors
    /// Where the file cannot be read, or a setting is unknown or out of range.
    pub fn read(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let place = || path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(place)?;
        let config: Self = toml::from_str(&text).with_context(place)?;
        config.promotion.validate().map_err(anyhow::Error::from).with_context(place)?;
        anyhow::ensure!(config.keep.models >= 1, "{}: keep.models must be at least 1", place());
        Ok(config)
    }

    /// How a model is trained on: triplets move it while its first layers stay as they are and what it heard before holds it
    /// back; then discriminants of those genres of which something is new stand beside.
    ///
    /// # Errors
    /// Where the file's settings are unknown or out of range.
    pub fn recipe(&self, card: &ModelCard, new_genres: &[String]) -> anyhow::Result<TrainConfig> {
        let defaults = TripletConfig::default();
        let mut stages = vec![StageName::Triplet];
        if !new_genres.is_empty() {
            stages.push(StageName::Discriminate);
        }
        let base = TrainConfig {
            stages,
            validation_share: JUDGES_SHARE,
            front_end: card.front_end.clone(),
            architecture: card.architecture.with_folded(false),
            triplet: TripletConfig {
                stay_weight: 10.0,
                preference_weight: 0.25,
                same_track: trainer::stage::terms::SameTrackConfig { weight: 0.0, ..defaults.same_track },
                fit: FitConfig {
                    backbone_factor: 0.2,
                    frozen_layers: 3,
                    frozen_steps: 60,
                    evaluate_every: 50,
                    checkpoint_every: 20,
                    keep: Keep::Retrieval,
                    least_gain: 0.01,
                    ..defaults.fit
                },
                ..defaults
            },
            discriminate: DiscriminateConfig { genres: new_genres.to_vec(), ..Default::default() },
            ..TrainConfig::default()
        };
        let config = base.overlaid(&toml::to_string(&self.train)?).context("the recipe below [train]")?;
        config.validate().context("the recipe below [train]")?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> ModelCard {
        trainer::embed::ModelFiles::built_in().parsed_card(Path::new("built-in")).unwrap()
    }

    #[test]
    fn the_defaults_hold_and_a_file_overrides_them() {
        let recipe = RetrainConfig::default().recipe(&card(), &["rock".to_owned()]).unwrap();
        assert_eq!(recipe.stages, [StageName::Triplet, StageName::Discriminate]);
        assert_eq!(RetrainConfig::default().recipe(&card(), &[]).unwrap().stages, [StageName::Triplet]);
        let config: RetrainConfig =
            toml::from_str("[train.triplet.fit]\nsteps = 7\n[keep]\nmodels = 2\n[promotion]\nmargin = 0.01").unwrap();
        assert_eq!(config.recipe(&card(), &["rock".to_owned()]).unwrap().triplet.fit.steps, 7);
        assert_eq!((config.keep.models, config.promotion.margin), (2, 0.01));
        let wrong: RetrainConfig = toml::from_str("[train]\nsede = 1").unwrap();
        assert!(wrong.recipe(&card(), &["rock".to_owned()]).is_err());
        assert!(toml::from_str::<RetrainConfig>("[keeep]").is_err());
    }
}
