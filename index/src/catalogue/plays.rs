//! When tracks were heard.

use rusqlite::params;

use super::{Catalogue, Writer};
use crate::error::Result;
use crate::track::TrackId;

/// A time at which a track was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Play {
    /// The track.
    pub track: TrackId,
    /// Seconds since 1970.
    pub at: i64,
    /// Whether it was not heard to its end.
    pub skipped: bool,
}

impl Catalogue {
    /// Number of known plays.
    ///
    /// # Errors
    /// As all that reads.
    pub fn play_count(&self) -> Result<usize> {
        let count = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        let count = self.read(|connection| connection.query_row("SELECT count(*) FROM plays", [], count))?;
        Ok(count as usize)
    }

    /// All plays, in the order of time.
    ///
    /// # Errors
    /// As all that reads.
    pub fn plays(&self) -> Result<Vec<Play>> {
        let sql = "SELECT track_id, at, skipped FROM plays ORDER BY at, track_id";
        let play = |row: &rusqlite::Row<'_>| Ok(Play { track: row.get(0)?, at: row.get(1)?, skipped: row.get(2)? });
        self.read(|connection| connection.prepare(sql)?.query_map([], play)?.collect())
    }
}

impl Writer<'_> {
    /// Notes a play, once, however often it is told; returns whether it is new.
    pub fn put_play(&self, play: Play) -> rusqlite::Result<bool> {
        let sql = "INSERT OR IGNORE INTO plays VALUES (?1, ?2, ?3)";
        let written = self.0.prepare_cached(sql)?.execute(params![play.track, play.at, play.skipped])?;
        Ok(written > 0)
    }
}
