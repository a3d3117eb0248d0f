//! What a model is, what it was trained on and what it reached.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use audio_frontend::FrontEndConfig;
use serde::{Deserialize, Serialize};

use crate::config::StageName;
use crate::error::{Error, Result};
use crate::model::Architecture;

/// Version of card.toml that this program writes, and the newest it reads.
pub const CARD_FORMAT_VERSION: u32 = 4;

/// The oldest that this program reads. Version 1 knew neither kinds of blocks and pooling nor folded batch
/// normalisation, version 2 neither other networks than convolutional ones nor teachers, version 3 not whom a model was told
/// of; what their cards leave out has the meaning it had then.
const OLDEST_VERSION: i64 = 1;

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
    pub architecture: Architecture,
    /// How the model came about.
    pub training: TrainingRecord,
    /// What it reached, by name, on the validation artists.
    pub metrics: BTreeMap<String, f64>,
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
    /// Those of them without a genre.
    #[serde(default)]
    pub unlabelled_tracks: usize,
    /// Artists trained on.
    pub training_artists: usize,
    /// Tracks of the validation artists.
    pub validation_tracks: usize,
    /// Artists trained on, each as the first 8 hexadecimal digits of the BLAKE3 hash of its name as a
    /// manifest's entry has it: an evaluation leaves them out. Empty in cards of version 1.
    #[serde(default)]
    pub heard_artists: Vec<String>,
    /// Those of them of whose tracks it was told genres, or what listeners prefer: none of them may judge it. Cards before
    /// version 4 do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_artists: Option<Vec<String>>,
    /// Genres learnt.
    pub genres: Vec<String>,
    /// Models whose vectors it learnt from, or those that it was trained on from: name and digest of their table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teachers: Vec<String>,
    /// Optimiser steps of the weights that were kept.
    pub steps: usize,
    /// Seed of every random choice.
    pub seed: u64,
}

impl TrainingRecord {
    /// [`TrainingRecord::told_artists`]; of a card that does not say, all that it heard, if any stage is told anything.
    pub fn told(&self) -> &[String] {
        let is_told =
            |stage: &String| StageName::ALL.iter().any(|known| known.as_str() == stage && known.is_told_of_tracks());
        match &self.told_artists {
            Some(told) => told,
            None if self.stages.iter().any(is_told) => &self.heard_artists,
            None => &[],
        }
    }
}

/// An artist as [`TrainingRecord::heard_artists`] has it.
pub fn artist_digest(artist: &str) -> String {
    blake3::hash(artist.as_bytes()).to_hex()[..8].to_owned()
}

impl ModelCard {
    /// Writes a card for the given weights, working out the id.
    ///
    /// # Errors
    /// [`Error::Model`] where a setting cannot be written as TOML.
    pub fn new(
        weights: &[u8],
        front_end: FrontEndConfig,
        architecture: Architecture,
        training: TrainingRecord,
        metrics: BTreeMap<String, f64>,
    ) -> Result<Self> {
        let format_version = CARD_FORMAT_VERSION;
        let mut card = Self { format_version, id: String::new(), front_end, architecture, training, metrics };
        card.id = model_id(weights, &card.to_toml()?, Path::new(CARD_FILE))?;
        Ok(card)
    }

    /// Reads the card of these weights and checks it.
    ///
    /// # Errors
    /// [`Error::Model`] where it is damaged, newer than this program, out of range, or the card of
    /// other weights.
    pub fn parse(text: &str, weights: &[u8], path: &Path) -> Result<Self> {
        let damaged = |reason: String| Error::Model { path: path.into(), reason };
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| damaged(error.message().to_owned()))?;
        let version = table.get("format_version").and_then(toml::Value::as_integer);
        if !version.is_some_and(|version| (OLDEST_VERSION..=i64::from(CARD_FORMAT_VERSION)).contains(&version)) {
            let version = version.map_or_else(|| "no version".to_owned(), |version| format!("version {version}"));
            return Err(damaged(format!(
                "the model card has {version}, this program reads versions {OLDEST_VERSION} to {CARD_FORMAT_VERSION}"
            )));
        }
        let card: Self = table.try_into().map_err(|error: toml::de::Error| damaged(error.message().to_owned()))?;
        card.front_end
            .validate()
            .and_then(|()| card.architecture.validate())
            .map_err(|error| damaged(error.to_string()))?;
        if card.id != model_id(weights, text, path)? {
            return Err(damaged("the weights are not those that the card was written for".into()));
        }
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
}

/// The id of weights and of the settings as they stand in a card: what a later version adds, with
/// a default that means what was done before, does not change the id of an older card.
fn model_id(weights: &[u8], card: &str, path: &Path) -> Result<String> {
    let damaged = |reason: String| Error::Model { path: path.into(), reason };
    let card: toml::Table = card.parse().map_err(|error: toml::de::Error| damaged(error.message().to_owned()))?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(weights);
    for name in ["front_end", "architecture"] {
        let settings = card.get(name).cloned().unwrap_or(toml::Value::Boolean(false));
        // A table keeps its keys sorted, so the order in the file does not matter.
        hasher.update(settings.to_string().as_bytes());
    }
    Ok(hasher.finalize().to_hex()[..16].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> ModelCard {
        let defaults = (Default::default(), Default::default(), Default::default(), Default::default());
        ModelCard::new(b"weights", defaults.0, defaults.1, defaults.2, defaults.3).unwrap()
    }

    #[test]
    fn a_card_survives_a_round_trip_and_knows_its_weights() {
        let text = card().to_toml().unwrap();
        assert_eq!(ModelCard::parse(&text, b"weights", Path::new("card.toml")).unwrap(), card());
        let error = ModelCard::parse(&text, b"others", Path::new("card.toml")).unwrap_err();
        assert!(error.to_string().contains("the weights are not those"), "{error}");
        let changed = text.replace("mel_bands = 64", "mel_bands = 65");
        assert!(ModelCard::parse(&changed, b"weights", Path::new("card.toml")).is_err());
    }

    #[test]
    fn a_newer_card_is_refused_by_its_version() {
        let text = "format_version = 99\nfuture = 1";
        let error = ModelCard::parse(text, b"weights", Path::new("card.toml")).unwrap_err();
        assert!(error.to_string().contains("version 99"), "{error}");
    }

    #[test]
    fn the_first_published_card_stays_readable() {
        // The settings of the first model: a later version must read them as they stand here.
        let text = include_str!("../tests/fixtures/card-1.toml");
        let card = ModelCard::parse(text, b"weights of the fixture", Path::new("card-1.toml")).unwrap();
        assert_eq!((card.front_end.mel_bands, card.front_end.max_windows), (64, 32));
    }

    #[test]
    fn a_card_of_version_2_stays_readable() {
        let text = include_str!("../tests/fixtures/card-2.toml");
        let card = ModelCard::parse(text, b"weights of the fixture", Path::new("card-2.toml")).unwrap();
        assert!(matches!(&card.architecture, Architecture::Cnn(config) if config.channels == [32, 64, 96, 128]));
        assert_eq!((card.training.teachers.len(), card.training.heard_artists.len()), (0, 2));
    }

    #[test]
    fn what_an_older_card_was_told_is_taken_for_all_that_it_heard() {
        let told = |stages: &[&str], told_artists: Option<&[&str]>| {
            let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            let heard_artists = owned(&["a", "b"]);
            let record = TrainingRecord {
                stages: owned(stages),
                heard_artists,
                told_artists: told_artists.map(owned),
                ..Default::default()
            };
            record.told().to_vec()
        };
        assert_eq!(told(&["simclr", "triplet"], None), ["a", "b"]);
        assert!(told(&["distill"], None).is_empty());
        assert_eq!(told(&["triplet"], Some(&["b"])), ["b"]);
    }

    #[test]
    fn a_card_of_version_3_stays_readable() {
        let text = include_str!("../tests/fixtures/card-3.toml");
        let card = ModelCard::parse(text, b"weights of the fixture", Path::new("card-3.toml")).unwrap();
        assert_eq!((card.training.heard_artists.len(), card.training.told_artists), (2, None));
    }
}
