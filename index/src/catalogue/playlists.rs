//! Which tracks somebody put together.

use std::path::{Path, PathBuf};

use rusqlite::{Row, ToSql, params};

use super::columns::StoredPath;
use super::{Catalogue, Writer};
use crate::error::Result;
use crate::track::TrackId;

/// Tracks that somebody put together, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playlist {
    /// Its number, which it keeps when its tracks are replaced.
    pub id: i64,
    /// The file that it was read from, or a name that no other playlist has.
    pub path: PathBuf,
    /// When it was put there last, in seconds since 1970; `None`: before that was noted.
    pub changed_at: Option<i64>,
    /// Its tracks of the library; there may be none.
    pub tracks: Vec<TrackId>,
}

impl Catalogue {
    /// All playlists, by path.
    ///
    /// # Errors
    /// As all that reads.
    pub fn playlists(&self) -> Result<Vec<Playlist>> {
        self.playlists_where("TRUE", &[])
    }

    /// The playlist with this number.
    ///
    /// # Errors
    /// As all that reads.
    pub fn playlist(&self, id: i64) -> Result<Option<Playlist>> {
        Ok(self.playlists_where("id = ?1", &[&id])?.pop())
    }

    /// The playlist of this path.
    ///
    /// # Errors
    /// As all that reads.
    pub fn find_playlist(&self, path: &Path) -> Result<Option<Playlist>> {
        Ok(self.playlists_where("path = ?1", &[&StoredPath::of(path)])?.pop())
    }

    fn playlists_where(&self, condition: &str, values: &[&dyn ToSql]) -> Result<Vec<Playlist>> {
        let sql = format!(
            "SELECT id, path, changed_at, track_id FROM playlists LEFT JOIN playlist_tracks ON playlist_id = id
             WHERE {condition} ORDER BY path, place"
        );
        let empty = |row: &Row<'_>| -> rusqlite::Result<Playlist> {
            let path = row.get::<_, StoredPath>(1)?.0;
            Ok(Playlist { id: row.get(0)?, path, changed_at: row.get(2)?, tracks: Vec::new() })
        };
        self.read(|connection| {
            let mut statement = connection.prepare(&sql)?;
            let mut rows = statement.query(values)?;
            let mut playlists: Vec<Playlist> = Vec::new();
            while let Some(row) = rows.next()? {
                let id: i64 = row.get(0)?;
                if playlists.last().is_none_or(|last| last.id != id) {
                    playlists.push(empty(row)?);
                }
                if let Some(last) = playlists.last_mut() {
                    last.tracks.extend(row.get::<_, Option<TrackId>>(3)?);
                }
            }
            Ok(playlists)
        })
    }
}

impl Writer<'_> {
    /// Takes in a playlist, or replaces the tracks of the one of this path.
    pub fn put_playlist(&self, path: &Path, tracks: &[TrackId]) -> rusqlite::Result<()> {
        let sql = "INSERT INTO playlists (path, changed_at) VALUES (?1, unixepoch())
                   ON CONFLICT (path) DO UPDATE SET changed_at = excluded.changed_at RETURNING id";
        let playlist: i64 = self.0.prepare_cached(sql)?.query_row([StoredPath::of(path)], |row| row.get(0))?;
        self.0.prepare_cached("DELETE FROM playlist_tracks WHERE playlist_id = ?1")?.execute([playlist])?;
        let mut insert = self.0.prepare_cached("INSERT INTO playlist_tracks VALUES (?1, ?2, ?3)")?;
        (0_i64..).zip(tracks).try_for_each(|(place, track)| insert.execute(params![playlist, place, track]).map(|_| ()))
    }

    /// Forgets a playlist; returns whether there was one.
    pub fn remove_playlist(&self, id: i64) -> rusqlite::Result<bool> {
        Ok(self.0.prepare_cached("DELETE FROM playlists WHERE id = ?1")?.execute([id])? > 0)
    }
}
