//! Which tracks may be an answer, and how many.

use std::collections::HashSet;

use index::catalogue::{Bounds, Filter};
use index::{Selection, TrackId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::problem::Problem;

/// Tracks of one answer at most.
pub(crate) const MOST_ANSWERS: usize = 1000;

/// Values of one filter at most, so that no statement becomes too long.
const MOST_VALUES: usize = 100;

/// Patterns of paths at most, each of which is held against every track.
const MOST_PATTERNS: usize = 10;

/// Bytes of a value at most: a pattern of many sets takes its time.
const MOST_BYTES: usize = 500;

/// What tracks have to be: all that is given, of several names one.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct Wanted {
    /// Artists, whatever the case of ASCII letters.
    #[schema(max_items = 100)]
    #[param(max_items = 100)]
    pub artist: Vec<String>,
    /// Albums.
    #[schema(max_items = 100)]
    #[param(max_items = 100)]
    pub album: Vec<String>,
    /// Genre tags.
    #[schema(max_items = 100)]
    #[param(max_items = 100)]
    pub genre: Vec<String>,
    /// Patterns of paths: `*` any text, slashes too, `?` a character, `[…]` one of these.
    #[schema(max_items = 10)]
    #[param(max_items = 10)]
    pub path: Vec<String>,
    /// The earliest year.
    #[schema(maximum = 65535, nullable = false)]
    #[param(maximum = 65535)]
    pub year_from: Option<u16>,
    /// The latest year.
    #[schema(maximum = 65535, nullable = false)]
    #[param(maximum = 65535)]
    pub year_to: Option<u16>,
    /// The least length in seconds.
    #[schema(minimum = 0, nullable = false)]
    #[param(minimum = 0)]
    pub seconds_from: Option<f64>,
    /// The most.
    #[schema(minimum = 0, nullable = false)]
    #[param(minimum = 0)]
    pub seconds_to: Option<f64>,
    /// Tracks of one artist at most.
    #[schema(minimum = 1, maximum = 1000, nullable = false)]
    #[param(minimum = 1, maximum = 1000)]
    pub per_artist: Option<u32>,
    /// Tracks of one album at most.
    #[schema(minimum = 1, maximum = 1000, nullable = false)]
    #[param(minimum = 1, maximum = 1000)]
    pub per_album: Option<u32>,
    /// The least similarity.
    #[schema(minimum = -1, maximum = 1, nullable = false)]
    #[param(minimum = -1, maximum = 1)]
    pub min_similarity: Option<f32>,
    /// Whether every copy of a recording is an answer; else the nearest stands for all of them.
    pub copies: bool,
}

impl Wanted {
    /// As the catalogue takes it.
    ///
    /// # Errors
    /// Where something is out of range.
    pub fn filter(&self) -> Result<Filter, Problem> {
        let lists = [&self.artist, &self.album, &self.genre, &self.path];
        if lists.iter().any(|values| values.len() > MOST_VALUES) || self.path.len() > MOST_PATTERNS {
            let detail = format!("a filter takes {MOST_VALUES} values at most, {MOST_PATTERNS} of them of paths");
            return Err(Problem::bad_request(detail));
        }
        if lists.into_iter().flatten().any(|value| value.len() > MOST_BYTES) {
            return Err(Problem::bad_request(format!("a value of a filter has {MOST_BYTES} bytes at most")));
        }
        let seconds = [self.seconds_from, self.seconds_to];
        if seconds.iter().flatten().any(|seconds| !(0.0..=f64::MAX).contains(seconds)) {
            return Err(Problem::bad_request("seconds_from and seconds_to must be at least 0"));
        }
        Ok(Filter {
            artists: self.artist.clone(),
            albums: self.album.clone(),
            genres: self.genre.clone(),
            paths: self.path.clone(),
            years: Bounds { least: self.year_from.map(f64::from), most: self.year_to.map(f64::from) },
            seconds: Bounds { least: self.seconds_from, most: self.seconds_to },
            not_heard_since: None,
        })
    }

    /// What an answer of `count` tracks is to be, without those of `excluded`.
    ///
    /// # Errors
    /// Where something is out of range.
    pub fn selection(&self, count: usize, excluded: HashSet<TrackId>) -> Result<Selection, Problem> {
        if [self.per_artist, self.per_album].iter().flatten().any(|&most| checked_count(most as usize).is_err()) {
            return Err(Problem::bad_request(format!("per_artist and per_album must be in 1..={MOST_ANSWERS}")));
        }
        if self.min_similarity.is_some_and(|least| !(-1.0..=1.0).contains(&least)) {
            return Err(Problem::bad_request("min_similarity must be in -1..=1"));
        }
        Ok(Selection {
            count: checked_count(count)?,
            excluded,
            min_similarity: self.min_similarity,
            per_artist: self.per_artist.map(|most| most as usize),
            per_album: self.per_album.map(|most| most as usize),
            lists_copies: self.copies,
        })
    }
}

/// A number of answers that one may ask for.
///
/// # Errors
/// Where it is out of range.
pub(crate) fn checked_count(count: usize) -> Result<usize, Problem> {
    match count {
        1..=MOST_ANSWERS => Ok(count),
        _ => Err(Problem::bad_request(format!("count must be in 1..={MOST_ANSWERS}"))),
    }
}
