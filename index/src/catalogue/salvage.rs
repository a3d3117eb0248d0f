//! What is wrong with a catalogue, and what can still be read of one whose file is damaged.

use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params, params_from_iter};

use super::columns::sound_vector_of;
use super::{Catalogue, VECTOR_COLUMNS};
use crate::error::{Error, Result};
use crate::track::TrackId;

/// What a damaged catalogue was turned into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvaged {
    /// Where the damaged file lies now.
    pub damaged: PathBuf,
    /// Tracks that could be read.
    pub tracks: usize,
    /// Vectors that could.
    pub vectors: usize,
}

/// Rows that are copied, by their key, and what of each.
struct Table {
    name: &'static str,
    key: &'static str,
}

const TABLES: [Table; 15] = [
    Table { name: "tracks", key: "id" },
    Table { name: "vectors", key: "track_id" },
    Table { name: "passages", key: "track_id" },
    Table { name: "fingerprints", key: "track_id" },
    Table { name: "copies", key: "first" },
    Table { name: "plays", key: "track_id" },
    Table { name: "roots", key: "id" },
    Table { name: "opinions", key: "query_id" },
    Table { name: "playlists", key: "id" },
    Table { name: "playlist_tracks", key: "playlist_id" },
    Table { name: "judges", key: "id" },
    Table { name: "models", key: "number" },
    Table { name: "marks", key: "track_id" },
    Table { name: "maps", key: "id" },
    Table { name: "places", key: "track_id" },
];

impl Catalogue {
    /// What SQLite finds wrong with the file; empty: nothing.
    ///
    /// # Errors
    /// As all that reads.
    pub fn faults(&self) -> Result<Vec<String>> {
        let check = |connection: &Connection| -> rusqlite::Result<Vec<String>> {
            connection.prepare("PRAGMA integrity_check(10)")?.query_map([], |row| row.get(0))?.collect()
        };
        match self.read(check) {
            Ok(faults) => Ok(faults.into_iter().filter(|fault| fault != "ok").collect()),
            Err(Error::Damaged { reason, .. }) => Ok(vec![reason]),
            Err(error) => Err(error),
        }
    }

    /// Removes vectors that are not what was written, with their passages: the next ingest embeds their tracks again.
    ///
    /// # Errors
    /// As all that reads and writes.
    pub fn remove_damaged_vectors(&mut self) -> Result<Vec<TrackId>> {
        let sql = format!("SELECT track_id, model_id, {VECTOR_COLUMNS} FROM vectors");
        let damaged: Vec<(TrackId, String)> = self.read(|connection| {
            let mut statement = connection.prepare(&sql)?;
            let mut rows = statement.query([])?;
            let mut damaged = Vec::new();
            while let Some(row) = rows.next()? {
                if sound_vector_of(row, 2).is_err() {
                    damaged.push((row.get(0)?, row.get(1)?));
                }
            }
            Ok(damaged)
        })?;
        self.commit(|writer| {
            let mut statement = writer.0.prepare("DELETE FROM vectors WHERE track_id = ?1 AND model_id = ?2")?;
            damaged.iter().try_for_each(|(track, model_id)| statement.execute(params![track, model_id]).map(|_| ()))
        })?;
        Ok(damaged.into_iter().map(|(track, _)| track).collect())
    }

    /// Puts a new catalogue in the place of a damaged one, with all rows that can still be read; the damaged file is kept
    /// beside it. What could not be read comes back by an ingest. Killed before the end, the damaged file is in its place
    /// as before, or nothing is, and the new one is put there the next time.
    ///
    /// # Errors
    /// [`Error::DiskFull`], [`Error::Io`], [`Error::Sqlite`].
    pub fn salvage(path: &Path) -> Result<Salvaged> {
        let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
        let (damaged, new) = (path.with_extension(format!("damaged-{seconds}")), salvaged_path(path));
        // Else one was killed when it had copied all.
        if !new.exists() {
            copy_all(path, &new)?;
        }
        // With its log, which may hold commits that the file does not have yet, and which is of no other file.
        for suffix in ["-wal", "-shm", ""] {
            rename(&with_suffix(path, suffix), &with_suffix(&damaged, suffix))?;
        }
        Self::finish_salvage(path)?;
        let count = |connection: &Connection| {
            let sql = "SELECT (SELECT count(*) FROM tracks), (SELECT count(*) FROM vectors)";
            connection.query_row(sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
        };
        let (tracks, vectors) = Self::open(path)?.read(count)?;
        Ok(Salvaged { damaged, tracks: tracks as usize, vectors: vectors as usize })
    }

    /// Puts a salvaged catalogue in its place where nothing is there: a salvage was killed just before.
    pub(crate) fn finish_salvage(path: &Path) -> Result<()> {
        let new = salvaged_path(path);
        if new.exists() && !path.exists() { rename(&new, path) } else { Ok(()) }
    }
}

fn salvaged_path(path: &Path) -> PathBuf {
    path.with_extension("salvaged")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

/// What is not there needs no other name.
fn rename(from: &Path, to: &Path) -> Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(from, error)),
        _ => Ok(()),
    }
}

fn remove_if_there(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(path, error)),
        _ => Ok(()),
    }
}

/// Writes what can be read of a catalogue to a new file, which is there when all of it is.
fn copy_all(path: &Path, new: &Path) -> Result<()> {
    let partial = with_suffix(new, ".partial");
    for suffix in ["", "-wal", "-shm"] {
        remove_if_there(&with_suffix(&partial, suffix))?;
    }
    let mut fresh = Catalogue::open(&partial)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if let Ok(old) = Connection::open_with_flags(path, flags) {
        // Or else SQLite refuses to read any of a file that is shorter than it was.
        let _ = old.pragma_update(None, "writable_schema", true);
        fresh.commit(|writer| {
            copy_settings(&old, &writer.0)?;
            TABLES.iter().try_for_each(|table| table.copy(&old, &writer.0))?;
            // Revisions are counted anew, and places may be among what is lost.
            writer.0.execute("UPDATE maps SET revision = NULL", []).map(|_| ())
        })?;
    }
    // So that all of it is in the one file that is renamed.
    fresh.read(|connection| connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);"))?;
    drop(fresh);
    rename(&partial, new)
}

/// All but the identity: a generation of the damaged catalogue must not be taken for one of this.
fn copy_settings(old: &Connection, new: &Connection) -> rusqlite::Result<()> {
    let read = || -> rusqlite::Result<Vec<(String, String)>> {
        let mut statement = old.prepare("SELECT name, value FROM settings WHERE name <> 'identity'")?;
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    };
    for (name, value) in read().unwrap_or_default() {
        new.execute("INSERT OR REPLACE INTO settings VALUES (?1, ?2)", [name, value])?;
    }
    Ok(())
}

impl Table {
    /// Copies row by row, passing over what cannot be read, and what is of a track that could not.
    fn copy(&self, old: &Connection, new: &Connection) -> rusqlite::Result<()> {
        let Self { name, key } = self;
        let columns_of = |connection: &Connection| -> rusqlite::Result<Vec<String>> {
            let mut statement = connection.prepare(&format!("SELECT name FROM pragma_table_info('{name}')"))?;
            statement.query_map([], |row| row.get(0))?.collect()
        };
        // One of an older format has fewer.
        let old_columns = columns_of(old).unwrap_or_default();
        let mut columns = columns_of(new)?;
        columns.retain(|column| old_columns.contains(column));
        if columns.is_empty() {
            return Ok(());
        }
        let (listed, places) = (columns.join(", "), vec!["?"; columns.len()].join(", "));
        let mut insert = new.prepare(&format!("INSERT OR IGNORE INTO {name} ({listed}) VALUES ({places})"))?;
        let select = format!("SELECT {listed}, {key} FROM {name} WHERE {key} >= ?1 ORDER BY {key}");
        let (mut next, last) = (0_i64, last_key(old, name, key));
        // From where it went on, until a page that cannot be read; behind that, from the next key on.
        while next <= last {
            let mut written = Ok(());
            let mut read_all = || -> rusqlite::Result<()> {
                let mut statement = old.prepare_cached(&select)?;
                let mut rows = statement.query([next])?;
                while let (Some(row), true) = (rows.next()?, written.is_ok()) {
                    let values: Vec<Value> =
                        (0..columns.len()).map(|place| row.get(place)).collect::<rusqlite::Result<_>>()?;
                    next = row.get(columns.len())?;
                    written = written_or_of_no_track(insert.execute(params_from_iter(values)));
                }
                Ok(())
            };
            let has_ended = read_all().is_ok();
            written?;
            if has_ended {
                break;
            }
            next += 1;
        }
        Ok(())
    }
}

/// A row of a track that was lost goes with it; a full disk is another matter.
fn written_or_of_no_track(result: rusqlite::Result<usize>) -> rusqlite::Result<()> {
    match result {
        Err(error) if error.sqlite_error_code() != Some(rusqlite::ErrorCode::ConstraintViolation) => Err(error),
        _ => Ok(()),
    }
}

/// The largest key that may be in use.
fn last_key(old: &Connection, name: &str, key: &str) -> i64 {
    let ask = |sql: &str| old.query_row(sql, [], |row| row.get::<_, Option<i64>>(0)).ok().flatten();
    let given = ask("SELECT seq FROM sqlite_sequence WHERE name = 'tracks'");
    given.max(ask(&format!("SELECT max({key}) FROM {name}"))).unwrap_or(0)
}
