//! What is written inside of one transaction.

use std::path::Path;

use rusqlite::{OptionalExtension, Transaction, params};

use super::Transient;
use super::columns::{SILENT, StoredPath, checksum_of};
use crate::choose::IndexConfig;
use crate::track::{FileStamp, NewTrack, TrackId};

/// What a write inside of a transaction gives.
pub type Written<T = ()> = rusqlite::Result<T>;

/// Writes inside of one transaction; see [`super::Catalogue::commit`].
pub struct Writer<'a>(pub(super) Transaction<'a>);

impl<'a> Writer<'a> {
    pub(super) fn new(transaction: Transaction<'a>) -> Self {
        Self(transaction)
    }

    pub(super) fn finish(self) -> rusqlite::Result<()> {
        self.0.commit()
    }

    /// Takes in a file with its vector, or replaces what was known of its path.
    pub fn put_embedded(&self, track: &NewTrack, model_id: &str, vector: &[f32]) -> rusqlite::Result<TrackId> {
        let id = self.put(track, None)?;
        let sql = "INSERT INTO vectors (track_id, model_id, vector, checksum) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (track_id, model_id) DO UPDATE SET vector = excluded.vector,
                                                                 checksum = excluded.checksum";
        // Vectors of other models belong to bytes that are gone.
        let outdated = "DELETE FROM vectors WHERE track_id = ?1 AND model_id <> ?2 AND ?3";
        let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.0.prepare_cached(sql)?.execute(params![id.0, model_id, bytes, checksum_of(&bytes)])?;
        self.0.prepare_cached(outdated)?.execute(params![id.0, model_id, id.1])?;
        Ok(id.0)
    }

    /// Takes in a file that could not be used. Where the reason may pass, or the bytes are those that
    /// were known, what was made of them is kept; else its vectors are those of bytes that are gone.
    pub fn put_failed(&self, track: &NewTrack, reason: &str, transient: Transient) -> rusqlite::Result<TrackId> {
        let known = "UPDATE tracks SET failure = ?2, failure_is_transient = 1 WHERE path = ?1 RETURNING id";
        if transient == Transient(true) {
            let path = StoredPath::of(&track.path);
            let known = self.0.prepare_cached(known)?.query_row(params![path, reason], |row| row.get(0)).optional()?;
            if let Some(id) = known {
                return Ok(id);
            }
        }
        let (id, other_bytes) = self.put(track, Some((reason, transient)))?;
        if other_bytes {
            self.0.prepare_cached("DELETE FROM vectors WHERE track_id = ?1")?.execute([id])?;
        }
        Ok(id)
    }

    /// Takes in a file of which nothing is to be heard.
    pub fn put_silent(&self, track: &NewTrack) -> rusqlite::Result<TrackId> {
        self.put_failed(track, SILENT, Transient(false))
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
                                       duration_seconds, failure, failure_is_transient, year)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
                   ON CONFLICT (path) DO UPDATE SET
                       size_bytes = excluded.size_bytes, modified_ns = excluded.modified_ns,
                       content_hash = excluded.content_hash, artist = excluded.artist, title = excluded.title,
                       album = excluded.album, genre = excluded.genre, duration_seconds = excluded.duration_seconds,
                       failure = excluded.failure, failure_is_transient = excluded.failure_is_transient,
                       year = excluded.year
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
                track.year,
            ],
            |row| row.get(0),
        )?;
        Ok((id, before.is_some_and(|before| before != hash)))
    }

    /// Notes that a file was found elsewhere, or touched, with the same bytes. Whatever else was
    /// known of the new path is forgotten.
    pub fn set_place(&self, id: TrackId, path: &Path, stamp: FileStamp) -> rusqlite::Result<()> {
        let path = StoredPath::of(path);
        // An index that knows paths has to be told.
        let moved = "UPDATE vectors SET vector = vector
                     WHERE track_id = ?1 AND (SELECT path <> ?2 FROM tracks WHERE id = ?1)";
        self.0.prepare_cached(moved)?.execute(params![id, path])?;
        self.0.prepare_cached("DELETE FROM tracks WHERE path = ?1 AND id <> ?2")?.execute(params![path, id])?;
        let sql = "UPDATE tracks SET path = ?2, size_bytes = ?3, modified_ns = ?4,
                                      failure = NULL, failure_is_transient = 0 WHERE id = ?1";
        self.0.prepare_cached(sql)?.execute(params![id, path, stamp.size_bytes as i64, stamp.modified_ns])?;
        Ok(())
    }

    /// Forgets a track and its vectors.
    pub fn remove(&self, id: TrackId) -> rusqlite::Result<()> {
        self.0.prepare_cached("DELETE FROM tracks WHERE id = ?1")?.execute([id])?;
        Ok(())
    }

    /// Makes a model's vectors answer queries.
    pub fn set_serving_model(&self, model_id: &str) -> rusqlite::Result<()> {
        self.0.execute("INSERT OR REPLACE INTO settings VALUES ('serving_model', ?1)", [model_id])?;
        Ok(())
    }

    /// Sets what tracks pay that lie near to everything ([`crate::hubs`]).
    pub fn set_hub_weight(&self, weight: f32) -> rusqlite::Result<()> {
        self.0.execute("INSERT OR REPLACE INTO settings VALUES ('hub_weight', ?1)", [weight.to_string()])?;
        Ok(())
    }

    /// Sets what indexes of the vectors are chosen by; the next [`publish`](crate::Store::publish) obeys.
    pub fn set_index_config(&self, config: &IndexConfig) -> rusqlite::Result<()> {
        let text = toml::to_string(config).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        self.0.execute("INSERT OR REPLACE INTO settings VALUES ('index', ?1)", [text])?;
        Ok(())
    }

    /// Makes it another catalogue, which no generation is of.
    pub(crate) fn renew_identity(&self) -> rusqlite::Result<()> {
        self.0.execute("UPDATE settings SET value = lower(hex(randomblob(16))) WHERE name = 'identity'", [])?;
        Ok(())
    }
}
