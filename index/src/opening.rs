//! Opens what is searched.

use std::path::Path;
use std::sync::Arc;

use crate::catalogue::Catalogue;
use crate::error::{Error, Result};
use crate::generation::{self, Access, GenerationManifest};
use crate::search::{Base, Searcher};
use crate::store::{OPEN_TRIES, Store, derived};
use crate::vectors::Vectors;

/// Where no generation is there, so many vectors are read from the catalogue into memory at most, of a store that Milvus
/// serves: the machine need not have room for all.
const MOST_FROM_CATALOGUE: usize = 2_000_000;

impl Store {
    /// How many changes of the catalogue's vectors the generation that serves does not know of: they are searched beside
    /// it. `None`: no generation serves, or what changed is not known.
    ///
    /// # Errors
    /// What reading the catalogue reports.
    pub fn changes_since_current(&self, catalogue: &Catalogue) -> Result<Option<usize>> {
        let Some(model_id) = catalogue.serving_model()? else { return Ok(None) };
        let source = self.source(catalogue, &model_id)?;
        match derived(self.current())? {
            Some((_, manifest)) if manifest.is_of(&source) => catalogue.count_changes(&model_id, manifest.revision),
            _ => Ok(None),
        }
    }

    /// Opens the index that serves, and searches what the catalogue has gained and lost since beside it. Where the
    /// generation is damaged ([`Searcher::fault`]) or of other vectors, all are taken from the catalogue itself: the answer
    /// is the same, it takes longer. `None`: there are no vectors.
    ///
    /// # Errors
    /// What reading the catalogue reports; [`Error::NotInMilvus`].
    pub fn searcher(&self, catalogue: &Catalogue) -> Result<Option<Searcher>> {
        self.searcher_with(catalogue, Access::Search)
    }

    /// The same for a process that goes on asking: it takes longer to open and answers faster.
    ///
    /// # Errors
    /// As [`Store::searcher`].
    pub fn resident_searcher(&self, catalogue: &Catalogue) -> Result<Option<Searcher>> {
        self.searcher_with(catalogue, Access::Stay)
    }

    pub(crate) fn searcher_with(&self, catalogue: &Catalogue, access: Access) -> Result<Option<Searcher>> {
        let Some(model_id) = catalogue.serving_model()? else { return Ok(None) };
        let source = self.source(catalogue, &model_id)?;
        let read = |number, folder: &Path| {
            let manifest = generation::manifest(folder)?;
            if !manifest.is_of(&source) {
                return Ok(None);
            }
            let vectors = self.vectors(folder, &manifest, access)?;
            Ok(Some(Base { source: source.clone(), generation: Some(number), revision: manifest.revision, vectors }))
        };
        let (mut sought, mut fault) = (None, None);
        for _ in 0..OPEN_TRIES {
            // Before it is opened: what comes in between is noticed by a renewal.
            sought = self.newest_of(&source)?.map(|(number, _)| number);
            let current = self.with_current(read);
            fault = current.as_ref().err().map(ToString::to_string);
            let found = match derived(current)? {
                // A change of models is under way: what served before is still there.
                Some(None) => {
                    sought.map_or(Ok(None), |number| derived(read(number, &self.generation_folder(number))))?
                }
                found => found.flatten(),
            };
            let Some(base) = found else { break };
            // Where a writer has put newer generations in its place and forgotten what was before, the newest is opened.
            if let Some(changes) = catalogue.changes(&model_id, base.revision)? {
                return Searcher::new(Arc::new(base), &changes).map(Some);
            }
        }
        let count = catalogue.vector_count(&model_id)?;
        if self.milvus().is_some() && count > MOST_FROM_CATALOGUE {
            return Err(Error::NotInMilvus { count });
        }
        Ok(Searcher::of_catalogue(catalogue, source)?.map(|searcher| searcher.instead_of(sought, fault)))
    }

    /// Opens a generation that [`Store::prepare`] made, whether it serves or not.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`], [`Error::Faiss`]; what reading the catalogue reports.
    pub fn searcher_of(&self, catalogue: &Catalogue, generation: u64) -> Result<Searcher> {
        let folder = self.generation_folder(generation);
        let manifest = generation::manifest(&folder)?;
        let vectors = self.vectors(&folder, &manifest, Access::Search)?;
        let unknown =
            || Error::Damaged { path: folder.clone(), reason: "the catalogue does not know its state".into() };
        let changes = catalogue.changes(&manifest.model_id, manifest.revision)?.ok_or_else(unknown)?;
        let (source, revision) = (manifest.source(), manifest.revision);
        Searcher::new(Arc::new(Base { source, generation: Some(generation), revision, vectors }), &changes)
    }

    /// A generation's vectors.
    fn vectors(&self, folder: &Path, manifest: &GenerationManifest, access: Access) -> Result<Box<dyn Vectors>> {
        let not_named = || Error::Damaged {
            path: folder.into(),
            reason: "its vectors lie in Milvus, which the configuration does not name".into(),
        };
        Ok(match &manifest.collection {
            Some(collection) => Box::new(self.milvus().ok_or_else(not_named)?.open(folder, manifest, collection)?),
            None => Box::new(generation::read(folder, manifest, access)?),
        })
    }

    /// Whether all of a generation is what was written.
    pub(crate) fn verify(&self, folder: &Path, manifest: &GenerationManifest) -> Result<()> {
        match (&manifest.collection, self.milvus()) {
            (Some(collection), Some(milvus)) => milvus.verify(folder, manifest, collection),
            _ => generation::verify(folder, manifest),
        }
    }
}
