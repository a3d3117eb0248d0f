//! Which files there are to learn from, and what is known of them.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// One track of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The audio file; relative ones are taken from the manifest's folder.
    pub path: PathBuf,
    /// Genre; `None` where the field is empty.
    pub genre: Option<String>,
    /// Who is kept together in a split: the artist, else the album, else the folder.
    pub artist: String,
    /// Album, where it is known.
    pub album: Option<String>,
    /// Title, where it is known.
    pub title: Option<String>,
}

/// A list of tracks.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The tracks.
    pub entries: Vec<Entry>,
    /// BLAKE3 hash of the file.
    pub digest: String,
}

impl Manifest {
    /// Reads a CSV file with a header that names at least `path` and `genre`, and perhaps `artist`
    /// and `album`; further columns are ignored.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Manifest`] with the line that is wrong.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|source| Error::Io { path: path.into(), source })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let at = |line, reason: String| Error::Manifest { path: path.into(), line, reason };
        let csv_error = |error: csv::Error| at(error.position().map_or(1, csv::Position::line), error.to_string());
        let header = reader.headers().map_err(csv_error)?.clone();
        let column = |name: &str| header.iter().position(|column| column.trim() == name);
        let required = |name: &str| column(name).ok_or_else(|| at(1, format!("the header has no column `{name}`")));
        let (path_column, genre_column) = (required("path")?, required("genre")?);
        let (artist_column, album_column) = (column("artist"), column("album"));
        let mut entries = Vec::new();
        for record in reader.records() {
            let record = record.map_err(csv_error)?;
            let line = record.position().map_or(0, csv::Position::line);
            let field = |column: Option<usize>| {
                column.and_then(|column| record.get(column)).map(str::trim).filter(|text| !text.is_empty())
            };
            let file = field(Some(path_column)).ok_or_else(|| at(line, "the path is empty".into()))?;
            let file = folder.join(file);
            let artist = match (field(artist_column), field(album_column)) {
                (Some(artist), _) => artist.to_lowercase(),
                (None, Some(album)) => format!("album {}", album.to_lowercase()),
                (None, None) => format!("folder {}", file.parent().unwrap_or(folder).display()),
            };
            let text = |column| field(column).map(str::to_owned);
            entries.push(Entry {
                path: file,
                genre: text(Some(genre_column)),
                artist,
                album: text(album_column),
                title: None,
            });
        }
        Ok(Self { entries, digest: blake3::hash(&bytes).to_hex().to_string() })
    }

    /// Leaves out every track of an artist of `other`, so that `other` stays unheard.
    pub fn without_artists_of(&mut self, other: &Self) {
        let held_out: std::collections::HashSet<&str> =
            other.entries.iter().map(|entry| entry.artist.as_str()).collect();
        self.entries.retain(|entry| !held_out.contains(entry.artist.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Manifest> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("corpus.csv");
        std::fs::write(&path, text).unwrap();
        let mut manifest = Manifest::read(&path)?;
        for entry in &mut manifest.entries {
            entry.path = entry.path.strip_prefix(folder.path()).unwrap().into();
            entry.artist = entry.artist.replace(&folder.path().display().to_string(), "");
        }
        Ok(manifest)
    }

    #[test]
    fn columns_are_found_by_name_and_artists_fall_back_to_album_and_folder() {
        let manifest =
            read("album,genre,extra,path,artist\nA,rock,x,d/1.wav,Me\nA,,x,d/2.wav,\n,,x,d/3.wav,\n").unwrap();
        let artists: Vec<_> = manifest.entries.iter().map(|entry| entry.artist.as_str()).collect();
        assert_eq!(artists, ["me", "album a", "folder /d"]);
        assert_eq!(manifest.entries[0].path, Path::new("d/1.wav"));
        assert_eq!(manifest.entries[0].genre.as_deref(), Some("rock"));
        assert_eq!(manifest.entries[1].genre, None);
    }

    #[test]
    fn errors_name_the_line() {
        let error = read("path,genre\na.wav,rock\n,rock\n").unwrap_err().to_string();
        assert!(error.contains("line 3: the path is empty"), "{error}");
        let error = read("file,genre\n").unwrap_err().to_string();
        assert!(error.contains("no column `path`"), "{error}");
        let error = read("path,genre\na.wav,rock\nb.wav\n").unwrap_err().to_string();
        assert!(error.contains("line 3"), "{error}");
    }

    #[test]
    fn artists_of_a_held_out_manifest_are_left_out() {
        let mut all = read("path,genre,artist\n1,rock,A\n2,rock,B\n").unwrap();
        all.without_artists_of(&read("path,genre,artist\n9,jazz,a\n").unwrap());
        assert_eq!(all.entries.len(), 1);
        assert_eq!(all.entries[0].artist, "b");
    }
}
