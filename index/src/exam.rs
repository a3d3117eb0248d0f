//! How many of its lists a search has to look through, measured.

use crate::choose::Layout;
use crate::error::Result;
use crate::faiss_index::{EXACT, FaissIndex, Reach};
use crate::track::TrackId;

/// The library's own tracks, which recall is measured with, are found a little more easily than others: so much of what
/// may be missed is missed of them at most.
const MISSED_OF_OWN: f64 = 0.5;

/// Twice the lists have to find so much more: what codes blur, no number of lists brings back.
const LEAST_GAIN: f64 = 0.001;

/// Of fewer, it says nothing.
const FEW_LISTS: usize = 16;

/// Of how many nearest a share is found.
pub(crate) const RECALL_AT: usize = 10;

/// Tracks that a search has to find for it: the one that is asked with is among them.
pub(crate) const FOUND_FOR_RECALL: usize = RECALL_AT + 1;

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
        let found = part.search(&self.queries, FOUND_FOR_RECALL, Reach::default())?;
        for ((nearest, found), itself) in self.nearest.iter_mut().zip(found).zip(&self.tracks) {
            nearest.extend(found.into_iter().filter(|(track, _)| track != itself));
            nearest.sort_by(|a, b| b.1.total_cmp(&a.1));
            nearest.truncate(RECALL_AT);
        }
        Ok(())
    }

    /// Share of the nearest that is among what a search found for each query.
    fn recall(&self, found: &[Vec<(TrackId, f32)>]) -> f64 {
        let (mut hits, mut sought) = (0, 0);
        for ((nearest, found), itself) in self.nearest.iter().zip(found).zip(&self.tracks) {
            let others = found.iter().take(FOUND_FOR_RECALL).filter(|(track, _)| track != itself).take(RECALL_AT);
            hits += others.filter(|(track, _)| nearest.iter().any(|(other, _)| other == track)).count();
            sought += nearest.len();
        }
        if sought == 0 { 1.0 } else { hits as f64 / sought as f64 }
    }

    /// How an index is searched: with the fewest lists, and then the fewest candidates, that reach the recall with a margin;
    /// where none do, with as many as are of use. `find` searches with rows, one after the other, with so many lists and
    /// candidates, for [`FOUND_FOR_RECALL`] tracks each.
    pub fn settle(
        &self,
        find: impl Fn(&[f32], usize, usize) -> Result<Vec<Vec<(TrackId, f32)>>>,
        layout: &mut Layout,
        target_recall: f64,
    ) -> Result<()> {
        let recall = |probes, candidates| Ok(self.recall(&find(&self.queries, probes, candidates)?));
        if target_recall >= 1.0 {
            // Whatever is asked with, nothing may be missed.
            layout.probes = layout.lists;
            layout.recall_at_10 = recall(layout.lists, layout.candidates)?;
            return Ok(());
        }
        let target_recall = 1.0 - MISSED_OF_OWN * (1.0 - target_recall);
        let by_probes = |probes| recall(probes, layout.candidates);
        (layout.probes, layout.recall_at_10) = fewest(by_probes, layout.lists, target_recall)?;
        while layout.candidates > 2 {
            let fewer = layout.candidates / 2;
            let reached = recall(layout.probes, fewer)?;
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
    use crate::choose::IndexConfig;

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
        let find = |rows: &[f32], probes: usize, _: usize| {
            index.search(rows, FOUND_FOR_RECALL, Reach { probes: Some(probes), among: None })
        };
        let recall = |probes| exam.recall(&find(&exam.queries, probes, 1).unwrap());
        let one = recall(1);
        assert!(one > 0.8 && one < 1.0, "{one}");
        let settled = |target_recall| {
            let mut layout = Layout { lists: 20, ..Layout::new(1000, 2, &IndexConfig::default()) };
            exam.settle(find, &mut layout, target_recall).unwrap();
            (layout.probes, layout.recall_at_10)
        };
        let (probes, settled_recall) = settled(0.9999);
        assert!(settled_recall == 1.0 && (2..=5).contains(&probes), "{probes}: {settled_recall}");
        assert!(recall(probes - 1) < 1.0);
        assert_eq!(settled(1.0).0, 20);
        assert_eq!(settled(0.5).0, 1);
    }
}
