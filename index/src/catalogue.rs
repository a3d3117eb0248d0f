//! The truth about the library, in SQLite: every vector search can be rebuilt from it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, Transaction, params};

use crate::error::{Error, Result};
use crate::track::{ContentHash, FileStamp, NewTrack, TrackId, TrackRecord, TrackState};

/// Version of the schema that this program writes.
pub const SCHEMA_VERSION: i64 = 1;

/// A writer's commit may make another connection wait.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

const COLUMNS: &str = "id, path, size_bytes, modified_ns, content_hash, artist, title, album, genre, \
                       duration_seconds, failure, failure_is_transient";

/// A connection to the catalogue. Any number may read while one writes.
#[derive(Debug)]
pub struct Catalogue {
    path: PathBuf,
    connection: Connection,
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
    /// Tracks whose file could not be used.
    pub failed: usize,
    /// Length of all embedded tracks in seconds.
    pub seconds: f64,
    /// Different artist tags.
    pub artists: usize,
}

/// A run of a command.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Run {
    /// The command.
    pub command: String,
    /// Seconds since 1970.
    pub started_at: i64,
    /// Seconds since 1970; `None`: still going, or killed.
    pub finished_at: Option<i64>,
}

impl Catalogue {
    /// Opens the catalogue, creating it where there is none.
    ///
    /// # Errors
    /// [`Error::NewerFormat`], [`Error::Damaged`], [`Error::DiskFull`], [`Error::Sqlite`].
    pub fn open(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Self::open_with(path, flags)
    }

    /// Opens an existing catalogue for reading.
    ///
    /// # Errors
    /// As [`Catalogue::open`].
    pub fn open_to_read(path: &Path) -> Result<Self> {
        Self::open_with(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
    }

    fn open_with(path: &Path, flags: OpenFlags) -> Result<Self> {
        let open = || {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            connection.pragma_update(None, "foreign_keys", true)?;
            let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            Ok((connection, version))
        };
        let (connection, version) = open().map_err(|error| Error::sqlite(path, error))?;
        if version > SCHEMA_VERSION {
            return Err(Error::NewerFormat { path: path.into(), found: version, supported: SCHEMA_VERSION });
        }
        let catalogue = Self { path: path.into(), connection };
        if version == 0 {
            catalogue.create_schema().map_err(|error| Error::sqlite(path, error))?;
        }
        Ok(catalogue)
    }

    fn create_schema(&self) -> rusqlite::Result<()> {
        // Write-ahead logging lets readers go on while a writer commits. FULL: what was committed
        // survives a power cut, not only a kill.
        self.connection.pragma_update(None, "journal_mode", "wal")?;
        self.connection.pragma_update(None, "synchronous", "full")?;
        let schema = include_str!("schema.sql");
        let create = format!("BEGIN IMMEDIATE; {schema} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;");
        self.connection.execute_batch(&create)
    }

    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        read(&self.connection).map_err(|error| Error::sqlite(&self.path, error))
    }

    /// Everything written in `write` is committed together, or nothing.
    ///
    /// # Errors
    /// [`Error::DiskFull`], [`Error::Sqlite`]; what was committed before stays.
    pub fn commit<T>(&mut self, write: impl FnOnce(&Writer<'_>) -> rusqlite::Result<T>) -> Result<T> {
        let Self { path, connection } = self;
        let run = || {
            let writer = Writer(connection.transaction()?);
            let value = write(&writer)?;
            writer.0.commit()?;
            Ok(value)
        };
        run().map_err(|error| Error::sqlite(path, error))
    }

    /// The track with this number.
    ///
    /// # Errors
    /// [`Error::Sqlite`] and [`Error::Damaged`], as all that reads.
    pub fn get(&self, id: TrackId) -> Result<Option<TrackRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM tracks WHERE id = ?1");
        self.read(|connection| connection.prepare_cached(&sql)?.query_row([id], record_of).optional())
    }

    /// The track of this file.
    pub fn find_by_path(&self, path: &Path) -> Result<Option<TrackRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM tracks WHERE path = ?1");
        self.read(|connection| connection.prepare_cached(&sql)?.query_row([StoredPath::of(path)], record_of).optional())
    }

    /// Tracks whose path ends in `/suffix`, `limit` at most.
    pub fn find_by_path_suffix(&self, suffix: &Path, limit: usize) -> Result<Vec<TrackRecord>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM tracks WHERE substr(path, -length(?1)) = ?1 ORDER BY id LIMIT ?2"
        );
        let suffix = Path::new("/").join(suffix);
        self.read(|connection| {
            connection.prepare_cached(&sql)?.query_map(params![StoredPath::of(&suffix), limit as i64], record_of)?.collect()
        })
    }

    /// Tracks whose file has these bytes.
    pub fn find_by_hash(&self, hash: &ContentHash) -> Result<Vec<TrackRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM tracks WHERE content_hash = ?1 ORDER BY id");
        self.read(|connection| connection.prepare_cached(&sql)?.query_map([hash.0], record_of)?.collect())
    }

    /// What an ingest with `model_id` must know of every track.
    pub fn known(&self, model_id: &str) -> Result<Vec<Known>> {
        let sql = "SELECT id, path, size_bytes, modified_ns, failure IS NOT NULL, failure_is_transient,
                          EXISTS (SELECT 1 FROM vectors WHERE track_id = id AND model_id = ?1)
                   FROM tracks ORDER BY id";
        let known = |row: &Row<'_>| {
            let (failed, transient) = (row.get::<_, bool>(4)?, row.get(5)?);
            Ok(Known {
                id: row.get(0)?,
                path: row.get::<_, StoredPath>(1)?.0,
                stamp: FileStamp { size_bytes: row.get::<_, i64>(2)? as u64, modified_ns: row.get(3)? },
                failed: failed.then_some(Transient(transient)),
                has_vector: row.get(6)?,
            })
        };
        self.read(|connection| connection.prepare(sql)?.query_map([model_id], known)?.collect())
    }

    /// Tracks whose file could not be used, by path.
    pub fn failures(&self) -> Result<Vec<TrackRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM tracks WHERE failure IS NOT NULL ORDER BY path");
        self.read(|connection| connection.prepare(&sql)?.query_map([], record_of)?.collect())
    }

    /// Counts of tracks, with vectors of `model_id`.
    pub fn counts(&self, model_id: &str) -> Result<Counts> {
        let sql = "SELECT count(v.track_id), count(t.failure), total(iif(v.track_id IS NULL, 0, t.duration_seconds)),
                          count(DISTINCT iif(v.track_id IS NULL, NULL, t.artist))
                   FROM tracks t LEFT JOIN vectors v ON v.track_id = t.id AND v.model_id = ?1";
        let counts = |row: &Row<'_>| {
            Ok(Counts {
                embedded: row.get::<_, i64>(0)? as usize,
                failed: row.get::<_, i64>(1)? as usize,
                seconds: row.get(2)?,
                artists: row.get::<_, i64>(3)? as usize,
            })
        };
        self.read(|connection| connection.query_row(sql, [model_id], counts))
    }

    /// The vector of a track.
    pub fn vector(&self, id: TrackId, model_id: &str) -> Result<Option<Vec<f32>>> {
        let sql = "SELECT vector FROM vectors WHERE track_id = ?1 AND model_id = ?2";
        let vector = |row: &Row<'_>| row.get_ref(0)?.as_blob().map(vector_of).map_err(Into::into);
        self.read(|connection| connection.prepare_cached(sql)?.query_row(params![id, model_id], vector).optional())
    }

    /// Calls `each` with every vector of a model, in the order of track numbers.
    pub fn each_vector(&self, model_id: &str, mut each: impl FnMut(TrackId, Vec<f32>)) -> Result<()> {
        self.read(|connection| {
            let mut statement =
                connection.prepare("SELECT track_id, vector FROM vectors WHERE model_id = ?1 ORDER BY track_id")?;
            let mut rows = statement.query([model_id])?;
            while let Some(row) = rows.next()? {
                each(row.get(0)?, vector_of(row.get_ref(1)?.as_blob()?));
            }
            Ok(())
        })
    }

    /// Number of changes that a model's vectors have seen.
    pub fn revision(&self, model_id: &str) -> Result<u64> {
        let sql = "SELECT revision FROM revisions WHERE model_id = ?1";
        let revision = |row: &Row<'_>| row.get::<_, i64>(0);
        let revision = self.read(|connection| connection.query_row(sql, [model_id], revision).optional())?;
        Ok(revision.unwrap_or(0) as u64)
    }

    /// The model of the first vectors that were taken in, if there are any.
    pub fn first_model(&self) -> Result<Option<String>> {
        let sql = "SELECT model_id FROM runs WHERE model_id IS NOT NULL ORDER BY id LIMIT 1";
        self.read(|connection| connection.query_row(sql, [], |row| row.get(0)).optional())
    }

    /// The latest run of a command.
    pub fn last_run(&self) -> Result<Option<Run>> {
        let sql = "SELECT command, started_at, finished_at FROM runs ORDER BY id DESC LIMIT 1";
        let run = |row: &Row<'_>| Ok(Run { command: row.get(0)?, started_at: row.get(1)?, finished_at: row.get(2)? });
        self.read(|connection| connection.query_row(sql, [], run).optional())
    }
}

/// What a write inside of a transaction gives.
pub type Written<T = ()> = rusqlite::Result<T>;

/// Number of a row of `runs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunId(i64);

/// Writes inside of one transaction; see [`Catalogue::commit`].
pub struct Writer<'a>(Transaction<'a>);

impl Writer<'_> {
    /// Takes in a file with its vector, or replaces what was known of its path.
    pub fn put_embedded(&self, track: &NewTrack, model_id: &str, vector: &[f32]) -> rusqlite::Result<TrackId> {
        let id = self.put(track, None)?;
        let sql = "INSERT INTO vectors VALUES (?1, ?2, ?3)
                   ON CONFLICT (track_id, model_id) DO UPDATE SET vector = excluded.vector";
        // Vectors of other models belong to bytes that are gone.
        let outdated = "DELETE FROM vectors WHERE track_id = ?1 AND model_id <> ?2 AND ?3";
        let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.0.prepare_cached(sql)?.execute(params![id.0, model_id, bytes])?;
        self.0.prepare_cached(outdated)?.execute(params![id.0, model_id, id.1])?;
        Ok(id.0)
    }

    /// Takes in a file that could not be used. It keeps no vector: its bytes are not those that the
    /// vector was made of.
    pub fn put_failed(&self, track: &NewTrack, reason: &str, transient: Transient) -> rusqlite::Result<TrackId> {
        let id = self.put(track, Some((reason, transient)))?.0;
        self.0.prepare_cached("DELETE FROM vectors WHERE track_id = ?1")?.execute([id])?;
        Ok(id)
    }

    /// The track's number, and whether its bytes are others than before.
    fn put(&self, track: &NewTrack, failure: Option<(&str, Transient)>) -> rusqlite::Result<(TrackId, bool)> {
        let path = StoredPath::of(&track.path);
        let hash = track.hash.map(|hash| hash.0);
        let before: Option<Option<[u8; 32]>> = self
            .0
            .prepare_cached("SELECT content_hash FROM tracks WHERE path = ?1")?
            .query_row([&path], |row| row.get(0))
            .optional()?;
        let sql = "INSERT INTO tracks (path, size_bytes, modified_ns, content_hash, artist, title, album, genre,
                                       duration_seconds, failure, failure_is_transient)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
                   ON CONFLICT (path) DO UPDATE SET
                       size_bytes = excluded.size_bytes, modified_ns = excluded.modified_ns,
                       content_hash = excluded.content_hash, artist = excluded.artist, title = excluded.title,
                       album = excluded.album, genre = excluded.genre, duration_seconds = excluded.duration_seconds,
                       failure = excluded.failure, failure_is_transient = excluded.failure_is_transient
                   RETURNING id";
        let id = self.0.prepare_cached(sql)?.query_row(
            params![
                path,
                track.stamp.size_bytes as i64,
                track.stamp.modified_ns,
                hash,
                track.artist,
                track.title,
                track.album,
                track.genre,
                track.duration_seconds,
                failure.map(|(reason, _)| reason),
                failure.is_some_and(|(_, Transient(transient))| transient),
            ],
            |row| row.get(0),
        )?;
        Ok((id, before.is_some_and(|before| before != hash)))
    }

    /// Notes that a file was found elsewhere, or touched, with the same bytes. Whatever else was
    /// known of the new path is forgotten.
    pub fn set_place(&self, id: TrackId, path: &Path, stamp: FileStamp) -> rusqlite::Result<()> {
        let path = StoredPath::of(path);
        self.0.prepare_cached("DELETE FROM tracks WHERE path = ?1 AND id <> ?2")?.execute(params![path, id])?;
        let sql = "UPDATE tracks SET path = ?2, size_bytes = ?3, modified_ns = ?4 WHERE id = ?1";
        self.0.prepare_cached(sql)?.execute(params![id, path, stamp.size_bytes as i64, stamp.modified_ns])?;
        Ok(())
    }

    /// Forgets a track and its vectors.
    pub fn remove(&self, id: TrackId) -> rusqlite::Result<()> {
        self.0.prepare_cached("DELETE FROM tracks WHERE id = ?1")?.execute([id])?;
        Ok(())
    }

    /// Notes the start of a command.
    pub fn begin_run(&self, command: &str, model_id: &str) -> rusqlite::Result<RunId> {
        let sql = "INSERT INTO runs (command, model_id, started_at) VALUES (?1, ?2, unixepoch())";
        self.0.execute(sql, params![command, model_id])?;
        Ok(RunId(self.0.last_insert_rowid()))
    }

    /// Notes the end of a command, with a summary in JSON.
    pub fn finish_run(&self, run: RunId, summary: &str) -> rusqlite::Result<()> {
        let sql = "UPDATE runs SET finished_at = unixepoch(), summary = ?2 WHERE id = ?1";
        self.0.execute(sql, params![run.0, summary])?;
        Ok(())
    }
}

fn record_of(row: &Row<'_>) -> rusqlite::Result<TrackRecord> {
    let failure: Option<String> = row.get(10)?;
    let transient = row.get(11)?;
    Ok(TrackRecord {
        id: row.get(0)?,
        file: NewTrack {
            path: row.get::<_, StoredPath>(1)?.0,
            stamp: FileStamp { size_bytes: row.get::<_, i64>(2)? as u64, modified_ns: row.get(3)? },
            hash: row.get::<_, Option<[u8; 32]>>(4)?.map(ContentHash),
            artist: row.get(5)?,
            title: row.get(6)?,
            album: row.get(7)?,
            genre: row.get(8)?,
            duration_seconds: row.get(9)?,
        },
        state: match failure {
            Some(reason) => TrackState::Failed { reason, transient },
            None => TrackState::Embedded,
        },
    })
}

fn vector_of(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect()
}

impl ToSql for TrackId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0 as i64))
    }
}

impl FromSql for TrackId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let id = value.as_i64()?;
        u64::try_from(id).map(Self).map_err(|_| FromSqlError::OutOfRange(id))
    }
}

/// A path as the catalogue keeps it: text where it is UTF-8, else its bytes.
struct StoredPath(PathBuf);

impl StoredPath {
    fn of(path: &Path) -> Self {
        Self(path.to_owned())
    }
}

impl ToSql for StoredPath {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0.to_str() {
            Some(text) => ValueRef::Text(text.as_bytes()),
            None => ValueRef::Blob(self.0.as_os_str().as_encoded_bytes()),
        }))
    }
}

impl FromSql for StoredPath {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        use std::os::unix::ffi::OsStringExt;
        match value {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                Ok(Self(std::ffi::OsString::from_vec(bytes.to_vec()).into()))
            }
            _ => Err(FromSqlError::InvalidType),
        }
    }
}
