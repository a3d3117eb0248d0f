//! Folders of genres, as GTZAN's: `genres/blues/blues.00000.wav`, or `blues/…` at once.

use std::path::{Path, PathBuf};

use audio_frontend::formats::has_audio_extension;
use rayon::prelude::*;
use walkdir::{DirEntry, WalkDir};

use super::Manifest;
use super::names::{Names, TaggedFile, Unknown};
use crate::error::{Error, Result};

/// What the folder of genre folders is called in the copies of GTZAN that go about.
const GENRES: [&str; 2] = ["genres", "genres_original"];

/// Reads a folder whose subfolders are genres; audio files that lie in no subfolder have none.
///
/// The artist is the one of the file's tags, else the folder between genre and file
/// (`rock/artist/song.mp3`), else unknown. A folder that is a genre must not stand for an artist: the
/// whole genre would be on one side of a split. So a file without artist and album is taken to be
/// by an artist of its own, and figures on such files flatter, GTZAN's above all, which has several
/// excerpts of many artists.
///
/// # Errors
/// [`Error::Io`] where a folder cannot be read; [`Error::NoDataSet`] where there is no audio.
pub(super) fn read(folder: &Path, names: &Names) -> Result<Manifest> {
    let root = GENRES.iter().map(|name| folder.join(name)).find(|inner| inner.is_dir());
    let root = root.unwrap_or_else(|| folder.to_owned());
    let paths = audio_files(&root)?;
    if paths.is_empty() {
        return Err(Error::NoDataSet { path: folder.into() });
    }
    let files: Vec<TaggedFile> = paths.into_par_iter().map(|path| tagged(&root, path)).collect();
    Ok(Manifest::of_files(&root, files, Unknown::File, names))
}

/// Audio files below a folder, relative to it and sorted, without hidden ones.
fn audio_files(root: &Path) -> Result<Vec<PathBuf>> {
    let is_hidden = |entry: &DirEntry| entry.depth() > 0 && entry.file_name().as_encoded_bytes().starts_with(b".");
    let mut paths = Vec::new();
    let walk = WalkDir::new(root).follow_links(true).sort_by_file_name();
    for entry in walk.into_iter().filter_entry(|entry| !is_hidden(entry)) {
        match entry {
            Ok(entry) if entry.file_type().is_file() && has_audio_extension(entry.path()) => {
                paths.push(entry.path().strip_prefix(root).unwrap_or(entry.path()).to_owned());
            }
            Ok(_) => {}
            Err(error) if error.loop_ancestor().is_some() => {}
            // A link to nothing is left out, and said to be, with the other files that cannot be read.
            Err(error) if error.path().is_some_and(has_audio_extension) => {
                paths.extend(error.path().and_then(|path| path.strip_prefix(root).ok()).map(Path::to_owned));
            }
            Err(error) => {
                let path = error.path().unwrap_or(root).to_owned();
                let source = error.into_io_error().unwrap_or_else(|| std::io::ErrorKind::Other.into());
                return Err(Error::Io { path, source });
            }
        }
    }
    Ok(paths)
}

/// What folders and tags say of a file; the folder has the last word about its genre.
fn tagged(root: &Path, path: PathBuf) -> TaggedFile {
    let tags = audio_frontend::tags::read(&root.join(&path)).tags;
    let mut folders = path.iter().rev().skip(1).collect::<Vec<_>>().into_iter().rev();
    let mut next_folder = || folders.next().map(|folder| folder.to_string_lossy().into_owned());
    let (genre, artist) = (next_folder(), next_folder());
    TaggedFile { genre, artist: tags.artist.or(artist), album: tags.album, title: tags.title, path }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_of(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "no audio: it has no tags").unwrap();
        }
        folder
    }

    fn read(folder: &tempfile::TempDir) -> Vec<(Option<String>, String)> {
        let manifest = Manifest::read(folder.path(), &Names::default()).unwrap();
        assert!(manifest.entries.iter().all(|entry| entry.path.is_file()));
        assert!(manifest.entries.iter().all(|entry| entry.is_on_its_own() == entry.artist.starts_with("file ")));
        manifest.entries.into_iter().map(|entry| (entry.genre, entry.artist)).collect()
    }

    #[test]
    fn folders_are_genres_and_those_between_are_artists() {
        let folder =
            folder_of(&["rock/Me/x/2.mp3", "rock/Me/1.wav", "jazz/1.wav", "jazz/cover.jpg", "3.wav", ".t/1.wav"]);
        let expected =
            [(None, "file 3.wav"), (Some("jazz"), "file jazz/1.wav"), (Some("rock"), "me"), (Some("rock"), "me")];
        let expected: Vec<_> = expected.map(|(genre, artist)| (genre.map(str::to_owned), artist.to_owned())).into();
        assert_eq!(read(&folder), expected);
    }

    #[test]
    fn the_folder_of_genres_may_lie_below() {
        for name in GENRES {
            let folder = folder_of(&[&format!("{name}/blues/blues.00000.wav"), "images/blues/blues.00000.png"]);
            assert_eq!(read(&folder), [(Some("blues".into()), "file blues/blues.00000.wav".into())]);
        }
    }

    #[test]
    fn a_folder_without_audio_is_no_data_set() {
        let folder = folder_of(&["rock/cover.jpg"]);
        let error = Manifest::read(folder.path(), &Names::default()).unwrap_err();
        assert!(matches!(error, Error::NoDataSet { .. }), "{error}");
    }
}
