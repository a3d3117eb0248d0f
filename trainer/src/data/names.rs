//! From what a file is tagged with to what is learnt from.

use std::path::{Path, PathBuf};

use super::spellings::fold;
use super::{Aliases, Entry, GenreMap};

/// An audio file and what a list, its tags or its folders say of it, as written there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaggedFile {
    /// The file.
    pub path: PathBuf,
    /// Genre.
    pub genre: Option<String>,
    /// Artist.
    pub artist: Option<String>,
    /// Album title.
    pub album: Option<String>,
    /// Track title.
    pub title: Option<String>,
}

/// How names are read: which mean the same artist, and which genre a tag means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Artists of several names.
    pub aliases: Aliases,
    /// Genres of tags; what is not in it has none. `None`: tags are the genres, as they are written.
    pub genres: Option<GenreMap>,
}

/// Which files are taken to be by one artist where neither artist nor album is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    /// Those of a folder.
    Folder,
    /// None: each file has an artist of its own.
    File,
}

impl Names {
    pub(super) fn entry(&self, file: TaggedFile, unknown: Unknown) -> Entry {
        let album = filled(file.album).map(|album| fold(&album));
        let artist = match (filled(file.artist), &album) {
            (Some(artist), _) => self.aliases.artist(&artist),
            (None, Some(album)) => format!("album {album}"),
            (None, None) => unknown.artist(&file.path),
        };
        let genre = filled(file.genre).and_then(|genre| match &self.genres {
            Some(map) => map.genre(&genre).map(str::to_owned),
            None => Some(genre),
        });
        Entry { path: file.path, genre, artist, album, title: filled(file.title) }
    }
}

impl Entry {
    /// Whether nothing is known of the artist, so that the file is kept apart from all others.
    pub fn is_on_its_own(&self) -> bool {
        let file = self.artist.strip_prefix(OWN_FILE);
        file.is_some_and(|file| fold(&self.path.display().to_string()).ends_with(file))
    }
}

/// Before the file's path, where that stands for the artist.
const OWN_FILE: &str = "file ";

impl Unknown {
    fn artist(self, path: &Path) -> String {
        match self {
            Self::Folder => fold(&format!("folder {}", path.parent().unwrap_or(Path::new("")).display())),
            Self::File => fold(&format!("{OWN_FILE}{}", path.display())),
        }
    }
}

/// Text that says something.
fn filled(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artist(artist: &str, album: &str, unknown: Unknown) -> String {
        let file = TaggedFile {
            path: "Some/Where/1.wav".into(),
            artist: Some(artist.into()),
            album: Some(album.into()),
            ..Default::default()
        };
        Names::default().entry(file, unknown).artist
    }

    #[test]
    fn an_unknown_artist_is_the_album_else_the_folder_or_the_file() {
        assert_eq!(artist("Me", "A", Unknown::Folder), "me");
        assert_eq!(artist(" ", "The  A", Unknown::Folder), "album the a");
        assert_eq!(artist("", "", Unknown::Folder), "folder some/where");
        assert_eq!(artist("", "", Unknown::File), "file some/where/1.wav");
    }

    #[test]
    fn genres_stay_as_they_are_written_without_a_map_and_the_rest_has_none_with_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("genres.toml");
        std::fs::write(&path, "[genres]\nrock = [\"Hard Rock\"]\n").unwrap();
        let genre = |names: &Names, tag: &str| {
            let file = TaggedFile { genre: Some(tag.into()), ..Default::default() };
            names.entry(file, Unknown::Folder).genre
        };
        let mapped = Names { genres: Some(GenreMap::read(&path).unwrap()), ..Default::default() };
        assert_eq!(genre(&mapped, "hard rock"), Some("rock".into()));
        assert_eq!(genre(&mapped, "Polka"), None);
        assert_eq!(genre(&Names::default(), "hard rock "), Some("hard rock".into()));
        assert_eq!(genre(&Names::default(), " "), None);
    }
}
