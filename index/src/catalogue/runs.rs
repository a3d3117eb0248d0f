//! What commands did to a store, and when.

use rusqlite::{OptionalExtension, Row, params};

use super::{Catalogue, Writer};
use crate::error::Result;

/// Number of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct RunId(pub i64);

/// A run of a command.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// The command.
    pub command: String,
    /// Seconds since 1970.
    pub started_at: i64,
    /// Seconds since 1970; `None`: still going, or ended early.
    pub finished_at: Option<i64>,
    /// What came of it, in JSON.
    pub summary: Option<String>,
}

/// A step of a run.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct RunStep {
    /// Its name.
    pub name: String,
    /// Seconds since 1970.
    pub started_at: i64,
    /// Seconds since 1970; `None`: still going, or ended early.
    pub finished_at: Option<i64>,
    /// What came of it, in words.
    pub outcome: Option<String>,
}

const COLUMNS: &str = "id, command, started_at, finished_at, summary";

fn run_of(row: &Row<'_>) -> rusqlite::Result<Run> {
    Ok(Run {
        id: RunId(row.get(0)?),
        command: row.get(1)?,
        started_at: row.get(2)?,
        finished_at: row.get(3)?,
        summary: row.get(4)?,
    })
}

impl Catalogue {
    /// The latest run of any command.
    ///
    /// # Errors
    /// As all that reads.
    pub fn last_run(&self) -> Result<Option<Run>> {
        let sql = format!("SELECT {COLUMNS} FROM runs ORDER BY id DESC LIMIT 1");
        self.read(|connection| connection.query_row(&sql, [], run_of).optional())
    }

    /// The runs of a command, the latest first.
    ///
    /// # Errors
    /// As all that reads.
    pub fn runs_of(&self, command: &str) -> Result<Vec<Run>> {
        let sql = format!("SELECT {COLUMNS} FROM runs WHERE command = ?1 ORDER BY id DESC");
        self.read(|connection| connection.prepare(&sql)?.query_map([command], run_of)?.collect())
    }

    /// A run by its number.
    ///
    /// # Errors
    /// As all that reads.
    pub fn run(&self, id: RunId) -> Result<Option<Run>> {
        let sql = format!("SELECT {COLUMNS} FROM runs WHERE id = ?1");
        self.read(|connection| connection.query_row(&sql, [id.0], run_of).optional())
    }

    /// The steps of a run, in their order.
    ///
    /// # Errors
    /// As all that reads.
    pub fn run_steps(&self, id: RunId) -> Result<Vec<RunStep>> {
        let sql = "SELECT name, started_at, finished_at, outcome FROM run_steps WHERE run_id = ?1 ORDER BY number";
        let step = |row: &Row<'_>| {
            let (name, started_at) = (row.get(0)?, row.get(1)?);
            Ok(RunStep { name, started_at, finished_at: row.get(2)?, outcome: row.get(3)? })
        };
        self.read(|connection| connection.prepare(sql)?.query_map([id.0], step)?.collect())
    }
}

impl Writer<'_> {
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

    /// Notes the start of a run's next step.
    pub fn begin_step(&self, run: RunId, name: &str) -> rusqlite::Result<()> {
        let sql = "INSERT INTO run_steps (run_id, number, name, started_at)
                   SELECT ?1, count(*), ?2, unixepoch() FROM run_steps WHERE run_id = ?1";
        self.0.execute(sql, params![run.0, name])?;
        Ok(())
    }

    /// Notes the end of a run's latest step, with what came of it in words.
    pub fn finish_step(&self, run: RunId, outcome: &str) -> rusqlite::Result<()> {
        let sql = "UPDATE run_steps SET finished_at = unixepoch(), outcome = ?2 WHERE run_id = ?1
                   AND number = (SELECT max(number) FROM run_steps WHERE run_id = ?1)";
        self.0.execute(sql, params![run.0, outcome])?;
        Ok(())
    }
}
