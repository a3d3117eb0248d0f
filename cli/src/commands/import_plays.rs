//! `similar-tracks import-plays`.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::Context;
use index::catalogue::Play;
use index::{Catalogue, Store, TrackId};

use crate::Outcome;
use crate::args::ImportPlaysArguments;
use crate::failure::hinted;
use crate::moment::moment;
use crate::output;
use crate::settings::Settings;

/// A line of a listening log.
#[derive(serde::Deserialize)]
struct Line {
    track: PathBuf,
    time: String,
    #[serde(default)]
    skipped: Option<String>,
}

/// Notes which tracks were heard when; a play that is told again counts once.
pub fn run(settings: &Settings, arguments: &ImportPlaysArguments) -> anyhow::Result<Outcome> {
    let store = Store::open(&settings.store)?;
    // Everything is read before anything is written.
    let mut lines = Vec::new();
    for log in &arguments.logs {
        read_log(log, &mut lines)?;
    }
    let lock = store.lock("similar-tracks import-plays")?;
    let mut catalogue = store.catalogue_to_write(&lock)?;
    let tracks = tracks_of(&catalogue, lines.iter().map(|line| line.track.as_path()))?;
    let (mut plays, mut passed_over) = (Vec::new(), Vec::new());
    for line in &lines {
        match tracks.get(line.track.as_path()).map(Vec::as_slice) {
            Some(&[track]) => plays.push(Play { track, at: line.at, skipped: line.skipped }),
            _ => passed_over.push(line),
        }
    }
    let put = |writer: &index::catalogue::Writer<'_>| {
        plays.iter().try_fold(0, |new, play| Ok(new + usize::from(writer.put_play(*play)?)))
    };
    let new = catalogue.commit(put)?;
    let known = output::count(plays.len() - new, "play");
    let mut text = format!("{} added, {known} already known\n", output::count(new, "play"));
    if let Some(first) = passed_over.first() {
        let is_ambiguous = tracks.get(first.track.as_path()).is_some_and(|tracks| tracks.len() > 1);
        let why = if is_ambiguous { "several tracks end so" } else { "no such track" };
        let (lines, name) = (output::count(passed_over.len(), "line"), first.track.display());
        text.push_str(&format!("{lines} passed over, such as {}: {why}\n", output::one_line(&name.to_string())));
    }
    output::print(&text)?;
    Ok(if plays.is_empty() { Outcome::NothingFound } else { Outcome::Done })
}

/// A play of what a log names.
struct LoggedPlay {
    track: PathBuf,
    at: i64,
    skipped: bool,
}

fn read_log(log: &Path, plays: &mut Vec<LoggedPlay>) -> anyhow::Result<()> {
    let explained = |error: csv::Error| {
        let error = anyhow::Error::from(error).context(log.display().to_string());
        hinted(error, "a log is a CSV file with the columns track and time, and perhaps skipped")
    };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(log).map_err(explained)?;
    for (line, number) in reader.deserialize().zip(2..) {
        let Line { track, time, skipped } = line.map_err(explained)?;
        let place = || format!("{}, line {number}", log.display());
        let at = moment(&time).map_err(anyhow::Error::msg).with_context(place)?;
        let skipped = yes(skipped.as_deref().unwrap_or_default()).with_context(place)?;
        plays.push(LoggedPlay { track, at, skipped });
    }
    Ok(())
}

/// The tracks that each of these may be: by number, path or end of a path.
fn tracks_of<'a>(
    catalogue: &Catalogue,
    names: impl Iterator<Item = &'a Path>,
) -> anyhow::Result<HashMap<&'a Path, Vec<TrackId>>> {
    let (mut tracks, mut ends) = (HashMap::new(), Vec::new());
    for name in names.collect::<HashSet<_>>() {
        let number = name.to_str().and_then(|name| name.parse().ok());
        let record = match number {
            Some(number) => catalogue.get(TrackId(number))?,
            None => catalogue.find_by_path(&std::path::absolute(name)?)?,
        };
        match record {
            Some(record) => _ = tracks.insert(name, vec![record.id]),
            None if number.is_none() => ends.push(name),
            None => {}
        }
    }
    tracks.extend(catalogue.find_by_path_ends(ends)?);
    Ok(tracks)
}

fn yes(text: &str) -> anyhow::Result<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" => Ok(true),
        "" | "0" | "false" | "no" => Ok(false),
        _ => anyhow::bail!("{text:?} in the column skipped is neither yes nor no"),
    }
}
