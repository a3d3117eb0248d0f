//! Tracks from the nearest on, as many as one goes through.

use std::collections::HashSet;

use crate::error::Result;
use crate::search::{Neighbour, Searcher};
use crate::track::TrackId;
use crate::vectors::Among;

/// Neighbours one by one, nearest first, each once. Whoever leaves some out gets others, as long as there are any.
pub struct Ranking<'a> {
    searcher: &'a Searcher,
    vector: Vec<f32>,
    among: Among,
    /// What was found and not given out yet.
    found: std::vec::IntoIter<Neighbour>,
    given: HashSet<TrackId>,
    /// How many are looked for next.
    batch: usize,
    has_ended: bool,
}

/// A search for more looks for so many times as many: all together then cost twice what the last one does.
const GROWTH: usize = 4;

impl<'a> Ranking<'a> {
    pub(crate) fn new(searcher: &'a Searcher, vector: Vec<f32>, among: Among, first_batch: usize) -> Self {
        let found = Vec::new().into_iter();
        let batch = first_batch.max(1);
        Self { searcher, vector, among, found, given: HashSet::new(), batch, has_ended: false }
    }

    fn look_for_more(&mut self) -> Result<()> {
        let mut found = self.searcher.search(&self.vector, self.batch, &self.among)?;
        self.has_ended = found.len() < self.batch;
        self.batch *= GROWTH;
        // A wider search may find what the one before missed: it comes late, but it comes.
        found.retain(|neighbour| !self.given.contains(&neighbour.track));
        self.found = found.into_iter();
        Ok(())
    }
}

impl Iterator for Ranking<'_> {
    type Item = Result<Neighbour>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(neighbour) = self.found.next() {
                self.given.insert(neighbour.track);
                return Some(Ok(neighbour));
            }
            if self.has_ended {
                return None;
            }
            if let Err(error) = self.look_for_more() {
                self.has_ended = true;
                return Some(Err(error));
            }
        }
    }
}
