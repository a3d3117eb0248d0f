//! What a degraded copy finds.

use rayon::prelude::*;

use super::ranking::{Nearest, Ranking};
use super::scores::RobustnessRow;
use super::similarity::UnitVectors;
use crate::error::{Error, Result};

/// Length of the lists that are compared.
const LIST: usize = 5;

/// A copy of a track after a degradation.
#[derive(Debug, Clone, Copy)]
pub struct DegradedCopy<'a> {
    /// Index of the track among the clean ones.
    pub original: usize,
    /// The copy's vector.
    pub vector: &'a [f32],
}

/// Lets copies and clean queries ask the same clean tracks, by cosine. The own original is the one
/// to be found first; it is taken out of both lists before these are compared, as a query's own
/// track would be. The lists are of five, or of all others where they are fewer.
///
/// # Errors
/// [`Error::WrongCount`] where a copy's original is no clean track; as of [`UnitVectors::new`].
pub fn robustness(degradation: &str, clean: &UnitVectors, copies: &[DegradedCopy<'_>]) -> Result<RobustnessRow> {
    let queries: Vec<&[f32]> = copies.iter().map(|copy| copy.vector).collect();
    let queries = UnitVectors::new(&queries)?;
    if queries.count() > 0 && queries.size() != clean.size() {
        return Err(Error::UnevenVectors { expected: clean.size(), found: queries.size() });
    }
    if let Some(copy) = copies.iter().find(|copy| copy.original >= clean.count()) {
        return Err(Error::WrongCount { what: "clean tracks", found: clean.count(), expected: copy.original + 1 });
    }
    let judge = |(query, copy): (usize, &DegradedCopy<'_>)| {
        let of_copy = clean.cosines_with(queries.row(query));
        let of_clean = clean.cosines_with(clean.row(copy.original));
        let own_first = Ranking::new(&of_copy, |_| true).nearest(1).share_of(copy.original);
        let others = |similarities: &[f32]| Ranking::new(similarities, |track| track != copy.original);
        (own_first, overlap(&others(&of_copy).nearest(LIST), &others(&of_clean).nearest(LIST)))
    };
    // Summed in the order of copies, for the same bits in every run.
    let judged: Vec<(f64, f64)> = copies.par_iter().enumerate().map(|(query, copy)| judge((query, copy))).collect();
    let mean = |pick: fn(&(f64, f64)) -> f64| judged.iter().map(pick).sum::<f64>() / judged.len().max(1) as f64;
    Ok(RobustnessRow {
        degradation: degradation.to_owned(),
        queries: copies.len(),
        own_first: mean(|judged| judged.0),
        top5_overlap: mean(|judged| judged.1),
    })
}

/// Share of places that two lists give to the same tracks; 1 where there is nothing to list.
fn overlap(a: &Nearest<'_>, b: &Nearest<'_>) -> f64 {
    if a.places() == 0 {
        return 1.0;
    }
    a.shares().map(|(track, share)| share.min(b.share_of(track))).sum::<f64>() / a.places() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A unit vector at so many degrees.
    fn at(degrees: f32) -> [f32; 2] {
        [degrees.to_radians().cos(), degrees.to_radians().sin()]
    }

    #[test]
    fn copies_by_hand() {
        let clean = UnitVectors::new(&[0.0, 10.0, 21.0, 33.0, 46.0, 60.0, 75.0, 91.0].map(at)).unwrap();
        let vectors = [at(1.0), at(90.0)];
        let copies = [0, 0].into_iter().zip(&vectors).map(|(original, vector)| DegradedCopy { original, vector });
        // Track 0's five nearest others stand at 10 to 60. The first copy finds its original and
        // the same five; the second finds 91 first and, beside the original, 91 to 33: three of them.
        let row = robustness("turned", &clean, &copies.collect::<Vec<_>>()).unwrap();
        assert_eq!((row.degradation.as_str(), row.queries, row.own_first), ("turned", 2, 0.5));
        assert!((row.top5_overlap - (1.0 + 3.0 / 5.0) / 2.0).abs() < 1e-12);
    }

    #[test]
    fn twins_share_the_first_place_and_few_tracks_make_short_lists() {
        let clean = UnitVectors::new(&[at(0.0), at(0.0), at(50.0)]).unwrap();
        let row = robustness("none", &clean, &[DegradedCopy { original: 0, vector: &at(0.0) }]).unwrap();
        assert_eq!((row.own_first, row.top5_overlap), (0.5, 1.0));
        let alone = UnitVectors::new(&[at(0.0)]).unwrap();
        let row = robustness("none", &alone, &[DegradedCopy { original: 0, vector: &at(0.0) }]).unwrap();
        assert_eq!((row.own_first, row.top5_overlap), (1.0, 1.0));
        assert_eq!(robustness("none", &alone, &[]).unwrap().queries, 0);
    }

    #[test]
    fn a_copy_of_no_clean_track_is_an_error() {
        let clean = UnitVectors::new(&[at(0.0)]).unwrap();
        let error = robustness("none", &clean, &[DegradedCopy { original: 1, vector: &at(0.0) }]).unwrap_err();
        assert!(matches!(error, Error::WrongCount { found: 1, expected: 2, .. }));
        let error = robustness("none", &clean, &[DegradedCopy { original: 0, vector: &[1.0] }]).unwrap_err();
        assert!(matches!(error, Error::UnevenVectors { expected: 2, found: 1 }));
    }
}
