//! Which kind of index serves how many vectors, and how many of its lists a search has to look through.

use serde::{Deserialize, Serialize};

use crate::catalogue::Changes;
use crate::error::Result;
use crate::faiss_index::{EXACT, FaissIndex, Reach};
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

    /// Whether a generation of `count` vectors may take these changes in as it is.
    pub(crate) fn may_update(&self, layout: &Layout, count: usize, changes: &Changes) -> bool {
        let lately = count + changes.written.len();
        let is_of_its_kind = (lately > self.exact_up_to) == (layout.lists > 0);
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
    /// Share of the ten nearest that were found so; 1 where all vectors are compared.
    pub recall_at_10: f64,
    /// Vectors that there were when it was trained.
    pub trained_on: usize,
}

/// Vectors a list that training looks at; FAISS takes no more than 256.
pub(crate) const TRAINING_VECTORS_PER_LIST: usize = 64;

/// Fewer say too little of where a list's centre is to lie: FAISS warns of it.
const LEAST_VECTORS_PER_LIST: usize = 39;

/// How numbers are kept in lists, the better first.
const CODES: [Codes; 2] = [Codes { name: "SQfp16", bytes_per_number: 2 }, Codes { name: "SQ8", bytes_per_number: 1 }];

struct Codes {
    name: &'static str,
    bytes_per_number: usize,
}

/// Bytes of a track's number.
const ID_BYTES: usize = 8;

impl Layout {
    /// For `count` rows of `row_length` numbers; what is to be measured is not there yet.
    pub(crate) fn new(count: usize, row_length: usize, config: &IndexConfig) -> Self {
        let exact = Self { factory: EXACT.into(), lists: 0, probes: 0, recall_at_10: 1.0, trained_on: count };
        if count <= config.exact_up_to {
            return exact;
        }
        // Four times the root: what comparing with the lists' centres costs is then of the order of what the vectors of
        // the lists that are looked through cost.
        let lists = (4.0 * (count as f64).sqrt()).round() as usize;
        let lists = lists.min(count / LEAST_VECTORS_PER_LIST).max(1);
        let bytes = |codes: &Codes| (count * (row_length * codes.bytes_per_number + ID_BYTES)) as u64;
        let fits = |codes: &&Codes| bytes(codes) <= config.memory_bytes;
        let codes = CODES.iter().find(fits).unwrap_or(&CODES[CODES.len() - 1]);
        Self { factory: format!("IVF{lists},{}", codes.name), lists, ..exact }
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

    /// Share of the nearest that an index finds.
    fn recall(&self, index: &FaissIndex, probes: usize) -> Result<f64> {
        let found = index.search(&self.queries, RECALL_AT + 1, Reach { probes: Some(probes), among: None })?;
        let (mut hits, mut wanted) = (0, 0);
        for ((nearest, found), itself) in self.nearest.iter().zip(&found).zip(&self.tracks) {
            let found = found.iter().filter(|(track, _)| track != itself).take(RECALL_AT);
            hits += found.filter(|(track, _)| nearest.iter().any(|(other, _)| other == track)).count();
            wanted += nearest.len();
        }
        Ok(if wanted == 0 { 1.0 } else { hits as f64 / wanted as f64 })
    }

    /// The fewest lists to look through that reach the recall with a margin, or as many as are of use, where none do; and
    /// what they reach.
    pub fn probes(&self, index: &FaissIndex, lists: usize, target_recall: f64) -> Result<(usize, f64)> {
        if target_recall >= 1.0 {
            // Whatever is asked with, nothing may be missed.
            return Ok((lists, self.recall(index, lists)?));
        }
        let target_recall = 1.0 - MISSED_OF_OWN * (1.0 - target_recall);
        let (mut too_few, mut probes) = (0, 1);
        let mut recall = self.recall(index, probes)?;
        while recall < target_recall && probes < lists {
            let more = (2 * probes).min(lists);
            let reached = self.recall(index, more)?;
            // One list and two may find the same, and many more.
            if probes >= FEW_LISTS && reached - recall < LEAST_GAIN {
                return Ok((probes, recall));
            }
            (too_few, probes, recall) = (probes, more, reached);
        }
        while probes - too_few > 1 {
            let middle = (too_few + probes) / 2;
            let reached = self.recall(index, middle)?;
            if reached < target_recall {
                too_few = middle;
            } else {
                (probes, recall) = (middle, reached);
            }
        }
        Ok((probes, recall))
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
        assert_eq!(factory(1_000_000, 1), "IVF4000,SQ8");
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
        let one = exam.recall(&index, 1).unwrap();
        assert!(one > 0.8 && one < 1.0, "{one}");
        let (probes, recall) = exam.probes(&index, 20, 0.999).unwrap();
        assert!(recall == 1.0 && (2..=5).contains(&probes), "{probes}: {recall}");
        assert!(exam.recall(&index, probes - 1).unwrap() < 1.0);
        assert_eq!(exam.probes(&index, 20, 1.0).unwrap().0, 20);
        assert_eq!(exam.probes(&index, 20, 0.5).unwrap().0, 1);
    }
}
