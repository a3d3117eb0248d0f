//! One figure for a recipe out of several models, each judged by the artists that it has not heard.

use super::bootstrap::Bootstrap;
use super::judged::{Judged, Labels};
use super::query::{ArtistFilter, QueryScores};
use super::retrieval::{query_scores, retrieval_scores};
use super::scores::RetrievalScores;
use super::similarity::Similarities;
use crate::error::{Error, Result};

/// What one model of a cross-validation makes of the tracks held out from it.
#[derive(Debug, Clone)]
pub struct Fold {
    /// How alike it finds them.
    pub similarities: Similarities,
    /// Places of these tracks in the list of all.
    pub tracks: Vec<usize>,
}

/// Judges the recipe that made the models of all folds: a query asks among the tracks of its own fold, and
/// never finds its own artist; all queries are averaged together. Average precision falls as a fold grows, so it
/// compares with that of other folds only if they are as large. Several models of one fold, of other seeds, may
/// stand here as several folds; intervals are over artists all the same, and say nothing of the seed. Beside
/// the scores, each query's own, fold by fold.
///
/// # Errors
/// [`Error::WrongCount`] where a fold has not as many tracks as its model compares, or one that there is not.
pub fn judge_folds(
    folds: &[Fold],
    tracks: &[Judged<'_>],
    bootstrap: &Bootstrap,
) -> Result<(RetrievalScores, Vec<QueryScores>)> {
    let labels = Labels::new(tracks);
    let mut queries = Vec::new();
    for fold in folds {
        let of_fold = labels.at(&fold.tracks).ok_or_else(|| Error::WrongCount {
            what: "judged tracks",
            found: tracks.len(),
            expected: fold.tracks.iter().max().map_or(0, |last| last + 1),
        })?;
        let scores = query_scores(&fold.similarities, &of_fold, ArtistFilter::On)?;
        queries.extend(scores.into_iter().map(|query| QueryScores { track: fold.tracks[query.track], ..query }));
    }
    Ok((retrieval_scores(&queries, &labels, bootstrap), queries))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACKS: [Judged<'_>; 6] = [
        Judged { genre: Some("jazz"), artist: "a" },
        Judged { genre: Some("jazz"), artist: "b" },
        Judged { genre: Some("rock"), artist: "c" },
        Judged { genre: Some("rock"), artist: "d" },
        Judged { genre: Some("rock"), artist: "e" },
        Judged { genre: Some("jazz"), artist: "f" },
    ];

    fn on_a_line(tracks: &[usize], places: &[f32]) -> Fold {
        let distances = places.iter().flat_map(|a| places.iter().map(move |b| (a - b).abs())).collect();
        let similarities = Similarities::from_distances(places.len(), distances).unwrap();
        Fold { similarities, tracks: tracks.to_vec() }
    }

    #[test]
    fn queries_ask_within_their_fold_and_count_together() {
        // Jazz a and b lie together, rock c beside them: a and b have an area of 1, c has nothing to find.
        // In the other fold, in another order, jazz f lies between rock d and e: 0 each, f finds nothing.
        let folds = [on_a_line(&[0, 1, 2], &[0.0, 1.0, 5.0]), on_a_line(&[3, 5, 4], &[0.0, 1.0, 3.0])];
        let (scores, queries) = judge_folds(&folds, &TRACKS, &Bootstrap::default()).unwrap();
        let of_tracks: Vec<_> = queries.iter().map(|query| (query.track, query.area_under_curve)).collect();
        assert_eq!(of_tracks, [(0, 1.0), (1, 1.0), (3, 0.0), (4, 0.0)]);
        assert_eq!((scores.area_under_curve.value, scores.queries), (0.5, 4));
        assert_eq!(scores.genres.iter().map(|genre| genre.artists).collect::<Vec<_>>(), [2, 2]);
    }

    #[test]
    fn a_fold_of_other_tracks_is_an_error() {
        for fold in [on_a_line(&[0, 9], &[0.0, 1.0]), on_a_line(&[0, 1, 2], &[0.0, 1.0])] {
            let error = judge_folds(&[fold], &TRACKS, &Bootstrap::default()).unwrap_err();
            assert!(matches!(error, Error::WrongCount { .. }), "{error}");
        }
    }
}
