//! Which model a command works with: the one asked for, or the store's.

use std::path::Path;

use anyhow::Context;
use index::Store;
use trainer::Embedder;
use trainer::card::CARD_FILE;
use trainer::embed::ModelFiles;

use crate::failure::hinted;

/// A model's files, and where they came from.
pub struct Model {
    /// Card and weights.
    pub files: ModelFiles,
    /// The model's id, from its card.
    pub id: String,
    origin: String,
}

impl Model {
    /// The model in this program.
    pub fn built_in() -> anyhow::Result<Self> {
        Self::new(ModelFiles::built_in(), "the built-in model")
    }

    /// What `--model` names: a folder, or `built-in`.
    pub fn named(name: &Path) -> anyhow::Result<Self> {
        if name == Path::new("built-in") {
            return Self::built_in();
        }
        let files = ModelFiles::read(name).map_err(|error| {
            hinted(error, "--model names a folder that `similar-tracks train` wrote, or `built-in`")
        })?;
        Self::new(files, &name.display().to_string())
    }

    /// The model that a store's vectors were made with: the built-in one where it is that, else the
    /// store's copy.
    pub fn of_store(store: &Store, id: &str) -> anyhow::Result<Self> {
        let built_in = Self::built_in()?;
        if built_in.id == id {
            return Ok(built_in);
        }
        let folder = store.model_folder(id);
        if folder.join(CARD_FILE).exists() {
            return Self::new(ModelFiles::read(&folder)?, &folder.display().to_string());
        }
        let error = anyhow::anyhow!("the store's model {id} is gone from {}", folder.display());
        Err(hinted(
            error,
            "`similar-tracks ingest --model built-in --reembed FOLDER` embeds the library with the built-in one",
        ))
    }

    fn new(files: ModelFiles, origin: &str) -> anyhow::Result<Self> {
        let card = files.parsed_card(Path::new(origin))?;
        Ok(Self { files, id: card.id, origin: origin.to_owned() })
    }

    /// Keeps a copy in the store, so that the store goes on with it when this program has another.
    pub fn keep_in(&self, store: &Store) -> anyhow::Result<()> {
        let folder = store.model_folder(&self.id);
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
