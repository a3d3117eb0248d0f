//! Neighbours among vectors that are in no store, as training asks for them.

use crate::error::{Error, Result};
use crate::faiss_index::{EXACT, FaissIndex, Reach};
use crate::track::TrackId;

/// For each of the unit vectors, one after the other in `vectors`, the places and cosines of its `count`
/// nearest among them, itself included, nearest first.
///
/// # Errors
/// [`Error::WrongDimension`] where the numbers do not make whole vectors; [`Error::Faiss`].
pub fn nearest_among(vectors: &[f32], dimension: usize, count: usize) -> Result<Vec<Vec<(usize, f32)>>> {
    if dimension == 0 || !vectors.len().is_multiple_of(dimension) {
        return Err(Error::WrongDimension { expected: dimension, found: vectors.len() });
    }
    if vectors.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<TrackId> = (0..(vectors.len() / dimension) as u64).map(TrackId).collect();
    let mut index = FaissIndex::new(EXACT, dimension)?;
    index.add(&places, vectors)?;
    let found = index.search(vectors, count, Reach::default())?;
    let place = |(TrackId(place), cosine): (TrackId, f32)| (place as usize, cosine);
    Ok(found.into_iter().map(|neighbours| neighbours.into_iter().map(place).collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_those_of_brute_force() {
        let vectors: Vec<f32> = (0..50)
            .flat_map(|number| {
                let angle = (number * number) as f32 * 0.37;
                [angle.cos(), angle.sin()]
            })
            .collect();
        let found = nearest_among(&vectors, 2, 7).unwrap();
        for (query, neighbours) in vectors.chunks(2).zip(&found) {
            let mut cosines: Vec<f32> = vectors.chunks(2).map(|v| v[0] * query[0] + v[1] * query[1]).collect();
            cosines.sort_by(|a, b| b.total_cmp(a));
            assert_eq!(neighbours.len(), 7);
            assert!(neighbours.iter().zip(&cosines).all(|((_, found), exact)| (found - exact).abs() < 1e-5));
        }
        assert!(nearest_among(&[1.0; 3], 2, 1).is_err());
        assert!(nearest_among(&[], 2, 1).unwrap().is_empty());
    }
}
