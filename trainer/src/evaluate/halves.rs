//! Whether a track is recognised by its other half.

use rayon::prelude::*;

use super::ranking::Ranking;
use super::similarity::UnitVectors;
use crate::error::{Error, Result};

/// Share of tracks whose first half has its own second half as the nearest by cosine among the
/// second halves of all tracks (R@1). First halves are no candidates, nor are artists filtered.
/// Where several second halves are equally near, the chance that the own one comes first counts.
/// 0 without tracks.
///
/// # Errors
/// [`Error::WrongCount`] where one kind of half is missing; as of [`UnitVectors::new`].
pub fn other_half_recall<V: AsRef<[f32]>>(first: &[V], second: &[V]) -> Result<f64> {
    if first.len() != second.len() {
        return Err(Error::WrongCount { what: "second halves", found: second.len(), expected: first.len() });
    }
    let (first, second) = (UnitVectors::new(first)?, UnitVectors::new(second)?);
    if first.size() != second.size() {
        return Err(Error::UnevenVectors { expected: first.size(), found: second.size() });
    }
    let found = |track: usize| {
        let ranking = Ranking::new(&second.cosines_with(first.row(track)), |_| true);
        ranking.nearest(1).share_of(track)
    };
    // Summed in the order of tracks, for the same bits in every run.
    let found: Vec<f64> = (0..first.count()).into_par_iter().map(found).collect();
    Ok(found.iter().sum::<f64>() / found.len().max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recall_by_hand() {
        let first = [[1.0, 0.0], [0.0, 1.0], [0.7, 0.7], [-1.0, 0.0]];
        let second = [[1.0, 0.1], [0.0, 1.0], [0.0, 1.0], [-1.0, 0.1]];
        // The first finds itself. The second finds two that are equal, its own among them. The third
        // is at 0.774 to the first and at 0.707 to its own. The fourth finds itself.
        let recall = other_half_recall(&first, &second).unwrap();
        assert!((recall - (1.0 + 0.5 + 0.0 + 1.0) / 4.0).abs() < 1e-12, "{recall}");
    }

    #[test]
    fn halves_that_do_not_match_are_an_error() {
        let error = other_half_recall(&[vec![1.0], vec![1.0]], &[vec![1.0]]).unwrap_err();
        assert!(matches!(error, Error::WrongCount { found: 1, expected: 2, .. }));
        let error = other_half_recall(&[vec![1.0]], &[vec![1.0, 2.0]]).unwrap_err();
        assert!(matches!(error, Error::UnevenVectors { .. }));
        assert_eq!(other_half_recall::<[f32; 1]>(&[], &[]).unwrap(), 0.0);
    }
}
