//! A map of the library: tracks that resemble each other lie near each other in a square, and stay where they are.
//!
//! Some tracks from all over the library, its landmarks, are laid out at once; every other track lies among the landmarks
//! that it resembles most. So a track that is new takes its place without moving another, and a map of a million tracks takes
//! little longer than a search for each of them.

mod layout;
mod plane;

use rayon::prelude::*;

use crate::catalogue::{Catalogue, Place};
use crate::error::{Error, Result};
use crate::faiss_index::{EXACT, FaissIndex, Reach};
use crate::store::{Store, WriteLock};
use crate::track::TrackId;
use layout::layout;

/// Tracks that are laid out at once, at most: it takes seconds, and they are about a hundredth of the square's width apart.
const MOST_LANDMARKS: usize = 2000;

/// Landmarks that a track lies among.
const NEAREST: usize = 5;

/// How much nearer a landmark is, in cosine, that counts e times as much: tracks lie near the nearest, not between groups.
const SHARPNESS: f32 = 0.02;

/// Farthest that a track lies from where its landmarks put it: half of what two of very many landmarks are apart.
const SCATTER: f64 = 0.02;

/// Farthest that a landmark lies from where it was laid out: only so that no two lie on one spot.
const LANDMARK_SCATTER: f64 = 0.001;

/// A library of few landmarks is laid out anew when it is more than so many times as large.
const GROWTH: usize = 2;

/// Vectors that are worked on together.
const BATCH: usize = 16_384;

impl Store {
    /// Gives every vector of a model a place on its map; returns how many were given one. Those that have one keep it, unless
    /// there is no map yet, more than half of its landmarks are gone, or it has fewer landmarks than a map may have and the
    /// library is more than twice as large by now: then all are placed anew. Places are committed some at a time: killed in
    /// between, the next call goes on.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::WrongDimension`]; [`Error::DiskFull`], [`Error::Sqlite`]; [`Error::Faiss`],
    /// [`Error::Threads`].
    pub fn update_map(&self, catalogue: &mut Catalogue, model_id: &str, _lock: &WriteLock) -> Result<usize> {
        let revision = catalogue.revision(model_id)?;
        let state = catalogue.map_state(model_id)?;
        if state.is_some_and(|state| state.revision == Some(revision)) {
            return Ok(0);
        }
        let tracks = catalogue.vector_count(model_id)?;
        if tracks == 0 {
            catalogue.commit(|writer| writer.remove_map(model_id))?;
            return Ok(0);
        }
        let landmarks = catalogue.landmarks(model_id)?;
        let kept = state.filter(|state| {
            let has_outgrown = state.landmarks < MOST_LANDMARKS && tracks > GROWTH * state.tracks;
            !has_outgrown && 2 * landmarks.len() >= state.landmarks
        });
        let placed = match kept {
            Some(state) => {
                // Numbers of revisions begin at 0, which is that of vectors from before they were counted.
                let behind = state.revision.map_or(-1, |revision| revision as i64);
                place_among(&landmarks, catalogue, model_id, behind)?
            }
            None => {
                let laid_out = lay_out(catalogue, model_id)?;
                laid_out + place_among(&catalogue.landmarks(model_id)?, catalogue, model_id, -1)?
            }
        };
        catalogue.commit(|writer| writer.finish_map(model_id, revision))?;
        Ok(placed)
    }
}

/// Begins a map: draws landmarks and places them.
fn lay_out(catalogue: &mut Catalogue, model_id: &str) -> Result<usize> {
    let all = catalogue.embedded_tracks(model_id)?;
    let count = all.len();
    let (mut tracks, mut vectors, mut dimension) = (Vec::new(), Vec::new(), 0);
    for track in drawn(all) {
        // What is no number resembles nothing.
        let vector = catalogue.vector(track, model_id)?.filter(|vector| vector.iter().all(|value| value.is_finite()));
        let Some(vector) = vector else { continue };
        if !tracks.is_empty() && vector.len() != dimension {
            return Err(Error::WrongDimension { expected: dimension, found: vector.len() });
        }
        dimension = vector.len();
        tracks.push(track);
        vectors.extend(vector);
    }
    let places = layout(&vectors, dimension)?;
    let landmarks: Vec<Place> =
        tracks.iter().zip(places).map(|(&track, place)| scattered(track, place, LANDMARK_SCATTER, true)).collect();
    catalogue.commit(|writer| writer.begin_map(model_id, count, &landmarks))?;
    Ok(landmarks.len())
}

/// Landmarks from all over a library. Every so many would be as many of one kind where tracks come in turns.
fn drawn(mut tracks: Vec<TrackId>) -> Vec<TrackId> {
    tracks.sort_unstable_by_key(|track| mixed(track.0));
    tracks.truncate(MOST_LANDMARKS);
    tracks.sort_unstable();
    tracks
}

/// Places all vectors that have no place, of revisions from behind one on.
fn place_among(
    landmarks: &[(Place, Vec<f32>)],
    catalogue: &mut Catalogue,
    model_id: &str,
    behind: i64,
) -> Result<usize> {
    let mut batch = catalogue.unplaced(model_id, (behind, TrackId(u64::MAX >> 1)), BATCH)?;
    let Some(dimension) = batch.first().map(|(_, _, vector)| vector.len()) else { return Ok(0) };
    let mut index = FaissIndex::new(EXACT, dimension)?;
    let numbers: Vec<TrackId> = (0..landmarks.len() as u64).map(TrackId).collect();
    index.add(&numbers, &landmarks.iter().flat_map(|(_, vector)| vector).copied().collect::<Vec<f32>>())?;
    let mut placed = 0;
    while let Some(&(revision, track, _)) = batch.last() {
        if let Some((_, _, other)) = batch.iter().find(|(_, _, vector)| vector.len() != dimension) {
            return Err(Error::WrongDimension { expected: dimension, found: other.len() });
        }
        let vectors: Vec<f32> = batch.iter().flat_map(|(_, _, vector)| vector).copied().collect();
        // One by one: many at once FAISS has BLAS compare, which, where it is the plain one, takes several times as long.
        let nearest = |vector: &[f32]| Ok(index.search(vector, NEAREST, Reach::default())?.pop().unwrap_or_default());
        let found: Vec<Vec<(TrackId, f32)>> = vectors.par_chunks(dimension).map(nearest).collect::<Result<_>>()?;
        let tracks = batch.iter().map(|(_, track, _)| *track);
        let places: Vec<Place> = tracks
            .zip(&found)
            .map(|(track, found)| scattered(track, among(found, landmarks), SCATTER, false))
            .collect();
        catalogue.commit(|writer| writer.put_places(model_id, &places))?;
        placed += places.len();
        batch = catalogue.unplaced(model_id, (revision, track), BATCH)?;
    }
    Ok(placed)
}

/// The mean of landmarks' places, each weighted by how near it is; the middle of the map where there are none.
fn among(found: &[(TrackId, f32)], landmarks: &[(Place, Vec<f32>)]) -> [f64; 2] {
    let nearest = found.first().map_or(0.0, |(_, cosine)| *cosine);
    let (mut sum, mut weights) = ([0.0, 0.0], 0.0);
    for (landmark, cosine) in found {
        let Some((place, _)) = landmarks.get(landmark.0 as usize) else { continue };
        let weight = f64::from(((cosine - nearest) / SHARPNESS).exp());
        sum[0] += weight * f64::from(place.x);
        sum[1] += weight * f64::from(place.y);
        weights += weight;
    }
    if weights > 0.0 { sum.map(|sum| sum / weights) } else { [0.0, 0.0] }
}

/// A track's place, a little off, to where its number says.
fn scattered(track: TrackId, place: [f64; 2], scatter: f64, is_landmark: bool) -> Place {
    let random = mixed(track.0);
    let half = |bits: u64| (bits & u64::from(u32::MAX)) as f64 / f64::from(u32::MAX);
    let (angle, distance) = (half(random) * std::f64::consts::TAU, half(random >> 32).sqrt() * scatter);
    let [x, y] = [place[0] + distance * angle.cos(), place[1] + distance * angle.sin()];
    Place { track, x: x.clamp(-1.0, 1.0) as f32, y: y.clamp(-1.0, 1.0) as f32, is_landmark }
}

/// A number whose bits look random: SplitMix64 (Steele, Lea & Flood 2014), which stays what it is.
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn landmark(x: f32, y: f32) -> (Place, Vec<f32>) {
        (Place { track: TrackId(1), x, y, is_landmark: true }, Vec::new())
    }

    #[test]
    fn a_track_lies_among_its_landmarks_the_nearer_to_the_nearest() {
        let landmarks = [landmark(1.0, 0.0), landmark(0.0, 1.0), landmark(-1.0, -1.0)];
        let found =
            |cosines: &[f32]| -> Vec<(TrackId, f32)> { (0..).map(TrackId).zip(cosines.iter().copied()).collect() };
        assert_eq!(among(&found(&[0.9, 0.9]), &landmarks), [0.5, 0.5]);
        // One 0.02 farther weighs 1/e, one far away nothing.
        let share = 1.0 / (1.0 + (-1.0_f64).exp());
        let [x, y] = among(&found(&[0.9, 0.88, 0.1]), &landmarks);
        assert!((x - share).abs() < 1e-6 && (y - (1.0 - share)).abs() < 1e-6, "{x} {y}");
        assert_eq!(among(&[], &landmarks), [0.0, 0.0]);
    }

    #[test]
    fn landmarks_are_from_all_over() {
        let tracks = drawn((1..=50_000).map(TrackId).collect());
        assert_eq!(tracks.len(), MOST_LANDMARKS);
        assert!(tracks.is_sorted());
        for part in 0..10 {
            let of_part = tracks.iter().filter(|track| track.0 % 10 == part).count();
            let of_tenth = tracks.iter().filter(|track| track.0 / 5000 == part).count();
            assert!((150..250).contains(&of_part) && (150..250).contains(&of_tenth), "{part}: {of_part}, {of_tenth}");
        }
        assert_eq!(drawn(vec![TrackId(5), TrackId(2)]), [TrackId(2), TrackId(5)]);
    }

    #[test]
    fn no_two_of_many_tracks_at_one_spot_lie_on_each_other() {
        let places: Vec<Place> = (0..10_000).map(|n| scattered(TrackId(n), [0.5, -0.5], SCATTER, false)).collect();
        let spots: std::collections::HashSet<[u32; 2]> =
            places.iter().map(|place| [place.x.to_bits(), place.y.to_bits()]).collect();
        assert!(spots.len() > 9_990, "{}", spots.len());
        let distance = |place: &Place| f64::from(place.x - 0.5).hypot(f64::from(place.y + 0.5));
        assert!(places.iter().all(|place| distance(place) <= SCATTER + 1e-6));
        // Evenly over the disc: half of them in the half of its area.
        let within = places.iter().filter(|place| distance(place) < SCATTER / 2.0_f64.sqrt()).count();
        assert!((4_800..5_200).contains(&within), "{within}");
        // At the edge they stay in the square.
        assert!((0..100).all(|n| scattered(TrackId(n), [1.0, -1.0], SCATTER, false).x <= 1.0));
    }
}
