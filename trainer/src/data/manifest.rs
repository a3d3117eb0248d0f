//! Which files there are to learn from, and what is known of them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::names::{Names, TaggedFile, Unknown};
use super::{csv_list, fma, genre_folders};
use crate::error::{Error, Result};

/// One track of a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// The audio file.
    pub path: PathBuf,
    /// Genre; `None` where it is not known, or not one of those that are learnt.
    pub genre: Option<String>,
    /// Who is kept together in a split, lower-cased: the artist under one of all their names, else
    /// `album …`, else `folder …` (or `file …`, where folders are genres).
    pub artist: String,
    /// Album title, lower-cased.
    pub album: Option<String>,
    /// Track title.
    pub title: Option<String>,
}

impl Entry {
    /// Artist and title, or the file's name where it has none: for a person.
    pub fn label(&self) -> String {
        let file = || self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        format!("{} – {}", self.artist, self.title.clone().unwrap_or_else(file))
    }
}

/// A list of tracks.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The tracks.
    pub entries: Vec<Entry>,
    /// BLAKE3 hash of the entries as they were read, with paths as in the list: the same wherever
    /// the list and its music lie.
    pub digest: String,
}

impl Manifest {
    /// Reads what `path` turns out to be:
    ///
    /// - a CSV file with a header that names at least `path` and `genre`, and perhaps `artist`,
    ///   `album` and `title`; relative paths are taken from its folder;
    /// - FMA's `tracks.csv`, the folder of `fma_metadata`, or one of `fma_small` to `fma_full`
    ///   beside it;
    /// - a folder of genre folders, as GTZAN's.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Manifest`] with the line that is wrong; [`Error::NoFmaAudio`];
    /// [`Error::NoDataSet`].
    pub fn read(path: &Path, names: &Names) -> Result<Self> {
        let io = |source| Error::Io { path: path.into(), source };
        if std::fs::metadata(path).map_err(io)?.is_dir() {
            return match fma::tracks_file(path)? {
                Some(tracks) => fma::read(&tracks, Some(path), names),
                None => genre_folders::read(path, names),
            };
        }
        if fma::is_tracks_file(path)? {
            return fma::read(path, None, names);
        }
        csv_list::read(path, names)
    }

    /// A manifest of files whose tags the caller knows, as those of a library. Where neither artist
    /// nor album is known, the files of a folder are kept together.
    pub fn from_tags(files: impl IntoIterator<Item = TaggedFile>, names: &Names) -> Self {
        Self::of_files(Path::new(""), files, Unknown::Folder, names)
    }

    /// A manifest of files below `root`.
    pub(super) fn of_files(
        root: &Path,
        files: impl IntoIterator<Item = TaggedFile>,
        unknown: Unknown,
        names: &Names,
    ) -> Self {
        let mut entries: Vec<Entry> = files.into_iter().map(|file| names.entry(file, unknown)).collect();
        let digest = digest(&entries);
        for entry in &mut entries {
            entry.path = root.join(&entry.path);
        }
        Self { entries, digest }
    }

    /// Leaves out every track of an artist of `other`, so that `other` stays unheard.
    pub fn without_artists_of(&mut self, other: &Self) {
        let held_out: HashSet<&str> = other.entries.iter().map(|entry| entry.artist.as_str()).collect();
        self.entries.retain(|entry| !held_out.contains(entry.artist.as_str()));
    }
}

fn digest(entries: &[Entry]) -> String {
    let mut hasher = blake3::Hasher::new();
    for entry in entries {
        let text = |text: &Option<String>| text.clone().unwrap_or_default().into_bytes();
        let path = entry.path.as_os_str().as_encoded_bytes().to_vec();
        let artist = entry.artist.clone().into_bytes();
        for field in [path, text(&entry.genre), artist, text(&entry.album), text(&entry.title)] {
            // With its length, so that no two lists look the same.
            hasher.update(&(field.len() as u64).to_le_bytes()).update(&field);
        }
    }
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, artist: &str) -> TaggedFile {
        TaggedFile { path: path.into(), artist: Some(artist.into()), ..Default::default() }
    }

    #[test]
    fn artists_of_a_held_out_manifest_are_left_out() {
        let names = Names::default();
        let mut all = Manifest::from_tags([file("1", "A"), file("2", "B")], &names);
        all.without_artists_of(&Manifest::from_tags([file("9", "a")], &names));
        assert_eq!(all.entries.len(), 1);
        assert_eq!(all.entries[0].artist, "b");
    }

    #[test]
    fn the_digest_is_of_what_is_read_and_not_of_where_it_lies() {
        let names = Names::default();
        let of = |root: &str, files: Vec<TaggedFile>| {
            Manifest::of_files(Path::new(root), files, Unknown::Folder, &names).digest
        };
        let digest = of("/a", vec![file("1", "A"), file("2", "B")]);
        assert_eq!(digest, of("/b", vec![file("1", "a "), file("2", "b")]));
        assert_ne!(digest, of("/a", vec![file("1", "A"), file("2", "C")]));
        assert_ne!(digest, of("/a", vec![file("1", "A")]));
    }
}
