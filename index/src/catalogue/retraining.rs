//! What a retraining has to remember: where the library lies, who judges, which models there were.

use std::path::{Path, PathBuf};

use rusqlite::{Row, params};

use super::columns::StoredPath;
use super::{Catalogue, Writer};
use crate::error::Result;

/// What became of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelState {
    /// It served, or does.
    Adopted,
    /// It was trained and not good enough.
    Refused,
}

impl ModelState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Adopted => "adopted",
            Self::Refused => "refused",
        }
    }
}

/// A model that the store knows.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct KnownModel {
    /// What its vectors are kept under.
    pub model_id: String,
    /// What became of it.
    pub state: ModelState,
    /// When, in seconds since 1970.
    pub at: i64,
}

impl Catalogue {
    /// Folders that were taken in.
    ///
    /// # Errors
    /// As all that reads.
    pub fn roots(&self) -> Result<Vec<PathBuf>> {
        let path = |row: &Row<'_>| Ok(row.get::<_, StoredPath>(0)?.0);
        self.read(|connection| {
            connection.prepare("SELECT path FROM roots ORDER BY path")?.query_map([], path)?.collect()
        })
    }

    /// Artists by whom every retraining is judged.
    ///
    /// # Errors
    /// As all that reads.
    pub fn judges(&self) -> Result<Vec<String>> {
        let artist = |row: &Row<'_>| row.get(0);
        self.read(|connection| {
            connection.prepare("SELECT artist FROM judges ORDER BY artist")?.query_map([], artist)?.collect()
        })
    }

    /// Models that served or were refused, in the order in which they last came to serve, or were refused.
    ///
    /// # Errors
    /// As all that reads.
    pub fn models(&self) -> Result<Vec<KnownModel>> {
        let model = |row: &Row<'_>| {
            let state = row.get_ref(1)?.as_str()?;
            let state = if state == ModelState::Refused.as_str() { ModelState::Refused } else { ModelState::Adopted };
            Ok(KnownModel { model_id: row.get(0)?, state, at: row.get(2)? })
        };
        let sql = "SELECT model_id, state, at FROM models ORDER BY number";
        self.read(|connection| connection.prepare(sql)?.query_map([], model)?.collect())
    }

    /// Models of which there are vectors.
    ///
    /// # Errors
    /// As all that reads.
    pub fn models_with_vectors(&self) -> Result<Vec<String>> {
        let sql = "SELECT model_id FROM revisions r
                   WHERE EXISTS (SELECT 1 FROM vectors v WHERE v.model_id = r.model_id) ORDER BY model_id";
        self.read(|connection| connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect())
    }
}

impl Writer<'_> {
    /// Notes that a folder was taken in; those inside of it need not be known.
    pub fn put_root(&self, root: &Path) -> rusqlite::Result<()> {
        let known: Vec<PathBuf> = {
            let mut statement = self.0.prepare("SELECT path FROM roots")?;
            let paths = statement.query_map([], |row| Ok(row.get::<_, StoredPath>(0)?.0))?;
            paths.collect::<rusqlite::Result<_>>()?
        };
        if known.iter().any(|known| root.starts_with(known)) {
            return Ok(());
        }
        for inner in known.iter().filter(|known| known.starts_with(root)) {
            self.0.execute("DELETE FROM roots WHERE path = ?1", [StoredPath::of(inner)])?;
        }
        self.0.execute("INSERT INTO roots (path) VALUES (?1)", [StoredPath::of(root)])?;
        Ok(())
    }

    /// Makes an artist one by whom every retraining is judged.
    pub fn put_judge(&self, artist: &str) -> rusqlite::Result<()> {
        self.0.prepare_cached("INSERT OR IGNORE INTO judges (artist) VALUES (?1)")?.execute([artist])?;
        Ok(())
    }

    /// Notes that a model came to serve: it is the last in the order then.
    pub fn adopt_model(&self, model_id: &str) -> rusqlite::Result<()> {
        self.0.execute("DELETE FROM models WHERE model_id = ?1", [model_id])?;
        self.put_model(model_id, ModelState::Adopted)
    }

    /// Notes what became of a model; one that is known keeps its place in the order.
    pub fn put_model(&self, model_id: &str, state: ModelState) -> rusqlite::Result<()> {
        let sql = "INSERT INTO models (model_id, state, at) VALUES (?1, ?2, unixepoch())
                   ON CONFLICT (model_id) DO UPDATE SET state = excluded.state, at = excluded.at
                       WHERE state <> excluded.state";
        self.0.execute(sql, params![model_id, state.as_str()])?;
        Ok(())
    }

    /// Forgets a model with all of its vectors.
    pub fn remove_model(&self, model_id: &str) -> rusqlite::Result<()> {
        for sql in [
            "DELETE FROM vectors WHERE model_id = ?1",
            "DELETE FROM removals WHERE model_id = ?1",
            "DELETE FROM revisions WHERE model_id = ?1",
            "DELETE FROM models WHERE model_id = ?1",
            "DELETE FROM maps WHERE model_id = ?1",
        ] {
            self.0.execute(sql, [model_id])?;
        }
        Ok(())
    }
}
