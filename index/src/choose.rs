//! Which kind of index serves how many vectors, and how many of its lists a search has to look through.

use serde::{Deserialize, Serialize};

use crate::catalogue::Changes;
use crate::error::Result;
use crate::faiss_index::{EXACT, FaissIndex, Reach};
use crate::generation::GenerationManifest;
use crate::hubs;
use crate::rows::Rows;
use crate::track::TrackId;

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

/// An index is trained anew when there are so many times the vectors that it was trained on.
const GROWTH: usize = 2;

/// Up to this part of what is compared exactly, an index is made anew for every change: a fraction of a second.
const ANEW_PART: usize = 5;

impl IndexConfig {
    /// Whether so many changes may be searched beside a generation of `count` vectors. Reading them makes opening a
    /// little slower.
    pub(crate) fn may_wait(&self, count: usize, changes: usize) -> bool {
        changes == 0 || (count > self.exact_up_to / ANEW_PART && changes <= count / 50)
    }

    /// Whether a generation may take these changes in as it is.
    pub(crate) fn may_update(&self, manifest: &GenerationManifest, changes: &Changes) -> bool {
        let (layout, count) = (&manifest.layout, manifest.count);
        let lately = count + changes.written.len();
        let chosen_lately = Layout::new(lately, hubs::row_length(manifest.dimension), self);
        let is_of_its_kind = chosen_lately.codes() == layout.codes();
        lately > self.exact_up_to / ANEW_PART && is_of_its_kind && lately < GROWTH * layout.trained_on
    }
}

/// The library's own tracks, which recall is measured with, are found a little more easily than others: so much of what
/// may be missed is missed of them at most.
const MISSED_OF_OWN: f64 = 0.6;

/// Twice the lists have to find so much more: what codes blur, no number of lists brings back.
const LEAST_GAIN: f64 = 0.001;

/// Of fewer, it says nothing.
const FEW_LISTS: usize = 16;

/// Of how many nearest a share is found.
pub(crate) const RECALL_AT: usize = 10;

/// How an index is built and searched, and what was measured of it; it stands in the generation's manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    /// What FAISS's index factory makes it of.
    pub factory: String,
    /// Inverted lists; 0: all vectors are compared.
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

/// Fewer say too little of where a list's centre is to lie: FAISS warns of it.
const LEAST_VECTORS_PER_LIST: usize = 39;

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
        // Four times the root: what comparing with the lists' centres costs is then of the order of what the vectors of
        // the lists that are looked through cost.
        let lists = (4.0 * (count as f64).sqrt()).round() as usize;
        let lists = lists.min(count / LEAST_VECTORS_PER_LIST).max(1);
        let codes = Codes::choose(count, row_length, config);
        let candidates = if codes == Codes::Half { 1 } else { MOST_CANDIDATES };
        Self { factory: format!("IVF{lists},{}", codes.name(row_length)), lists, candidates, ..exact }
    }

    /// What stands in its lists, or what it is where it has none.
    fn codes(&self) -> &str {
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

/// Tracks to ask with, and what a search that misses nothing answers.
pub(crate) struct Exam {
    tracks: Vec<TrackId>,
    /// Rows, one after the other.
    queries: Vec<f32>,
    nearest: Vec<Vec<(TrackId, f32)>>,
}

impl Exam {
    /// With no answers yet; the rows are [`crate::hubs::query`]'s.
    pub fn new(tracks: Vec<TrackId>, queries: Vec<f32>) -> Self {
        let nearest = vec![Vec::new(); tracks.len()];
        Self { tracks, queries, nearest }
    }

    /// Takes a part of the rows into account that are searched.
    pub fn add(&mut self, tracks: &[TrackId], rows: &[f32]) -> Result<()> {
        if self.tracks.is_empty() || tracks.is_empty() {
            return Ok(());
        }
        let mut part = FaissIndex::new(EXACT, rows.len() / tracks.len())?;
        part.add(tracks, rows)?;
        let found = part.search(&self.queries, RECALL_AT + 1, Reach::default())?;
        for ((nearest, found), itself) in self.nearest.iter_mut().zip(found).zip(&self.tracks) {
            nearest.extend(found.into_iter().filter(|(track, _)| track != itself));
            nearest.sort_by(|a, b| b.1.total_cmp(&a.1));
            nearest.truncate(RECALL_AT);
        }
        Ok(())
    }

    /// Share of the nearest that an index finds when this is how it is searched; rows are those that codes stand for.
    fn recall(&self, (index, rows): (&FaissIndex, Option<&Rows>), probes: usize, candidates: usize) -> Result<f64> {
        let wanted = RECALL_AT + 1;
        let reach = Reach { probes: Some(probes), among: None };
        let found = index.search(&self.queries, wanted * candidates, reach)?;
        let (mut hits, mut sought) = (0, 0);
        let queries = self.queries.chunks(index.dimension());
        for (((nearest, mut found), query), itself) in self.nearest.iter().zip(found).zip(queries).zip(&self.tracks) {
            if let Some(rows) = rows {
                found = rows.compared(query, &found)?;
            }
            let found = found.iter().take(wanted).filter(|(track, _)| track != itself).take(RECALL_AT);
            hits += found.filter(|(track, _)| nearest.iter().any(|(other, _)| other == track)).count();
            sought += nearest.len();
        }
        Ok(if sought == 0 { 1.0 } else { hits as f64 / sought as f64 })
    }

    /// How an index is searched: with the fewest lists, and then the fewest candidates, that reach the recall with a margin;
    /// where none do, with as many as are of use.
    pub fn settle(
        &self,
        index: &FaissIndex,
        rows: Option<&Rows>,
        layout: &mut Layout,
        target_recall: f64,
    ) -> Result<()> {
        if target_recall >= 1.0 {
            // Whatever is asked with, nothing may be missed.
            layout.probes = layout.lists;
            layout.recall_at_10 = self.recall((index, rows), layout.lists, layout.candidates)?;
            return Ok(());
        }
        let target_recall = 1.0 - MISSED_OF_OWN * (1.0 - target_recall);
        let recall = |probes| self.recall((index, rows), probes, layout.candidates);
        (layout.probes, layout.recall_at_10) = fewest(recall, layout.lists, target_recall)?;
        while layout.candidates > 2 {
            let fewer = layout.candidates / 2;
            let reached = self.recall((index, rows), layout.probes, fewer)?;
            if reached < target_recall.min(layout.recall_at_10) {
                break;
            }
            (layout.candidates, layout.recall_at_10) = (fewer, reached);
        }
        Ok(())
    }
}

/// The fewest lists to look through with which the recall is reached, or as many as are of use, where it is not; and what
/// they reach.
fn fewest(recall: impl Fn(usize) -> Result<f64>, lists: usize, target_recall: f64) -> Result<(usize, f64)> {
    let (mut too_few, mut probes) = (0, 1);
    let mut reached = recall(probes)?;
    while reached < target_recall && probes < lists {
        let more = (2 * probes).min(lists);
        let reached_by_more = recall(more)?;
        // One list and two may find the same, and many more.
        if probes >= FEW_LISTS && reached_by_more - reached < LEAST_GAIN {
            return Ok((probes, reached));
        }
        (too_few, probes, reached) = (probes, more, reached_by_more);
    }
    while probes - too_few > 1 {
        let middle = (too_few + probes) / 2;
        let reached_by_fewer = recall(middle)?;
        if reached_by_fewer < target_recall {
            too_few = middle;
        } else {
            (probes, reached) = (middle, reached_by_fewer);
        }
    }
    Ok((probes, reached))
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

    #[test]
    fn where_a_recall_is_out_of_reach_no_list_is_looked_through_in_vain() {
        let blurred = |probes: usize| Ok(0.9_f64.min(0.05 * probes as f64));
        assert_eq!(fewest(blurred, 4000, 0.99).unwrap(), (32, 0.9));
        assert_eq!(fewest(blurred, 4000, 0.6).unwrap().0, 12);
        assert_eq!(fewest(blurred, 8, 0.99).unwrap().0, 8);
    }

    #[test]
    fn as_few_lists_are_looked_through_as_the_recall_needs() {
        let angle = |number: u64| number as f32 * std::f32::consts::TAU / 1000.0;
        let row = |number: u64| [angle(number).cos(), angle(number).sin()];
        let tracks: Vec<TrackId> = (0..1000).map(TrackId).collect();
        let rows: Vec<f32> = (0..1000).flat_map(row).collect();
        let mut index = FaissIndex::new("IVF20,Flat", 2).unwrap();
        index.train(&rows).unwrap();
        index.add(&tracks, &rows).unwrap();
        let asked: Vec<TrackId> = (0..100).map(|number| TrackId(number * 10)).collect();
        let mut exam = Exam::new(asked.clone(), asked.iter().flat_map(|track| row(track.0)).collect());
        for (tracks, rows) in tracks.chunks(300).zip(rows.chunks(600)) {
            exam.add(tracks, rows).unwrap();
        }
        // The five before and the five after it on the circle.
        let mut nearest: Vec<u64> = exam.nearest[50].iter().map(|(track, _)| track.0).collect();
        nearest.sort_unstable();
        assert_eq!(nearest, [495, 496, 497, 498, 499, 501, 502, 503, 504, 505]);
        let one = exam.recall((&index, None), 1, 1).unwrap();
        assert!(one > 0.8 && one < 1.0, "{one}");
        let settled = |target_recall| {
            let mut layout = Layout { lists: 20, ..Layout::new(1000, 2, &IndexConfig::default()) };
            exam.settle(&index, None, &mut layout, target_recall).unwrap();
            (layout.probes, layout.recall_at_10)
        };
        let (probes, recall) = settled(0.9999);
        assert!(recall == 1.0 && (2..=5).contains(&probes), "{probes}: {recall}");
        assert!(exam.recall((&index, None), probes - 1, 1).unwrap() < 1.0);
        assert_eq!(settled(1.0).0, 20);
        assert_eq!(settled(0.5).0, 1);
    }
}
