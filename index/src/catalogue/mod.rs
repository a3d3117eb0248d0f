//! The truth about the library, in SQLite: every vector search can be rebuilt from it.

mod browsing;
mod changes;
mod columns;
mod copies;
mod filter;
mod marks;
mod open;
mod opinions;
mod passages;
mod paths;
mod places;
mod playlists;
mod plays;
mod retraining;
mod runs;
mod salvage;
mod schema;
mod words;
mod writer;

use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

pub use browsing::{AlbumEntry, ArtistEntry, GenreEntry};
pub use changes::Changes;
pub use copies::CopySearch;
pub use filter::{Bounds, Filter};
pub use marks::Mark;
pub use opinions::Opinion;
pub use places::Place;
pub use playlists::Playlist;
pub use plays::Play;
pub use retraining::{KnownModel, ModelState};
pub use runs::{Run, RunId, RunStep};
pub use salvage::Salvaged;
pub use schema::SCHEMA_VERSION;
pub use writer::{Writer, Written};

use crate::choose::IndexConfig;
use crate::error::{Error, Result};
use crate::hubs;
use crate::track::{ContentHash, FileStamp, TrackId, TrackRecord};
use columns::{COLUMNS, SILENT, StoredPath, VECTOR_COLUMNS, record_of, sound_vector_of};
use open::FileState;

/// A connection to the catalogue. Any number may read while one writes.
#[derive(Debug)]
pub struct Catalogue {
    path: PathBuf,
    connection: Connection,
    /// Of a file that SQLite takes to be unchanging, what it was when it was opened.
    unchanging: Option<FileState>,
}

/// What an ingest must know of a track to tell whether its file changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its number.
    pub id: TrackId,
    /// Its path.
    pub path: PathBuf,
    /// Its stamp when it was taken in.
    pub stamp: FileStamp,
    /// Whether it has a vector of the model asked for.
    pub has_vector: bool,
    /// Whether nothing is to be heard of it.
    pub silent: bool,
    /// Whether it could not be used, and if so, whether for a reason that may go away.
    pub failed: Option<Transient>,
}

/// Whether the reason of a failure may go away while the file stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transient(pub bool);

/// How many tracks there are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize)]
pub struct Counts {
    /// Tracks with a vector of the model asked for.
    pub embedded: usize,
    /// Tracks of which nothing is to be heard.
    pub silent: usize,
    /// Tracks whose file could not be used.
    pub failed: usize,
    /// Length of all embedded tracks in seconds.
    pub seconds: f64,
    /// Different artist tags.
    pub artists: usize,
}

impl Catalogue {
    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        read(&self.connection).map_err(|error| match Error::sqlite(&self.path, error) {
            Error::Damaged { path, .. } if self.has_changed_unseen() => Error::ChangedWhileRead { path },
            error => error,
        })
    }

    /// What is read inside of `read` is of one state of the catalogue, whatever others commit meanwhile; inside of another
    /// call, of the state that is read there.
    ///
    /// # Errors
    /// What `read` reports, and as all that reads.
    pub fn at_one_instant<T, E: From<Error>>(
        &self,
        read: impl FnOnce(&Self) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        if !self.connection.is_autocommit() {
            return read(self);
        }
        let transaction = self.connection.unchecked_transaction().map_err(|error| Error::sqlite(&self.path, error))?;
        let value = read(self);
        // It has written nothing: whether it ends well does not matter.
        drop(transaction);
        value
    }

    /// Everything written in `write` is committed together, or nothing.
    ///
    /// # Errors
    /// [`Error::DiskFull`], [`Error::Sqlite`]; what was committed before stays.
    pub fn commit<T>(&mut self, write: impl FnOnce(&Writer<'_>) -> rusqlite::Result<T>) -> Result<T> {
        let Self { path, connection, .. } = self;
        let run = || {
            // At once: one that reads first and writes then is refused, not kept waiting, while another writes.
            let writer = Writer::new(connection.transaction_with_behavior(TransactionBehavior::Immediate)?);
            let value = write(&writer)?;
            end_at!("commit-begun");
            writer.finish()?;
            end_at!("commit-done");
            Ok(value)
        };
        run().map_err(|error| Error::sqlite(path, error))
    }

    /// Gives the space back that removed rows have left.
    ///
    /// # Errors
    /// [`Error::DiskFull`]: it takes as much again while it works; [`Error::Sqlite`].
    pub fn compact(&mut self) -> Result<()> {
        self.read(|connection| connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);"))
    }

    /// The track with this number.
    ///
    /// # Errors
    /// [`Error::Sqlite`] and [`Error::Damaged`], as all that reads.
    pub fn get(&self, id: TrackId) -> Result<Option<TrackRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM tracks WHERE id = ?1");
        self.read(|connection| connection.prepare_cached(&sql)?.query_row([id], record_of).optional())
    }

    /// Tracks whose file has these bytes.
    pub fn find_by_hash(&self, hash: &ContentHash) -> Result<Vec<TrackRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM tracks WHERE content_hash = ?1 ORDER BY id");
        self.read(|connection| connection.prepare_cached(&sql)?.query_map([hash.0], record_of)?.collect())
    }

    /// What an ingest with `model_id` must know of every track.
    pub fn known(&self, model_id: &str) -> Result<Vec<Known>> {
        let sql = "SELECT id, path, size_bytes, modified_ns, failure, failure_is_transient,
                          EXISTS (SELECT 1 FROM vectors WHERE track_id = id AND model_id = ?1)
                   FROM tracks ORDER BY id";
        let known = |row: &Row<'_>| {
            let failure = row.get_ref(4)?.as_str_or_null()?;
            let silent = failure == Some(SILENT);
            let transient = row.get(5)?;
            Ok(Known {
                id: row.get(0)?,
                path: row.get::<_, StoredPath>(1)?.0,
                stamp: FileStamp { size_bytes: row.get::<_, i64>(2)? as u64, modified_ns: row.get(3)? },
                silent,
                failed: (failure.is_some() && !silent).then_some(Transient(transient)),
                has_vector: row.get(6)?,
            })
        };
        self.read(|connection| connection.prepare(sql)?.query_map([model_id], known)?.collect())
    }

    /// Tracks whose file could not be used, by path.
    pub fn failures(&self) -> Result<Vec<TrackRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM tracks WHERE failure <> ?1 ORDER BY path");
        self.read(|connection| connection.prepare(&sql)?.query_map([SILENT], record_of)?.collect())
    }

    /// Calls `each` with every track that can be listened to, by path: all but silent ones and those
    /// whose file could not be used, unless for a reason that may have passed.
    pub fn each_audible(&self, mut each: impl FnMut(TrackRecord)) -> Result<()> {
        let sql = format!("SELECT {COLUMNS} FROM tracks WHERE failure IS NULL OR failure_is_transient ORDER BY path");
        self.read(|connection| {
            let mut statement = connection.prepare(&sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                each(record_of(row)?);
            }
            Ok(())
        })
    }

    /// Counts of tracks, with vectors of `model_id`.
    pub fn counts(&self, model_id: &str) -> Result<Counts> {
        let sql = "SELECT count(v.track_id), count(iif(t.failure <> ?2, 1, NULL)),
                          total(iif(v.track_id IS NULL, 0, t.duration_seconds)),
                          count(DISTINCT iif(v.track_id IS NULL, NULL, t.artist)),
                          count(iif(t.failure = ?2, 1, NULL))
                   FROM tracks t LEFT JOIN vectors v ON v.track_id = t.id AND v.model_id = ?1";
        let counts = |row: &Row<'_>| {
            Ok(Counts {
                embedded: row.get::<_, i64>(0)? as usize,
                failed: row.get::<_, i64>(1)? as usize,
                seconds: row.get(2)?,
                artists: row.get::<_, i64>(3)? as usize,
                silent: row.get::<_, i64>(4)? as usize,
            })
        };
        self.read(|connection| connection.query_row(sql, [model_id, SILENT], counts))
    }

    /// Number of a model's vectors.
    pub(crate) fn vector_count(&self, model_id: &str) -> Result<usize> {
        let sql = "SELECT count(*) FROM vectors WHERE model_id = ?1";
        let count = |row: &Row<'_>| row.get::<_, i64>(0);
        Ok(self.read(|connection| connection.query_row(sql, [model_id], count))? as usize)
    }

    /// Length of a model's vectors; `None`: there are none.
    pub(crate) fn dimension(&self, model_id: &str) -> Result<Option<usize>> {
        let sql = "SELECT length(vector) FROM vectors WHERE model_id = ?1 LIMIT 1";
        let bytes = |row: &Row<'_>| row.get::<_, i64>(0);
        let bytes = self.read(|connection| connection.query_row(sql, [model_id], bytes).optional())?;
        Ok(bytes.map(|bytes| bytes as usize / size_of::<f32>()))
    }

    /// Tracks with a vector of a model, in the order of their numbers.
    pub fn embedded_tracks(&self, model_id: &str) -> Result<Vec<TrackId>> {
        let sql = "SELECT track_id FROM vectors WHERE model_id = ?1 ORDER BY track_id";
        self.read(|connection| connection.prepare(sql)?.query_map([model_id], |row| row.get(0))?.collect())
    }

    /// The vector of a track.
    pub fn vector(&self, id: TrackId, model_id: &str) -> Result<Option<Vec<f32>>> {
        let sql = format!("SELECT {VECTOR_COLUMNS} FROM vectors WHERE track_id = ?1 AND model_id = ?2");
        let vector = |row: &Row<'_>| sound_vector_of(row, 0);
        self.read(|connection| connection.prepare_cached(&sql)?.query_row(params![id, model_id], vector).optional())
    }

    /// Calls `each` with every vector of a model, in the order of track numbers.
    pub fn each_vector(&self, model_id: &str, mut each: impl FnMut(TrackId, Vec<f32>)) -> Result<()> {
        self.read(|connection| {
            let sql = format!("SELECT track_id, {VECTOR_COLUMNS} FROM vectors WHERE model_id = ?1 ORDER BY track_id");
            let mut statement = connection.prepare(&sql)?;
            let mut rows = statement.query([model_id])?;
            while let Some(row) = rows.next()? {
                each(row.get(0)?, sound_vector_of(row, 1)?);
            }
            Ok(())
        })
    }

    /// Calls `each` with a model's vectors, one after the other, and their tracks, so many at a time, in the order of track
    /// numbers.
    ///
    /// # Errors
    /// [`Error::Damaged`] where they differ in length; what `each` reports.
    pub(crate) fn each_batch(
        &self,
        model_id: &str,
        size: usize,
        mut each: impl FnMut(&[TrackId], &[f32]) -> Result<()>,
    ) -> Result<()> {
        let (mut tracks, mut vectors, mut dimension) = (Vec::with_capacity(size), Vec::new(), None);
        let mut outcome = Ok(());
        self.each_vector(model_id, |track, vector| {
            if outcome.is_err() {
                return;
            }
            let expected = *dimension.get_or_insert(vector.len());
            if vector.len() != expected || vector.is_empty() {
                let reason = format!("the vector of track {track} has {} numbers, not {expected}", vector.len());
                outcome = Err(Error::Damaged { path: self.path.clone(), reason });
                return;
            }
            tracks.push(track);
            vectors.extend(vector);
            if tracks.len() == size {
                outcome = each(&tracks, &vectors);
                tracks.clear();
                vectors.clear();
            }
        })?;
        outcome?;
        if tracks.is_empty() { Ok(()) } else { each(&tracks, &vectors) }
    }

    /// The model whose vectors answer queries; `None`: nothing was ever ingested.
    pub fn serving_model(&self) -> Result<Option<String>> {
        self.setting("serving_model")
    }

    /// Share of a neighbourhood's mean cosine that a track pays ([`crate::hubs`]), from 0 to 1.
    pub fn hub_weight(&self) -> Result<f32> {
        let Some(text) = self.setting("hub_weight")? else { return Ok(hubs::DEFAULT_WEIGHT) };
        let damaged = |_| Error::Damaged { path: self.path.clone(), reason: format!("{text:?} is no weight of hubs") };
        text.parse().map_err(damaged)
    }

    /// What indexes of the vectors are chosen by.
    pub fn index_config(&self) -> Result<IndexConfig> {
        let Some(text) = self.setting("index")? else { return Ok(IndexConfig::default()) };
        toml::from_str(&text).map_err(|error| Error::Damaged { path: self.path.clone(), reason: error.to_string() })
    }

    /// A random number that no other catalogue has.
    pub fn identity(&self) -> Result<String> {
        let missing = || Error::Damaged { path: self.path.clone(), reason: "it has no identity".into() };
        self.setting("identity")?.ok_or_else(missing)
    }

    fn setting(&self, name: &str) -> Result<Option<String>> {
        let sql = "SELECT value FROM settings WHERE name = ?1";
        self.read(|connection| connection.query_row(sql, [name], |row| row.get(0)).optional())
    }
}
