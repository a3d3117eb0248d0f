//! What a model is, what it was trained on and what it reached.

use std::path::{Path, PathBuf};

use audio_frontend::FrontEndConfig;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::model::CnnConfig;

/// Version of card.toml that this program writes, and the newest it reads.
pub const CARD_FORMAT_VERSION: u32 = 1;

/// File names inside of a model's folder.
pub const WEIGHTS_FILE: &str = "encoder.safetensors";
/// See [`WEIGHTS_FILE`].
pub const CARD_FILE: &str = "card.toml";

/// The card of a model, stored as card.toml beside its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelCard {
    /// Version of this file's format.
    pub format_version: u32,
    /// First 16 hexadecimal digits of the BLAKE3 hash of weights, front end and architecture.
    pub id: String,
    /// How windows are made; must be what the model was trained with.
    pub front_end: FrontEndConfig,
    /// Shape of the encoder.
    pub architecture: CnnConfig,
    /// How the model came about.
    pub training: TrainingRecord,
    /// What it reached, by name, on the validation artists.
    pub metrics: std::collections::BTreeMap<String, f64>,
}

/// Where a model's weights come from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingRecord {
    /// Stages in their order.
    pub stages: Vec<String>,
    /// BLAKE3 hash of the manifest.
    pub manifest_digest: String,
    /// Tracks trained on.
    pub training_tracks: usize,
    /// Artists trained on.
    pub training_artists: usize,
    /// Tracks of the validation artists.
    pub validation_tracks: usize,
    /// Genres learnt.
    pub genres: Vec<String>,
    /// Optimiser steps of the weights that were kept.
    pub steps: usize,
    /// Seed of every random choice.
    pub seed: u64,
}

impl ModelCard {
    /// Writes a card for the given weights, working out the id.
    pub fn new(
        weights: &[u8],
        front_end: FrontEndConfig,
        architecture: CnnConfig,
        training: TrainingRecord,
        metrics: std::collections::BTreeMap<String, f64>,
    ) -> Self {
        let id = model_id(weights, &front_end, &architecture);
        Self { format_version: CARD_FORMAT_VERSION, id, front_end, architecture, training, metrics }
    }

    /// Reads a card and checks it.
    ///
    /// # Errors
    /// [`Error::Model`] where it is damaged, newer than this program or out of range.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let damaged = |reason: String| Error::Model { path: path.into(), reason };
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| damaged(error.message().to_owned()))?;
        let version = table.get("format_version").and_then(toml::Value::as_integer);
        if version != Some(i64::from(CARD_FORMAT_VERSION)) {
            let version = version.map_or_else(|| "no version".to_owned(), |version| format!("version {version}"));
            return Err(damaged(format!(
                "the model card has {version}, this program reads version {CARD_FORMAT_VERSION}"
            )));
        }
        let card: Self = table.try_into().map_err(|error: toml::de::Error| damaged(error.message().to_owned()))?;
        card.front_end.validate().and_then(|()| card.architecture.validate()).map_err(damaged)?;
        Ok(card)
    }

    /// The card as TOML.
    ///
    /// # Errors
    /// [`Error::Model`] where a number cannot be written as TOML.
    pub fn to_toml(&self) -> Result<String> {
        let path = PathBuf::from(CARD_FILE);
        toml::to_string(self).map_err(|error| Error::Model { path, reason: error.to_string() })
    }

    /// Whether these weights are those the card was written for.
    pub fn matches(&self, weights: &[u8]) -> bool {
        self.id == model_id(weights, &self.front_end, &self.architecture)
    }
}

fn model_id(weights: &[u8], front_end: &FrontEndConfig, architecture: &CnnConfig) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(weights);
    hasher.update(format!("{front_end:?}{architecture:?}").as_bytes());
    hasher.finalize().to_hex()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_survives_a_round_trip_and_knows_its_weights() {
        let card =
            ModelCard::new(b"weights", Default::default(), Default::default(), Default::default(), Default::default());
        let read = ModelCard::parse(&card.to_toml().unwrap(), Path::new("card.toml")).unwrap();
        assert_eq!(card, read);
        assert!(read.matches(b"weights") && !read.matches(b"other"));
    }

    #[test]
    fn a_newer_card_is_refused_by_its_version() {
        let error = ModelCard::parse("format_version = 99\nfuture = 1", Path::new("card.toml")).unwrap_err();
        assert!(error.to_string().contains("version 99"), "{error}");
    }
}
