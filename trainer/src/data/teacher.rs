//! What a teacher says of a track's passages: vectors of another system that a model is to learn.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::passage::Passage;
use super::vector_archive::Matrix;

/// What a teacher says of a run's tracks. A clone shares the vectors.
#[derive(Debug, Clone)]
pub struct Teacher {
    rows: Arc<Rows>,
    /// One a track; `None` where the table has no row of it.
    files: Vec<Option<usize>>,
    /// See [`Teacher::with_track_share`].
    track_share: f64,
    /// Of each track; empty where `track_share` is 0.
    track_means: Arc<[Option<Vec<f32>>]>,
}

impl Teacher {
    pub(super) fn new(rows: Arc<Rows>, files: Vec<Option<usize>>) -> Self {
        Self { rows, files, track_share: 0.0, track_means: Arc::default() }
    }

    /// The same teacher, who judges a passage by its track as well: of what [`Teacher::vector`] says, this share, from
    /// 0 to 1, is the track's mean.
    pub fn with_track_share(self, share: f64) -> Self {
        let tracks = if share > 0.0 { 0..self.files.len() } else { 0..0 };
        let track_means = tracks.map(|track| self.mean(track)).collect();
        Self { track_share: share, track_means, ..self }
    }

    /// Number of tracks without a row.
    pub fn missing(&self) -> usize {
        self.files.iter().filter(|file| file.is_none()).count()
    }

    /// The teacher's name.
    pub fn name(&self) -> &str {
        &self.rows.name
    }

    /// The first 16 hexadecimal digits of the BLAKE3 hash of the archive's bytes, or of several archives' digests.
    pub fn digest(&self) -> &str {
        &self.rows.digest
    }

    /// Numbers in a vector, at least 1.
    pub fn dimension(&self) -> usize {
        self.rows.vectors.columns()
    }

    /// Whether the table has rows of the track.
    pub fn has_heard(&self, track: usize) -> bool {
        self.passages(track).is_some()
    }

    /// All vectors of a track, in the order of its passages; none where the table has no row of it.
    pub fn rows(&self, track: usize) -> impl Iterator<Item = &[f32]> {
        self.passages(track).unwrap_or_default().iter().map(|passage| self.rows.vectors.row(passage.row))
    }

    /// The vector of the `seconds` from `start_seconds` on, of [`Teacher::dimension`] numbers that are
    /// not scaled: the mean of the passages that overlap them, each weighted by the seconds that it does.
    /// Where none does, the nearest passage's. Mixed with the track's mean by
    /// [`Teacher::with_track_share`]. `None` where the table has no row of the track.
    pub fn vector(&self, track: usize, start_seconds: f64, seconds: f64) -> Option<Vec<f32>> {
        let mut vector = self.of_seconds(track, start_seconds, seconds)?;
        if let Some(Some(mean)) = self.track_means.get(track) {
            let share = self.track_share as f32;
            vector.iter_mut().zip(mean).for_each(|(value, mean)| *value += share * (mean - *value));
        }
        Some(vector)
    }

    fn of_seconds(&self, track: usize, start_seconds: f64, seconds: f64) -> Option<Vec<f32>> {
        let passages = self.passages(track)?;
        let until = start_seconds + seconds;
        // They follow each other without a gap: the last that has begun is the first to overlap.
        let first = passages.partition_point(|passage| passage.start_seconds <= start_seconds).saturating_sub(1);
        let nearest = passages.get(first)?;
        if passages.len() == 1 {
            return Some(self.rows.vectors.row(nearest.row).to_vec());
        }
        let overlap = |passage: &Passage| passage.end_seconds.min(until) - passage.start_seconds.max(start_seconds);
        let weighted = passages[first..]
            .iter()
            .take_while(|passage| passage.start_seconds < until)
            .map(|passage| (passage.row, overlap(passage)))
            .filter(|(_, seconds)| *seconds > 0.0);
        self.rows.mean(weighted).or_else(|| Some(self.rows.vectors.row(nearest.row).to_vec()))
    }

    /// The mean over the track's rows, of [`Teacher::dimension`] numbers that are not scaled. `None`
    /// where the table has no row of the track.
    pub fn mean(&self, track: usize) -> Option<Vec<f32>> {
        self.rows.mean(self.passages(track)?.iter().map(|passage| (passage.row, 1.0)))
    }

    fn passages(&self, track: usize) -> Option<&[Passage]> {
        let file = (*self.files.get(track)?)?;
        self.rows.passages.get(self.rows.of_file.get(file)?.clone())
    }
}

/// The vectors, and the passages that they are of.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) name: String,
    pub(super) digest: String,
    pub(super) vectors: Matrix,
    /// Each file once.
    pub(super) files: Vec<PathBuf>,
    /// File by file, each file's in the order in which they are heard.
    pub(super) passages: Vec<Passage>,
    /// Of `passages`, those of each file: at least one.
    pub(super) of_file: Vec<Range<usize>>,
}

impl Rows {
    /// The mean of rows with weights; `None` where there are none.
    fn mean(&self, weighted: impl Iterator<Item = (usize, f64)>) -> Option<Vec<f32>> {
        let mut sum = vec![0.0_f64; self.vectors.columns()];
        let mut total = 0.0;
        for (row, weight) in weighted {
            sum.iter_mut().zip(self.vectors.row(row)).for_each(|(sum, value)| *sum += weight * f64::from(*value));
            total += weight;
        }
        (total > 0.0).then(|| sum.into_iter().map(|sum| (sum / total) as f32).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::teacher_table::example::{paths, table};

    /// `a` at 0, 3 and 7 seconds, not sorted, with `b` in between, which begins at 5 seconds.
    fn of_passages() -> Teacher {
        let table = table(&["m/a", "m/b", "m/a", "m/a"]).starts(&[7.0, 5.0, 0.0, 3.0]);
        let table = table.pairs(&[0.0, 8.0, 5.0, 5.0, 4.0, 0.0, 0.0, 4.0]).teacher_table().unwrap();
        table.of(&paths(&["/new/m/b", "/new/m/none", "/new/m/a"]))
    }

    #[test]
    fn passages_count_by_the_seconds_that_they_overlap() {
        let teacher = of_passages();
        let a = |start, seconds| teacher.vector(2, start, seconds).unwrap();
        assert_eq!(a(0.0, 3.0), [4.0, 0.0]);
        assert_eq!(a(3.5, 2.0), [0.0, 4.0]);
        // One second of [4, 0] and three of [0, 4].
        assert_eq!(a(2.0, 4.0), [1.0, 3.0]);
        // One second of [4, 0], four of [0, 4] and three of [0, 8].
        assert_eq!(a(2.0, 8.0), [0.5, 5.0]);
        // The last passage is as long as the one before it, until 11: one second of [0, 4], four of [0, 8].
        assert_eq!(a(6.0, 90.0), [0.0, 7.2]);
    }

    #[test]
    fn the_nearest_passage_speaks_where_none_overlaps() {
        let teacher = of_passages();
        assert_eq!(teacher.vector(2, 11.0, 5.0).unwrap(), [0.0, 8.0]);
        assert_eq!(teacher.vector(2, 400.0, 5.0).unwrap(), [0.0, 8.0]);
        assert_eq!(teacher.vector(2, 4.0, 0.0).unwrap(), [0.0, 4.0]);
        // Alone, from 5 seconds until the end.
        assert_eq!(teacher.vector(0, 100.0, f64::INFINITY).unwrap(), [5.0, 5.0]);
        assert_eq!(teacher.vector(0, 0.0, 1.0).unwrap(), [5.0, 5.0]);
        // Before the first of several.
        let table = table(&["a", "a"]).starts(&[4.0, 2.0]).pairs(&[1.0, 0.0, 0.0, 1.0]).teacher_table().unwrap();
        let teacher = table.of(&paths(&["a"]));
        assert_eq!(teacher.vector(0, 0.0, 1.0).unwrap(), [0.0, 1.0]);
        // Two seconds of each: what lies before the first counts for none.
        assert_eq!(teacher.vector(0, 0.0, 6.0).unwrap(), [0.5, 0.5]);
    }

    #[test]
    fn a_mean_counts_every_row_once_and_missing_tracks_have_none() {
        let teacher = of_passages();
        assert_eq!(teacher.missing(), 1);
        assert_eq!(teacher.mean(2).unwrap(), [4.0 / 3.0, 4.0]);
        assert_eq!(teacher.mean(0).unwrap(), [5.0, 5.0]);
        assert_eq!((teacher.mean(1), teacher.vector(1, 0.0, 3.0)), (None, None));
        assert_eq!((teacher.mean(3), teacher.vector(3, 0.0, 3.0)), (None, None));
    }

    #[test]
    fn a_track_has_its_share_in_a_passage() {
        let teacher = of_passages();
        let (mean, passage) = (teacher.mean(2).unwrap(), teacher.vector(2, 0.0, 3.0).unwrap());
        let of_both = |share| teacher.clone().with_track_share(share).vector(2, 0.0, 3.0).unwrap();
        assert_eq!(of_both(0.0), passage);
        // Three quarters of [4, 0], a quarter of [4/3, 4].
        assert!(of_both(0.25).iter().zip([10.0 / 3.0, 1.0]).all(|(value, expected)| (value - expected).abs() < 1e-6));
        assert!(of_both(1.0).iter().zip(&mean).all(|(value, mean)| (value - mean).abs() < 1e-6));
        assert_eq!(teacher.with_track_share(0.5).vector(1, 0.0, 3.0), None);
    }
}
