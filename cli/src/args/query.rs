//! What can be asked.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use index::catalogue::{Bounds, Filter};

use crate::moment::moment_or_ago;

#[derive(Debug, Args)]
pub struct QueryArguments {
    /// Audio files, track ids or paths in the library; several are blended into one query
    #[arg(required = true, value_name = "FILE|TRACK-ID|PATH")]
    pub tracks: Vec<PathBuf>,
    /// What each of them counts in the blend, in their order [default: all the same]
    #[arg(long, value_name = "W,…", value_delimiter = ',', value_parser = weight)]
    pub weights: Vec<f32>,
    /// A track that the answers are not to be like; may be given again
    #[arg(long, value_name = "FILE|TRACK-ID|PATH")]
    pub unlike: Vec<PathBuf>,
    /// What each of those counts, where a track counts 1
    #[arg(long, value_name = "W", default_value_t = 0.5, value_parser = weight, requires = "unlike")]
    pub unlike_weight: f32,
    /// Ask with a part of the track: 60-90 or 1:00-1:30
    #[arg(long, value_name = "FROM-TO", value_parser = part)]
    pub part: Option<Part>,
    /// Tell which passages of the track and of each answer resemble each other most
    #[arg(long)]
    pub explain: bool,
    /// Number of tracks to list
    #[arg(short = 'k', long = "count", value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub count: u32,
    /// Tracks of one artist at most
    #[arg(long, value_name = "N")]
    pub per_artist: Option<NonZeroUsize>,
    /// Tracks of one album at most
    #[arg(long, value_name = "N")]
    pub per_album: Option<NonZeroUsize>,
    /// The least similarity, from -1 to 1
    #[arg(long, value_name = "S", allow_hyphen_values = true, value_parser = similarity)]
    pub min_similarity: Option<f32>,
    /// List every copy of a recording; else the nearest stands for all of them
    #[arg(long)]
    pub copies: bool,
    /// Shape of the output
    #[arg(long, value_enum, default_value_t = QueryFormat::Table)]
    pub format: QueryFormat,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// Model to embed the query with; must be the store's [default: the store's]
    #[arg(long, value_name = "MODEL")]
    pub model: Option<PathBuf>,
    #[command(flatten)]
    pub filter: FilterArguments,
}

/// Which tracks may be an answer.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which tracks may be listed (all that is given has to hold)")]
pub struct FilterArguments {
    /// Of this artist, whatever the case of ASCII letters; given again: or of that one
    #[arg(long, value_name = "NAME")]
    pub artist: Vec<String>,
    /// Of this album
    #[arg(long, value_name = "NAME")]
    pub album: Vec<String>,
    /// With this genre tag
    #[arg(long, value_name = "NAME")]
    pub genre: Vec<String>,
    /// Whose path matches a pattern: `*` any text, slashes too, `?` a character, `[…]` one of these; without a
    /// slash or `*` in front it may begin after any slash
    #[arg(long, value_name = "GLOB")]
    pub path: Vec<String>,
    /// Of these years: 1994, 1990..1999, ..1969, 2000..
    #[arg(long, value_name = "A..B", value_parser = years)]
    pub year: Option<Bounds>,
    /// So long: 2:00..5:00, ..4:30, 90..
    #[arg(long, value_name = "A..B", value_parser = durations)]
    pub duration: Option<Bounds>,
    /// Not heard since, as far as `import-plays` was told: 2026-11-24, 30d, 6 weeks
    #[arg(long, value_name = "TIME", value_parser = moment_or_ago)]
    pub not_heard_since: Option<i64>,
}

impl FilterArguments {
    /// As the catalogue takes it.
    pub fn to_filter(&self) -> Filter {
        Filter {
            artists: self.artist.clone(),
            albums: self.album.clone(),
            genres: self.genre.clone(),
            paths: self.path.clone(),
            years: self.year.unwrap_or_default(),
            seconds: self.duration.unwrap_or_default(),
            not_heard_since: self.not_heard_since,
        }
    }
}

/// A part of a track.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// Where it begins.
    pub from_seconds: f64,
    /// Where it ends.
    pub to_seconds: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum QueryFormat {
    /// A table for people
    Table,
    /// An array of objects
    Json,
    /// One path a line
    Paths,
    /// A playlist for nearly every player
    M3u8,
    /// A playlist in XML
    Xspf,
    /// The same in JSON
    Jspf,
}

fn weight(text: &str) -> Result<f32, String> {
    let weight: f32 = text.parse().map_err(|_| "not a number".to_owned())?;
    if weight > 0.0 && weight <= 1000.0 { Ok(weight) } else { Err("must be above 0 and at most 1000".into()) }
}

pub(super) fn similarity(text: &str) -> Result<f32, String> {
    let similarity: f32 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (-1.0..=1.0).contains(&similarity) { Ok(similarity) } else { Err("must be in -1..=1".into()) }
}

/// Years from the one to the other.
pub fn years(text: &str) -> Result<Bounds, String> {
    bounds(text, |year| year.parse::<u16>().map(f64::from).map_err(|_| format!("{year:?} is no year")))
}

/// Lengths in seconds from the one to the other.
pub fn durations(text: &str) -> Result<Bounds, String> {
    bounds(text, seconds)
}

/// Seconds, or minutes:seconds.
fn seconds(text: &str) -> Result<f64, String> {
    let parts: Option<Vec<u32>> = text.split(':').map(|part| part.parse().ok()).collect();
    match parts.as_deref() {
        Some(&[seconds]) => Ok(f64::from(seconds)),
        Some(&[minutes, seconds]) if seconds < 60 => Ok(60.0 * f64::from(minutes) + f64::from(seconds)),
        _ => Err(format!("{text:?} is neither seconds nor minutes:seconds")),
    }
}

fn part(text: &str) -> Result<Part, String> {
    let (from, to) = text.split_once('-').ok_or("a part is FROM-TO")?;
    let part = Part { from_seconds: seconds(from)?, to_seconds: seconds(to)? };
    if part.from_seconds < part.to_seconds { Ok(part) } else { Err("it ends before it begins".into()) }
}

/// `A..B`, `A..`, `..B`, or one value.
fn bounds(text: &str, parse: impl Fn(&str) -> Result<f64, String>) -> Result<Bounds, String> {
    let bound = |text: &str| if text.is_empty() { Ok(None) } else { parse(text).map(Some) };
    let (least, most) = match text.split_once("..") {
        Some((least, most)) => (bound(least)?, bound(most)?),
        None => (bound(text)?, bound(text)?),
    };
    match (least, most) {
        (None, None) => Err("gives no bound".into()),
        (Some(least), Some(most)) if least > most => Err("the first bound is above the second".into()),
        _ => Ok(Bounds { least, most }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_read() {
        let is = |found: Result<Bounds, String>, least, most| assert_eq!(found, Ok(Bounds { least, most }));
        is(years("1990..1999"), Some(1990.0), Some(1999.0));
        is(years("1994"), Some(1994.0), Some(1994.0));
        is(years("..1969"), None, Some(1969.0));
        is(durations("2:05..300"), Some(125.0), Some(300.0));
        is(durations("90.."), Some(90.0), None);
        for wrong in ["", "..", "5..4", "x..4", "1:60", "1:2:3"] {
            assert!(durations(wrong).is_err(), "{wrong}");
        }
        assert_eq!(part("60-1:30"), Ok(Part { from_seconds: 60.0, to_seconds: 90.0 }));
        assert!(part("90-60").is_err() && part("90").is_err());
    }
}
