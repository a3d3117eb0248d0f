//! Filters in Milvus' words, and what of a track they are about.

use std::path::Path;

use super::collections::{LONGEST_NAME, LONGEST_PATH};
use crate::catalogue::{Bounds, Filter};
use crate::track::TrackId;

/// Years and lengths that are not known: no bounds hold them.
pub(super) const UNKNOWN_YEAR: i64 = -1;
pub(super) const UNKNOWN_SECONDS: f64 = -1.0;

/// A name as it is compared: without regard to the case of ASCII letters.
pub(super) fn key(name: &str) -> String {
    within(&name.to_ascii_lowercase(), LONGEST_NAME).to_owned()
}

/// A path as a collection keeps it.
pub(super) fn stored_path(path: &Path) -> String {
    within(&path.to_string_lossy(), LONGEST_PATH).to_owned()
}

/// As much of a text as so many bytes hold.
fn within(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or_default()]
}

/// Of a filter, what [`expression`] says, and the rest.
pub(super) fn divided(filter: &Filter) -> (Filter, Filter) {
    let names = |names: &[String]| {
        // A track without a name has the empty one here.
        if names.iter().any(String::is_empty) { (Vec::new(), names.to_vec()) } else { (names.to_vec(), Vec::new()) }
    };
    let is_finite = |bounds: &Bounds| [bounds.least, bounds.most].into_iter().flatten().all(f64::is_finite);
    let bounds = |bounds: Bounds| {
        if is_finite(&bounds) { (bounds, Bounds::default()) } else { (Bounds::default(), bounds) }
    };
    let are_prefixes = filter.paths.iter().all(|pattern| prefix(pattern).is_some_and(|prefix| after(prefix).is_some()));
    let (artists, other_artists) = names(&filter.artists);
    let (albums, other_albums) = names(&filter.albums);
    let (genres, other_genres) = names(&filter.genres);
    let (years, other_years) = bounds(filter.years);
    let (seconds, other_seconds) = bounds(filter.seconds);
    let paths = if are_prefixes { filter.paths.clone() } else { Vec::new() };
    let other_paths = if are_prefixes { Vec::new() } else { filter.paths.clone() };
    let heeded = Filter { artists, albums, genres, paths, years, seconds, not_heard_since: None };
    let rest = Filter {
        artists: other_artists,
        albums: other_albums,
        genres: other_genres,
        paths: other_paths,
        years: other_years,
        seconds: other_seconds,
        not_heard_since: filter.not_heard_since,
    };
    (heeded, rest)
}

/// The beginning of paths that a pattern stands for; `None`: it stands for others too.
fn prefix(pattern: &str) -> Option<&str> {
    let prefix = pattern.strip_suffix('*')?;
    (prefix.starts_with('/') && !prefix.contains(['*', '?', '['])).then_some(prefix)
}

/// The first text behind all that begin so; `None`: it cannot be told.
fn after(prefix: &str) -> Option<String> {
    let last = prefix.chars().next_back()?;
    let next = char::from_u32(u32::from(last) + 1)?;
    Some(format!("{}{next}", &prefix[..prefix.len() - last.len_utf8()]))
}

/// What a filter says; empty: nothing.
pub(super) fn expression(filter: &Filter) -> String {
    let one_of = |field: &str, names: &[String]| {
        let names: Vec<String> = names.iter().map(|name| quoted(&key(name))).collect();
        (!names.is_empty()).then(|| format!("{field} in [{}]", names.join(", ")))
    };
    let paths: Vec<String> = filter
        .paths
        .iter()
        .filter_map(|pattern| {
            let prefix = prefix(pattern)?;
            // By `like`, some characters would be wildcards.
            Some(format!("(path >= {} and path < {})", quoted(prefix), quoted(&after(prefix)?)))
        })
        .collect();
    let has_bounds = |bounds: Bounds| bounds.least.is_some() || bounds.most.is_some();
    let years = has_bounds(filter.years).then(|| {
        // Years are whole.
        let (least, most) = (filter.years.least.unwrap_or(0.0).ceil(), filter.years.most.map(f64::floor));
        bounded("year", (least.max(0.0) as i64).to_string(), most.map(|most| (most as i64).to_string()))
    });
    let seconds = has_bounds(filter.seconds).then(|| {
        let least = filter.seconds.least.unwrap_or(0.0).max(0.0);
        bounded("seconds", format!("{least:?}"), filter.seconds.most.map(|most| format!("{most:?}")))
    });
    let conditions = [
        one_of("artist", &filter.artists),
        one_of("album", &filter.albums),
        one_of("genre", &filter.genres),
        (!paths.is_empty()).then(|| format!("({})", paths.join(" or "))),
        years,
        seconds,
    ];
    all_of(conditions.into_iter().flatten())
}

fn bounded(field: &str, least: String, most: Option<String>) -> String {
    let most = most.map(|most| format!("{field} <= {most}"));
    all_of([Some(format!("{field} >= {least}")), most].into_iter().flatten())
}

/// Conditions that all have to hold; empty ones do.
pub(super) fn all_of(conditions: impl IntoIterator<Item = String>) -> String {
    let conditions: Vec<String> = conditions.into_iter().filter(|condition| !condition.is_empty()).collect();
    conditions.join(" and ")
}

/// One of these tracks.
pub(super) fn one_of(tracks: impl Iterator<Item = TrackId>) -> String {
    format!("id in [{}]", tracks.map(|track| track.to_string()).collect::<Vec<_>>().join(","))
}

/// None of these tracks; empty where there are none.
pub(super) fn none_of(tracks: impl Iterator<Item = TrackId>) -> String {
    let numbers: Vec<String> = tracks.map(|track| track.to_string()).collect();
    if numbers.is_empty() { String::new() } else { format!("id not in [{}]", numbers.join(",")) }
}

/// A text as it stands in an expression.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(paths: &[&str]) -> Filter {
        Filter { paths: paths.iter().map(ToString::to_string).collect(), ..Filter::default() }
    }

    #[test]
    fn names_and_bounds_become_an_expression() {
        let filter = Filter {
            artists: vec!["ÄB \"C\"".into(), "d\\e".into()],
            genres: vec!["Rock".into()],
            years: Bounds { least: None, most: Some(1999.5) },
            seconds: Bounds { least: Some(60.0), most: None },
            ..Filter::default()
        };
        assert_eq!(divided(&filter), (filter.clone(), Filter::default()));
        assert_eq!(
            expression(&filter),
            r#"artist in ["Äb \"c\"", "d\\e"] and genre in ["rock"] and year >= 0 and year <= 1999 and seconds >= 60.0"#
        );
        assert_eq!(expression(&Filter::default()), "");
    }

    #[test]
    fn folders_are_ranges_of_paths() {
        let folders = filter(&["/music/a_b%/*", "/music/x*"]);
        assert_eq!(divided(&folders), (folders.clone(), Filter::default()));
        assert_eq!(
            expression(&folders),
            r#"((path >= "/music/a_b%/" and path < "/music/a_b%0") or (path >= "/music/x" and path < "/music/y"))"#
        );
    }

    #[test]
    fn what_cannot_be_said_is_left() {
        for pattern in ["live/*", "*/live/*", "/music/[ab]*", "/music/a?/*", "/music/a", "/music/\u{10ffff}*"] {
            let filter = filter(&[pattern, "/music/*"]);
            assert_eq!(divided(&filter), (Filter::default(), filter.clone()), "{pattern}");
        }
        let unnamed = Filter { artists: vec![String::new()], not_heard_since: Some(7), ..Filter::default() };
        assert_eq!(divided(&unnamed), (Filter::default(), unnamed.clone()));
    }

    #[test]
    fn texts_end_at_a_character() {
        assert_eq!(within("aä", 2), "a");
        assert_eq!(within("aä", 3), "aä");
        assert_eq!(quoted("a\nb"), "\"a\\u000ab\"");
    }
}
