//! Retrieval of same-genre tracks with an artist filter.

use std::collections::BTreeMap;

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

/// Every track asks for all others by cosine.
pub fn retrieval(tracks: &[Labelled<'_>]) -> Retrieval {
    let mut of_genre: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for (index, query) in tracks.iter().enumerate() {
        let mut ranked: Vec<(f32, bool)> = tracks
            .iter()
            .enumerate()
            .filter(|(other, track)| *other != index && track.artist != query.artist)
            .map(|(_, track)| (dot(query.vector, track.vector), track.genre == query.genre))
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        let relevant: Vec<bool> = ranked.into_iter().map(|(_, relevant)| relevant).collect();
        if let (Some(precision), Some(auc)) = (average_precision(&relevant), area_under_curve(&relevant)) {
            of_genre.entry(query.genre).or_default().push((precision, auc));
        }
    }
    let mean = |values: &mut dyn Iterator<Item = f64>| {
        let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
        sum / f64::from(count.max(1))
    };
    let over_genres =
        |pick: fn(&(f64, f64)) -> f64| mean(&mut of_genre.values().map(|queries| mean(&mut queries.iter().map(pick))));
    Retrieval {
        mean_average_precision: over_genres(|query| query.0),
        area_under_curve: over_genres(|query| query.1),
        queries: of_genre.values().map(Vec::len).sum(),
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Mean over the relevant ranks of the share of relevant tracks up to there. `None` where nothing
/// is relevant.
fn average_precision(ranked: &[bool]) -> Option<f64> {
    let (mut hits, mut sum) = (0, 0.0);
    for (rank, _) in ranked.iter().enumerate().filter(|(_, relevant)| **relevant) {
        hits += 1;
        sum += f64::from(hits) / (rank + 1) as f64;
    }
    (hits > 0).then(|| sum / f64::from(hits))
}

/// Share of (relevant, irrelevant) pairs in the right order. `None` where one kind is missing.
fn area_under_curve(ranked: &[bool]) -> Option<f64> {
    let (mut relevant_above, mut pairs) = (0_u64, 0_u64);
    for &relevant in ranked {
        if relevant {
            relevant_above += 1;
        } else {
            pairs += relevant_above;
        }
    }
    let irrelevant = ranked.len() as u64 - relevant_above;
    (relevant_above > 0 && irrelevant > 0).then(|| pairs as f64 / (relevant_above * irrelevant) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_and_area_by_hand() {
        let ranked = [true, false, true, false];
        assert_eq!(average_precision(&ranked), Some((1.0 + 2.0 / 3.0) / 2.0));
        assert_eq!(area_under_curve(&ranked), Some(3.0 / 4.0));
        assert_eq!(average_precision(&[false]), None);
        assert_eq!(area_under_curve(&[true]), None);
    }

    #[test]
    fn a_track_of_the_same_artist_is_never_counted() {
        let vectors = [[1.0, 0.0], [1.0, 0.0], [0.8, 0.6], [0.0, 1.0]];
        let labels = [("rock", "a"), ("rock", "a"), ("jazz", "b"), ("rock", "c")];
        let tracks: Vec<_> =
            vectors.iter().zip(labels).map(|(vector, (genre, artist))| Labelled { vector, genre, artist }).collect();
        let result = retrieval(&tracks);
        // Both songs of `a` rank jazz above the rock of `c`: precision 1/2, area 0. `c` asks: jazz
        // first, then both of `a`: precision (1/2 + 2/3) / 2, area 0. Jazz finds nothing.
        assert_eq!(result.queries, 3);
        assert!((result.mean_average_precision - (0.5 + 0.5 + 7.0 / 12.0) / 3.0).abs() < 1e-12);
        assert_eq!(result.area_under_curve, 0.0);
    }
}
