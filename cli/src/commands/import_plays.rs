//! `similar-tracks import-plays`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use index::catalogue::Play;
use index::{Catalogue, Store};

use crate::Outcome;
use crate::args::ImportPlaysArguments;
use crate::failure::hinted;
use crate::library::query_vector::Resolver;
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
    let lock = store.lock("similar-tracks import-plays")?;
    let mut catalogue = store.catalogue_to_write(&lock)?;
    let (mut plays, mut unknown) = (Vec::new(), Vec::new());
    for log in &arguments.logs {
        read_log(log, &store, &catalogue, &mut plays, &mut unknown)?;
    }
    let put = |writer: &index::catalogue::Writer<'_>| {
        plays.iter().try_fold(0, |new, play| Ok(new + usize::from(writer.put_play(*play)?)))
    };
    let new = catalogue.commit(put)?;
    let known = output::count(plays.len() - new, "play");
    let mut text = format!("{} added, {known} already known\n", output::count(new, "play"));
    if let Some(first) = unknown.first() {
        let lines = output::count(unknown.len(), "line");
        text.push_str(&format!("{lines} passed over, of tracks that the library does not hold, such as {first}\n"));
    }
    output::print(&text)?;
    Ok(if plays.is_empty() { Outcome::NothingFound } else { Outcome::Done })
}

/// Everything is read before anything is written.
fn read_log(
    log: &Path,
    store: &Store,
    catalogue: &Catalogue,
    plays: &mut Vec<Play>,
    unknown: &mut Vec<String>,
) -> anyhow::Result<()> {
    let explained = |error: csv::Error| {
        let error = anyhow::Error::from(error).context(log.display().to_string());
        hinted(error, "a log is a CSV file with the columns track and time, and perhaps skipped")
    };
    let resolver = Resolver::new(store, catalogue, "");
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(log).map_err(explained)?;
    for (line, number) in reader.deserialize().zip(2..) {
        let Line { track, time, skipped } = line.map_err(explained)?;
        let place = || format!("{}, line {number}", log.display());
        let at = moment(&time).map_err(anyhow::Error::msg).with_context(place)?;
        let skipped = yes(skipped.as_deref().unwrap_or_default()).with_context(place)?;
        match resolver.record(&track) {
            Ok(record) => plays.push(Play { track: record.id, at, skipped }),
            Err(_) => unknown.push(track.display().to_string()),
        }
    }
    Ok(())
}

fn yes(text: &str) -> anyhow::Result<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" => Ok(true),
        "" | "0" | "false" | "no" => Ok(false),
        _ => anyhow::bail!("{text:?} in the column skipped is neither yes nor no"),
    }
}
