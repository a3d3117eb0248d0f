//! Which genre the neighbours of a track vote for.

use super::judged::Labels;
use super::query::QueryScores;
use super::scores::Confusion;

/// Counts the votes of the queries' neighbours, as each query's [`QueryScores::voted`] tells. Every
/// genre has its row, one without queries a row of zeros.
pub fn confusion(queries: &[QueryScores], labels: &Labels) -> Confusion {
    let genres = labels.genre_names().to_vec();
    let mut counts = vec![vec![0; genres.len()]; genres.len()];
    for query in queries {
        counts[query.genre][query.voted] += 1;
    }
    Confusion { genres, counts }
}

#[cfg(test)]
mod tests {
    use super::super::judged::Judged;
    use super::super::query::ArtistFilter;
    use super::super::retrieval::query_scores;
    use super::super::similarity::Similarities;
    use super::*;

    #[test]
    fn votes_by_hand() {
        // On a line: folk at 0, jazz at 4, 5, 6, rock at 7, 8, 9; everyone is another artist. The only
        // folk track has nothing to find.
        let places = [0.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0_f32];
        let distances = places.iter().flat_map(|a| places.iter().map(move |b| (a - b).abs())).collect();
        let similarities = Similarities::from_distances(7, distances).unwrap();
        let genres = ["folk", "jazz", "jazz", "jazz", "rock", "rock", "rock"];
        let artists = ["a", "b", "c", "d", "e", "f", "g"];
        let judged: Vec<_> =
            genres.iter().zip(artists).map(|(genre, artist)| Judged { genre: Some(genre), artist }).collect();
        let labels = Labels::new(&judged);
        let queries = query_scores(&similarities, &labels, ArtistFilter::On).unwrap();
        let confusion = confusion(&queries, &labels);
        assert_eq!(confusion.genres, ["folk", "jazz", "rock"]);
        // From 4: 5, 6, 7, 8 and folk at 0 are nearer than 9: two of jazz, two of rock, jazz is nearer.
        // From 5 and 6 folk is the farthest: two of jazz, three of rock. From 7, 8 and 9 as well: two
        // of rock, three of jazz.
        assert_eq!(confusion.counts, [[0, 0, 0], [0, 1, 2], [0, 3, 0]]);
    }
}
