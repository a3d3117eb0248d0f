//! The parts of tracks that a teacher's rows are of.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::teacher_table::STARTS;
use super::vector_archive::{FILES, Reason};

/// A part of a track with a vector.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Passage {
    /// Row of its vector.
    pub row: usize,
    pub start_seconds: f64,
    /// Infinite where it lasts until the track ends.
    pub end_seconds: f64,
}

/// One start a row, each at 0 or later.
pub(super) fn check_starts(starts: &[f64], files: &[PathBuf]) -> Reason<()> {
    if starts.len() != files.len() {
        return Err(format!("{} numbers, but {} belong to {FILES}", starts.len(), files.len()));
    }
    match starts.iter().zip(files).find(|(start, _)| !start.is_finite() || **start < 0.0) {
        Some((start, file)) => Err(format!("a passage of {} begins at {start} s", file.display())),
        None => Ok(()),
    }
}

/// Each file once, in the order in which they come, and the rows of each.
pub(super) fn distinct_files(files: &[PathBuf]) -> (Vec<PathBuf>, Vec<Vec<usize>>) {
    let mut numbers: HashMap<&Path, usize> = HashMap::new();
    let (mut distinct, mut rows_of_file) = (Vec::new(), Vec::<Vec<usize>>::new());
    for (row, file) in files.iter().enumerate() {
        let number = *numbers.entry(file).or_insert(distinct.len());
        if number == distinct.len() {
            distinct.push(file.clone());
            rows_of_file.push(Vec::new());
        }
        rows_of_file[number].push(row);
    }
    (distinct, rows_of_file)
}

/// Rows that have no start: one passage a file.
pub(super) fn whole_files(files: &[PathBuf], rows_of_file: Vec<Vec<usize>>) -> Reason<Vec<Vec<Passage>>> {
    let whole = |(file, rows): (&PathBuf, Vec<usize>)| match rows.as_slice() {
        &[row] => Ok(vec![Passage { row, start_seconds: 0.0, end_seconds: f64::INFINITY }]),
        _ => Err(format!("{} stands there twice, but there is no array {STARTS}", file.display())),
    };
    files.iter().zip(rows_of_file).map(whole).collect()
}

/// Rows that have a start: each file's passages, sorted.
pub(super) fn passages(starts: &[f64], files: &[PathBuf], rows_of_file: Vec<Vec<usize>>) -> Reason<Vec<Vec<Passage>>> {
    let sorted = |(file, mut rows): (&PathBuf, Vec<usize>)| {
        rows.sort_by(|a, b| starts[*a].total_cmp(&starts[*b]));
        if let Some(pair) = rows.windows(2).find(|pair| starts[pair[0]] == starts[pair[1]]) {
            return Err(format!("two passages of {} begin at {} s", file.display(), starts[pair[0]]));
        }
        let last_seconds = match rows.as_slice() {
            [.., before, last] => starts[*last] - starts[*before],
            _ => f64::INFINITY,
        };
        let passage = |(place, row): (usize, &usize)| {
            let start_seconds = starts[*row];
            let end_seconds = rows.get(place + 1).map_or(start_seconds + last_seconds, |next| starts[*next]);
            Passage { row: *row, start_seconds, end_seconds }
        };
        Ok(rows.iter().enumerate().map(passage).collect())
    };
    files.iter().zip(rows_of_file).map(sorted).collect()
}
