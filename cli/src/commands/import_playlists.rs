//! `similar-tracks import-playlists`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use index::{Store, TrackId};

use crate::Outcome;
use crate::args::ImportPlaylistsArguments;
use crate::library::naming::tracks_of;
use crate::output;
use crate::playlist::path_of;
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
    Ok(lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(|line| file_of(line, folder))
        .collect())
}

/// The file that a line names; `None`: it names something on a network.
fn file_of(line: &str, folder: &Path) -> Option<PathBuf> {
    if let Some(path) = path_of(line) {
        return Some(path.canonicalize().unwrap_or(path));
    }
    if line.contains("://") {
        return None;
    }
    // Some programs write names with backslashes, and some names have one.
    let turned = line.replace('\\', "/");
    let there = [line, &turned].into_iter().find_map(|name| folder.join(name).canonicalize().ok());
    // Without `..`, as the catalogue names it; what is not there is found by the end of its path.
    Some(there.unwrap_or_else(|| turned.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playlist::address_of;

    #[test]
    fn a_line_names_a_file_whoever_wrote_it() {
        let folder = tempfile::tempdir().unwrap();
        let music = folder.path().canonicalize().unwrap();
        std::fs::create_dir(music.join("a b")).unwrap();
        for name in ["a b/c.ogg", "back\\slash.ogg"] {
            std::fs::write(music.join(name), "").unwrap();
        }
        let address = address_of(&music.join("a b/c.ogg"));
        for line in ["a b/c.ogg", "a b\\c.ogg", &address] {
            assert_eq!(file_of(line, &music), Some(music.join("a b/c.ogg")), "{line}");
        }
        assert_eq!(file_of("back\\slash.ogg", &music), Some(music.join("back\\slash.ogg")));
        assert_eq!(file_of("D:\\gone\\d.ogg", &music), Some(PathBuf::from("D:/gone/d.ogg")));
        assert_eq!(file_of("http://example.org/a.ogg", &music), None);
    }
}
