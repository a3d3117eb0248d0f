//! `similar-tracks duplicates`.

use index::{Catalogue, Store, TrackRecord};

use crate::Outcome;
use crate::args::DuplicatesArguments;
use crate::output;
use crate::playlist::artist_of;
use crate::progress::Progress;
use crate::settings::Settings;

/// Lists the recordings that the library holds several times.
pub fn run(settings: &Settings, arguments: &DuplicatesArguments) -> anyhow::Result<Outcome> {
    let store = Store::open(&settings.store)?;
    let catalogue = store.catalogue()?;
    let recordings = recordings(&catalogue)?;
    let unsought = match catalogue.serving_model()? {
        Some(model_id) => catalogue.tracks_without_search_for_copies(&model_id)?.len(),
        None => 0,
    };
    if unsought > 0 {
        let tracks = output::count(unsought, "track");
        let warning = format!("warning: copies of {tracks} have not been looked for yet: the next ingest does");
        Progress::new(settings, "", 0).println(&warning);
    }
    if arguments.json {
        let objects = recordings.iter().map(|copies| copies.iter().map(to_json).collect::<Vec<_>>());
        output::print_json(&objects.collect::<Vec<_>>())?;
    } else if !recordings.is_empty() {
        output::print(&to_text(&recordings))?;
    }
    Ok(if recordings.is_empty() { output::nothing("no recording is there twice") } else { Outcome::Done })
}

fn recordings(catalogue: &Catalogue) -> index::Result<Vec<Vec<TrackRecord>>> {
    let records = |tracks: Vec<_>| tracks.into_iter().filter_map(|track| catalogue.get(track).transpose()).collect();
    catalogue.recordings_with_copies()?.into_iter().map(records).collect()
}

fn to_json(record: &TrackRecord) -> serde_json::Value {
    let file = &record.file;
    serde_json::json!({
        "track": record.id,
        "path": file.path.to_string_lossy(),
        "artist": file.artist,
        "title": file.title,
        "album": file.album,
        "duration_seconds": file.duration_seconds,
        "size_bytes": file.stamp.size_bytes,
    })
}

fn to_text(recordings: &[Vec<TrackRecord>]) -> String {
    let mut text = String::new();
    for copies in recordings {
        if let Some(first) = copies.first() {
            text.push_str(&output::one_line(&format!("{} – {}", artist_of(first), first.title())));
            text.push('\n');
        }
        for record in copies {
            let mebibytes = record.file.stamp.size_bytes as f64 / f64::from(1 << 20);
            let path = output::one_line(&record.file.path.display().to_string());
            text.push_str(&format!("  {:>6}  {mebibytes:6.1} MiB  {path}\n", record.id.0));
        }
    }
    let files = recordings.iter().map(Vec::len).sum::<usize>();
    let recordings = output::count(recordings.len(), "recording");
    text.push_str(&format!("{recordings} in {files} files\n"));
    text
}
