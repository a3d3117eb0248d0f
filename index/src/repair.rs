//! Finds what is damaged in a store and makes it good, as far as it can be.

use std::path::Path;

use crate::catalogue::{Catalogue, Salvaged};
use crate::error::{Error, Result};
use crate::generation;
use crate::store::{Store, WriteLock};
use crate::track::TrackId;

/// What was found damaged, and mended.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Repair {
    /// What SQLite found wrong with the catalogue, whose readable rows are now in a new one; empty: nothing.
    pub faults: Vec<String>,
    /// The new catalogue.
    pub salvaged: Option<Salvaged>,
    /// Tracks whose vectors were not what was written, and are gone: an ingest embeds them again.
    pub vectors: Vec<TrackId>,
    /// Why the generation that served was built anew; `None`: it was not.
    pub generation: Option<String>,
}

impl Repair {
    /// Whether nothing was damaged.
    pub fn is_needless(&self) -> bool {
        *self == Self::default()
    }
}

impl Store {
    /// Verifies the catalogue, every vector and the generation that serves; what is derived is built anew, what is not is
    /// kept as far as it can be read.
    ///
    /// # Errors
    /// [`Error::DiskFull`], [`Error::Io`], [`Error::Sqlite`], [`Error::NewerFormat`].
    pub fn repair(&self, lock: &WriteLock) -> Result<Repair> {
        let mut repair = Repair { faults: self.faults(lock)?, ..Repair::default() };
        if !repair.faults.is_empty() {
            repair.salvaged = Some(Catalogue::salvage(&self.catalogue_path())?);
        }
        let mut catalogue = self.catalogue_to_write(lock)?;
        repair.vectors = catalogue.remove_damaged_vectors()?;
        let Some(model_id) = catalogue.serving_model()? else { return Ok(repair) };
        repair.generation = self.fault_of_current(&catalogue, &model_id)?;
        if !repair.is_needless() {
            self.rebuild(&mut catalogue, &model_id, lock)?;
        }
        Ok(repair)
    }

    /// What is wrong with the generation that serves, or that there is none of what searches now.
    fn fault_of_current(&self, catalogue: &Catalogue, model_id: &str) -> Result<Option<String>> {
        let source = self.source(catalogue, model_id)?;
        let verify = |_, folder: &Path| {
            let manifest = generation::manifest(folder)?;
            if manifest.is_of(&source) {
                return self.verify(folder, &manifest);
            }
            Err(Error::Damaged { path: folder.into(), reason: "it is not of the vectors that are searched".into() })
        };
        match self.with_current(verify) {
            // Nothing can be said of it, and nothing be done.
            Err(error @ Error::Milvus { .. }) => Err(error),
            Ok(None) if catalogue.vector_count(model_id)? > 0 => Ok(Some("there was none".into())),
            verified => Ok(verified.err().map(|error| error.to_string())),
        }
    }

    fn faults(&self, lock: &WriteLock) -> Result<Vec<String>> {
        match self.catalogue_to_write(lock).and_then(|catalogue| catalogue.faults()) {
            Err(Error::Damaged { reason, .. }) => Ok(vec![reason]),
            result => result,
        }
    }
}
