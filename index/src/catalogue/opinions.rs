//! What listeners said of answers, and which tracks they put together.

use std::path::{Path, PathBuf};

use rusqlite::params;

use super::columns::StoredPath;
use super::{Catalogue, Writer};
use crate::error::Result;
use crate::track::TrackId;

/// What was said of a track as an answer to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opinion {
    /// The track that was asked with.
    pub query: TrackId,
    /// The track that was the answer.
    pub result: TrackId,
    /// Whether it was a good one.
    pub is_liked: bool,
}

/// Tracks that somebody put together, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playlist {
    /// The file that it was read from.
    pub path: PathBuf,
    /// Its tracks of the library.
    pub tracks: Vec<TrackId>,
}

impl Catalogue {
    /// All opinions, by query, then by answer.
    ///
    /// # Errors
    /// As all that reads.
    pub fn opinions(&self) -> Result<Vec<Opinion>> {
        let sql = "SELECT query_id, result_id, is_liked FROM opinions ORDER BY query_id, result_id";
        let opinion =
            |row: &rusqlite::Row<'_>| Ok(Opinion { query: row.get(0)?, result: row.get(1)?, is_liked: row.get(2)? });
        self.read(|connection| connection.prepare(sql)?.query_map([], opinion)?.collect())
    }

    /// All playlists, by path.
    ///
    /// # Errors
    /// As all that reads.
    pub fn playlists(&self) -> Result<Vec<Playlist>> {
        let sql = "SELECT path, track_id FROM playlists JOIN playlist_tracks ON playlist_id = id ORDER BY path, place";
        let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, StoredPath>(0)?.0, row.get(1)?));
        let rows: Vec<(PathBuf, TrackId)> =
            self.read(|connection| connection.prepare(sql)?.query_map([], row)?.collect())?;
        let same_list = |a: &(PathBuf, TrackId), b: &(PathBuf, TrackId)| a.0 == b.0;
        let playlist = |rows: &[(PathBuf, TrackId)]| Playlist {
            path: rows[0].0.clone(),
            tracks: rows.iter().map(|(_, track)| *track).collect(),
        };
        Ok(rows.chunk_by(same_list).map(playlist).collect())
    }
}

impl Writer<'_> {
    /// Notes an opinion; the latest of a pair counts.
    pub fn put_opinion(&self, opinion: Opinion) -> rusqlite::Result<()> {
        let sql = "INSERT OR REPLACE INTO opinions VALUES (?1, ?2, ?3)";
        self.0.prepare_cached(sql)?.execute(params![opinion.query, opinion.result, opinion.is_liked])?;
        Ok(())
    }

    /// Forgets an opinion; returns whether there was one.
    pub fn remove_opinion(&self, query: TrackId, result: TrackId) -> rusqlite::Result<bool> {
        let sql = "DELETE FROM opinions WHERE query_id = ?1 AND result_id = ?2";
        Ok(self.0.prepare_cached(sql)?.execute(params![query, result])? > 0)
    }

    /// Takes in a playlist, or replaces what was known of its file.
    pub fn put_playlist(&self, path: &Path, tracks: &[TrackId]) -> rusqlite::Result<()> {
        let path = StoredPath::of(path);
        self.0.execute("DELETE FROM playlists WHERE path = ?1", [&path])?;
        self.0.execute("INSERT INTO playlists (path) VALUES (?1)", [&path])?;
        let playlist = self.0.last_insert_rowid();
        let mut insert = self.0.prepare_cached("INSERT INTO playlist_tracks VALUES (?1, ?2, ?3)")?;
        (0_i64..).zip(tracks).try_for_each(|(place, track)| insert.execute(params![playlist, place, track]).map(|_| ()))
    }
}
