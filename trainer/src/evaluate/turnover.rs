//! Which tracks another model gives other neighbours.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A track and its neighbours by two models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The track.
    pub track: u64,
    /// Artist and title, or the file's name.
    pub name: String,
    /// Share of its neighbours that stayed.
    pub kept: f64,
    /// Its nearest before.
    pub before: Vec<String>,
    /// Its nearest now.
    pub after: Vec<String>,
}

/// What a change of models did to neighbours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turnover {
    /// Tracks that were compared.
    pub tracks: usize,
    /// Share of the ten nearest that stayed, over all of them.
    pub kept: f64,
    /// The tracks whose neighbours changed most.
    pub most: Vec<Change>,
}

/// Of each track, the share of its `count` nearest by the cosines of `before` that are among its nearest by those of `after`:
/// 1 where nothing changes. Both are unit vectors of the same tracks, in the same order.
///
/// # Errors
/// [`Error::WrongCount`] where there are not as many.
pub fn kept_neighbours(before: &[Vec<f32>], after: &[Vec<f32>], count: usize) -> Result<Vec<f64>> {
    if before.len() != after.len() {
        return Err(Error::WrongCount { what: "vectors", found: after.len(), expected: before.len() });
    }
    let shared = |track: usize| {
        let (old, new) = (nearest(before, track, count), nearest(after, track, count));
        old.iter().filter(|other| new.contains(other)).count() as f64 / old.len().max(1) as f64
    };
    Ok((0..before.len()).map(shared).collect())
}

/// The `count` nearest others of a track, nearest first.
pub fn nearest(vectors: &[Vec<f32>], track: usize, count: usize) -> Vec<usize> {
    let cosine = |other: usize| vectors[track].iter().zip(&vectors[other]).map(|(a, b)| a * b).sum::<f32>();
    let mut others: Vec<(f32, usize)> =
        (0..vectors.len()).filter(|other| *other != track).map(|other| (cosine(other), other)).collect();
    others.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    others.into_iter().take(count).map(|(_, other)| other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_that_stay_are_counted() {
        let at = |degrees: f32| vec![degrees.to_radians().cos(), degrees.to_radians().sin()];
        let before = [0.0, 10.0, 20.0, 90.0].map(at).to_vec();
        let mut after = before.clone();
        after[1] = at(80.0);
        assert_eq!(kept_neighbours(&before, &before, 2).unwrap(), [1.0; 4]);
        // The one that moves had 0° and 20°, and has 90° and 20°. The others have the same two, in another order.
        assert_eq!(kept_neighbours(&before, &after, 2).unwrap(), [1.0, 0.5, 1.0, 1.0]);
        assert!(kept_neighbours(&before, &after[1..], 2).is_err());
    }
}
