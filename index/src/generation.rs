//! Immutable FAISS files, derived from the catalogue.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::catalogue::Catalogue;
use crate::error::{Error, Result};
use crate::faiss_index::FaissIndex;
use crate::search::Searcher;

/// Version of manifest.toml that this program writes, and the newest it reads.
pub const MANIFEST_FORMAT_VERSION: i64 = 2;

const VECTORS_FILE: &str = "vectors.faiss";
const MANIFEST_FILE: &str = "manifest.toml";

/// What a generation is, stored as manifest.toml beside its vectors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GenerationManifest {
    /// Version of this file's format.
    pub format_version: i64,
    /// Identity of the catalogue that the vectors came from.
    pub catalogue: String,
    /// Model of the vectors.
    pub model_id: String,
    /// Length of a vector; in vectors.faiss one more, what hubs pay.
    pub dimension: usize,
    /// Share of a neighbourhood's mean cosine that a track pays ([`crate::hubs`]).
    pub hub_weight: f32,
    /// Number of vectors.
    pub count: usize,
    /// The catalogue's revision for the model when this was built.
    pub revision: u64,
    /// BLAKE3 hash of vectors.faiss.
    pub checksum: String,
}

/// Which state of which catalogue a generation stands for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Source {
    catalogue: String,
    model_id: String,
    revision: u64,
    hub_weight: f32,
}

impl Source {
    /// The present state of a model's vectors.
    pub fn now(catalogue: &Catalogue, model_id: &str) -> Result<Self> {
        let revision = catalogue.revision(model_id)?;
        let hub_weight = catalogue.hub_weight()?;
        Ok(Self { catalogue: catalogue.identity()?, model_id: model_id.into(), revision, hub_weight })
    }
}

impl GenerationManifest {
    /// Whether a generation stands for this state.
    pub(crate) fn is_of(&self, source: &Source) -> bool {
        (&self.catalogue, &self.model_id, self.revision, self.hub_weight)
            == (&source.catalogue, &source.model_id, source.revision, source.hub_weight)
    }
}

/// Writes a generation into `folder`, which must not exist: it appears whole or not at all.
pub(crate) fn write(folder: &Path, searcher: &Searcher, source: Source) -> Result<()> {
    let partial = folder.with_extension("partial");
    if partial.exists() {
        std::fs::remove_dir_all(&partial).map_err(|error| Error::io(&partial, error))?;
    }
    std::fs::create_dir_all(&partial).map_err(|error| Error::io(&partial, error))?;
    let vectors = partial.join(VECTORS_FILE);
    searcher.index().write(&vectors)?;
    let manifest = GenerationManifest {
        format_version: MANIFEST_FORMAT_VERSION,
        catalogue: source.catalogue,
        model_id: source.model_id,
        dimension: searcher.dimension(),
        count: searcher.len(),
        revision: source.revision,
        hub_weight: source.hub_weight,
        checksum: checksum(&vectors)?,
    };
    let manifest_path = partial.join(MANIFEST_FILE);
    let text = toml::to_string(&manifest)
        .map_err(|error| Error::Damaged { path: manifest_path.clone(), reason: error.to_string() })?;
    std::fs::write(&manifest_path, text).map_err(|error| Error::io(&manifest_path, error))?;
    for path in [&vectors, &manifest_path, &partial] {
        sync(path)?;
    }
    std::fs::rename(&partial, folder).map_err(|error| Error::io(folder, error))?;
    sync(folder.parent().unwrap_or(folder))
}

/// Reads a generation's manifest.
pub(crate) fn manifest(folder: &Path) -> Result<GenerationManifest> {
    let path = folder.join(MANIFEST_FILE);
    let text = std::fs::read_to_string(&path).map_err(|error| Error::io(&path, error))?;
    let damaged = |reason: String| Error::Damaged { path: path.clone(), reason };
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| damaged(error.message().into()))?;
    let version = table.get("format_version").and_then(toml::Value::as_integer);
    match version {
        Some(found) if found > MANIFEST_FORMAT_VERSION => {
            Err(Error::NewerFormat { path, found, supported: MANIFEST_FORMAT_VERSION })
        }
        // Derived data: it is made again, not migrated.
        Some(found) if found < MANIFEST_FORMAT_VERSION => {
            Err(damaged(format!("format {found} is of an older program")))
        }
        _ => table.try_into().map_err(|error: toml::de::Error| damaged(error.message().into())),
    }
}

/// Reads a generation's vectors after verifying them.
pub(crate) fn read(folder: &Path, manifest: &GenerationManifest) -> Result<Searcher> {
    let path = folder.join(VECTORS_FILE);
    if checksum(&path)? != manifest.checksum {
        return Err(Error::Damaged { path, reason: "its checksum is not the manifest's".into() });
    }
    let index = FaissIndex::read(&path)?;
    if (index.len(), index.dimension()) != (manifest.count, manifest.dimension + 1) {
        return Err(Error::Damaged { path, reason: "its size is not the manifest's".into() });
    }
    Ok(Searcher::new(manifest.model_id.clone(), index))
}

fn checksum(path: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    let file = File::open(path).map_err(|error| Error::io(path, error))?;
    hasher.update_reader(file).map_err(|error| Error::io(path, error))?;
    Ok(hasher.finalize().to_hex().to_string())
}

pub(crate) fn sync(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|error| Error::io(path, error))
}

/// Folder of generation `number`.
pub(crate) fn folder(generations: &Path, number: u64) -> PathBuf {
    generations.join(format!("{number:06}"))
}
