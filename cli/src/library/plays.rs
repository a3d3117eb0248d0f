//! Listening logs.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::failure::hinted;
use crate::moment::moment;

/// A play of what a log names.
#[derive(Debug)]
pub struct LoggedPlay {
    /// The track: a number, a path or the end of one.
    pub track: PathBuf,
    /// Seconds since 1970.
    pub at: i64,
    /// Whether it was not heard to its end.
    pub skipped: bool,
}

/// A line of a log.
#[derive(serde::Deserialize)]
struct Line {
    track: PathBuf,
    time: String,
    #[serde(default)]
    skipped: Option<String>,
}

/// All plays of a log.
///
/// # Errors
/// Where the file cannot be read, or with the line that is wrong.
pub fn read_log(log: &Path) -> anyhow::Result<Vec<LoggedPlay>> {
    let explained = |error: csv::Error| {
        let error = anyhow::Error::from(error).context(log.display().to_string());
        hinted(error, "a log is a CSV file with the columns track and time, and perhaps skipped")
    };
    let mut plays = Vec::new();
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(log).map_err(explained)?;
    for (line, number) in reader.deserialize().zip(2..) {
        let Line { track, time, skipped } = line.map_err(explained)?;
        let place = || format!("{}, line {number}", log.display());
        let at = moment(&time).map_err(anyhow::Error::msg).with_context(place)?;
        let skipped = yes(skipped.as_deref().unwrap_or_default()).with_context(place)?;
        plays.push(LoggedPlay { track, at, skipped });
    }
    Ok(plays)
}

fn yes(text: &str) -> anyhow::Result<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" => Ok(true),
        "" | "0" | "false" | "no" => Ok(false),
        _ => anyhow::bail!("{text:?} in the column skipped is neither yes nor no"),
    }
}
