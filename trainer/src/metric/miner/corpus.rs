//! Hard negatives out of the whole corpus: the tracks of other genres that lie nearest to each track
//! now, of which a batch drawn at random would hold few.
//!
//! The very hardest are often wrong labels, and the same few of them are near to many anchors. So
//! they are drawn at random, nearer ones more often, and each only so many times.

use audio_frontend::OutOfRange;
use rand::rngs::StdRng;
use rand::{RngExt, seq::IndexedRandom};
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// Nearest neighbours among many vectors. The trainer knows no index: whoever runs it brings one.
pub trait NeighbourSearch {
    /// For each of the unit vectors, one after the other in `vectors`, the numbers and cosines of
    /// its `count` nearest among them, itself included.
    ///
    /// # Errors
    /// [`Error::Search`](crate::Error::Search).
    fn nearest(&mut self, vectors: &[f32], dimension: usize, count: usize) -> Result<Vec<Vec<(usize, f32)>>>;
}

/// Settings of the search for hard negatives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CorpusConfig {
    /// Tracks of a batch that are hard negatives of the others; 0 switches the search off.
    pub tracks: usize,
    /// Steps after which the corpus is embedded and searched anew.
    pub refresh_every: usize,
    /// Nearest tracks looked through for those of other genres.
    pub neighbours: usize,
    /// Temperature of drawing, in squared distance: small prefers the hardest.
    pub temperature: f32,
    /// Times that a track may be drawn between two searches.
    pub reuse_cap: usize,
}

impl Default for CorpusConfig {
    fn default() -> Self {
        Self { tracks: 6, refresh_every: 100, neighbours: 100, temperature: 0.2, reuse_cap: 24 }
    }
}

impl CorpusConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn validate(&self) -> std::result::Result<(), OutOfRange> {
        OutOfRange::check(&[
            (self.refresh_every >= 1, "refresh_every must be at least 1"),
            (self.neighbours >= 2, "neighbours must be at least 2"),
            (self.temperature > 0.0 && self.temperature.is_finite(), "temperature must be above 0"),
            (self.reuse_cap >= 1, "reuse_cap must be at least 1"),
        ])
    }
}

/// What is known of a track of the corpus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Its genre; `None`: unlabelled, neither anchor nor negative.
    pub genre: Option<usize>,
    /// Its artist.
    pub artist: usize,
    /// Its album, where it has one.
    pub album: Option<usize>,
}

/// For each track the nearest tracks of other genres, and not of its artist or album, nearest first,
/// with their squared distances.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HardNegatives {
    of_track: Vec<Vec<(usize, f32)>>,
}

/// Negatives kept of each track: a checkpoint holds them all.
const KEPT: usize = 30;

impl HardNegatives {
    /// Searches the corpus. `vectors`: one unit vector for each of the `searched` members; the others are
    /// nobody's negatives.
    ///
    /// # Errors
    /// [`Error::Search`](crate::Error::Search).
    pub fn find(
        search: &mut dyn NeighbourSearch,
        vectors: &[f32],
        members: &[Member],
        searched: &[usize],
        config: &CorpusConfig,
    ) -> Result<Self> {
        if searched.is_empty() {
            return Ok(Self { of_track: vec![Vec::new(); members.len()] });
        }
        let dimension = vectors.len() / searched.len();
        let nearest = search.nearest(vectors, dimension, config.neighbours.min(searched.len()))?;
        let differs = |a: &Member, b: &Member| {
            let other_album = a.album.is_none() || a.album != b.album;
            a.genre.is_some() && b.genre.is_some() && a.genre != b.genre && a.artist != b.artist && other_album
        };
        let mut of_track = vec![Vec::new(); members.len()];
        for (&track, near) in searched.iter().zip(nearest) {
            of_track[track] = near
                .into_iter()
                .map(|(place, cosine)| (searched[place], (2.0 - 2.0 * cosine).max(0.0)))
                .filter(|(other, _)| differs(&members[track], &members[*other]))
                .take(KEPT)
                .collect();
        }
        Ok(Self { of_track })
    }

    /// Whether nothing was found, or nothing was looked for.
    pub fn is_empty(&self) -> bool {
        self.of_track.iter().all(Vec::is_empty)
    }

    /// Draws for one round of batches.
    pub fn draws(&self, config: &CorpusConfig) -> Draws<'_> {
        Draws {
            negatives: self,
            temperature: config.temperature,
            reuse_cap: config.reuse_cap,
            uses: vec![0; self.of_track.len()],
        }
    }
}

/// Draws hard negatives and counts how often each was used.
#[derive(Debug)]
pub struct Draws<'a> {
    negatives: &'a HardNegatives,
    temperature: f32,
    reuse_cap: usize,
    uses: Vec<usize>,
}

impl Draws<'_> {
    /// A hard negative of a track: nearer ones more often, exp(−distance²/temperature), none more
    /// often than the cap allows. `None` where none is left.
    pub fn draw(&mut self, anchor: usize, random: &mut StdRng) -> Option<usize> {
        let candidates = self.negatives.of_track.get(anchor)?;
        let left: Vec<(usize, f32)> =
            candidates.iter().copied().filter(|(track, _)| self.uses[*track] < self.reuse_cap).collect();
        let nearest = left.first()?.1;
        // Relative to the nearest, so that no weight is rounded to 0 for all.
        let weight = |item: &(usize, f32)| (-(item.1 - nearest) / self.temperature).exp();
        let drawn = left.choose_weighted(random, weight).ok().copied();
        let (track, _) = drawn.unwrap_or_else(|| left[random.random_range(0..left.len())]);
        self.uses[track] += 1;
        Some(track)
    }
}

/// Every pair compared: what an index must agree with.
#[cfg(test)]
pub struct BruteForce;

#[cfg(test)]
impl NeighbourSearch for BruteForce {
    fn nearest(&mut self, vectors: &[f32], dimension: usize, count: usize) -> Result<Vec<Vec<(usize, f32)>>> {
        let rows: Vec<&[f32]> = vectors.chunks(dimension).collect();
        let cosine = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let of_row = |row: &&[f32]| {
            let mut all: Vec<(usize, f32)> = rows.iter().map(|other| cosine(row, other)).enumerate().collect();
            all.sort_by(|a, b| b.1.total_cmp(&a.1));
            all.truncate(count);
            all
        };
        Ok(rows.iter().map(of_row).collect())
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn found() -> HardNegatives {
        let angles = [0.0_f32, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6];
        let vectors: Vec<f32> = angles.iter().flat_map(|angle| [angle.cos(), angle.sin()]).collect();
        let member = |genre, artist, album| Member { genre, artist, album };
        let members = [
            member(Some(0), 0, Some(0)),
            member(Some(0), 1, None),
            member(Some(1), 0, None),    // of the anchor's artist
            member(Some(1), 2, Some(0)), // on the anchor's album
            member(None, 3, None),       // of no genre
            member(Some(1), 4, Some(1)),
            member(Some(1), 5, None),
        ];
        HardNegatives::find(&mut BruteForce, &vectors, &members, &[0, 1, 2, 3, 4, 5, 6], &CorpusConfig::default())
            .unwrap()
    }

    #[test]
    fn negatives_are_of_another_genre_artist_and_album_and_nearest_first() {
        let found = found();
        let tracks = |track: usize| found.of_track[track].iter().map(|(other, _)| *other).collect::<Vec<_>>();
        assert_eq!(tracks(0), [5, 6]);
        assert_eq!(tracks(1), [2, 3, 5, 6]);
        assert!(tracks(4).is_empty());
        let squared = 2.0 - 2.0 * 0.5_f32.cos();
        assert!((found.of_track[0][0].1 - squared).abs() < 1e-6);
    }

    #[test]
    fn nearer_ones_are_drawn_more_often_and_none_beyond_the_cap() {
        let found = found();
        let config = CorpusConfig { temperature: 0.2, reuse_cap: 1000, ..Default::default() };
        let mut random = StdRng::seed_from_u64(1);
        let mut draws = found.draws(&config);
        let mut counts = [0; 7];
        for _ in 0..1000 {
            counts[draws.draw(0, &mut random).unwrap()] += 1;
        }
        // exp of the difference of squared distances by the temperature.
        let expected = ((2.0 * 0.5_f32.cos() - 2.0 * 0.6_f32.cos()) / 0.2).exp();
        let ratio = counts[5] as f32 / counts[6] as f32;
        assert!((ratio / expected - 1.0).abs() < 0.2, "{ratio} {expected}");

        let mut draws = found.draws(&CorpusConfig { reuse_cap: 2, ..config });
        let drawn: Vec<_> = (0..6).map(|_| draws.draw(0, &mut random)).collect();
        assert_eq!(drawn.iter().flatten().count(), 4, "two of each");
        assert_eq!(drawn[4..], [None, None]);
    }
}
