//! The one place that calls FAISS: every error converted, every number a [`TrackId`].

use std::path::Path;

use faiss::index::{IndexImpl, index_factory, io};
use faiss::{Idx, Index, MetricType};

use crate::error::{Error, Result};
use crate::track::TrackId;

/// Exact search over all vectors.
const EXACT: &str = "IDMap,Flat";

/// Unit vectors with their tracks, compared by inner product, which is their cosine.
pub struct FaissIndex {
    index: IndexImpl,
    dimension: usize,
}

impl FaissIndex {
    /// An empty index.
    pub fn new(dimension: usize) -> Result<Self> {
        let index = index_factory(dimension as u32, EXACT, MetricType::InnerProduct)
            .map_err(|error| convert("creating an index", error))?;
        Ok(Self { index, dimension })
    }

    /// Reads a file whose content was verified before: FAISS trusts it.
    pub fn read(path: &Path) -> Result<Self> {
        let index = io::read_index(name_of(path)?).map_err(|error| convert("reading an index", error))?;
        let dimension = index.d() as usize;
        Ok(Self { index, dimension })
    }

    /// Writes a file.
    pub fn write(&self, path: &Path) -> Result<()> {
        io::write_index(&self.index, name_of(path)?).map_err(|error| match convert("writing an index", error) {
            // FAISS tells of a full disk in words only.
            Error::Faiss { reason, .. } if reason.contains("No space left") => Error::DiskFull { path: path.into() },
            other => other,
        })
    }

    /// Number of vectors.
    pub fn len(&self) -> usize {
        self.index.ntotal() as usize
    }

    /// Length of a vector.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Adds vectors, one after the other in `vectors`.
    pub fn add(&mut self, tracks: &[TrackId], vectors: &[f32]) -> Result<()> {
        self.check(vectors.len(), tracks.len())?;
        let ids: Vec<Idx> = tracks.iter().map(|track| Idx::new(track.0)).collect();
        self.index.add_with_ids(vectors, &ids).map_err(|error| convert("adding vectors", error))
    }

    /// At most `count` tracks with their inner products, largest first.
    pub fn search(&mut self, vector: &[f32], count: usize) -> Result<Vec<(TrackId, f32)>> {
        self.check(vector.len(), 1)?;
        Ok(self.search_each(vector, count)?.pop().unwrap_or_default())
    }

    /// The same for each of several vectors, one after the other in `vectors`.
    pub fn search_each(&mut self, vectors: &[f32], count: usize) -> Result<Vec<Vec<(TrackId, f32)>>> {
        let queries = vectors.len() / self.dimension;
        self.check(vectors.len(), queries)?;
        let count = count.min(self.len());
        if count == 0 || queries == 0 {
            return Ok(vec![Vec::new(); queries]);
        }
        let found = self.index.search(vectors, count).map_err(|error| convert("searching", error))?;
        let of_query = |(labels, similarities): (&[Idx], &[f32])| {
            let tracks = labels.iter().zip(similarities);
            tracks.filter_map(|(label, &similarity)| Some((TrackId(label.get()?), similarity))).collect()
        };
        Ok(found.labels.chunks(count).zip(found.distances.chunks(count)).map(of_query).collect())
    }

    fn check(&self, values: usize, vectors: usize) -> Result<()> {
        let found = values / vectors.max(1);
        if found != self.dimension || found * vectors != values {
            return Err(Error::WrongDimension { expected: self.dimension, found });
        }
        Ok(())
    }
}

fn convert(operation: &'static str, error: faiss::error::Error) -> Error {
    let text = error.to_string();
    // The last line of a C++ exception is its message, the ones before name source files.
    let reason = text.lines().last().unwrap_or_default().trim().to_owned();
    Error::Faiss { operation, reason }
}

fn name_of(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| Error::PathNotUtf8 { path: path.into() })
}
