//! Which model a command works with: the one asked for, or the store's.

use std::path::Path;

use anyhow::Context;
use audio_frontend::Coverage;
use index::{Catalogue, Store};
use trainer::Embedder;
use trainer::card::CARD_FILE;
use trainer::embed::ModelFiles;

use crate::failure::hinted;

/// What vectors have to have in common to be compared: the model, and how much of a track it heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddingId {
    /// The model's id, from its card.
    pub model: String,
    /// How much of a track was decoded.
    pub coverage: Coverage,
}

/// Follows the model's id where everything was decoded.
const FULL_SUFFIX: &str = "+full";

impl EmbeddingId {
    /// From the name that the catalogue keeps vectors under.
    pub fn parse(name: &str) -> Self {
        match name.strip_suffix(FULL_SUFFIX) {
            Some(model) => Self { model: model.to_owned(), coverage: Coverage::Full },
            None => Self { model: name.to_owned(), coverage: Coverage::Spread },
        }
    }
}

impl std::fmt::Display for EmbeddingId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.model)?;
        formatter.write_str(if self.coverage == Coverage::Full { FULL_SUFFIX } else { "" })
    }
}

/// A model's files, and where they came from.
pub struct Model {
    /// Card and weights.
    pub files: ModelFiles,
    /// What its vectors are kept under.
    pub id: EmbeddingId,
    origin: String,
}

impl Model {
    /// The model in this program.
    pub fn built_in(coverage: Coverage) -> anyhow::Result<Self> {
        Self::new(ModelFiles::built_in(), "the built-in model", coverage)
    }

    /// What `--model` names: a folder, or `built-in`.
    pub fn named(name: &Path, coverage: Coverage) -> anyhow::Result<Self> {
        if name == Path::new("built-in") {
            return Self::built_in(coverage);
        }
        let files = ModelFiles::read(name).map_err(|error| {
            hinted(error, "--model names a folder that `similar-tracks train` wrote, or `built-in`")
        })?;
        Self::new(files, &name.display().to_string(), coverage)
    }

    /// The model that a store's vectors were made with: the built-in one where it is that, else the
    /// store's copy.
    pub fn of_store(store: &Store, id: &str) -> anyhow::Result<Self> {
        let EmbeddingId { model, coverage } = EmbeddingId::parse(id);
        let built_in = Self::built_in(coverage)?;
        if built_in.id.model == model {
            return Ok(built_in);
        }
        let folder = store.model_folder(&model);
        if folder.join(CARD_FILE).exists() {
            return Self::new(ModelFiles::read(&folder)?, &folder.display().to_string(), coverage);
        }
        let error = anyhow::anyhow!("the store's model {model} is gone from {}", folder.display());
        Err(hinted(
            error,
            "`similar-tracks ingest --model built-in --reembed FOLDER` embeds the library with the built-in one",
        ))
    }

    /// The one in a folder.
    pub fn in_folder(folder: &Path, coverage: Coverage) -> anyhow::Result<Self> {
        Self::new(ModelFiles::read(folder)?, &folder.display().to_string(), coverage)
    }

    fn new(files: ModelFiles, origin: &str, coverage: Coverage) -> anyhow::Result<Self> {
        let model = files.parsed_card(Path::new(origin))?.id;
        Ok(Self { files, id: EmbeddingId { model, coverage }, origin: origin.to_owned() })
    }

    /// Keeps a copy in the store, so that the store goes on with it when this program has another.
    pub fn keep_in(&self, store: &Store) -> anyhow::Result<()> {
        let folder = store.model_folder(&self.id.model);
        if ModelFiles::read(&folder).is_ok_and(|kept| kept == self.files) {
            return Ok(());
        }
        Ok(self.files.write(&folder)?)
    }

    /// Loads the weights.
    pub fn embedder(&self) -> anyhow::Result<Embedder> {
        Embedder::from_files(&self.files, Path::new(&self.origin)).context("the model cannot be used")
    }
}

/// The serving model, if it serves any track: a model that never came to anything binds nobody.
pub fn serving_with_tracks(catalogue: &Catalogue) -> anyhow::Result<Option<String>> {
    let Some(serving) = catalogue.serving_model()? else { return Ok(None) };
    Ok((catalogue.counts(&serving)?.embedded > 0).then_some(serving))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_embedding_is_found_again_by_its_name() {
        for coverage in [Coverage::Spread, Coverage::Full] {
            let id = EmbeddingId { model: "8d91fd6e".into(), coverage };
            assert_eq!(EmbeddingId::parse(&id.to_string()), id);
        }
    }
}
