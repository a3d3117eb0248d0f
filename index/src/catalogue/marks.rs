//! What listeners marked: tracks with a star, or with one to five points.

use rusqlite::{OptionalExtension, Row, ToSql, params};

use super::{Catalogue, Writer};
use crate::error::Result;
use crate::track::TrackId;

/// How a listener marked a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The track.
    pub track: TrackId,
    /// When it got its star, in seconds since 1970; `None`: it has none.
    pub starred_at: Option<i64>,
    /// From 1 to 5; `None`: it was not rated.
    pub rating: Option<u8>,
}

fn mark_of(row: &Row<'_>) -> rusqlite::Result<Mark> {
    Ok(Mark { track: row.get(0)?, starred_at: row.get(1)?, rating: row.get(2)? })
}

impl Catalogue {
    /// All that a listener marked, in the order of track numbers.
    ///
    /// # Errors
    /// As all that reads.
    pub fn marks(&self, listener: &str) -> Result<Vec<Mark>> {
        let sql = "SELECT track_id, starred_at, rating FROM marks WHERE listener = ?1 ORDER BY track_id";
        self.read(|connection| connection.prepare_cached(sql)?.query_map([listener], mark_of)?.collect())
    }

    /// How a listener marked a track; `None`: not at all.
    ///
    /// # Errors
    /// As all that reads.
    pub fn mark(&self, listener: &str, track: TrackId) -> Result<Option<Mark>> {
        let sql = "SELECT track_id, starred_at, rating FROM marks WHERE listener = ?1 AND track_id = ?2";
        let parameters = params![listener, track];
        self.read(|connection| connection.prepare_cached(sql)?.query_row(parameters, mark_of).optional())
    }
}

impl Writer<'_> {
    /// Gives a track a listener's star, with the seconds since 1970 at which it got it; `None`: takes it away.
    pub fn set_starred(&self, listener: &str, track: TrackId, at: Option<i64>) -> rusqlite::Result<()> {
        self.set_mark("starred_at", listener, track, at)
    }

    /// Notes a listener's rating of a track, from 1 to 5, which the catalogue insists on; `None`: takes it away.
    pub fn set_rating(&self, listener: &str, track: TrackId, rating: Option<u8>) -> rusqlite::Result<()> {
        self.set_mark("rating", listener, track, rating)
    }

    fn set_mark<T: ToSql>(
        &self,
        column: &str,
        listener: &str,
        track: TrackId,
        value: Option<T>,
    ) -> rusqlite::Result<()> {
        let other = if column == "rating" { "starred_at" } else { "rating" };
        // What neither has a star nor was rated is no mark.
        let gone = format!("DELETE FROM marks WHERE listener = ?1 AND track_id = ?2 AND {other} IS NULL");
        let cleared = format!("UPDATE marks SET {column} = NULL WHERE listener = ?1 AND track_id = ?2");
        let Some(value) = value else {
            self.0.prepare_cached(&gone)?.execute(params![listener, track])?;
            return self.0.prepare_cached(&cleared)?.execute(params![listener, track]).map(|_| ());
        };
        let sql = format!(
            "INSERT INTO marks (listener, track_id, {column}) VALUES (?1, ?2, ?3)
             ON CONFLICT (listener, track_id) DO UPDATE SET {column} = excluded.{column}"
        );
        self.0.prepare_cached(&sql)?.execute(params![listener, track, value]).map(|_| ())
    }
}
