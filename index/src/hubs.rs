//! Hubs: tracks that lie near to everything, stand in very many answers and keep others out of all (Radovanović et al.
//! 2010; in music, Schnitzer et al. 2012).
//!
//! Each track pays for its neighbourhood: what it scores is its cosine less a share of its mean cosine with its thirty
//! nearest (local scaling; as Conneau et al. 2018 subtract it). The share of it is one more number of its vector, which a
//! query multiplies by 1, so that any index of inner products computes the score.

use crate::error::Result;
use crate::faiss_index::FaissIndex;
use crate::track::TrackId;

/// Share of the mean cosine that is taken off, unless a store says otherwise.
pub const DEFAULT_WEIGHT: f32 = 0.4;

/// How many neighbours a neighbourhood has.
const NEIGHBOURS: usize = 30;

/// Where neighbours are looked for.
struct Limits {
    /// Of a larger library so many tracks, from all over it, are looked among: the time that it takes grows with the
    /// library and no longer with its square.
    looked_among: usize,
    /// Vectors that are looked for together.
    batch: usize,
}

const LIMITS: Limits = Limits { looked_among: 5000, batch: 4096 };

/// What each of these unit vectors, one after the other, pays: `weight` of its mean cosine with its nearest.
///
/// # Errors
/// [`Error::Faiss`](crate::Error::Faiss).
pub fn penalties(vectors: &[f32], dimension: usize, weight: f32) -> Result<Vec<f32>> {
    within(vectors, dimension, weight, &LIMITS)
}

/// Unit vectors, one after the other, each with the number that a query multiplies by 1 behind it.
pub(crate) fn with_penalties(vectors: &[f32], dimension: usize, weight: f32) -> Result<Vec<f32>> {
    let penalties = penalties(vectors, dimension, weight)?;
    let mut extended = Vec::with_capacity(vectors.len() + penalties.len());
    for (vector, penalty) in vectors.chunks(dimension).zip(penalties) {
        extended.extend_from_slice(vector);
        extended.push(-penalty);
    }
    Ok(extended)
}

/// A query that takes the penalties into account.
pub(crate) fn query(vector: &[f32]) -> Vec<f32> {
    [vector, &[1.0]].concat()
}

fn within(vectors: &[f32], dimension: usize, weight: f32, limits: &Limits) -> Result<Vec<f32>> {
    let count = vectors.len() / dimension;
    if weight == 0.0 || count < 2 {
        return Ok(vec![0.0; count]);
    }
    let kept = count.min(limits.looked_among);
    let places: Vec<usize> = (0..kept).map(|number| number * count / kept).collect();
    let among: Vec<f32> = places.iter().flat_map(|place| &vectors[place * dimension..][..dimension]).copied().collect();
    let tracks: Vec<TrackId> = places.iter().map(|&place| TrackId(place as u64)).collect();
    let mut index = FaissIndex::new(dimension)?;
    index.add(&tracks, &among)?;
    let mut penalties = Vec::with_capacity(count);
    for batch in vectors.chunks(limits.batch * dimension) {
        for found in index.search_each(batch, NEIGHBOURS + 1)? {
            let itself = TrackId(penalties.len() as u64);
            let others = found.iter().filter(|(track, _)| *track != itself).take(NEIGHBOURS);
            let (sum, neighbours) = others.fold((0.0, 0), |(sum, count), (_, cosine)| (sum + cosine, count + 1));
            penalties.push(weight * sum / neighbours.max(1) as f32);
        }
    }
    Ok(penalties)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_pays_most_and_nobody_pays_itself() {
        // One in the middle of three that lie at right angles to each other.
        let third = 3.0_f32.sqrt().recip();
        let vectors = [third, third, third, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let extended = with_penalties(&vectors, 3, 0.5).unwrap();
        let expected = [third, third / 3.0, third / 3.0, third / 3.0].map(|mean| -0.5 * mean);
        for ((row, vector), expected) in extended.chunks(4).zip(vectors.chunks(3)).zip(expected) {
            assert_eq!(&row[..3], vector);
            assert!((row[3] - expected).abs() < 1e-6, "{row:?}");
        }
        assert_eq!(query(&[0.6, 0.8]), [0.6, 0.8, 1.0]);
    }

    #[test]
    fn of_many_tracks_some_from_all_over_are_looked_among_in_batches() {
        // On a circle, a tenth of it apart; every second one is looked among.
        let angles = (0..10).map(|number| number as f32 * std::f32::consts::TAU / 10.0);
        let vectors: Vec<f32> = angles.flat_map(|angle| [angle.cos(), angle.sin()]).collect();
        let of = |looked_among, batch| within(&vectors, 2, 1.0, &Limits { looked_among, batch }).unwrap();
        for (number, penalty) in of(5, 3).into_iter().enumerate() {
            // The five lie evenly, so that their cosines add up to nothing: without itself to −1.
            let expected = if number % 2 == 0 { -0.25 } else { 0.0 };
            assert!((penalty - expected).abs() < 1e-6, "{number}: {penalty}");
        }
        assert!(of(10, 3).iter().all(|penalty| (penalty + 1.0 / 9.0).abs() < 1e-6));
    }

    #[test]
    fn without_a_weight_or_neighbours_nobody_pays() {
        assert_eq!(with_penalties(&[0.6, 0.8, 1.0, 0.0], 2, 0.0).unwrap(), [0.6, 0.8, 0.0, 1.0, 0.0, 0.0]);
        assert_eq!(with_penalties(&[0.6, 0.8], 2, 0.5).unwrap(), [0.6, 0.8, 0.0]);
    }
}
