//! Manifests as CSV files.

use std::collections::HashMap;
use std::path::Path;

use super::Manifest;
use super::names::{Names, TaggedFile, Unknown};
use crate::error::{Error, Result};

/// Reads a CSV file with a header that names at least `path` and `genre`, and perhaps `artist`,
/// `album` and `title`; further columns are ignored.
///
/// # Errors
/// [`Error::Io`]; [`Error::Manifest`] with the line that is wrong.
pub(super) fn read(path: &Path, names: &Names) -> Result<Manifest> {
    let at = |line, reason: String| Error::Manifest { path: path.into(), line, reason };
    let mut reader = csv::Reader::from_path(path).map_err(|error| csv_error(path, error))?;
    let header = reader.headers().map_err(|error| csv_error(path, error))?.clone();
    let column = |name: &str| header.iter().position(|column| column.trim() == name);
    let required = |name: &str| column(name).ok_or_else(|| at(1, format!("the header has no column `{name}`")));
    let (path_column, genre_column) = (required("path")?, required("genre")?);
    let (artist_column, album_column, title_column) = (column("artist"), column("album"), column("title"));
    let mut files = Vec::new();
    let mut line_of = HashMap::new();
    for record in reader.records() {
        let record = record.map_err(|error| csv_error(path, error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let field = |column: Option<usize>| column.and_then(|column| record.get(column)).map(str::to_owned);
        let file = record.get(path_column).map(str::trim).filter(|file| !file.is_empty());
        let file = file.ok_or_else(|| at(line, "the path is empty".into()))?;
        // Else it could be heard in training as one artist's and asked for as another's.
        if let Some(first) = line_of.insert(file.to_owned(), line) {
            return Err(at(line, format!("`{file}` stands on line {first} already")));
        }
        files.push(TaggedFile {
            path: file.into(),
            genre: field(Some(genre_column)),
            artist: field(artist_column),
            album: field(album_column),
            title: field(title_column),
        });
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    Ok(Manifest::of_files(folder, files, Unknown::Folder, names))
}

/// What is wrong with a CSV file, and where.
pub(super) fn csv_error(path: &Path, error: csv::Error) -> Error {
    let (line, reason) = (error.position().map_or(1, csv::Position::line), error.to_string());
    match error.into_kind() {
        csv::ErrorKind::Io(source) => Error::Io { path: path.into(), source },
        _ => Error::Manifest { path: path.into(), line, reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Manifest> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("corpus.csv");
        std::fs::write(&path, text).unwrap();
        let mut manifest = Manifest::read(&path, &Names::default())?;
        for entry in &mut manifest.entries {
            entry.path = entry.path.strip_prefix(folder.path()).unwrap().into();
        }
        Ok(manifest)
    }

    #[test]
    fn columns_are_found_by_name_and_artists_fall_back_to_album_and_folder() {
        let manifest =
            read("album,genre,extra,path,artist,title\nA,rock,x,d/1.wav,Me,T\nA,,x,d/2.wav,,\n,,x,d/3.wav,,\n")
                .unwrap();
        let artists: Vec<_> = manifest.entries.iter().map(|entry| entry.artist.as_str()).collect();
        assert_eq!(artists, ["me", "album a", "folder d"]);
        let first = &manifest.entries[0];
        assert_eq!(first.path, Path::new("d/1.wav"));
        assert_eq!(first.genre.as_deref(), Some("rock"));
        assert_eq!((first.album.as_deref(), first.title.as_deref()), (Some("a"), Some("T")));
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
        let error = read("path,genre\na.wav,rock\nb.wav,rock\na.wav,jazz\n").unwrap_err().to_string();
        assert!(error.contains("line 4: `a.wav` stands on line 2 already"), "{error}");
    }
}
