//! How well one query finds the tracks of its genre.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::judged::Label;
use super::ranking::{Nearest, Ranking};

/// Lengths of the lists whose precision is told.
pub const PRECISION_AT: [usize; 3] = [1, 5, 10];

/// Neighbours that vote for a genre: odd, so that two genres do not often tie, and not more than
/// small genres have tracks.
pub const VOTERS: usize = 5;

/// Whether a query may find its own artist. Songs of an album share a sound engineer, a room and an
/// encoder: finding them says little about genre (Pampalk et al. 2005, Flexer 2007).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArtistFilter {
    /// A query never finds its own artist.
    On,
    /// A query finds whatever is not itself.
    Off,
}

/// What one query reached.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct QueryScores {
    /// Index of the track.
    pub track: usize,
    /// Number of its genre.
    pub genre: usize,
    /// Number of its artist.
    pub artist: usize,
    /// Mean over the ranks of its genre's tracks of the share of such tracks up to there. Among
    /// equally similar tracks the mean over all their orders is taken (McSherry & Najork 2008, "Computing
    /// information retrieval performance measures efficiently in the presence of tied scores").
    pub average_precision: f64,
    /// Chance that a track of its genre ranks above one of another; a tie counts one half.
    pub area_under_curve: f64,
    /// Share of tracks of its genre among the nearest k of [`PRECISION_AT`], or among all candidates
    /// where they are fewer. A genre of fewer than k others cannot reach 1.
    pub precision_at: [f64; PRECISION_AT.len()],
    /// 1 where the nearest [`VOTERS`] vote for its genre, by the most votes, then by the nearest
    /// voter; where genres are equal even in that, the chance to draw the right one.
    pub vote: f64,
    /// The genre voted for; of equal ones the first by name.
    pub voted: usize,
}

impl QueryScores {
    /// Asks for the tracks of a track's genre. `None` where the track has no genre, or where its
    /// genre or all others are missing among the candidates: there is nothing to find, or nothing to
    /// confuse it with.
    pub fn new(track: usize, similarities: &[f32], labels: &[Label], filter: ArtistFilter) -> Option<Self> {
        let Label { genre, artist } = labels[track];
        let genre = genre?;
        let ranking = Ranking::new(similarities, |other| {
            let filtered = filter == ArtistFilter::On && labels[other].artist == artist;
            other != track && !filtered && labels[other].genre.is_some()
        });
        let is_relevant = |other: usize| labels[other].genre == Some(genre);
        let (average_precision, area_under_curve) = precision_and_area(&ranking, is_relevant)?;
        let winners = elected(&ranking.nearest(VOTERS), labels);
        Some(Self {
            track,
            genre,
            artist,
            average_precision,
            area_under_curve,
            precision_at: PRECISION_AT.map(|k| precision(&ranking.nearest(k), is_relevant)),
            vote: if winners.contains(&genre) { 1.0 / winners.len() as f64 } else { 0.0 },
            voted: *winners.first()?,
        })
    }
}

/// Average precision and the share of (relevant, irrelevant) pairs in the right order. `None` where
/// one kind is missing.
fn precision_and_area(ranking: &Ranking, is_relevant: impl Fn(usize) -> bool) -> Option<(f64, f64)> {
    let (mut ranked, mut found) = (0, 0);
    let (mut precisions, mut half_pairs) = (0.0, 0);
    for tie in ranking.ties() {
        let relevant = tie.iter().filter(|place| is_relevant(place.track())).count();
        half_pairs += (2 * found + relevant) * (tie.len() - relevant);
        if relevant > 0 {
            // In a random order each place holds a relevant track with the same chance, and before
            // it stand, on average, so many of the others.
            let chance = relevant as f64 / tie.len() as f64;
            let others = (relevant - 1) as f64 / (tie.len() - 1).max(1) as f64;
            let precision_at = |place: usize| {
                let expected = found as f64 + 1.0 + others * place as f64;
                expected / (ranked + place + 1) as f64
            };
            precisions += chance * (0..tie.len()).map(precision_at).sum::<f64>();
        }
        ranked += tie.len();
        found += relevant;
    }
    let pairs = found * (ranked - found);
    (pairs > 0).then(|| (precisions / found as f64, half_pairs as f64 / (2 * pairs) as f64))
}

fn precision(nearest: &Nearest<'_>, is_relevant: impl Fn(usize) -> bool) -> f64 {
    let relevant = nearest.shares().filter(|(track, _)| is_relevant(*track));
    relevant.map(|(_, share)| share).sum::<f64>() / nearest.places().max(1) as f64
}

/// The genre with the most votes, of several the one with the nearest voter, all where even that is
/// equal; by number.
fn elected(nearest: &Nearest<'_>, labels: &[Label]) -> Vec<usize> {
    // Counted in integers, so that equal votes are equal: a certain voter has as many as there are
    // tied ones, who each have as many as there are places to share.
    let mut votes: BTreeMap<usize, (usize, u32)> = BTreeMap::new();
    let certain = nearest.certain.iter().map(|place| (place, nearest.tied.len().max(1)));
    for (place, weight) in certain.chain(nearest.tied.iter().map(|place| (place, nearest.tied_places))) {
        if let Some(genre) = labels[place.track()].genre {
            votes.entry(genre).or_insert((0, place.order())).0 += weight;
        }
    }
    let standing = |&(votes, nearest): &(usize, u32)| (votes, std::cmp::Reverse(nearest));
    let best = votes.values().map(standing).max();
    votes.iter().filter(|(_, votes)| Some(standing(votes)) == best).map(|(genre, _)| *genre).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Precision and area of candidates given as (similarity, relevant).
    fn judge(candidates: &[(f32, bool)]) -> Option<(f64, f64)> {
        let similarities: Vec<f32> = candidates.iter().map(|candidate| candidate.0).collect();
        precision_and_area(&Ranking::new(&similarities, |_| true), |track| candidates[track].1)
    }

    fn votes(candidates: &[(f32, usize)], k: usize) -> Vec<usize> {
        let similarities: Vec<f32> = candidates.iter().map(|candidate| candidate.0).collect();
        let labels: Vec<Label> = candidates.iter().map(|&(_, genre)| Label { genre: Some(genre), artist: 0 }).collect();
        elected(&Ranking::new(&similarities, |_| true).nearest(k), &labels)
    }

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found}, expected {expected}");
    }

    #[test]
    fn precision_and_area_by_hand() {
        let (precision, area) = judge(&[(4.0, true), (3.0, false), (2.0, true), (1.0, false)]).unwrap();
        close(precision, (1.0 + 2.0 / 3.0) / 2.0);
        close(area, 3.0 / 4.0);
        assert_eq!(judge(&[(1.0, false)]), None);
        assert_eq!(judge(&[(1.0, true)]), None);
        assert_eq!(judge(&[]), None);
    }

    #[test]
    fn a_tie_is_the_mean_over_its_orders() {
        // Of two equals one is relevant: it stands first or second.
        let (precision, area) = judge(&[(1.0, true), (1.0, false)]).unwrap();
        close(precision, (1.0 + 0.5) / 2.0);
        close(area, 0.5);
        // One irrelevant above, then three equals of which two are relevant: r r i, r i r, i r r.
        let (precision, area) = judge(&[(2.0, false), (1.0, true), (1.0, true), (1.0, false)]).unwrap();
        let orders = [(1.0 / 2.0 + 2.0 / 3.0) / 2.0, (1.0 / 2.0 + 2.0 / 4.0) / 2.0, (1.0 / 3.0 + 2.0 / 4.0) / 2.0];
        close(precision, orders.iter().sum::<f64>() / 3.0);
        close(area, (0.0 + 0.5) / 2.0);
    }

    #[test]
    fn precision_at_k_shares_the_last_place() {
        let similarities = [3.0, 2.0, 2.0, 1.0];
        let ranking = Ranking::new(&similarities, |_| true);
        let is_relevant = |track| track == 0 || track == 2;
        close(precision(&ranking.nearest(1), is_relevant), 1.0);
        close(precision(&ranking.nearest(2), is_relevant), (1.0 + 0.5) / 2.0);
        close(precision(&ranking.nearest(10), is_relevant), 2.0 / 4.0);
    }

    #[test]
    fn the_most_votes_win_then_the_nearest_voter() {
        assert_eq!(votes(&[(5.0, 0), (4.0, 1), (3.0, 1)], 3), [1]);
        assert_eq!(votes(&[(5.0, 1), (4.0, 0), (3.0, 0), (2.0, 1), (1.0, 2)], 5), [1]);
        // The second place is shared by 0 and 1: 1 has one and a half votes.
        assert_eq!(votes(&[(5.0, 1), (4.0, 0), (4.0, 1)], 2), [1]);
        // Nothing tells them apart.
        assert_eq!(votes(&[(5.0, 2), (5.0, 0)], 5), [0, 2]);
        assert_eq!(votes(&[], 5), [] as [usize; 0]);
    }

    #[test]
    fn what_has_no_genre_is_out_of_the_ranking() {
        let genres = [Some(0), None, Some(1), Some(0)];
        let labels: Vec<Label> = genres.iter().enumerate().map(|(artist, &genre)| Label { genre, artist }).collect();
        let query = QueryScores::new(0, &[0.0, 0.9, 0.5, 0.7], &labels, ArtistFilter::On).unwrap();
        assert_eq!((query.average_precision, query.area_under_curve), (1.0, 1.0));
        // Of two candidates one is relevant.
        assert_eq!(query.precision_at, [1.0, 0.5, 0.5]);
        // One vote each; 0 is nearer.
        assert_eq!((query.vote, query.voted), (1.0, 0));
        assert_eq!(QueryScores::new(1, &[0.0, 0.9, 0.5, 0.7], &labels, ArtistFilter::On), None);
    }

    /// Few different similarities, so that ties are common.
    fn candidates() -> impl Strategy<Value = Vec<(f32, bool)>> {
        let candidate = ((-4_i8..4).prop_map(|step| f32::from(step) / 4.0), any::<bool>());
        prop::collection::vec(candidate, 1..14)
    }

    proptest! {
        #[test]
        fn a_reversed_ranking_has_the_rest_of_the_area(candidates in candidates()) {
            let reversed: Vec<_> = candidates.iter().map(|&(similarity, relevant)| (-similarity, relevant)).collect();
            let (forward, backward) = (judge(&candidates), judge(&reversed));
            prop_assert_eq!(forward.is_some(), backward.is_some());
            if let (Some((_, forward)), Some((_, backward))) = (forward, backward) {
                prop_assert!((forward + backward - 1.0).abs() < 1e-12);
            }
        }

        #[test]
        fn area_is_the_count_over_all_pairs(candidates in candidates()) {
            let of = |kind: bool| candidates.iter().filter(move |candidate| candidate.1 == kind).map(|candidate| candidate.0);
            let wins = of(true).flat_map(|hit| of(false).map(move |miss| match hit.total_cmp(&miss) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            }));
            let wins: Vec<f64> = wins.collect();
            let expected = wins.iter().sum::<f64>() / wins.len() as f64;
            match judge(&candidates) {
                Some((_, area)) => prop_assert!((area - expected).abs() < 1e-12),
                None => prop_assert!(wins.is_empty()),
            }
        }

        #[test]
        fn average_precision_is_that_of_ties_broken_at_random(candidates in candidates()) {
            if let Some((precision, _)) = judge(&candidates) {
                // The mean over orders lies between the best and the worst breaking of ties.
                let broken = |favour: f32| {
                    let nudged: Vec<_> = candidates.iter().enumerate().map(|(place, &(similarity, relevant))| {
                        let nudge = if relevant { favour } else { -favour };
                        (similarity + 0.01 * nudge + 1e-4 * place as f32, relevant)
                    }).collect();
                    judge(&nudged).map(|scores| scores.0).unwrap()
                };
                prop_assert!(broken(-1.0) - 1e-9 <= precision && precision <= broken(1.0) + 1e-9);
            }
        }
    }
}
