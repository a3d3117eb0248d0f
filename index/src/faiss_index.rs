//! The one place that calls FAISS: every error converted, every number a [`TrackId`].

use std::ffi::CString;
use std::path::Path;

use faiss::index::{FromInnerPtr, IndexImpl, index_factory, io};
use faiss::selector::IdSelector;
use faiss::{Idx, Index, MetricType};
use faiss_sys::{
    FaissIDSelector, FaissIDSelectorBitmap, FaissSearchParametersIVF, faiss_IDSelectorBitmap_free,
    faiss_IDSelectorBitmap_new, faiss_Index_search, faiss_Index_search_with_params, faiss_IndexIVF_cast,
    faiss_IndexIVF_nlist, faiss_SearchParametersIVF_free, faiss_SearchParametersIVF_new_with, faiss_get_last_error,
    faiss_read_index_fname,
};

use crate::error::{Error, Result};
use crate::track::TrackId;
use crate::track_set::TrackSet;

/// Exact search over all vectors.
pub const EXACT: &str = "IDMap,Flat";

/// FAISS's `IO_FLAG_MMAP` and `IO_FLAG_READ_ONLY` (faiss/index_io.h): inverted lists stay in the file until they are looked
/// through. The `faiss` crate's own flag for it means another thing in this version.
const MAPPED_TO_READ: i32 = 0x646f_0000 | 8 | 2;

/// Vectors with their tracks, compared by inner product.
pub struct FaissIndex {
    index: IndexImpl,
    dimension: usize,
    /// Of inverted lists, how many there are; `None`: all vectors are compared.
    lists: Option<usize>,
}

/// How far a search goes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reach<'a> {
    /// Inverted lists that are looked through; `None`: all.
    pub probes: Option<usize>,
    /// The only tracks that may be found; `None`: all.
    pub among: Option<&'a TrackSet>,
}

impl FaissIndex {
    /// An empty index of the kind that FAISS's index factory makes of this description.
    pub fn new(factory: &str, dimension: usize) -> Result<Self> {
        let index = index_factory(dimension as u32, factory, MetricType::InnerProduct)
            .map_err(|error| convert("creating an index", error))?;
        Ok(Self::of(index))
    }

    /// Reads a file, whose content was verified before, into memory: FAISS trusts it.
    pub fn read(path: &Path) -> Result<Self> {
        let index = io::read_index(name_of(path)?).map_err(|error| convert("reading an index", error))?;
        Ok(Self::of(index))
    }

    /// Opens a file, whose content was verified before, to search it: of inverted lists only what is looked through comes
    /// into memory. That is sooner than reading all, and each search takes longer.
    pub fn map(path: &Path) -> Result<Self> {
        let name = CString::new(name_of(path)?).map_err(|_| Error::PathNotUtf8 { path: path.into() })?;
        let mut index = std::ptr::null_mut();
        // SAFETY: the name ends in 0 and outlives the call, which sets the pointer where it succeeds.
        succeeded("opening an index", unsafe { faiss_read_index_fname(name.as_ptr(), MAPPED_TO_READ, &mut index) })?;
        // SAFETY: FAISS has just made it, and nobody else frees it.
        Ok(Self::of(unsafe { IndexImpl::from_inner_ptr(index) }))
    }

    fn of(index: IndexImpl) -> Self {
        // SAFETY: the pointer is of a living index; the cast gives null where it has no inverted lists.
        let lists = unsafe {
            let inverted = faiss_IndexIVF_cast(index.inner_ptr());
            (!inverted.is_null()).then(|| faiss_IndexIVF_nlist(inverted))
        };
        let dimension = index.d() as usize;
        Self { index, dimension, lists }
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

    /// Number of inverted lists; `None`: it has none.
    pub fn lists(&self) -> Option<usize> {
        self.lists
    }

    /// Learns where vectors lie, from a sample of them, one after the other.
    pub fn train(&mut self, sample: &[f32]) -> Result<()> {
        self.check(sample.len(), sample.len() / self.dimension)?;
        self.index.train(sample).map_err(|error| convert("training an index", error))
    }

    /// Adds vectors, one after the other in `vectors`.
    pub fn add(&mut self, tracks: &[TrackId], vectors: &[f32]) -> Result<()> {
        self.check(vectors.len(), tracks.len())?;
        self.index.add_with_ids(vectors, &numbers_of(tracks)).map_err(|error| convert("adding vectors", error))
    }

    /// Takes vectors out.
    pub fn remove(&mut self, tracks: &[TrackId]) -> Result<()> {
        let selector = IdSelector::batch(&numbers_of(tracks)).map_err(|error| convert("selecting vectors", error))?;
        self.index.remove_ids(&selector).map(|_| ()).map_err(|error| convert("removing vectors", error))
    }

    /// For each of several vectors, one after the other in `vectors`, at most `count` tracks with their inner products,
    /// largest first.
    pub fn search(&self, vectors: &[f32], count: usize, reach: Reach<'_>) -> Result<Vec<Vec<(TrackId, f32)>>> {
        let queries = vectors.len() / self.dimension;
        self.check(vectors.len(), queries)?;
        let count = count.min(self.len());
        if count == 0 || queries == 0 {
            return Ok(vec![Vec::new(); queries]);
        }
        let (mut products, mut labels) = (vec![0.0_f32; queries * count], vec![-1_i64; queries * count]);
        let parameters = Parameters::new(self, reach)?;
        let index = self.index.inner_ptr();
        // SAFETY: as many numbers as FAISS reads and writes are there, as computed above; a search changes nothing of an
        // index, and the parameters outlive it.
        let code = unsafe {
            let (queries, count) = (queries as i64, count as i64);
            let (vectors, products, labels) = (vectors.as_ptr(), products.as_mut_ptr(), labels.as_mut_ptr());
            match &parameters {
                Some(parameters) => faiss_Index_search_with_params(
                    index,
                    queries,
                    vectors,
                    count,
                    parameters.inner.cast(),
                    products,
                    labels,
                ),
                None => faiss_Index_search(index, queries, vectors, count, products, labels),
            }
        };
        succeeded("searching", code)?;
        let of_query = |(labels, products): (&[i64], &[f32])| {
            let found = labels.iter().zip(products).filter(|(label, _)| **label >= 0);
            found.map(|(&label, &product)| (TrackId(label as u64), product)).collect()
        };
        Ok(labels.chunks(count).zip(products.chunks(count)).map(of_query).collect())
    }

    fn check(&self, values: usize, vectors: usize) -> Result<()> {
        if values == vectors * self.dimension {
            return Ok(());
        }
        Err(Error::WrongDimension { expected: self.dimension, found: values / vectors.max(1) })
    }
}

/// FAISS's parameters of one search, and the selector that they point to.
struct Parameters<'a> {
    inner: *mut FaissSearchParametersIVF,
    selector: Option<Selector<'a>>,
}

impl<'a> Parameters<'a> {
    /// `None`: the search needs none.
    fn new(index: &FaissIndex, reach: Reach<'a>) -> Result<Option<Self>> {
        if index.lists.is_none() && reach.among.is_none() {
            return Ok(None);
        }
        let lists = index.lists.unwrap_or(1);
        let probes = reach.probes.map_or(lists, |probes| probes.clamp(1, lists));
        let selector = reach.among.map(Selector::new).transpose()?;
        let selected: *mut FaissIDSelector =
            selector.as_ref().map_or(std::ptr::null_mut(), |selector| selector.inner.cast());
        let mut inner = std::ptr::null_mut();
        // SAFETY: both pointers are valid, or null where FAISS takes that for no selector.
        let code = unsafe { faiss_SearchParametersIVF_new_with(&mut inner, selected, probes, 0) };
        succeeded("preparing a search", code)?;
        Ok(Some(Self { inner, selector }))
    }
}

impl Drop for Parameters<'_> {
    fn drop(&mut self) {
        // SAFETY: made by `new`, freed once; FAISS leaves the selector to its owner, who goes after this.
        unsafe { faiss_SearchParametersIVF_free(self.inner) };
        self.selector = None;
    }
}

/// FAISS's view of a set of tracks.
struct Selector<'a> {
    inner: *mut FaissIDSelectorBitmap,
    /// It keeps a pointer to the bits.
    _set: &'a TrackSet,
}

impl<'a> Selector<'a> {
    fn new(set: &'a TrackSet) -> Result<Self> {
        let mut inner = std::ptr::null_mut();
        // SAFETY: the bits outlive the selector, which borrows them.
        let code = unsafe { faiss_IDSelectorBitmap_new(&mut inner, set.bits().len(), set.bits().as_ptr()) };
        succeeded("selecting vectors", code)?;
        Ok(Self { inner, _set: set })
    }
}

impl Drop for Selector<'_> {
    fn drop(&mut self) {
        // SAFETY: made by `new`, freed once.
        unsafe { faiss_IDSelectorBitmap_free(self.inner) };
    }
}

fn numbers_of(tracks: &[TrackId]) -> Vec<Idx> {
    tracks.iter().map(|track| Idx::new(track.0)).collect()
}

/// A return code of FAISS's C functions.
fn succeeded(operation: &'static str, code: i32) -> Result<()> {
    if code == 0 {
        return Ok(());
    }
    // SAFETY: after a failure FAISS gives a text that ends in 0 and stays until the thread's next call.
    let text = unsafe {
        let text = faiss_get_last_error();
        if text.is_null() { String::new() } else { std::ffi::CStr::from_ptr(text).to_string_lossy().into_owned() }
    };
    Err(Error::Faiss { operation, reason: message_of(&text) })
}

fn convert(operation: &'static str, error: faiss::error::Error) -> Error {
    Error::Faiss { operation, reason: message_of(&error.to_string()) }
}

/// The last line of a C++ exception is its message, the ones before name source files.
fn message_of(exception: &str) -> String {
    exception.lines().last().unwrap_or_default().trim().to_owned()
}

fn name_of(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| Error::PathNotUtf8 { path: path.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIMENSION: usize = 8;

    /// Unit vectors of tracks 1, 2, 3, ...
    fn vectors(count: u64) -> (Vec<TrackId>, Vec<f32>) {
        let row = |number: u64| {
            let row: Vec<f32> = (0..8).map(|place| ((number * 37 + place * 11) as f32 * 0.7).sin()).collect();
            let norm = row.iter().map(|value| value * value).sum::<f32>().sqrt();
            row.into_iter().map(move |value| value / norm).collect::<Vec<_>>()
        };
        ((1..=count).map(TrackId).collect(), (1..=count).flat_map(row).collect())
    }

    /// Brute force.
    fn nearest(vectors: &[f32], query: &[f32], count: usize, may: impl Fn(u64) -> bool) -> Vec<f32> {
        let numbered = vectors.chunks(DIMENSION).zip(1..).filter(|(_, number)| may(*number));
        let mut products: Vec<f32> =
            numbered.map(|(vector, _)| vector.iter().zip(query).map(|(a, b)| a * b).sum()).collect();
        products.sort_by(|a, b| b.total_cmp(a));
        products.truncate(count);
        products
    }

    fn filled(factory: &str, count: u64) -> (FaissIndex, Vec<f32>) {
        let (tracks, vectors) = vectors(count);
        let mut index = FaissIndex::new(factory, DIMENSION).unwrap();
        index.train(&vectors).unwrap();
        index.add(&tracks, &vectors).unwrap();
        (index, vectors)
    }

    fn assert_finds(index: &FaissIndex, vectors: &[f32], reach: Reach<'_>, may: impl Fn(u64) -> bool) {
        for query in vectors.chunks(DIMENSION).take(20) {
            let found = index.search(query, 9, reach).unwrap().pop().unwrap();
            let expected = nearest(vectors, query, 9, &may);
            assert_eq!(found.len(), expected.len());
            for ((track, product), expected) in found.iter().zip(expected) {
                assert!(may(track.0));
                assert!((product - expected).abs() < 2e-3, "{product} for {expected}");
            }
        }
    }

    #[test]
    fn searches_among_a_set_equal_brute_force() {
        for factory in [EXACT, "IVF16,Flat", "IVF16,SQfp16"] {
            let (index, vectors) = filled(factory, 800);
            assert_finds(&index, &vectors, Reach::default(), |_| true);
            for share in [2, 10, 400] {
                let set: TrackSet = (1..=800).filter(|number| number % share == 1).map(TrackId).collect();
                assert_finds(&index, &vectors, Reach { among: Some(&set), probes: None }, |number| number % share == 1);
            }
            let none = TrackSet::default();
            assert!(index.search(&vectors[..8], 3, Reach { among: Some(&none), probes: None }).unwrap()[0].is_empty());
        }
    }

    #[test]
    fn fewer_probes_find_less_and_a_file_finds_the_same() {
        let (index, vectors) = filled("IVF16,SQfp16", 800);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors.faiss");
        index.write(&path).unwrap();
        let opened = [FaissIndex::read(&path).unwrap(), FaissIndex::map(&path).unwrap()];
        let mut missed = 0;
        for query in vectors.chunks(DIMENSION).take(50) {
            let one = Reach { probes: Some(1), among: None };
            let found = index.search(query, 100, one).unwrap();
            missed += usize::from(found[0].len() < 100);
            for opened in &opened {
                assert_eq!((opened.len(), opened.lists()), (800, Some(16)));
                assert_eq!(opened.search(query, 100, one).unwrap(), found);
            }
        }
        assert!(missed > 0, "a list holds about 50");
    }

    #[test]
    fn what_is_taken_out_is_not_found_and_the_rest_keeps_its_tracks() {
        for factory in [EXACT, "IVF16,Flat", "IVF16,SQfp16"] {
            let (mut index, vectors) = filled(factory, 800);
            let removed: Vec<TrackId> = (1..=800).filter(|number| number % 3 == 0).map(TrackId).collect();
            index.remove(&removed).unwrap();
            assert_eq!(index.len(), 800 - 266);
            assert_finds(&index, &vectors, Reach::default(), |number| number % 3 != 0);
        }
    }

    #[test]
    fn failures_of_faiss_are_errors() {
        assert!(matches!(FaissIndex::new("no such index", 8), Err(Error::Faiss { .. })));
        let untrained = FaissIndex::new("IVF16,Flat", 8).unwrap().add(&[TrackId(1)], &[0.0; 8]);
        assert!(matches!(untrained, Err(Error::Faiss { operation: "adding vectors", reason }) if !reason.is_empty()));
        assert!(matches!(
            filled(EXACT, 3).0.search(&[0.0; 7], 1, Reach::default()),
            Err(Error::WrongDimension { expected: 8, found: 7 })
        ));
    }
}
