//! `similar-tracks import-plays`.

use index::Store;
use index::catalogue::Play;

use crate::Outcome;
use crate::args::ImportPlaysArguments;
use crate::library::naming::tracks_of;
use crate::library::plays::read_log;
use crate::output;
use crate::settings::Settings;

/// Notes which tracks were heard when; a play that is told again counts once.
pub fn run(settings: &Settings, arguments: &ImportPlaysArguments) -> anyhow::Result<Outcome> {
    let store = Store::open(&settings.store)?;
    // Everything is read before anything is written.
    let mut lines = Vec::new();
    for log in &arguments.logs {
        lines.extend(read_log(log)?);
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
