//! Scores of queries, added up by genre and artist: all that averages and intervals need.

use std::collections::BTreeMap;

/// One query's scores, with whom they count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation<const M: usize> {
    /// Number of the genre that it counts in.
    pub genre: usize,
    /// Number of the artist.
    pub artist: usize,
    /// The scores.
    pub scores: [f64; M],
}

/// Queries of one artist in one genre.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell<const M: usize> {
    /// Sum of each score.
    pub sums: [f64; M],
    /// Number of queries.
    pub queries: usize,
}

impl<const M: usize> Cell<M> {
    /// Without queries.
    pub const EMPTY: Self = Self { sums: [0.0; M], queries: 0 };

    /// Adds another's queries.
    pub fn add(&mut self, other: &Self) {
        for (sum, other) in self.sums.iter_mut().zip(&other.sums) {
            *sum += other;
        }
        self.queries += other.queries;
    }

    /// Mean of each score over the queries; 0 without any.
    pub fn means(&self) -> [f64; M] {
        self.sums.map(|sum| sum / self.queries.max(1) as f64)
    }
}

/// Cells by genre, then by artist. An artist of several genres has a cell in each.
#[derive(Debug, Clone, PartialEq)]
pub struct Cells<const M: usize> {
    genres: Vec<(usize, Vec<Cell<M>>)>,
}

impl<const M: usize> Cells<M> {
    /// Adds up.
    pub fn new(observations: impl IntoIterator<Item = Observation<M>>) -> Self {
        let mut genres: BTreeMap<usize, BTreeMap<usize, Cell<M>>> = BTreeMap::new();
        for Observation { genre, artist, scores } in observations {
            let cell = genres.entry(genre).or_default().entry(artist).or_insert(Cell::EMPTY);
            cell.add(&Cell { sums: scores, queries: 1 });
        }
        let by_artist = |(genre, cells): (usize, BTreeMap<_, _>)| (genre, cells.into_values().collect());
        Self { genres: genres.into_iter().map(by_artist).collect() }
    }

    /// Genres that have queries, by number, with the cells of their artists, by number.
    pub fn genres(&self) -> &[(usize, Vec<Cell<M>>)] {
        &self.genres
    }

    /// Mean of each score over the queries of a genre, then over genres: one with many tracks
    /// counts no more than one with few. 0 without queries.
    pub fn macro_average(&self) -> [f64; M] {
        mean_over_genres(self.genres.iter().map(|(_, cells)| total(cells)))
    }
}

/// All queries of some cells.
pub fn total<'a, const M: usize>(cells: impl IntoIterator<Item = &'a Cell<M>>) -> Cell<M> {
    cells.into_iter().fold(Cell::EMPTY, |mut total, cell| {
        total.add(cell);
        total
    })
}

/// Mean over genres of the mean over each one's queries.
pub fn mean_over_genres<const M: usize>(totals: impl Iterator<Item = Cell<M>>) -> [f64; M] {
    let means = totals.map(|total| Cell { sums: total.means(), queries: 1 });
    means
        .fold(Cell::EMPTY, |mut sum: Cell<M>, genre| {
            sum.add(&genre);
            sum
        })
        .means()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_genre_counts_no_more_than_a_small_one() {
        let observations = [(0, 7, 1.0), (0, 7, 0.0), (0, 3, 0.5), (4, 7, 0.2)];
        let cells =
            Cells::new(observations.map(|(genre, artist, score)| Observation { genre, artist, scores: [score] }));
        // Genre 0: three queries by two artists, mean 1/2; genre 4: 0.2.
        assert_eq!(cells.macro_average(), [0.35]);
        let (genre, artists) = &cells.genres()[0];
        assert_eq!((*genre, artists.len()), (0, 2));
        assert_eq!(artists[1], Cell { sums: [1.0], queries: 2 });
        assert_eq!(Cells::<2>::new([]).macro_average(), [0.0, 0.0]);
    }
}
