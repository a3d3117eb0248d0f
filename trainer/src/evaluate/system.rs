//! One system's scores, and several systems side by side.

use super::bootstrap::Bootstrap;
use super::cells::{Cells, Observation};
use super::confusion::confusion;
use super::hubness::hubness;
use super::judged::{Judged, Labels};
use super::query::{ArtistFilter, QueryScores};
use super::retrieval::{query_scores, retrieval_scores};
use super::scores::{
    Confusion, EVALUATION_FORMAT_VERSION, Evaluation, Interval, MapPoint, RobustnessRow, SystemScores,
};
use super::similarity::Similarities;
use crate::error::{Error, Result};

/// A system to be judged, with what was found out by listening to it rather than to its table.
#[derive(Debug, Clone)]
pub struct System {
    /// Name for a table.
    pub name: String,
    /// How alike it finds the judged tracks, in their order.
    pub similarities: Similarities,
    /// See [`SystemScores::other_half_recall`].
    pub other_half_recall: Option<f64>,
    /// See [`SystemScores::robustness`].
    pub robustness: Vec<RobustnessRow>,
}

/// A judged system. Its similarities are no longer needed, so several can be judged in turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The scores; no lead yet.
    pub scores: SystemScores,
    /// Each query's scores with the artist filter, for comparisons query by query.
    pub queries: Vec<QueryScores>,
}

/// Judges a system by what is known of the tracks.
///
/// # Errors
/// [`Error::WrongCount`] where there are not as many tracks as the system compares.
pub fn judge(system: System, tracks: &[Judged<'_>], bootstrap: &Bootstrap) -> Result<Judgement> {
    let labels = Labels::new(tracks);
    let queries = query_scores(&system.similarities, &labels, ArtistFilter::On)?;
    let unfiltered = query_scores(&system.similarities, &labels, ArtistFilter::Off)?;
    let scores = SystemScores {
        name: system.name,
        filtered: retrieval_scores(&queries, &labels, bootstrap),
        unfiltered: retrieval_scores(&unfiltered, &labels, bootstrap),
        area_under_curve_lead: None,
        other_half_recall: system.other_half_recall,
        hubness: hubness(&system.similarities),
        robustness: system.robustness,
    };
    Ok(Judgement { scores, queries })
}

/// Puts systems side by side that were judged by the same tracks. The first is the judged model: the
/// confusion and the map are its own, and each of the others is told how far the first is ahead.
///
/// # Errors
/// [`Error::DifferentQueries`] where a system was judged by other tracks than the first.
pub fn side_by_side(
    protocol: &str,
    tracks: &[Judged<'_>],
    judgements: Vec<Judgement>,
    map: Vec<MapPoint>,
    bootstrap: &Bootstrap,
) -> Result<Evaluation> {
    let labels = Labels::new(tracks);
    let mut judgements = judgements.into_iter();
    let (mut systems, mut votes) = (Vec::new(), Confusion::default());
    if let Some(first) = judgements.next() {
        votes = confusion(&first.queries, &labels);
        systems.push(first.scores);
        for mut other in judgements {
            let lead = paired_difference(&first.queries, &other.queries, bootstrap, |query| [query.area_under_curve]);
            let name = &other.scores.name;
            let [area_under_curve] = lead.ok_or_else(|| Error::DifferentQueries { system: name.clone() })?;
            other.scores.area_under_curve_lead = Some(area_under_curve);
            systems.push(other.scores);
        }
    }
    Ok(Evaluation {
        format_version: EVALUATION_FORMAT_VERSION,
        protocol: protocol.to_owned(),
        tracks: tracks.len(),
        artists: labels.artist_count(),
        systems,
        confusion: votes,
        map,
    })
}

/// The first system's scores minus the other's, query by query, with the intervals of this difference: what
/// is hard for both cancels out. `None` where the queries are not the same.
pub fn paired_difference<const M: usize>(
    first: &[QueryScores],
    other: &[QueryScores],
    bootstrap: &Bootstrap,
    scores: impl Fn(&QueryScores) -> [f64; M],
) -> Option<[Interval; M]> {
    let who = |query: &QueryScores| (query.track, query.genre, query.artist);
    if !first.iter().map(who).eq(other.iter().map(who)) {
        return None;
    }
    let differences = first.iter().zip(other).map(|(first, other)| {
        let (own, others) = (scores(first), scores(other));
        let scores = std::array::from_fn(|score| own[score] - others[score]);
        Observation { genre: first.genre, artist: first.artist, scores }
    });
    Some(bootstrap.intervals(&Cells::new(differences)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACKS: [Judged<'_>; 6] = [
        Judged { genre: Some("jazz"), artist: "a" },
        Judged { genre: Some("jazz"), artist: "b" },
        Judged { genre: Some("jazz"), artist: "b" },
        Judged { genre: Some("rock"), artist: "c" },
        Judged { genre: Some("rock"), artist: "d" },
        Judged { genre: None, artist: "e" },
    ];

    /// Tracks on a line.
    fn system(name: &str, places: [f32; 6]) -> System {
        let distances = places.iter().flat_map(|a| places.iter().map(move |b| (a - b).abs())).collect();
        let similarities = Similarities::from_distances(6, distances).unwrap();
        System { name: name.to_owned(), similarities, other_half_recall: Some(0.75), robustness: Vec::new() }
    }

    fn judged(name: &str, places: [f32; 6]) -> Judgement {
        judge(system(name, places), &TRACKS, &Bootstrap::default()).unwrap()
    }

    #[test]
    fn the_first_system_is_told_how_far_it_is_ahead() {
        // The first keeps genres apart; the second swaps the jazz of `a` with the rock of `c`.
        let good = judged("good", [0.0, 1.0, 2.5, 10.0, 11.0, 5.0]);
        let bad = judged("bad", [10.0, 1.0, 2.5, 0.0, 11.0, 5.0]);
        let evaluation = side_by_side("by hand", &TRACKS, vec![good, bad], Vec::new(), &Bootstrap::default()).unwrap();
        assert_eq!((evaluation.format_version, evaluation.protocol.as_str()), (EVALUATION_FORMAT_VERSION, "by hand"));
        assert_eq!((evaluation.tracks, evaluation.artists), (6, 5));
        let [good, bad] = &evaluation.systems[..] else { panic!("two systems") };
        assert_eq!(good.area_under_curve_lead, None);
        assert_eq!(good.filtered.area_under_curve, Interval { value: 1.0, low: 1.0, high: 1.0 });
        // Jazz of the second: `a` at 10 finds rock at 11, jazz at 2.5 and 1, rock at 0: area 1/2. `b`
        // at 1 finds rock at 0, then jazz and rock at 10 and 11: 1/2; so it does from 2.5. Rock: from 0
        // all of jazz is nearer, from 11 as well: 0. Average (1/2 + 0) / 2.
        assert_eq!(bad.filtered.area_under_curve.value, 0.25);
        assert_eq!(bad.area_under_curve_lead, Some(Interval { value: 0.75, low: 0.75, high: 0.75 }));
        assert_eq!((bad.other_half_recall, bad.hubness.k), (Some(0.75), 5));
        // Without the filter the two jazz tracks of `b` find each other as well.
        assert!(bad.unfiltered.area_under_curve.value > 0.25);
        // Of the first's neighbours: jazz of `a` has four voters, two each, jazz nearer; `b`'s have
        // one of jazz, two of rock; rock's have one of rock, three of jazz.
        assert_eq!(evaluation.confusion.counts, [[1, 2], [2, 0]]);
    }

    #[test]
    fn a_lead_is_paired() {
        // Each is behind by the same, however different the queries are.
        let first = judged("first", [0.0, 1.0, 2.5, 1.5, 11.0, 5.0]).queries;
        let mut other = first.clone();
        for query in &mut other {
            query.area_under_curve -= 0.125;
            query.vote += 0.5;
        }
        let leads =
            paired_difference(&first, &other, &Bootstrap::default(), |query| [query.area_under_curve, query.vote]);
        let [lead, behind] = leads.unwrap();
        assert_eq!((behind.low, behind.high), (-0.5, -0.5));
        assert!([lead.value, lead.low, lead.high].iter().all(|bound| (bound - 0.125).abs() < 1e-12), "{lead:?}");
    }

    #[test]
    fn systems_judged_by_other_tracks_are_an_error() {
        let places = [0.0, 1.0, 2.5, 10.0, 11.0, 5.0];
        let mut fewer = judged("fewer", places);
        fewer.queries.pop();
        let both = vec![judged("all", places), fewer];
        let error = side_by_side("", &TRACKS, both, Vec::new(), &Bootstrap::default()).unwrap_err();
        assert!(matches!(error, Error::DifferentQueries { system } if system == "fewer"));
        assert!(judge(system("short", places), &TRACKS[..5], &Bootstrap::default()).is_err());
        let none = side_by_side("", &TRACKS, Vec::new(), Vec::new(), &Bootstrap::default()).unwrap();
        assert!(none.systems.is_empty() && none.confusion.genres.is_empty());
    }
}
