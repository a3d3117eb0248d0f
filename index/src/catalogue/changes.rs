//! What changed of a model's vectors since a generation was built.

use rusqlite::{OptionalExtension, params};

use super::columns::{VECTOR_COLUMNS, sound_vector_of};
use super::{Catalogue, Writer};
use crate::error::Result;
use crate::track::TrackId;

/// Changes of a model's vectors after a revision.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// The revision that they lead to.
    pub revision: u64,
    /// Vectors that are new, or others than before.
    pub written: Vec<(TrackId, Vec<f32>)>,
    /// Tracks whose vector is gone, some of them after it was written.
    pub removed: Vec<TrackId>,
}

impl Catalogue {
    /// Number of changes that a model's vectors have seen.
    ///
    /// # Errors
    /// As all that reads.
    pub fn revision(&self, model_id: &str) -> Result<u64> {
        Ok(self.revisions(model_id)?.0)
    }

    /// The present revision, and the one up to which removals are not known any more.
    fn revisions(&self, model_id: &str) -> Result<(u64, u64)> {
        let sql = "SELECT revision, forgotten FROM revisions WHERE model_id = ?1";
        let found = self.read(|connection| {
            let revisions = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64));
            connection.prepare_cached(sql)?.query_row([model_id], revisions).optional()
        })?;
        Ok(found.unwrap_or_default())
    }

    /// How many vectors were written or removed after a revision; `None`: that is not known any more.
    ///
    /// # Errors
    /// As all that reads.
    pub fn count_changes(&self, model_id: &str, since: u64) -> Result<Option<usize>> {
        let (revision, forgotten) = self.revisions(model_id)?;
        if since < forgotten || since > revision {
            return Ok(None);
        }
        let sql = "SELECT (SELECT count(*) FROM vectors WHERE model_id = ?1 AND revision > ?2)
                        + (SELECT count(*) FROM removals WHERE model_id = ?1 AND revision > ?2)";
        let count = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        let count = self.read(|connection| connection.query_row(sql, params![model_id, since as i64], count))?;
        Ok(Some(count as usize))
    }

    /// What was written or removed after a revision, as it stands at one instant; `None`: that is not known any more.
    ///
    /// # Errors
    /// As all that reads.
    pub fn changes(&self, model_id: &str, since: u64) -> Result<Option<Changes>> {
        self.at_one_instant(|catalogue| {
            let (revision, forgotten) = catalogue.revisions(model_id)?;
            if since < forgotten || since > revision {
                return Ok(None);
            }
            let written = format!(
                "SELECT track_id, {VECTOR_COLUMNS} FROM vectors WHERE model_id = ?1 AND revision > ?2 ORDER BY track_id"
            );
            let removed = "SELECT track_id FROM removals WHERE model_id = ?1 AND revision > ?2";
            let parameters = params![model_id, since as i64];
            catalogue.read(|connection| {
                let written = connection
                    .prepare_cached(&written)?
                    .query_map(parameters, |row| Ok((row.get(0)?, sound_vector_of(row, 1)?)))?
                    .collect::<rusqlite::Result<_>>()?;
                let removed = connection
                    .prepare_cached(removed)?
                    .query_map(parameters, |row| row.get(0))?
                    .collect::<rusqlite::Result<_>>()?;
                Ok(Some(Changes { revision, written, removed }))
            })
        })
    }
}

impl Writer<'_> {
    /// Forgets which vectors were removed up to a revision: no generation that is kept has them.
    pub fn forget_removals(&self, model_id: &str, up_to: u64) -> rusqlite::Result<()> {
        let parameters = params![model_id, up_to as i64];
        let forgotten = "UPDATE revisions SET forgotten = max(forgotten, ?2) WHERE model_id = ?1";
        self.0.execute(forgotten, parameters)?;
        self.0.execute("DELETE FROM removals WHERE model_id = ?1 AND revision <= ?2", parameters)?;
        Ok(())
    }
}
