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

const TABLES: [Table; 3] = [
    Table { name: "tracks", key: "id" },
    Table { name: "vectors", key: "track_id" },
    Table { name: "passages", key: "track_id" },
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
    /// beside it. What could not be read comes back by an ingest.
    ///
    /// # Errors
    /// [`Error::DiskFull`], [`Error::Io`], [`Error::Sqlite`].
    pub fn salvage(path: &Path) -> Result<Salvaged> {
        let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
        let damaged = path.with_extension(format!("damaged-{seconds}"));
        let beside = |suffix: &str| -> (PathBuf, PathBuf) {
            let with = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
            (with(path), with(&damaged))
        };
        // With its log: that may hold commits that the file does not have yet.
        for suffix in ["", "-wal", "-shm"] {
            let (from, to) = beside(suffix);
            match std::fs::rename(&from, &to) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::io(&from, error)),
                _ => {}
            }
        }
        let mut fresh = Self::open(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut copied = [0; TABLES.len()];
        if let Ok(old) = Connection::open_with_flags(&damaged, flags) {
            // Or else SQLite refuses to read any of a file that is shorter than it was.
            let _ = old.pragma_update(None, "writable_schema", true);
            fresh.commit(|writer| {
                copy_settings(&old, &writer.0)?;
                for (table, copied) in TABLES.iter().zip(&mut copied) {
                    *copied = table.copy(&old, &writer.0)?;
                }
                // A track may have been lost that a vector is of.
                writer.0.execute_batch(
                    "DELETE FROM vectors WHERE track_id NOT IN (SELECT id FROM tracks);
                     DELETE FROM passages WHERE track_id NOT IN (SELECT id FROM tracks);",
                )
            })?;
        }
        let [tracks, vectors, _] = copied;
        Ok(Salvaged { damaged, tracks, vectors })
    }
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
    /// Copies row by row, passing over what cannot be read; returns how many were.
    fn copy(&self, old: &Connection, new: &Connection) -> rusqlite::Result<usize> {
        let Self { name, key } = self;
        let columns: Vec<String> = new
            .prepare(&format!("SELECT name FROM pragma_table_info('{name}')"))?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let listed = columns.join(", ");
        let insert =
            format!("INSERT OR IGNORE INTO {name} ({listed}) VALUES ({})", vec!["?"; columns.len()].join(", "));
        let select = format!("SELECT {listed}, {key} FROM {name} WHERE {key} >= ?1 ORDER BY {key}");
        let (mut next, mut copied) = (0_i64, 0);
        let last = last_key(old, name, key);
        while next <= last {
            // From where it went on, until a page that cannot be read; behind that, from the next key on.
            let mut read_all = || -> rusqlite::Result<bool> {
                let mut statement = old.prepare_cached(&select)?;
                let mut rows = statement.query([next])?;
                while let Some(row) = rows.next()? {
                    let values: Vec<Value> =
                        (0..columns.len()).map(|place| row.get(place)).collect::<rusqlite::Result<_>>()?;
                    let key: i64 = row.get(columns.len())?;
                    copied += new.prepare_cached(&insert)?.execute(params_from_iter(values)).unwrap_or(0);
                    next = key;
                }
                Ok(true)
            };
            if read_all().unwrap_or(false) {
                break;
            }
            next += 1;
        }
        Ok(copied)
    }
}

/// The largest key that may be in use.
fn last_key(old: &Connection, name: &str, key: &str) -> i64 {
    let ask = |sql: &str| old.query_row(sql, [], |row| row.get::<_, Option<i64>>(0)).ok().flatten();
    let given = ask("SELECT seq FROM sqlite_sequence WHERE name = 'tracks'");
    given.max(ask(&format!("SELECT max({key}) FROM {name}"))).unwrap_or(0)
}
