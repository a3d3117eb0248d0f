//! Immutable FAISS files, derived from the catalogue.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::catalogue::{Catalogue, Changes};
use crate::choose::{IndexConfig, Layout};
use crate::contents::Contents;
use crate::error::{Error, Result};
use crate::faiss_index::FaissIndex;
use crate::hubs::{self, Neighbourhoods};
use crate::huge_pages;
use crate::rows::Rows;

/// Version of manifest.toml that this program writes, and the newest it reads.
pub const MANIFEST_FORMAT_VERSION: i64 = 3;

const VECTORS_FILE: &str = "vectors.faiss";
const NEIGHBOURHOODS_FILE: &str = "neighbourhoods.faiss";
const ROWS_FILE: &str = "rows.f16";
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
    /// Length of a vector; in vectors.faiss what hubs pay follows, and zeros up to a multiple of eight.
    pub dimension: usize,
    /// Share of a neighbourhood's mean cosine that a track pays ([`crate::hubs`]).
    pub hub_weight: f32,
    /// Number of vectors.
    pub count: usize,
    /// The catalogue's revision for the model when this was built.
    pub revision: u64,
    /// One more than the largest track number.
    pub end: u64,
    /// How vectors.faiss is searched.
    pub layout: Layout,
    /// What that was chosen by.
    pub config: IndexConfig,
    /// Where the vectors lie that are served by Milvus; `None`: in vectors.faiss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<Collection>,
    /// BLAKE3 hashes of the files.
    pub checksums: Checksums,
}

/// A collection of Milvus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collection {
    /// Its name.
    pub name: String,
    /// An alias that it has as long as nobody but this store has changed it: another one before each change.
    pub mark: String,
    /// While it is filled: tracks with smaller numbers are there. `None`: all are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filled_below: Option<u64>,
}

impl Collection {
    /// What the names of its store's collections begin with.
    fn prefix(&self) -> &str {
        self.name.trim_end_matches(|character: char| character.is_ascii_digit())
    }
}

/// BLAKE3 hashes of a generation's files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checksums {
    /// Of vectors.faiss; `None`: Milvus has the vectors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vectors: Option<String>,
    /// Of neighbourhoods.faiss: the vectors that say what hubs among later tracks pay.
    pub neighbourhoods: String,
    /// Of rows.f16: what vectors.faiss has codes of; `None`: it has the vectors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<String>,
}

/// Which vectors of which catalogue a generation holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Source {
    catalogue: String,
    model_id: String,
    hub_weight: f32,
    config: IndexConfig,
    /// What the names of its collections begin with; `None`: it is not in Milvus.
    collections: Option<String>,
}

impl Source {
    /// A model's vectors, as they are ranked and searched now.
    pub fn new(catalogue: &Catalogue, model_id: &str, collections: Option<String>) -> Result<Self> {
        let (hub_weight, config) = (catalogue.hub_weight()?, catalogue.index_config()?);
        let (catalogue, model_id) = (catalogue.identity()?, model_id.into());
        Ok(Self { catalogue, model_id, hub_weight, config, collections })
    }

    /// The model.
    pub fn model_id(&self) -> &str {
        &self.model_id
    }
}

impl GenerationManifest {
    /// Which vectors it holds, in their present state or an earlier one.
    pub(crate) fn source(&self) -> Source {
        let (catalogue, model_id) = (self.catalogue.clone(), self.model_id.clone());
        let (hub_weight, config) = (self.hub_weight, self.config.clone());
        let collections = self.collection.as_ref().map(|collection| collection.prefix().to_owned());
        Source { catalogue, model_id, hub_weight, config, collections }
    }

    /// Whether a generation holds these vectors, in their present state or an earlier one.
    pub(crate) fn is_of(&self, source: &Source) -> bool {
        self.source() == *source
    }
}

/// An index is trained anew when there are so many times the vectors that it was trained on.
const GROWTH: usize = 2;

/// Up to this part of what is compared exactly, an index is made anew for every change: a fraction of a second.
const ANEW_PART: usize = 5;

/// Of so many vectors, one change may be searched beside the index.
const VECTORS_PER_CHANGE: usize = 50;

impl GenerationManifest {
    /// Whether so many changes may be searched beside it. Reading them makes opening a little slower.
    pub(crate) fn may_wait(&self, changes: usize) -> bool {
        let is_large = self.count > self.config.exact_up_to / ANEW_PART;
        changes == 0 || is_large && changes <= self.count / VECTORS_PER_CHANGE
    }

    /// Whether it may take these changes in as it is: not where it is made anew as fast, where another kind of index would
    /// be chosen by now, or where it knows too little of where vectors lie.
    pub(crate) fn may_take(&self, changes: &Changes) -> bool {
        let lately = self.count + changes.written.len();
        let chosen_lately = match self.collection {
            Some(_) => Layout::of_collection(lately, &self.config),
            None => Layout::new(lately, hubs::row_length(self.dimension), &self.config),
        };
        lately > self.config.exact_up_to / ANEW_PART
            && chosen_lately.codes() == self.layout.codes()
            && lately < GROWTH * self.layout.trained_on
    }
}

/// Writes a generation into `folder`, which must not exist: it appears whole or not at all.
pub(crate) fn write(folder: &Path, contents: &Contents, source: Source, revision: u64) -> Result<()> {
    let partial = folder.with_extension("partial");
    if partial.exists() {
        std::fs::remove_dir_all(&partial).map_err(|error| Error::io(&partial, error))?;
    }
    std::fs::create_dir_all(&partial).map_err(|error| Error::io(&partial, error))?;
    let (vectors, neighbourhoods) = (partial.join(VECTORS_FILE), partial.join(NEIGHBOURHOODS_FILE));
    contents.index.write(&vectors)?;
    end_at!("generation-vectors");
    contents.neighbourhoods.write(&neighbourhoods)?;
    let rows = partial.join(ROWS_FILE);
    if let Some(written) = &contents.rows {
        std::fs::rename(written.path(), &rows).map_err(|error| Error::io(&rows, error))?;
        sync(&rows)?;
    }
    let manifest = GenerationManifest {
        format_version: MANIFEST_FORMAT_VERSION,
        catalogue: source.catalogue,
        model_id: source.model_id,
        dimension: contents.neighbourhoods.dimension(),
        hub_weight: source.hub_weight,
        count: contents.index.len(),
        revision,
        end: contents.end,
        layout: contents.layout.clone(),
        config: source.config,
        collection: None,
        checksums: Checksums {
            vectors: Some(checksum(&vectors)?),
            neighbourhoods: checksum(&neighbourhoods)?,
            rows: contents.rows.as_ref().map(|_| checksum(&rows)).transpose()?,
        },
    };
    sync(&vectors)?;
    sync(&neighbourhoods)?;
    write_manifest(&partial, &manifest)?;
    end_at!("generation-manifest");
    complete(&partial, folder)
}

/// Begins a generation whose vectors come into a collection of Milvus, in a folder that is not its own yet.
#[cfg(feature = "milvus")]
pub(crate) fn begin(
    folder: &Path,
    source: Source,
    revision: u64,
    (layout, neighbourhoods, collection): (Layout, &Neighbourhoods, Collection),
) -> Result<GenerationManifest> {
    std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
    let path = folder.join(NEIGHBOURHOODS_FILE);
    neighbourhoods.write(&path)?;
    sync(&path)?;
    let manifest = GenerationManifest {
        format_version: MANIFEST_FORMAT_VERSION,
        catalogue: source.catalogue,
        model_id: source.model_id,
        dimension: neighbourhoods.dimension(),
        hub_weight: source.hub_weight,
        count: 0,
        revision,
        end: 0,
        layout,
        config: source.config,
        collection: Some(collection),
        checksums: Checksums { vectors: None, neighbourhoods: checksum(&path)?, rows: None },
    };
    write_manifest(folder, &manifest)?;
    Ok(manifest)
}

/// Writes a manifest into a generation's folder, in the place of the one that is there.
pub(crate) fn write_manifest(folder: &Path, manifest: &GenerationManifest) -> Result<()> {
    let path = folder.join(MANIFEST_FILE);
    let text =
        toml::to_string(manifest).map_err(|error| Error::Damaged { path: path.clone(), reason: error.to_string() })?;
    let partial = path.with_extension("partial");
    std::fs::write(&partial, text).map_err(|error| Error::io(&partial, error))?;
    sync(&partial)?;
    std::fs::rename(&partial, &path).map_err(|error| Error::io(&path, error))?;
    sync(folder)
}

/// Makes a generation of a folder in which all of it lies.
pub(crate) fn complete(partial: &Path, folder: &Path) -> Result<()> {
    std::fs::rename(partial, folder).map_err(|error| Error::io(folder, error))?;
    end_at!("generation-renamed");
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

/// What a generation is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// It answers a few questions at once: vectors come into memory when they are looked at.
    Search,
    /// It answers many: all is read, into huge pages where there are any.
    Stay,
    /// It is changed: all is read, and every byte verified.
    Change,
}

/// Whether a generation's files are what was written.
pub(crate) fn verify(folder: &Path, manifest: &GenerationManifest) -> Result<()> {
    verified_vectors(folder, manifest)?;
    verified(folder, NEIGHBOURHOODS_FILE, &manifest.checksums.neighbourhoods)?;
    verify_rows(folder, manifest)
}

fn verified_vectors(folder: &Path, manifest: &GenerationManifest) -> Result<PathBuf> {
    let elsewhere = || Error::Damaged { path: folder.into(), reason: "its vectors do not lie in it".into() };
    verified(folder, VECTORS_FILE, manifest.checksums.vectors.as_deref().ok_or_else(elsewhere)?)
}

fn verify_rows(folder: &Path, manifest: &GenerationManifest) -> Result<()> {
    let expected = manifest.checksums.rows.as_deref();
    expected.map_or(Ok(()), |expected| verified(folder, ROWS_FILE, expected).map(|_| ()))
}

/// Reads a generation's files after verifying them; for a search, each row is verified when it is looked at.
pub(crate) fn read(folder: &Path, manifest: &GenerationManifest, access: Access) -> Result<Contents> {
    let path = verified_vectors(folder, manifest)?;
    let open = if access == Access::Search { FaissIndex::map } else { FaissIndex::read };
    let index = open(&path)?;
    let sizes = (index.len(), index.dimension(), index.lists().unwrap_or(0));
    if sizes != (manifest.count, hubs::row_length(manifest.dimension), manifest.layout.lists) {
        return Err(size_differs(path));
    }
    let neighbourhoods = read_neighbourhoods(folder, manifest)?;
    if access == Access::Change {
        // They go into another generation, under a new checksum.
        verify_rows(folder, manifest)?;
    }
    let open_rows = || Rows::open(&folder.join(ROWS_FILE), index.dimension(), manifest.end);
    let rows = manifest.layout.has_codes().then(open_rows).transpose()?;
    if access == Access::Stay {
        huge_pages::advise();
    }
    Ok(Contents { index, rows, neighbourhoods, layout: manifest.layout.clone(), end: manifest.end })
}

/// What hubs among later tracks are told by.
pub(crate) fn read_neighbourhoods(folder: &Path, manifest: &GenerationManifest) -> Result<Neighbourhoods> {
    let path = verified(folder, NEIGHBOURHOODS_FILE, &manifest.checksums.neighbourhoods)?;
    let neighbourhoods = Neighbourhoods::read(&path, manifest.hub_weight)?;
    if neighbourhoods.dimension() == manifest.dimension { Ok(neighbourhoods) } else { Err(size_differs(path)) }
}

fn size_differs(path: PathBuf) -> Error {
    Error::Damaged { path, reason: "its size is not the manifest's".into() }
}

/// A file whose content has this checksum.
fn verified(folder: &Path, name: &str, expected: &str) -> Result<PathBuf> {
    let path = folder.join(name);
    if checksum(&path)? == expected {
        return Ok(path);
    }
    Err(Error::Damaged { path, reason: "its checksum is not the manifest's".into() })
}

fn checksum(path: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    // On all cores: a query waits for it.
    hasher.update_mmap_rayon(path).map_err(|error| Error::io(path, error))?;
    Ok(hasher.finalize().to_hex().to_string())
}

pub(crate) fn sync(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|error| Error::io(path, error))
}

/// Folder of generation `number`.
pub(crate) fn folder(generations: &Path, number: u64) -> PathBuf {
    generations.join(format!("{number:06}"))
}
