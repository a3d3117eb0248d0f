//! Settings of a training run.

use audio_frontend::{FrontEndConfig, OutOfRange};
use serde::{Deserialize, Serialize};

use crate::augment::AugmentConfig;
use crate::error::Result;
use crate::model::Architecture;
use crate::stage::Setup;
use crate::stage::classify::ClassifyConfig;
use crate::stage::discriminate::DiscriminateConfig;
use crate::stage::distill::DistillConfig;
use crate::stage::finetune::FinetuneConfig;
use crate::stage::fit::FitConfig;
use crate::stage::masked::MaskedConfig;
use crate::stage::simclr::SimclrConfig;
use crate::stage::triplet::TripletConfig;
use crate::stage::whiten::WhitenConfig;

/// Everything that decides what a training run makes of a manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Seed of the split, the initial weights, the batches and the augmentation.
    pub seed: u64,
    /// The stages, one after the other.
    pub stages: Vec<StageName>,
    /// Share of the artists of each genre that are held out for validation, in 0..=0.5; 0: all are learnt from, to the
    /// last step, and nothing is judged.
    pub validation_share: f64,
    /// Windows of a validation track that a stage looks at now and then; the final evaluation takes all.
    pub validation_windows: usize,
    /// Seconds of a track that crops are cut from; 600: the first ten minutes, 4 MB in the cache.
    pub track_seconds: f64,
    /// How windows are made.
    pub front_end: FrontEndConfig,
    /// Shape of the encoder: that of a convolutional network, or with `kind = "vit"` of a vision transformer.
    pub architecture: Architecture,
    /// What is varied in a crop.
    pub augment: AugmentConfig,
    /// Genre classification.
    pub classify: ClassifyConfig,
    /// Fine-tuning of a model that is there.
    pub finetune: FinetuneConfig,
    /// Triplet refinement.
    pub triplet: TripletConfig,
    /// Contrastive learning without labels.
    pub simclr: SimclrConfig,
    /// Prediction of masked patches.
    pub masked: MaskedConfig,
    /// Learning from a teacher's vectors.
    pub distill: DistillConfig,
    /// A head in closed form.
    pub whiten: WhitenConfig,
    /// A head in closed form from labels.
    pub discriminate: DiscriminateConfig,
}

/// A stage by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StageName {
    /// [`classify`](crate::stage::classify).
    Classify,
    /// [`finetune`](crate::stage::finetune).
    Finetune,
    /// [`triplet`](crate::stage::triplet).
    Triplet,
    /// [`simclr`](crate::stage::simclr).
    Simclr,
    /// [`masked`](crate::stage::masked).
    Masked,
    /// [`distill`](crate::stage::distill).
    Distill,
    /// [`whiten`](crate::stage::whiten).
    Whiten,
    /// [`discriminate`](crate::stage::discriminate).
    Discriminate,
}

impl StageName {
    /// All that there are.
    pub const ALL: [Self; 8] = [
        Self::Classify,
        Self::Finetune,
        Self::Triplet,
        Self::Simclr,
        Self::Masked,
        Self::Distill,
        Self::Whiten,
        Self::Discriminate,
    ];

    /// As it is written in a configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Classify => "classify",
            Self::Finetune => "finetune",
            Self::Triplet => "triplet",
            Self::Simclr => "simclr",
            Self::Masked => "masked",
            Self::Distill => "distill",
            Self::Whiten => "whiten",
            Self::Discriminate => "discriminate",
        }
    }

    /// Whether it is told genres of tracks, or what listeners prefer. (A distillation may be told genres: the configuration
    /// says so.)
    pub fn is_told_of_tracks(self) -> bool {
        matches!(self, Self::Classify | Self::Finetune | Self::Triplet | Self::Discriminate)
    }
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            stages: vec![StageName::Classify, StageName::Triplet, StageName::Whiten],
            validation_share: 0.35,
            validation_windows: 8,
            track_seconds: 600.0,
            // −30 dB: noisy copies keep more of their neighbours than with −60 dB (benches/results/training.md).
            front_end: FrontEndConfig { power_floor: 1e-3, ..Default::default() },
            architecture: Default::default(),
            augment: Default::default(),
            classify: Default::default(),
            finetune: Default::default(),
            triplet: Default::default(),
            simclr: Default::default(),
            masked: Default::default(),
            distill: Default::default(),
            whiten: Default::default(),
            discriminate: Default::default(),
        }
    }
}

impl TrainConfig {
    /// Reads settings from TOML; what is left out, in tables too, keeps its default.
    ///
    /// # Errors
    /// [`Error::Settings`](crate::Error::Settings) with the place of what is unknown or of another type.
    pub fn from_toml(text: &str) -> Result<Self> {
        Self::default().overlaid(text)
    }

    /// These settings with what TOML names put over them.
    ///
    /// # Errors
    /// As [`TrainConfig::from_toml`].
    pub fn overlaid(&self, text: &str) -> Result<Self> {
        let wrong = |error: &dyn std::fmt::Display| crate::Error::Settings { reason: error.to_string().trim().into() };
        let given: toml::Table = text.parse().map_err(|error: toml::de::Error| wrong(&error))?;
        let mut base = self.clone();
        // Another kind of network has other settings: its own defaults lie below what is given.
        let kind = given.get("architecture").and_then(|given| given.get("kind")).and_then(toml::Value::as_str);
        if let Some(other) = kind.and_then(Architecture::of_kind)
            && std::mem::discriminant(&other) != std::mem::discriminant(&base.architecture)
        {
            base.architecture = other;
        }
        let mut settings = toml::Table::try_from(&base).map_err(|error| wrong(&error))?;
        overlay(&mut settings, given);
        settings.try_into().map_err(|error: toml::de::Error| wrong(&error))
    }

    /// What every stage works with.
    pub fn setup(&self) -> Setup<'_> {
        Setup { seed: self.seed, front_end: &self.front_end, architecture: &self.architecture, augment: &self.augment }
    }

    /// Whether a stage needs genres to tell apart.
    pub fn tells_genres(&self) -> bool {
        self.stages.iter().any(|stage| match stage {
            StageName::Classify | StageName::Finetune | StageName::Discriminate => true,
            StageName::Triplet => self.triplet.genre_weight > 0.0,
            StageName::Distill => self.distill.genre_weight > 0.0,
            StageName::Simclr | StageName::Masked | StageName::Whiten => false,
        })
    }

    /// Steps of all stages at most.
    pub fn steps(&self) -> usize {
        self.stages.iter().map(|&stage| self.steps_of(stage)).sum()
    }

    /// Steps of a stage at most.
    pub fn steps_of(&self, stage: StageName) -> usize {
        match stage {
            StageName::Classify => self.classify.fit.steps,
            StageName::Finetune => self.finetune.classify.fit.steps,
            StageName::Triplet => self.triplet.fit.steps,
            StageName::Simclr => self.simclr.fit.steps,
            StageName::Masked => self.masked.fit.steps,
            StageName::Distill => self.distill.fit.steps,
            StageName::Whiten | StageName::Discriminate => 0,
        }
    }

    /// How every stage that takes steps moves.
    pub fn fits_mut(&mut self) -> [&mut FitConfig; 6] {
        [
            &mut self.classify.fit,
            &mut self.finetune.classify.fit,
            &mut self.triplet.fit,
            &mut self.simclr.fit,
            &mut self.masked.fit,
            &mut self.distill.fit,
        ]
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) with the first rule that does not hold.
    pub fn validate(&self) -> Result<()> {
        OutOfRange::check(&[
            (!self.stages.is_empty(), "stages must name at least one stage"),
            ((0.0..=0.5).contains(&self.validation_share), "validation_share must be in 0..=0.5"),
            ((1..=1000).contains(&self.validation_windows), "validation_windows must be in 1..=1000"),
            (self.track_seconds >= self.front_end.window_seconds(), "track_seconds must be at least a window"),
            (
                !self.stages.contains(&StageName::Masked) || matches!(self.architecture, Architecture::Vit(_)),
                "the stage masked needs architecture.kind = \"vit\": it hides patches",
            ),
        ])?;
        self.front_end.validate()?;
        self.architecture.validate()?;
        self.architecture.validate_training(&self.front_end)?;
        self.augment.validate()?;
        self.classify.validate()?;
        self.finetune.validate()?;
        self.triplet.validate()?;
        self.simclr.validate()?;
        self.masked.validate()?;
        self.distill.validate()?;
        self.whiten.validate()?;
        Ok(self.discriminate.validate()?)
    }
}

/// Puts what is given over what is there, table by table.
fn overlay(settings: &mut toml::Table, given: toml::Table) {
    for (name, value) in given {
        match (settings.get_mut(&name), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(given)) => overlay(inner, given),
            (_, value) => {
                settings.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_validate_and_survive_a_round_trip() {
        let config = TrainConfig::default();
        config.validate().unwrap();
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<TrainConfig>(&text).unwrap(), config);
    }

    #[test]
    fn what_is_left_out_keeps_its_default() {
        let config = TrainConfig::from_toml("seed = 7\n[triplet.fit]\nsteps = 5\n[front_end]\nmel_bands = 32").unwrap();
        let mut expected = TrainConfig { seed: 7, ..Default::default() };
        expected.triplet.fit.steps = 5;
        expected.front_end.mel_bands = 32;
        assert_eq!(config, expected);
        assert_eq!(TrainConfig::from_toml("").unwrap(), TrainConfig::default());
    }

    #[test]
    fn the_built_in_models_recipe_holds() {
        let config = TrainConfig::from_toml(include_str!("../model/recipe.toml")).unwrap();
        config.validate().unwrap();
        assert_eq!((config.stages, config.validation_share), (vec![StageName::Distill], 0.0));
    }

    #[test]
    fn unknown_settings_and_wrong_values_are_refused() {
        for wrong in ["sede = 1", "stages = ['clasify']", "[classify.fit]\nstep = 5", "[classify]\nfit = 5", "="] {
            assert!(TrainConfig::from_toml(wrong).is_err(), "{wrong}");
        }
        let config = TrainConfig { validation_share: 0.9, ..Default::default() };
        assert!(config.validate().unwrap_err().to_string().contains("validation_share"));
    }
}
