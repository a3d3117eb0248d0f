//! Retrieval of same-genre tracks.

use rayon::prelude::*;

use super::bootstrap::Bootstrap;
use super::cells::{Cells, Observation, total};
use super::judged::{Judged, Labels};
use super::query::{ArtistFilter, PRECISION_AT, QueryScores};
use super::scores::{GenreScores, Interval, PrecisionAt, RetrievalScores};
use super::similarity::Similarities;
use crate::error::{Error, Result};

/// What is known of an embedded track.
#[derive(Debug, Clone)]
pub struct Labelled<'a> {
    /// Unit vector.
    pub vector: &'a [f32],
    /// Genre.
    pub genre: &'a str,
    /// Artist; a query never finds its own.
    pub artist: &'a str,
}

/// Retrieval of same-genre tracks by other artists, averaged within each genre, then over genres.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Retrieval {
    /// Mean average precision.
    pub mean_average_precision: f64,
    /// Chance that a track of the query's genre ranks above one of another genre.
    pub area_under_curve: f64,
    /// Number of queries that had something to find.
    pub queries: usize,
}

/// Every track asks for all others by cosine: what a training run looks at while it goes on.
///
/// # Errors
/// [`Error::UnevenVectors`]; [`Error::NotFinite`].
pub fn retrieval(tracks: &[Labelled<'_>]) -> Result<Retrieval> {
    let vectors: Vec<&[f32]> = tracks.iter().map(|track| track.vector).collect();
    let judged: Vec<_> = tracks.iter().map(|track| Judged { genre: Some(track.genre), artist: track.artist }).collect();
    let similarities = Similarities::from_vectors(&vectors)?;
    let queries = query_scores(&similarities, &Labels::new(&judged), ArtistFilter::On)?;
    let cells = Cells::new(observations(&queries, |query| [query.average_precision, query.area_under_curve]));
    let [mean_average_precision, area_under_curve] = cells.macro_average();
    Ok(Retrieval { mean_average_precision, area_under_curve, queries: queries.len() })
}

/// Scores of all queries that have something to find, in the order of tracks, on all cores. Which
/// these are depends on the labels alone, so systems can be compared query by query.
///
/// # Errors
/// [`Error::WrongCount`] where there are not as many labels as tracks.
pub fn query_scores(similarities: &Similarities, labels: &Labels, filter: ArtistFilter) -> Result<Vec<QueryScores>> {
    let labels = labels.of_tracks();
    let tracks = similarities.tracks();
    if labels.len() != tracks {
        return Err(Error::WrongCount { what: "labels", found: labels.len(), expected: tracks });
    }
    let score = |track| QueryScores::new(track, similarities.row(track), labels, filter);
    Ok((0..tracks).into_par_iter().filter_map(score).collect())
}

/// Some scores of each query.
pub fn observations<const M: usize>(
    queries: &[QueryScores],
    scores: impl Fn(&QueryScores) -> [f64; M],
) -> impl Iterator<Item = Observation<M>> {
    queries.iter().map(move |query| Observation { genre: query.genre, artist: query.artist, scores: scores(query) })
}

/// Averages with their intervals.
pub fn retrieval_scores(queries: &[QueryScores], labels: &Labels, bootstrap: &Bootstrap) -> RetrievalScores {
    let cells =
        Cells::new(observations(queries, |query| [query.average_precision, query.vote, query.area_under_curve]));
    let [mean_average_precision, knn_accuracy, area_under_curve] = bootstrap.intervals(&cells);
    let precisions: [Interval; PRECISION_AT.len()] =
        bootstrap.intervals(&Cells::new(observations(queries, |query| query.precision_at)));
    let genres = cells.genres().iter().map(|(genre, artists)| {
        let total = total(artists);
        let [mean_average_precision, knn_accuracy, area_under_curve] = total.means();
        GenreScores {
            genre: labels.genre_names()[*genre].clone(),
            queries: total.queries,
            artists: artists.len(),
            mean_average_precision,
            knn_accuracy,
            area_under_curve,
        }
    });
    RetrievalScores {
        precision_at: PRECISION_AT
            .into_iter()
            .zip(precisions)
            .map(|(k, precision)| PrecisionAt { k, precision })
            .collect(),
        mean_average_precision,
        knn_accuracy,
        area_under_curve,
        queries: queries.len(),
        genres: genres.collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    const FEW: Bootstrap = Bootstrap { resamples: 50, seed: 0 };

    fn judge(similarities: &Similarities, tracks: &[Judged<'_>], filter: ArtistFilter) -> RetrievalScores {
        let labels = Labels::new(tracks);
        retrieval_scores(&query_scores(similarities, &labels, filter).unwrap(), &labels, &FEW)
    }

    #[test]
    fn a_track_of_the_same_artist_is_never_counted() {
        let vectors = [[1.0, 0.0], [1.0, 0.0], [0.8, 0.6], [0.0, 1.0]];
        let labels = [("rock", "a"), ("rock", "a"), ("jazz", "b"), ("rock", "c")];
        let tracks: Vec<_> =
            vectors.iter().zip(labels).map(|(vector, (genre, artist))| Labelled { vector, genre, artist }).collect();
        let result = retrieval(&tracks).unwrap();
        // Both songs of `a` rank jazz above the rock of `c`: precision 1/2, area 0. `c` asks: jazz
        // first, then both of `a`: precision (1/2 + 2/3) / 2, area 0. Jazz finds nothing.
        assert_eq!(result.queries, 3);
        assert!((result.mean_average_precision - (0.5 + 0.5 + 7.0 / 12.0) / 3.0).abs() < 1e-12);
        assert_eq!(result.area_under_curve, 0.0);
        let judged = labels.map(|(genre, artist)| Judged { genre: Some(genre), artist });
        let similarities = Similarities::from_vectors(&vectors).unwrap();
        // Without the filter both songs of `a` find each other, then jazz, then `c`.
        let unfiltered = judge(&similarities, &judged, ArtistFilter::Off);
        assert!((unfiltered.area_under_curve.value - (0.5 + 0.5 + 0.0) / 3.0).abs() < 1e-12);
        assert_eq!(unfiltered.precision_at[0].k, 1);
        assert!((unfiltered.precision_at[0].precision.value - 2.0 / 3.0).abs() < 1e-12);
        let rock = &unfiltered.genres[0];
        assert_eq!((rock.genre.as_str(), rock.queries, rock.artists, unfiltered.genres.len()), ("rock", 3, 2, 1));
    }

    #[test]
    fn genres_count_alike_whatever_their_size() {
        // On a line: jazz at 0 and 1, rock at 10, 10.5, 11 and 0.4. Everyone is another artist.
        let places = [0.0, 1.0, 10.0, 10.5, 11.0, 0.4_f32];
        let distances: Vec<f32> = places.iter().flat_map(|a| places.iter().map(move |b| (a - b).abs())).collect();
        let similarities = Similarities::from_distances(6, distances).unwrap();
        let names = ["a", "b", "c", "d", "e", "f"];
        let judged: Vec<_> = names
            .iter()
            .enumerate()
            .map(|(track, artist)| Judged { genre: Some(if track < 2 { "jazz" } else { "rock" }), artist })
            .collect();
        let scores = judge(&similarities, &judged, ArtistFilter::On);
        // Each jazz track finds the stray first: area 3/4, precision 1/2. The three rock tracks
        // find two of three first, then jazz at 1, the stray, jazz at 0: area 5/6, precision
        // (1 + 1 + 3/4) / 3. The stray finds both of jazz first: area 0, precision (1/3 + 2/4 + 3/5) / 3.
        let rock = (3.0 * (5.0 / 6.0) + 0.0) / 4.0;
        assert!((scores.area_under_curve.value - (0.75 + rock) / 2.0).abs() < 1e-12);
        let stray = (1.0 / 3.0 + 2.0 / 4.0 + 3.0 / 5.0) / 3.0;
        let rock = (3.0 * (2.75 / 3.0) + stray) / 4.0;
        assert!((scores.mean_average_precision.value - (0.5 + rock) / 2.0).abs() < 1e-12);
        // Five voters are all others: rock outvotes jazz.
        assert_eq!(scores.knn_accuracy.value, 0.5);
    }

    #[test]
    fn random_vectors_rank_at_random() {
        let mut random = StdRng::seed_from_u64(5);
        let vectors: Vec<[f32; 8]> = (0..400).map(|_| std::array::from_fn(|_| random.random::<f32>() - 0.5)).collect();
        let artists: Vec<String> = (0..400).map(|track| (track / 2).to_string()).collect();
        let judged: Vec<_> = artists
            .iter()
            .enumerate()
            .map(|(track, artist)| Judged { genre: Some(["x", "y", "z"][track / 2 % 3]), artist })
            .collect();
        let scores = judge(&Similarities::from_vectors(&vectors).unwrap(), &judged, ArtistFilter::On);
        let Interval { value, low, high } = scores.area_under_curve;
        assert!((value - 0.5).abs() < 0.02, "{value}");
        assert!(low < value && value < high);
        assert!((scores.knn_accuracy.value - 1.0 / 3.0).abs() < 0.08);
    }

    #[test]
    fn one_label_too_few_is_an_error() {
        let similarities = Similarities::from_vectors(&[[1.0], [1.0]]).unwrap();
        let labels = Labels::new(&[Judged { genre: None, artist: "a" }]);
        let error = query_scores(&similarities, &labels, ArtistFilter::On).unwrap_err();
        assert!(matches!(error, Error::WrongCount { found: 1, expected: 2, .. }));
    }

    const GENRES: [Option<&str>; 4] = [Some("x"), Some("y"), Some("z"), None];
    const ARTISTS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

    /// Distances in few steps, so that ties are common, with a genre and an artist each.
    fn table() -> impl Strategy<Value = (Vec<Vec<i8>>, Vec<Judged<'static>>)> {
        (2_usize..16).prop_flat_map(|tracks| {
            let row = prop::collection::vec(0_i8..10, tracks);
            let judged = (0..GENRES.len(), 0..ARTISTS.len())
                .prop_map(|(genre, artist)| Judged { genre: GENRES[genre], artist: ARTISTS[artist] });
            (prop::collection::vec(row, tracks), prop::collection::vec(judged, tracks))
        })
    }

    fn scores(table: &[Vec<i8>], judged: &[Judged<'_>], distance: impl Fn(i8) -> f32) -> [RetrievalScores; 2] {
        let distances = table.iter().flatten().map(|step| distance(*step)).collect();
        let similarities = Similarities::from_distances(table.len(), distances).unwrap();
        [ArtistFilter::On, ArtistFilter::Off].map(|filter| judge(&similarities, judged, filter))
    }

    /// All numbers of some scores.
    fn numbers(scores: &RetrievalScores) -> Vec<f64> {
        let intervals = scores.precision_at.iter().map(|at| at.precision);
        let intervals = intervals.chain([scores.mean_average_precision, scores.knn_accuracy, scores.area_under_curve]);
        let genres = scores.genres.iter().flat_map(|genre| {
            let counts = [genre.queries as f64, genre.artists as f64];
            counts.into_iter().chain([genre.mean_average_precision, genre.knn_accuracy, genre.area_under_curve])
        });
        let bounds = intervals.flat_map(|interval| [interval.value, interval.low, interval.high]);
        bounds.chain(genres).chain([scores.queries as f64]).collect()
    }

    proptest! {
        #[test]
        fn the_order_of_tracks_does_not_matter((table, judged) in table(), seed in any::<u64>()) {
            let mut order: Vec<usize> = (0..judged.len()).collect();
            rand::seq::SliceRandom::shuffle(&mut order[..], &mut StdRng::seed_from_u64(seed));
            let shuffled: Vec<Vec<i8>> =
                order.iter().map(|&query| order.iter().map(|&other| table[query][other]).collect()).collect();
            let relabelled: Vec<_> = order.iter().map(|&track| judged[track]).collect();
            let plain = scores(&table, &judged, f32::from);
            for (plain, shuffled) in plain.iter().zip(&scores(&shuffled, &relabelled, f32::from)) {
                for (plain, shuffled) in numbers(plain).iter().zip(numbers(shuffled)) {
                    prop_assert!((plain - shuffled).abs() < 1e-9);
                }
            }
        }

        #[test]
        fn only_the_order_of_similarities_matters((table, judged) in table()) {
            let plain = scores(&table, &judged, f32::from);
            prop_assert_eq!(plain, scores(&table, &judged, |step| (f32::from(step) / 3.0).exp() - 2.0));
        }

        #[test]
        fn every_score_is_a_share((table, judged) in table()) {
            for scores in scores(&table, &judged, f32::from) {
                for interval in [scores.mean_average_precision, scores.knn_accuracy, scores.area_under_curve] {
                    prop_assert!(-1e-12 <= interval.low && interval.low <= interval.high && interval.high <= 1.0 + 1e-12);
                }
            }
        }

        #[test]
        fn what_has_no_genre_changes_nothing((table, judged) in table()) {
            let kept: Vec<usize> = (0..judged.len()).filter(|&track| judged[track].genre.is_some()).collect();
            let smaller: Vec<Vec<i8>> =
                kept.iter().map(|&query| kept.iter().map(|&other| table[query][other]).collect()).collect();
            let labelled: Vec<_> = kept.iter().map(|&track| judged[track]).collect();
            prop_assert_eq!(scores(&table, &judged, f32::from), scores(&smaller, &labelled, f32::from));
        }

        #[test]
        fn perfect_clusters_are_perfect(sizes in prop::collection::vec(2_usize..5, 2..4)) {
            // A track is nearer to all of its genre than to any other; every track has its artist.
            let genres: Vec<usize> = sizes.iter().enumerate().flat_map(|(genre, &size)| vec![genre; size]).collect();
            let names: Vec<String> = (0..genres.len()).map(|track| track.to_string()).collect();
            let judged: Vec<_> = genres.iter().zip(&names).map(|(&genre, artist)| Judged { genre: GENRES[genre], artist }).collect();
            let table: Vec<Vec<i8>> =
                genres.iter().map(|a| genres.iter().map(|b| if a == b { 1 } else { 2 }).collect()).collect();
            let [filtered, _] = scores(&table, &judged, f32::from);
            prop_assert_eq!(filtered.area_under_curve, Interval { value: 1.0, low: 1.0, high: 1.0 });
            prop_assert_eq!(filtered.mean_average_precision.value, 1.0);
            prop_assert_eq!(filtered.precision_at[0].precision.value, 1.0);
        }
    }
}
