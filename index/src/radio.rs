//! Tracks without end: each like the ones before, no recording twice, slowly going elsewhere.

use std::collections::HashSet;

use rand::SeedableRng;
use rand::distr::weighted::WeightedIndex;
use rand::distr::{Distribution, StandardUniform};
use rand::rngs::StdRng;

use crate::catalogue::Catalogue;
use crate::error::Result;
use crate::search::Searcher;
use crate::track::{TrackId, TrackRecord};
use crate::unit_vector::unit;
use crate::vectors::Among;

/// How a station plays.
#[derive(Debug, Clone, PartialEq)]
pub struct RadioConfig {
    /// How far each track moves what the next one is to be like, in [0, 1]: 0 stays with the beginning.
    pub drift: f32,
    /// The next track is drawn among so many of the nearest.
    pub drawn_among: usize,
    /// The same seed, library and beginning play the same.
    pub seed: u64,
}

impl Default for RadioConfig {
    fn default() -> Self {
        Self { drift: 0.3, drawn_among: 12, seed: 1 }
    }
}

/// Scores that lie so far apart make a track e times as likely.
const TEMPERATURE: f32 = 0.05;

/// Draws tracks one by one: an iterator that ends when no other track may be played.
pub struct Radio<'a> {
    catalogue: &'a Catalogue,
    searcher: &'a Searcher,
    config: RadioConfig,
    among: Among,
    random: StdRng,
    /// What the next track is to be like; unit length.
    direction: Vec<f32>,
    played: HashSet<TrackId>,
    last_artist: Option<String>,
}

impl<'a> Radio<'a> {
    /// Begins near a unit vector, after tracks that are not to be played (again), of which the last one is by
    /// `last_artist`.
    pub fn new(
        catalogue: &'a Catalogue,
        searcher: &'a Searcher,
        config: RadioConfig,
        among: Among,
        (direction, played, last_artist): (Vec<f32>, HashSet<TrackId>, Option<String>),
    ) -> Self {
        let random = StdRng::seed_from_u64(config.seed);
        Self { catalogue, searcher, config, among, random, direction, played, last_artist }
    }

    /// Plays none of these.
    pub fn leave_out(&mut self, tracks: impl IntoIterator<Item = TrackId>) {
        self.played.extend(tracks);
    }

    /// Goes on as if this track had been drawn: who notes what was played can take a station up again.
    ///
    /// # Errors
    /// As all that reads the catalogue.
    pub fn go_on_from(&mut self, record: &TrackRecord) -> Result<()> {
        // One number a track, as drawing takes.
        let _: f32 = StandardUniform.sample(&mut self.random);
        self.play(record)
    }

    /// The nearest tracks that may come next, with their scores.
    fn candidates(&self) -> Result<Vec<(TrackRecord, f32)>> {
        let model_id = self.searcher.model_id();
        let expected = self.config.drawn_among + self.played.len();
        let most = self.config.drawn_among.max(1);
        let (mut candidates, mut of_same_artist) = (Vec::new(), Vec::new());
        for found in self.searcher.ranking(model_id, &self.direction, self.among.clone(), expected)? {
            let found = found?;
            if self.played.contains(&found.track) {
                continue;
            }
            let Some(record) = self.catalogue.get(found.track)? else { continue };
            // No artist twice in a row, as long as there are others; after nobody, everybody may come.
            let is_same = record.file.artist.is_some() && record.file.artist == self.last_artist;
            let kind = if is_same { &mut of_same_artist } else { &mut candidates };
            if kind.len() < most {
                kind.push((record, found.score));
            }
            if candidates.len() == most {
                break;
            }
        }
        // Who asks for one artist is not to be left alone.
        let may_repeat = candidates.is_empty() && !self.among.is_all();
        Ok(if may_repeat { of_same_artist } else { candidates })
    }

    fn play_next(&mut self) -> Result<Option<TrackRecord>> {
        let mut candidates = self.candidates()?;
        let best = candidates.iter().map(|(_, score)| *score).fold(f32::NEG_INFINITY, f32::max);
        let weights = candidates.iter().map(|(_, score)| ((score - best) / TEMPERATURE).exp());
        // There are no weights where there are no candidates.
        let Ok(weights) = WeightedIndex::new(weights) else { return Ok(None) };
        let (record, _) = candidates.swap_remove(weights.sample(&mut self.random));
        self.play(&record)?;
        Ok(Some(record))
    }

    /// What follows a track is like it as well, and is another recording.
    fn play(&mut self, record: &TrackRecord) -> Result<()> {
        if let Some(vector) = self.catalogue.vector(record.id, self.searcher.model_id())? {
            let drift = self.config.drift;
            let moved = self.direction.iter().zip(&vector).map(|(here, there)| (1.0 - drift) * here + drift * there);
            if let Some(direction) = unit(moved.collect()) {
                self.direction = direction;
            }
        }
        self.played.insert(record.id);
        self.played.extend(self.catalogue.copies_of(record.id)?);
        self.last_artist = record.file.artist.clone();
        Ok(())
    }
}

impl Iterator for Radio<'_> {
    type Item = Result<TrackRecord>;

    fn next(&mut self) -> Option<Self::Item> {
        self.play_next().transpose()
    }
}
