//! The Free Music Archive's data set (Defferrard et al., "FMA: A Dataset for Music Analysis", ISMIR
//! 2017, <https://arxiv.org/abs/1612.01840>): `fma_metadata/tracks.csv` beside `fma_small`.

use std::path::{Path, PathBuf};

use csv::StringRecord;

use super::Manifest;
use super::csv_list::csv_error;
use super::names::{Names, TaggedFile, Unknown};
use crate::error::{Error, Result};

/// Where the table of tracks lies in the unpacked data set.
const TRACKS: &str = "fma_metadata/tracks.csv";

/// Folders of audio, the largest first, and the subsets that each holds; the whole set holds
/// everything.
const AUDIO: [(&str, Option<&[&str]>); 4] = [
    ("fma_full", None),
    ("fma_large", Some(&["small", "medium", "large"])),
    ("fma_medium", Some(&["small", "medium"])),
    ("fma_small", Some(&["small"])),
];

/// Rows of `tracks.csv` before the first track: groups of columns, columns, the index's name.
const HEADER_ROWS: usize = 3;

/// Whether a CSV file is FMA's: its first row names groups of columns, none of them over the first.
pub(super) fn is_tracks_file(path: &Path) -> Result<bool> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(path).map_err(|e| csv_error(path, e))?;
    let mut groups = csv::ByteRecord::new();
    reader.read_byte_record(&mut groups).map_err(|error| csv_error(path, error))?;
    let has = |name: &[u8]| groups.iter().any(|group| group == name);
    Ok(groups.get(0) == Some(b"") && has(b"artist") && has(b"track"))
}

/// The `tracks.csv` that belongs to a folder, where it is FMA's: below it, in it, or, for a folder
/// of audio, beside it.
pub(super) fn tracks_file(folder: &Path) -> Result<Option<PathBuf>> {
    let mut candidates = vec![folder.join(TRACKS), folder.join("tracks.csv")];
    if audio_folder(folder).is_some() {
        let beside = std::path::absolute(folder).ok().and_then(|folder| Some(folder.parent()?.join(TRACKS)));
        candidates.extend(beside);
    }
    for candidate in candidates {
        if candidate.is_file() && is_tracks_file(&candidate)? {
            return Ok(Some(candidate));
        }
    }
    Ok(None)
}

/// Which of [`AUDIO`] a folder is, by its name.
fn audio_folder(folder: &Path) -> Option<(PathBuf, Option<&'static [&'static str]>)> {
    let (_, subsets) = AUDIO.iter().find(|(name, _)| folder.file_name().is_some_and(|folder| folder == *name))?;
    Some((folder.to_owned(), *subsets))
}

/// Reads the tracks of the folder of audio that `asked_for` is, else of the largest that lies beside
/// `tracks` or its folder. The genre is `genre_top`; a track without one is unlabelled.
///
/// # Errors
/// [`Error::Io`]; [`Error::Manifest`] with the line that is wrong; [`Error::NoFmaAudio`].
pub(super) fn read(tracks: &Path, asked_for: Option<&Path>, names: &Names) -> Result<Manifest> {
    let tracks = &std::path::absolute(tracks).map_err(|source| Error::Io { path: tracks.into(), source })?;
    let beside = || {
        let places: Vec<&Path> = tracks.ancestors().skip(1).take(2).collect();
        let folders = AUDIO.iter().flat_map(|(name, _)| places.iter().map(move |place| place.join(name)));
        folders.filter(|folder| folder.is_dir()).find_map(|folder| audio_folder(&folder))
    };
    let found = asked_for.and_then(audio_folder).or_else(beside);
    let (audio, subsets) = found.ok_or_else(|| Error::NoFmaAudio { tracks: tracks.clone() })?;

    let at = |line, reason: String| Error::Manifest { path: tracks.clone(), line, reason };
    let reader = csv::ReaderBuilder::new().has_headers(false).from_path(tracks);
    let mut records = reader.map_err(|error| csv_error(tracks, error))?.into_records();
    let mut header = Vec::new();
    for record in records.by_ref().take(HEADER_ROWS) {
        header.push(record.map_err(|error| csv_error(tracks, error))?);
    }
    let [groups, columns, _] = header.as_slice() else {
        return Err(at(header.len() as u64, "the header has not three rows".into()));
    };
    let column = |group: &str, name: &str| {
        let position = groups.iter().zip(columns).position(|pair| pair == (group, name));
        position.ok_or_else(|| at(2, format!("the header has no column `{group}, {name}`")))
    };
    let subset_column = column("set", "subset")?;
    let (genre, title) = (column("track", "genre_top")?, column("track", "title")?);
    let (artist, album) = (column("artist", "name")?, column("album", "title")?);
    let name = PathBuf::from(audio.file_name().unwrap_or_default());
    let mut files = Vec::new();
    for record in records {
        let record = record.map_err(|error| csv_error(tracks, error))?;
        if subsets.is_some_and(|subsets| !subsets.contains(&&record[subset_column])) {
            continue;
        }
        let line = record.position().map_or(0, csv::Position::line);
        let id: u32 = record[0].parse().map_err(|_| at(line, format!("`{}` is no track id", &record[0])))?;
        let field = |record: &StringRecord, column: usize| record.get(column).map(str::to_owned);
        files.push(TaggedFile {
            path: name.join(format!("{:03}/{id:06}.mp3", id / 1000)),
            genre: field(&record, genre),
            artist: field(&record, artist),
            album: field(&record, album),
            title: field(&record, title),
        });
    }
    Ok(Manifest::of_files(audio.parent().unwrap_or(Path::new("")), files, Unknown::Folder, names))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACKS_CSV: &str = "\
,album,artist,set,set,track,track
,title,name,split,subset,genre_top,title
track_id,,,,,,
2,AWOL,AWOL,training,small,Hip-Hop,Food
1499,,\"Two
lines\",training,medium,Rock,
155320,X,Y,test,large,,Z
";

    fn data_set(folders: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("fma_metadata")).unwrap();
        std::fs::write(root.path().join(TRACKS), TRACKS_CSV).unwrap();
        for folder in folders {
            std::fs::create_dir(root.path().join(folder)).unwrap();
        }
        root
    }

    fn paths(root: &Path, path: &str) -> Vec<String> {
        let manifest = Manifest::read(&root.join(path), &Names::default()).unwrap();
        let relative = |path: &Path| path.strip_prefix(root).unwrap().display().to_string();
        manifest.entries.iter().map(|entry| relative(&entry.path)).collect()
    }

    #[test]
    fn tracks_of_the_largest_folder_that_is_there_or_of_the_one_asked_for() {
        let root = data_set(&["fma_small", "fma_large"]);
        let large = ["fma_large/000/000002.mp3", "fma_large/001/001499.mp3", "fma_large/155/155320.mp3"];
        assert_eq!(paths(root.path(), ""), large);
        assert_eq!(paths(root.path(), "fma_metadata"), large);
        assert_eq!(paths(root.path(), TRACKS), large);
        assert_eq!(paths(root.path(), "fma_small"), ["fma_small/000/000002.mp3"]);
        let medium = data_set(&["fma_medium"]);
        assert_eq!(paths(medium.path(), "").len(), 2);
    }

    #[test]
    fn columns_are_found_by_group_and_name() {
        let root = data_set(&["fma_full"]);
        let entries = Manifest::read(root.path(), &Names::default()).unwrap().entries;
        assert_eq!(entries[0].genre.as_deref(), Some("Hip-Hop"));
        assert_eq!((entries[0].artist.as_str(), entries[0].title.as_deref()), ("awol", Some("Food")));
        assert_eq!((entries[1].artist.as_str(), entries[1].album.as_deref()), ("two lines", None));
        assert_eq!(entries[2].genre, None);
    }

    #[test]
    fn errors_say_what_is_missing_and_where() {
        let error = |root: &tempfile::TempDir| Manifest::read(root.path(), &Names::default()).unwrap_err().to_string();
        assert!(error(&data_set(&[])).contains("no folder fma_small"));
        let root = data_set(&["fma_small"]);
        let tracks = root.path().join(TRACKS);
        std::fs::write(&tracks, TRACKS_CSV.replace("genre_top", "genres")).unwrap();
        assert!(error(&root).contains("tracks.csv, line 2: the header has no column `track, genre_top`"));
        std::fs::write(&tracks, TRACKS_CSV.replace("\n2,", "\ntwo,")).unwrap();
        assert!(error(&root).contains("tracks.csv, line 4: `two` is no track id"));
    }
}
