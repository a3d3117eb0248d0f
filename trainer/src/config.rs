//! Settings of a training run.

use audio_frontend::{FrontEndConfig, OutOfRange};
use serde::{Deserialize, Serialize};

use crate::augment::AugmentConfig;
use crate::error::Result;
use crate::model::CnnConfig;
use crate::stage::Setup;
use crate::stage::classify::ClassifyConfig;

/// Everything that decides what a training run makes of a manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Seed of the split, the initial weights, the batches and the augmentation.
    pub seed: u64,
    /// Share of the artists of each genre that are held out for validation, in (0, 0.5].
    pub validation_share: f64,
    /// Seconds of a track that are kept in memory for crops; 180: the first three minutes, 2.3 MB.
    pub track_seconds: f64,
    /// How windows are made.
    pub front_end: FrontEndConfig,
    /// Shape of the encoder.
    pub architecture: CnnConfig,
    /// What is varied in a crop.
    pub augment: AugmentConfig,
    /// The genre classification stage.
    pub classify: ClassifyConfig,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            validation_share: 0.2,
            track_seconds: 180.0,
            front_end: Default::default(),
            architecture: Default::default(),
            augment: Default::default(),
            classify: Default::default(),
        }
    }
}

impl TrainConfig {
    /// What every stage works with.
    pub fn setup(&self) -> Setup<'_> {
        Setup { seed: self.seed, front_end: &self.front_end, architecture: &self.architecture, augment: &self.augment }
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) with the first rule that does not hold.
    pub fn validate(&self) -> Result<()> {
        OutOfRange::check(&[
            (self.validation_share > 0.0 && self.validation_share <= 0.5, "validation_share must be in (0, 0.5]"),
            (self.track_seconds >= self.front_end.window_seconds(), "track_seconds must be at least a window"),
        ])?;
        self.front_end.validate()?;
        self.architecture.validate()?;
        self.augment.validate()?;
        Ok(self.classify.validate()?)
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
    fn unknown_settings_and_wrong_values_are_refused() {
        assert!(toml::from_str::<TrainConfig>("sede = 1").is_err());
        let config = TrainConfig { validation_share: 0.9, ..Default::default() };
        assert!(config.validate().unwrap_err().to_string().contains("validation_share"));
    }
}
