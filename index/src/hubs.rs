//! Hubs: tracks that lie near to everything, stand in very many answers and keep others out of all (Radovanović et al.
//! 2010; in music, Schnitzer et al. 2012).
//!
//! Each track pays for its neighbourhood: what it scores is its cosine less a share of its mean cosine with its thirty
//! nearest (local scaling; as Conneau et al. 2018 subtract it). The share of it is one more number of its vector, which a
//! query multiplies by 1, so that any index of inner products computes the score.

use std::path::Path;

use crate::error::Result;
use crate::faiss_index::{EXACT, FaissIndex, Reach};
use crate::track::TrackId;

/// Share of the mean cosine that is taken off, unless a store says otherwise.
pub const DEFAULT_WEIGHT: f32 = 0.4;

/// How many neighbours a neighbourhood has.
const NEIGHBOURS: usize = 30;

/// Of a larger library so many tracks, from all over it, are looked among: the time that it takes grows with the
/// library and no longer with its square.
pub(crate) const LOOKED_AMONG: usize = 5000;

/// Vectors that are looked for together.
const BATCH: usize = 4096;

/// What each of these unit vectors, one after the other, pays: `weight` of its mean cosine with its nearest.
///
/// # Errors
/// [`Error::Faiss`](crate::Error::Faiss).
pub fn penalties(vectors: &[f32], dimension: usize, weight: f32) -> Result<Vec<f32>> {
    if vectors.is_empty() {
        return Ok(Vec::new());
    }
    let tracks: Vec<TrackId> = (0..(vectors.len() / dimension) as u64).map(TrackId).collect();
    let mut sample = Sample::new(tracks.len(), LOOKED_AMONG);
    let looked_among = tracks.iter().copied().zip(vectors.chunks(dimension)).filter(|_| sample.takes_next());
    Neighbourhoods::among(looked_among, dimension, weight)?.penalties(&tracks, vectors)
}

/// Takes `size` of `count`, evenly from all over them.
pub(crate) struct Sample {
    count: usize,
    size: usize,
    next: usize,
}

impl Sample {
    pub fn new(count: usize, size: usize) -> Self {
        Self { count, size: size.min(count), next: 0 }
    }

    /// Whether the next one is taken.
    pub fn takes_next(&mut self) -> bool {
        let place = self.next;
        self.next += 1;
        let taken = |places: usize| places * self.size / self.count.max(1);
        taken(place + 1) > taken(place)
    }
}

/// The tracks that are looked among, and what a share of a mean cosine with them weighs.
pub(crate) struct Neighbourhoods {
    index: FaissIndex,
    weight: f32,
}

impl Neighbourhoods {
    /// Of these tracks' unit vectors.
    pub fn among<'a>(
        vectors: impl IntoIterator<Item = (TrackId, &'a [f32])>,
        dimension: usize,
        weight: f32,
    ) -> Result<Self> {
        let (tracks, vectors): (Vec<_>, Vec<_>) = vectors.into_iter().unzip();
        let mut index = FaissIndex::new(EXACT, dimension)?;
        index.add(&tracks, &vectors.concat())?;
        Ok(Self { index, weight })
    }

    /// Reads a file whose content was verified before.
    pub fn read(path: &Path, weight: f32) -> Result<Self> {
        Ok(Self { index: FaissIndex::read(path)?, weight })
    }

    /// Writes a file.
    pub fn write(&self, path: &Path) -> Result<()> {
        self.index.write(path)
    }

    /// Length of a vector.
    pub fn dimension(&self) -> usize {
        self.index.dimension()
    }

    /// What each of these unit vectors, one after the other, pays.
    fn penalties(&self, tracks: &[TrackId], vectors: &[f32]) -> Result<Vec<f32>> {
        if self.weight == 0.0 || self.index.len() == 0 {
            return Ok(vec![0.0; tracks.len()]);
        }
        let mut penalties = Vec::with_capacity(tracks.len());
        for batch in vectors.chunks(BATCH * self.index.dimension()) {
            for found in self.index.search(batch, NEIGHBOURS + 1, Reach::default())? {
                let itself = tracks.get(penalties.len());
                let others = found.iter().filter(|(track, _)| Some(track) != itself).take(NEIGHBOURS);
                let (sum, neighbours) = others.fold((0.0, 0), |(sum, count), (_, cosine)| (sum + cosine, count + 1));
                penalties.push(self.weight * sum / neighbours.max(1) as f32);
            }
        }
        Ok(penalties)
    }

    /// Unit vectors, one after the other, each with the number that a query multiplies by 1 behind it.
    pub fn rows(&self, tracks: &[TrackId], vectors: &[f32]) -> Result<Vec<f32>> {
        let dimension = self.index.dimension();
        let penalties = self.penalties(tracks, vectors)?;
        let mut rows = Vec::with_capacity(penalties.len() * row_length(dimension));
        for (vector, penalty) in vectors.chunks(dimension).zip(penalties) {
            push_row(&mut rows, vector, -penalty);
        }
        Ok(rows)
    }
}

/// Numbers of a row: FAISS compares half-precision numbers eight at a time, or else one by one.
pub(crate) fn row_length(dimension: usize) -> usize {
    (dimension + 1).next_multiple_of(8)
}

/// The row of a query, to which what a track pays counts in full.
pub fn query(vector: &[f32]) -> Vec<f32> {
    let mut row = Vec::with_capacity(row_length(vector.len()));
    push_row(&mut row, vector, 1.0);
    row
}

fn push_row(rows: &mut Vec<f32>, vector: &[f32], last: f32) {
    rows.extend_from_slice(vector);
    rows.push(last);
    rows.resize(rows.len() + row_length(vector.len()) - vector.len() - 1, 0.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(vectors: &[f32], dimension: usize, weight: f32, looked_among: usize) -> Vec<f32> {
        let tracks: Vec<TrackId> = (1..=(vectors.len() / dimension) as u64).map(TrackId).collect();
        let mut sample = Sample::new(tracks.len(), looked_among);
        let looked_among = tracks.iter().copied().zip(vectors.chunks(dimension)).filter(|_| sample.takes_next());
        Neighbourhoods::among(looked_among, dimension, weight).unwrap().rows(&tracks, vectors).unwrap()
    }

    #[test]
    fn a_hub_pays_most_and_nobody_pays_itself() {
        // One in the middle of three that lie at right angles to each other.
        let third = 3.0_f32.sqrt().recip();
        let vectors = [third, third, third, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let expected = [third, third / 3.0, third / 3.0, third / 3.0].map(|mean| 0.5 * mean);
        for ((row, vector), expected) in rows(&vectors, 3, 0.5, 100).chunks(8).zip(vectors.chunks(3)).zip(expected) {
            assert_eq!((&row[..3], &row[4..]), (vector, [0.0; 4].as_slice()));
            assert!((row[3] + expected).abs() < 1e-6, "{row:?}");
        }
        let penalties = penalties(&vectors, 3, 0.5).unwrap();
        assert!(penalties.iter().zip(expected).all(|(penalty, expected)| (penalty - expected).abs() < 1e-6));
        assert_eq!(query(&[0.6, 0.8]), [0.6, 0.8, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn of_many_tracks_some_from_all_over_are_looked_among() {
        // On a circle, a tenth of it apart; every second one is looked among.
        let angles = (0..10).map(|number| number as f32 * std::f32::consts::TAU / 10.0);
        let vectors: Vec<f32> = angles.flat_map(|angle| [angle.cos(), angle.sin()]).collect();
        for (number, row) in rows(&vectors, 2, 1.0, 5).chunks(8).enumerate() {
            // The five lie evenly, so that their cosines add up to nothing: without itself to −1.
            let expected = if number % 2 == 1 { 0.25 } else { 0.0 };
            assert!((row[2] - expected).abs() < 1e-6, "{number}: {row:?}");
        }
        assert!(rows(&vectors, 2, 1.0, 10).chunks(8).all(|row| (row[2] - 1.0 / 9.0).abs() < 1e-6));
    }

    #[test]
    fn samples_are_of_the_size_asked_for_and_from_all_over() {
        for (count, size) in [(10, 3), (10, 10), (7, 20), (1, 1), (0, 5)] {
            let mut sample = Sample::new(count, size);
            let taken: Vec<usize> = (0..count).filter(|_| sample.takes_next()).collect();
            assert_eq!(taken.len(), size.min(count));
            let gaps = taken.windows(2).map(|pair| pair[1] - pair[0]);
            assert!(gaps.clone().max().unwrap_or(1) - gaps.min().unwrap_or(1) <= 1, "{taken:?}");
        }
    }

    #[test]
    fn without_a_weight_or_neighbours_nobody_pays() {
        assert!(rows(&[0.6, 0.8, 1.0, 0.0], 2, 0.0, 9).chunks(8).all(|row| row[2] == 0.0));
        assert_eq!(rows(&[0.6, 0.8], 2, 0.5, 9)[..3], [0.6, 0.8, 0.0]);
        assert!(penalties(&[], 0, 0.5).unwrap().is_empty());
    }
}
