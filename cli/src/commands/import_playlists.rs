//! `similar-tracks import-playlists`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use index::{Store, TrackId};

use crate::Outcome;
use crate::args::ImportPlaylistsArguments;
use crate::library::naming::tracks_of;
use crate::output;
use crate::settings::Settings;

/// Notes which tracks of the library stand together in playlists.
pub fn run(settings: &Settings, arguments: &ImportPlaylistsArguments) -> anyhow::Result<Outcome> {
    let store = Store::open(&settings.store)?;
    // Everything is read before anything is written.
    let mut playlists: Vec<(PathBuf, Vec<PathBuf>)> = Vec::new();
    for path in &arguments.playlists {
        let canonical = path.canonicalize().with_context(|| path.display().to_string())?;
        let entries = entries_of(&canonical)?;
        playlists.push((canonical, entries));
    }
    let mut catalogue = store.catalogue_to_note()?;
    let names = playlists.iter().flat_map(|(_, entries)| entries).map(PathBuf::as_path);
    let tracks = tracks_of(&catalogue, names)?;
    let (mut known, mut unknown) = (0, Vec::new());
    let mut found: Vec<(&Path, Vec<TrackId>)> = Vec::new();
    for (path, entries) in &playlists {
        let mut of_playlist = Vec::new();
        for entry in entries {
            match tracks.get(entry.as_path()).map(Vec::as_slice) {
                Some(&[track]) => of_playlist.push(track),
                _ => unknown.push(entry),
            }
        }
        known += of_playlist.len();
        found.push((path, of_playlist));
    }
    catalogue.commit(|writer| found.iter().try_for_each(|(path, tracks)| writer.put_playlist(path, tracks)))?;
    let (lists, tracks) = (output::count(found.len(), "playlist"), output::count(known, "track"));
    let mut text = format!("{lists} with {tracks} of the library\n");
    if let Some(first) = unknown.first() {
        let name = output::one_line(&first.display().to_string());
        text.push_str(&format!("{} passed over, such as {name}\n", output::count(unknown.len(), "other entry")));
    }
    output::print(&text)?;
    Ok(if known == 0 { Outcome::NothingFound } else { Outcome::Done })
}

/// The files that a playlist names, relative ones from its folder; addresses on a network are none.
fn entries_of(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    // M3U is in whatever encoding; what is not UTF-8 is found by the end of its path, if at all.
    let text = String::from_utf8_lossy(&bytes);
    let folder = path.parent().unwrap_or(path);
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    let files = lines.filter(|line| !line.is_empty() && !line.starts_with('#') && !line.contains("://"));
    let entry = |line: &str| {
        let entry = folder.join(line.replace('\\', "/"));
        // Without `..`, as the catalogue names it; what is not there is found by the end of its path.
        entry.canonicalize().unwrap_or_else(|_| PathBuf::from(line))
    };
    Ok(files.map(entry).collect())
}
