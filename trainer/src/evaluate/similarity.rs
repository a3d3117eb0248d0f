//! How alike tracks are, by a system's vectors or by its own distances.

use rayon::prelude::*;

use crate::error::{Error, Result};

/// Vectors scaled to length 1, to be compared by cosine.
#[derive(Debug, Clone)]
pub struct UnitVectors {
    count: usize,
    size: usize,
    /// Row after row.
    values: Vec<f32>,
}

impl UnitVectors {
    /// Scales vectors of any length. One of zeros stays what it is: its cosine with all is 0.
    ///
    /// # Errors
    /// [`Error::UnevenVectors`]; [`Error::NotFinite`].
    pub fn new<V: AsRef<[f32]>>(vectors: &[V]) -> Result<Self> {
        let size = vectors.first().map_or(0, |vector| vector.as_ref().len());
        let mut values = Vec::with_capacity(size * vectors.len());
        for vector in vectors.iter().map(AsRef::as_ref) {
            if vector.len() != size {
                return Err(Error::UnevenVectors { expected: size, found: vector.len() });
            }
            let squares: f64 = vector.iter().map(|value| f64::from(*value).powi(2)).sum();
            if !squares.is_finite() {
                return Err(Error::NotFinite { what: "an evaluated vector" });
            }
            let scale = if squares > 0.0 { squares.sqrt().recip() } else { 0.0 };
            values.extend(vector.iter().map(|value| (f64::from(*value) * scale) as f32));
        }
        Ok(Self { count: vectors.len(), size, values })
    }

    /// Number of vectors.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Numbers in each.
    pub fn size(&self) -> usize {
        self.size
    }

    /// One of them.
    pub fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.size..][..self.size]
    }

    /// Cosine of a vector of length 1 with each of these.
    pub fn cosines_with(&self, query: &[f32]) -> Vec<f32> {
        (0..self.count).map(|index| dot(query, self.row(index))).collect()
    }
}

/// How alike every two of n tracks are: larger is more alike, and nothing but the order within a
/// row counts. What stands between a track and itself is never looked at.
#[derive(Debug, Clone)]
pub struct Similarities {
    tracks: usize,
    /// Row after row; n × n.
    values: Vec<f32>,
}

/// Rows that share a pass over the vectors, so that these are read from memory less often.
const ROWS_A_PASS: usize = 8;

impl Similarities {
    /// Cosine of every two vectors, on all cores.
    pub fn from_unit_vectors(vectors: &UnitVectors) -> Self {
        let tracks = vectors.count();
        let mut values = vec![0.0; tracks * tracks];
        let rows_a_pass = |(pass, rows): (usize, &mut [f32])| {
            for other in 0..tracks {
                for (row, values) in rows.chunks_mut(tracks).enumerate() {
                    values[other] = dot(vectors.row(pass * ROWS_A_PASS + row), vectors.row(other));
                }
            }
        };
        values.par_chunks_mut((tracks * ROWS_A_PASS).max(1)).enumerate().for_each(rows_a_pass);
        Self { tracks, values }
    }

    /// Cosine of every two vectors of any length.
    ///
    /// # Errors
    /// As of [`UnitVectors::new`].
    pub fn from_vectors<V: AsRef<[f32]>>(vectors: &[V]) -> Result<Self> {
        Ok(Self::from_unit_vectors(&UnitVectors::new(vectors)?))
    }

    /// Distances between tracks, row by row: a query's row holds what it finds. They need not be a
    /// metric, nor the same in both directions.
    ///
    /// # Errors
    /// [`Error::WrongCount`] where they are not `tracks` × `tracks`; [`Error::NotFinite`], but for
    /// the diagonal.
    pub fn from_distances(tracks: usize, distances: Vec<f32>) -> Result<Self> {
        if distances.len() != tracks * tracks {
            let (found, expected) = (distances.len(), tracks * tracks);
            return Err(Error::WrongCount { what: "distances", found, expected });
        }
        let mut values = distances;
        for (place, value) in values.iter_mut().enumerate() {
            let itself = place / tracks == place % tracks;
            *value = if itself { 0.0 } else { -*value };
            if !value.is_finite() {
                return Err(Error::NotFinite { what: "a distance" });
            }
        }
        Ok(Self { tracks, values })
    }

    /// The same, where whoever is found pays for it: a penalty a track, such as an index takes from hubs.
    ///
    /// # Errors
    /// [`Error::WrongCount`]; [`Error::NotFinite`].
    pub fn less(mut self, penalties: &[f32]) -> Result<Self> {
        if penalties.len() != self.tracks {
            return Err(Error::WrongCount { what: "penalties", found: penalties.len(), expected: self.tracks });
        }
        if penalties.iter().any(|penalty| !penalty.is_finite()) {
            return Err(Error::NotFinite { what: "a penalty" });
        }
        for row in self.values.chunks_exact_mut(self.tracks.max(1)) {
            row.iter_mut().zip(penalties).for_each(|(value, penalty)| *value -= penalty);
        }
        Ok(self)
    }

    /// Number of tracks.
    pub fn tracks(&self) -> usize {
        self.tracks
    }

    /// How alike a track is to each.
    pub fn row(&self, query: usize) -> &[f32] {
        &self.values[query * self.tracks..][..self.tracks]
    }
}

/// Sums in lanes, which the compiler turns into vector instructions: addition in one order would
/// not allow it.
const LANES: usize = 16;

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (a_lanes, a_rest) = a.as_chunks::<LANES>();
    let (b_lanes, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_lanes.iter().zip(b_lanes) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_by_hand() {
        let similarities = Similarities::from_vectors(&[vec![3.0, 4.0], vec![0.0, 2.0], vec![0.0, 0.0]]).unwrap();
        let expected = [[1.0, 0.8, 0.0], [0.8, 1.0, 0.0], [0.0, 0.0, 0.0]];
        for (query, expected) in expected.iter().enumerate() {
            for (found, expected) in similarities.row(query).iter().zip(expected) {
                assert!((found - expected).abs() < 1e-6, "{found} {expected}");
            }
        }
    }

    #[test]
    fn every_row_is_filled_and_the_table_is_symmetric() {
        // 19 rows end in the middle of a pass, 21 numbers in the middle of the lanes.
        let vectors: Vec<Vec<f32>> =
            (0..19).map(|i| (0..21).map(|j| ((i * 7 + j * 3) as f32).sin()).collect()).collect();
        let unit = UnitVectors::new(&vectors).unwrap();
        let similarities = Similarities::from_unit_vectors(&unit);
        for query in 0..19 {
            assert!((similarities.row(query)[query] - 1.0).abs() < 1e-6);
            assert_eq!(similarities.row(query), unit.cosines_with(unit.row(query)));
            for other in 0..19 {
                let plain: f32 = unit.row(query).iter().zip(unit.row(other)).map(|(a, b)| a * b).sum();
                assert!((similarities.row(query)[other] - plain).abs() < 1e-6);
                assert_eq!(similarities.row(query)[other], similarities.row(other)[query]);
            }
        }
    }

    #[test]
    fn distances_are_negated_and_their_diagonal_is_ignored() {
        let similarities = Similarities::from_distances(2, vec![f32::NAN, 3.0, 4.0, 0.0]).unwrap();
        assert_eq!((similarities.row(0), similarities.row(1)), (&[0.0, -3.0][..], &[-4.0, 0.0][..]));
    }

    #[test]
    fn whoever_is_found_pays() {
        let similarities = Similarities::from_distances(2, vec![0.0, 3.0, 4.0, 0.0]).unwrap();
        let paid = similarities.clone().less(&[1.0, 0.5]).unwrap();
        assert_eq!((paid.row(0)[1], paid.row(1)[0]), (-3.5, -5.0));
        assert!(matches!(similarities.clone().less(&[1.0]), Err(Error::WrongCount { found: 1, expected: 2, .. })));
        assert!(matches!(similarities.less(&[1.0, f32::NAN]), Err(Error::NotFinite { .. })));
    }

    #[test]
    fn what_cannot_be_compared_is_an_error() {
        let uneven = Similarities::from_vectors(&[vec![1.0], vec![1.0, 2.0]]);
        assert!(matches!(uneven, Err(Error::UnevenVectors { expected: 1, found: 2 })));
        assert!(matches!(Similarities::from_vectors(&[[f32::NAN]]), Err(Error::NotFinite { .. })));
        let short = Similarities::from_distances(2, vec![0.0; 3]);
        assert!(matches!(short, Err(Error::WrongCount { found: 3, expected: 4, .. })));
        assert!(matches!(Similarities::from_distances(2, vec![0.0, f32::NAN, 0.0, 0.0]), Err(Error::NotFinite { .. })));
        assert_eq!(Similarities::from_vectors::<[f32; 2]>(&[]).unwrap().tracks(), 0);
    }
}
