//! What listeners said of answers.

use rusqlite::params;

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

    /// What was said of answers to a track, by answer.
    ///
    /// # Errors
    /// As all that reads.
    pub fn opinions_of(&self, query: TrackId) -> Result<Vec<Opinion>> {
        let sql = "SELECT result_id, is_liked FROM opinions WHERE query_id = ?1 ORDER BY result_id";
        let opinion = |row: &rusqlite::Row<'_>| Ok(Opinion { query, result: row.get(0)?, is_liked: row.get(1)? });
        self.read(|connection| connection.prepare_cached(sql)?.query_map([query], opinion)?.collect())
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
}
