//! What tracks' vectors are made of.

use half::f16;
use rusqlite::{OptionalExtension, params};

use super::columns::vector_of;
use super::{Catalogue, Writer};
use crate::error::{Error, Result};
use crate::track::{Passage, TrackId};
use crate::track_set::TrackSet;

impl Catalogue {
    /// The passages that a track's vector is made of, in the order of time; none where an older program took it in.
    ///
    /// # Errors
    /// [`Error::Damaged`] where they contradict each other; as all that reads.
    pub fn passages(&self, id: TrackId, model_id: &str) -> Result<Vec<Passage>> {
        let sql = "SELECT starts, vectors FROM passages WHERE track_id = ?1 AND model_id = ?2";
        let found = self.read(|connection| {
            let blobs = |row: &rusqlite::Row<'_>| {
                let halves = row.get_ref(1)?.as_blob()?.chunks_exact(2);
                let halves = halves.map(|bytes| f16::from_le_bytes([bytes[0], bytes[1]]).to_f32());
                Ok((vector_of(row.get_ref(0)?.as_blob()?), halves.collect::<Vec<f32>>()))
            };
            connection.prepare_cached(sql)?.query_row(params![id, model_id], blobs).optional()
        })?;
        let Some((starts, vectors)) = found else { return Ok(Vec::new()) };
        if starts.is_empty() || !vectors.len().is_multiple_of(starts.len()) || vectors.is_empty() {
            let reason = format!("track {id} has {} passages and {} numbers of theirs", starts.len(), vectors.len());
            return Err(Error::Damaged { path: self.path.clone(), reason });
        }
        let vectors = vectors.chunks(vectors.len() / starts.len());
        let passage = |(&start_seconds, vector): (&f32, &[f32])| Passage { start_seconds, vector: vector.to_vec() };
        Ok(starts.iter().zip(vectors).map(passage).collect())
    }
}

impl Catalogue {
    /// Tracks whose passages are known.
    ///
    /// # Errors
    /// As all that reads.
    pub fn tracks_with_passages(&self, model_id: &str) -> Result<TrackSet> {
        let sql = "SELECT track_id FROM passages WHERE model_id = ?1";
        self.read(|connection| {
            connection.prepare(sql)?.query_map([model_id], |row| row.get::<_, TrackId>(0))?.collect()
        })
    }
}

impl Writer<'_> {
    /// Notes what a track's vector is made of, in half precision; nothing where that is not known.
    pub fn put_passages(&self, id: TrackId, model_id: &str, passages: &[Passage]) -> rusqlite::Result<()> {
        let starts: Vec<u8> = passages.iter().flat_map(|passage| passage.start_seconds.to_le_bytes()).collect();
        let numbers = passages.iter().flat_map(|passage| &passage.vector);
        let vectors: Vec<u8> = numbers.flat_map(|&number| f16::from_f32(number).to_le_bytes()).collect();
        if passages.is_empty() {
            let sql = "DELETE FROM passages WHERE track_id = ?1 AND model_id = ?2";
            self.0.prepare_cached(sql)?.execute(params![id, model_id])?;
            return Ok(());
        }
        let sql = "INSERT OR REPLACE INTO passages VALUES (?1, ?2, ?3, ?4)";
        self.0.prepare_cached(sql)?.execute(params![id, model_id, starts, vectors])?;
        Ok(())
    }
}
