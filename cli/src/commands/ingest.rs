//! `similar-tracks ingest`.

use audio_frontend::formats::audio_extensions;
use index::Store;

use crate::Outcome;
use crate::args::IngestArguments;
use crate::failure::hinted;
use crate::library::playlists::Playlists;
use crate::library::update::{Summary, update};
use crate::library::walk::walk;
use crate::output;
use crate::settings::Settings;

/// Failed files listed in the summary; `status --failed` lists all.
const FAILURES_SHOWN: usize = 10;

/// Brings the store up to date with folders.
pub fn run(settings: &Settings, arguments: &IngestArguments) -> anyhow::Result<Outcome> {
    // What is wrong in it is told before hours of work.
    let playlists = Playlists::read(&settings.store)?;
    let found = walk(&arguments.paths)?;
    if found.files.is_empty() && found.unreadable.is_empty() {
        let roots: Vec<_> = arguments.paths.iter().map(|path| path.display().to_string()).collect();
        return Err(hinted(
            anyhow::anyhow!("no audio files in {}", roots.join(", ")),
            format!("looked for names ending in {}", audio_extensions().collect::<Vec<_>>().join(", ")),
        ));
    }
    let store = Store::create(&settings.store)?;
    let lock = store.lock("similar-tracks ingest")?;
    let summary = update(settings, arguments, &found, &store, &lock, &playlists)?;
    if arguments.json {
        output::print_json(&summary)?;
    } else {
        output::print(&text_of(&summary, arguments.prune))?;
    }
    let failed = summary.failed + summary.failed_before;
    if arguments.strict && failed > 0 {
        anyhow::bail!("{} could not be used (--strict)", output::count(failed, "file"));
    }
    Ok(Outcome::Done)
}

fn text_of(summary: &Summary, prune: bool) -> String {
    let mut text = format!(
        "{} added, {} changed, {} unchanged, {} moved, {} failed\n",
        summary.added, summary.changed, summary.unchanged, summary.moved, summary.failed
    );
    if summary.silent > 0 {
        text.push_str(&format!("{} silent: never an answer\n", output::count(summary.silent, "file")));
    }
    for failure in summary.failures.iter().take(FAILURES_SHOWN) {
        text.push_str(&format!("  failed: {}: {}\n", output::one_line(&failure.path), failure.reason));
    }
    if summary.failures.len() > FAILURES_SHOWN {
        let more = summary.failures.len() - FAILURES_SHOWN;
        text.push_str(&format!("  and {more} more: similar-tracks status --failed\n"));
    }
    if summary.failed_before > 0 {
        let files = output::count(summary.failed_before, "file");
        text.push_str(&format!("{files} failed before and did not change (--retry-failed tries again)\n"));
    }
    if summary.copies > 0 {
        let pairs = output::count(summary.copies, "pair");
        text.push_str(&format!("{pairs} of copies found: queries list a recording once (`duplicates` lists all)\n"));
    }
    if prune && summary.pruned > 0 {
        text.push_str(&format!("{} forgotten: the files are gone\n", output::count(summary.pruned, "track")));
    }
    if summary.missing > 0 {
        let tracks = output::count(summary.missing, "track");
        text.push_str(&format!("{tracks} kept whose files are gone (--prune forgets them)\n"));
    }
    if let Some(playlists) = summary.playlists.to_text() {
        text.push_str(&format!("{playlists}\n"));
    }
    if summary.music_seconds > 0.0 {
        text.push_str(&format!(
            "{} of music in {}: {:.0} × real time\n",
            output::clock(summary.music_seconds),
            output::clock(summary.seconds),
            summary.music_seconds / summary.seconds.max(1e-3)
        ));
    }
    text
}
