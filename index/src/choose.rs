//! Which kind of index serves how many vectors.

use serde::{Deserialize, Serialize};

use crate::faiss_index::{EXACT, Reach};

/// What an index is chosen by; kept by the catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IndexConfig {
    /// Vectors up to which all are compared: a millisecond or two, and no recall to be measured.
    pub exact_up_to: usize,
    /// Memory that an index takes at most, in bytes.
    pub memory_bytes: u64,
    /// Share of the ten nearest that a search finds, in (0, 1].
    pub target_recall: f64,
    /// Tracks that are asked with to measure it.
    pub queries: usize,
}

impl Default for IndexConfig {
    fn default() -> Self {
        Self { exact_up_to: 50_000, memory_bytes: 4 << 30, target_recall: 0.99, queries: 500 }
    }
}

/// How an index is built and searched, and what was measured of it; it stands in the generation's manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    /// What FAISS's index factory makes it of, or Milvus' kind of index.
    pub factory: String,
    /// Inverted lists, of a collection of Milvus in each of its segments; 0: all vectors are compared.
    pub lists: usize,
    /// Lists that a search looks through.
    pub probes: usize,
    /// Of codes, so many times the tracks wanted are found and then compared by their rows; 1: what is found is compared.
    #[serde(default = "one")]
    pub candidates: usize,
    /// Share of the ten nearest that were found so; 1 where all vectors are compared.
    pub recall_at_10: f64,
    /// Vectors that there were when it was trained.
    pub trained_on: usize,
}

fn one() -> usize {
    1
}

/// Times the tracks wanted that a search by codes finds at most.
const MOST_CANDIDATES: usize = 32;

/// Vectors a list that training looks at; FAISS takes no more than 256.
pub(crate) const TRAINING_VECTORS_PER_LIST: usize = 64;

/// The kinds of index of a collection of Milvus: all vectors are compared, or those of inverted lists. Its graphs (HNSW)
/// miss too much where a filter lets through one in ten: benches/results/milvus.md.
pub(crate) const EXACT_COLLECTION: &str = "FLAT";
pub(crate) const LISTS_OF_COLLECTION: &str = "IVF_FLAT";

/// Each segment of a collection, of a million rows at most, has lists of its own.
const MOST_LISTS_OF_SEGMENT: usize = 4000;

/// Fewer say too little of where a list's centre is to lie: FAISS warns of it.
const LEAST_VECTORS_PER_LIST: usize = 39;

/// Four times the root: what comparing with the lists' centres costs is then of the order of what the vectors of the lists
/// that are looked through cost.
fn lists_of(count: usize) -> usize {
    let lists = (4.0 * (count as f64).sqrt()).round() as usize;
    lists.min(count / LEAST_VECTORS_PER_LIST).max(1)
}

/// How rows are kept in lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Codes {
    /// As they are, in half precision.
    Half,
    /// A byte a number.
    Byte,
    /// A byte for every four numbers (product quantisation, Jégou et al. 2011).
    Product,
}

/// The better first.
const CODES: [Codes; 3] = [Codes::Half, Codes::Byte, Codes::Product];

/// Fewer than 39 vectors for each of its 256 centres say too little.
const LEAST_FOR_PRODUCT: usize = 39 * 256;

impl Codes {
    /// In FAISS's words.
    fn name(self, row_length: usize) -> String {
        match self {
            Self::Half => "SQfp16".into(),
            Self::Byte => "SQ8".into(),
            Self::Product => format!("PQ{}", row_length / 4),
        }
    }

    fn bytes(self, row_length: usize) -> usize {
        match self {
            Self::Half => 2 * row_length,
            Self::Byte => row_length,
            Self::Product => row_length / 4,
        }
    }

    /// The best that fits.
    fn choose(count: usize, row_length: usize, config: &IndexConfig) -> Self {
        let bytes = |codes: Self| (count * (codes.bytes(row_length) + ID_BYTES)) as u64;
        let fits = |codes: &Self| bytes(*codes) <= config.memory_bytes;
        let may_be = |codes: &Self| *codes != Self::Product || count >= LEAST_FOR_PRODUCT;
        match CODES.into_iter().filter(may_be).find(fits) {
            // Codes always miss something.
            _ if config.target_recall >= 1.0 => Self::Half,
            Some(codes) => codes,
            None if may_be(&Self::Product) => Self::Product,
            None => Self::Byte,
        }
    }
}

/// Bytes of a track's number.
const ID_BYTES: usize = 8;

impl Layout {
    /// For `count` rows of `row_length` numbers; what is to be measured is not there yet.
    pub(crate) fn new(count: usize, row_length: usize, config: &IndexConfig) -> Self {
        let exact =
            Self { factory: EXACT.into(), lists: 0, probes: 0, candidates: 1, recall_at_10: 1.0, trained_on: count };
        if count <= config.exact_up_to {
            return exact;
        }
        let lists = lists_of(count);
        let codes = Codes::choose(count, row_length, config);
        let candidates = if codes == Codes::Half { 1 } else { MOST_CANDIDATES };
        Self { factory: format!("IVF{lists},{}", codes.name(row_length)), lists, candidates, ..exact }
    }

    /// For `count` rows in a collection of Milvus; what is to be measured is not there yet.
    pub(crate) fn of_collection(count: usize, config: &IndexConfig) -> Self {
        let is_exact = count <= config.exact_up_to;
        let (factory, lists) = if is_exact { (EXACT_COLLECTION, 0) } else { (LISTS_OF_COLLECTION, lists_of(count)) };
        let lists = lists.min(MOST_LISTS_OF_SEGMENT);
        Self { factory: factory.into(), lists, probes: 0, candidates: 1, recall_at_10: 1.0, trained_on: count }
    }

    /// What stands in its lists, or what it is where it has none.
    pub(crate) fn codes(&self) -> &str {
        self.factory.rsplit(',').next().unwrap_or_default()
    }

    /// Whether what the index holds are codes, beside which rows are kept.
    pub(crate) fn has_codes(&self) -> bool {
        self.candidates > 1
    }

    /// How far a search goes that may find any track.
    pub(crate) fn reach(&self) -> Reach<'static> {
        Reach { probes: (self.lists > 0).then_some(self.probes), among: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_and_memory_choose() {
        let factory =
            |count, memory_bytes| Layout::new(count, 136, &IndexConfig { memory_bytes, ..Default::default() }).factory;
        assert_eq!(factory(50_000, 1), "IDMap,Flat");
        assert_eq!(factory(1_000_000, 4 << 30), "IVF4000,SQfp16");
        assert_eq!(factory(10_000_000, 4 << 30), "IVF12649,SQfp16");
        assert_eq!(factory(10_000_000, 2 << 30), "IVF12649,SQ8");
        assert_eq!(factory(10_000_000, 1 << 30), "IVF12649,PQ34");
        assert_eq!(factory(1_000_000, 1), "IVF4000,PQ34");
        assert_eq!(Codes::choose(9000, 136, &IndexConfig { memory_bytes: 1, ..Default::default() }), Codes::Byte);
        let all = IndexConfig { memory_bytes: 1, target_recall: 1.0, ..Default::default() };
        assert_eq!(Codes::choose(1_000_000, 136, &all), Codes::Half);
    }
}
