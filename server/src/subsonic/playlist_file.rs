//! Playlists of listeners as files: M3U in UTF-8, which other players read, in a folder of the store.

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use index::{Store, TrackRecord};

use crate::problem::Problem;

/// What the line begins with that has a playlist's name.
const NAME: &str = "#PLAYLIST:";

/// Characters of a name at most.
const MOST_CHARACTERS: usize = 200;

/// Bytes of a file's name that are a playlist's, at most: there is room for a number and an ending.
const MOST_BYTES: usize = 200;

/// Bytes of a file in which its name is looked for.
const HEAD_BYTES: u64 = 4096;

/// The folder that listeners' playlists lie in.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// That of a store; there is none before the first playlist.
    ///
    /// # Errors
    /// Where the store's folder is gone.
    pub fn of(store: &Store) -> Result<Self, Problem> {
        let folder = store.folder().canonicalize().map_err(|error| failed(store.folder(), &error))?;
        Ok(Self(folder.join("playlists")))
    }

    /// Whether a file lies in it.
    pub fn holds(&self, file: &Path) -> bool {
        file.parent() == Some(&self.0)
    }

    /// Writes a playlist of this name into a file that there is not yet, and that `is_taken` by no other.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn add(
        &self,
        name: &str,
        records: &[TrackRecord],
        is_taken: impl Fn(&Path) -> Result<bool, Problem>,
    ) -> Result<PathBuf, Problem> {
        match std::fs::create_dir(&self.0) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(failed(&self.0, &error)),
            _ => {}
        }
        let stem = safe(name);
        let mut file = self.written(name, records)?;
        for number in 1.. {
            let numbered = if number == 1 { format!("{stem}.m3u8") } else { format!("{stem} ({number}).m3u8") };
            let path = self.0.join(numbered);
            if is_taken(&path)? {
                continue;
            }
            match file.persist_noclobber(&path) {
                Ok(_) => return Ok(path),
                Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => file = error.file,
                Err(error) => return Err(failed(&path, &error.error)),
            }
        }
        Err(Problem::internal(&"playlists of one name without end"))
    }

    /// Writes a playlist into the place of one that there is: all of it, or nothing.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn replace(&self, path: &Path, name: &str, records: &[TrackRecord]) -> Result<(), Problem> {
        let written = self.written(name, records)?.persist(path);
        written.map(|_| ()).map_err(|error| failed(path, &error.error))
    }

    fn written(&self, name: &str, records: &[TrackRecord]) -> Result<tempfile::NamedTempFile, Problem> {
        // As any file that a program writes: others may read it where they may read the store.
        let file = tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(&self.0);
        let mut file = file.map_err(|error| failed(&self.0, &error))?;
        let written = file.write_all(&m3u8(name, records)).and_then(|()| file.as_file().sync_all());
        written.map_err(|error| failed(&self.0, &error))?;
        Ok(file)
    }
}

/// Removes a playlist's file, which may be gone.
///
/// # Errors
/// Where it stays.
pub(super) fn remove(path: &Path) -> Result<(), Problem> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(path, &error)),
        _ => Ok(()),
    }
}

/// A playlist's name: what its file says, or what it is called.
pub(super) fn name_of(path: &Path) -> String {
    let head = std::fs::File::open(path).map(|file| BufReader::new(file.take(HEAD_BYTES)));
    let said = head.ok().and_then(|head| {
        let lines = head.lines().map_while(Result::ok).take_while(|line| line.starts_with('#'));
        lines.filter_map(|line| line.strip_prefix(NAME).map(|name| name.trim().to_owned())).next()
    });
    let stem = || path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    said.filter(|name| !name.is_empty()).unwrap_or_else(stem)
}

/// A name as it can stand in a line.
pub(super) fn line_of(name: &str) -> String {
    let line: String = name.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    match line.trim() {
        "" => "playlist".into(),
        line => line.chars().take(MOST_CHARACTERS).collect(),
    }
}

/// A name as a file may have it, on any system.
fn safe(name: &str) -> String {
    let safe = |character: char| match character {
        '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
        character if character.is_control() => '_',
        character => character,
    };
    let name: String = name.chars().map(safe).collect();
    let name = name.trim_matches([' ', '.']);
    let end = (0..=MOST_BYTES).rev().find(|&end| name.is_char_boundary(end)).unwrap_or(0);
    if end == 0 { "playlist".into() } else { name[..end].into() }
}

/// Paths byte for byte; one that holds a line break cannot stand in a playlist and is left out.
fn m3u8(name: &str, records: &[TrackRecord]) -> Vec<u8> {
    let mut playlist = format!("#EXTM3U\n{NAME}{}\n", line_of(name)).into_bytes();
    for record in records {
        let path = record.file.path.as_os_str().as_encoded_bytes();
        if path.contains(&b'\n') || path.contains(&b'\r') {
            continue;
        }
        let seconds = record.file.duration_seconds.map_or(-1, |seconds| seconds.round() as i64);
        let artist = record.file.artist.as_deref().unwrap_or("–");
        let title = line_of(&format!("{artist} - {}", record.title()));
        playlist.extend(format!("#EXTINF:{seconds},{title}\n").into_bytes());
        playlist.extend_from_slice(path);
        playlist.push(b'\n');
    }
    playlist
}

fn failed(path: &Path, error: &std::io::Error) -> Problem {
    Problem::internal(&format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_one_that_a_file_may_have() {
        for (name, expected) in [
            ("Summer '69", "Summer '69"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("AC/DC: best?", "AC_DC_ best_"),
            (" .. ", "playlist"),
            ("a\u{0}b\n", "a_b_"),
        ] {
            assert_eq!(safe(name), expected);
        }
        assert_eq!(safe(&"é".repeat(500)).len(), MOST_BYTES);
    }

    #[test]
    fn lists_of_one_name_lie_side_by_side_and_say_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::create(folder.path()).unwrap();
        let folder = Folder::of(&store).unwrap();
        let file = index::NewTrack {
            path: "/music/a b/é.flac".into(),
            stamp: index::FileStamp { size_bytes: 1, modified_ns: 1 },
            hash: None,
            artist: Some("R\nB".into()),
            title: None,
            album: None,
            genre: None,
            year: None,
            duration_seconds: Some(61.5),
        };
        let record = TrackRecord { id: index::TrackId(1), file, state: index::TrackState::Embedded };
        let free = |_: &Path| Ok(false);
        let first = folder.add("AC/DC", std::slice::from_ref(&record), free).unwrap();
        assert_eq!(
            std::fs::read_to_string(&first).unwrap(),
            "#EXTM3U\n#PLAYLIST:AC/DC\n#EXTINF:62,R B - é\n/music/a b/é.flac\n"
        );
        let taken = first.with_file_name("AC_DC (2).m3u8");
        let second = folder.add("AC/DC", &[], |path| Ok(path == taken)).unwrap();
        assert_eq!(second, first.with_file_name("AC_DC (3).m3u8"));
        assert_eq!([name_of(&first), name_of(&second)], ["AC/DC", "AC/DC"]);
        assert_eq!(name_of(&taken), "AC_DC (2)");
        assert!(folder.holds(&first) && !folder.holds(Path::new("/music/a.m3u8")));
        folder.replace(&first, "other", &[]).unwrap();
        assert_eq!(name_of(&first), "other");
        remove(&first).unwrap();
        remove(&first).unwrap();
    }
}
