//! Which tracks are copies of one recording.

use std::collections::HashSet;

use rusqlite::{OptionalExtension, Row, params};

use super::{Catalogue, Writer};
use crate::error::Result;
use crate::track::TrackId;

/// All tracks that those of a query lead to, by agreeing fingerprints and by the same bytes.
pub(super) fn with_copies(tracks: &str) -> String {
    format!(
        "WITH RECURSIVE same (track) AS (
            {tracks}
            UNION SELECT second FROM same JOIN copies ON first = track
            UNION SELECT first FROM same JOIN copies ON second = track
            UNION SELECT other.id FROM same JOIN tracks one ON one.id = track
                                  JOIN tracks other ON other.content_hash = one.content_hash
                                                    AND other.failure IS NULL AND one.failure IS NULL
        )
        SELECT track FROM same"
    )
}

/// How a search for a track's copies went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopySearch {
    /// Whatever may be a copy was listened to.
    Complete = 1,
    /// It, or what may be a copy of it, could not be listened to.
    SomeUnheard = 2,
}

fn track_of(row: &Row<'_>) -> rusqlite::Result<TrackId> {
    row.get(0)
}

impl Catalogue {
    /// The other tracks that hold the recording of this one.
    ///
    /// # Errors
    /// As all that reads.
    pub fn copies_of(&self, track: TrackId) -> Result<Vec<TrackId>> {
        let sql = format!("{} WHERE track <> ?1 ORDER BY track", with_copies("VALUES (?1)"));
        self.read(|connection| connection.prepare_cached(&sql)?.query_map([track], track_of)?.collect())
    }

    /// Recordings of which there are several tracks, the first track of each in the order of their numbers.
    ///
    /// # Errors
    /// As all that reads.
    pub fn recordings_with_copies(&self) -> Result<Vec<Vec<TrackId>>> {
        let sql = "SELECT first FROM copies UNION SELECT second FROM copies
                   UNION SELECT id FROM tracks WHERE content_hash IN
                       (SELECT content_hash FROM tracks WHERE failure IS NULL
                        GROUP BY content_hash HAVING count(*) > 1) AND failure IS NULL
                   ORDER BY 1";
        let tracks: Vec<TrackId> =
            self.read(|connection| connection.prepare(sql)?.query_map([], track_of)?.collect())?;
        let (mut recordings, mut seen) = (Vec::new(), HashSet::new());
        for track in tracks {
            if seen.insert(track) {
                let recording: Vec<TrackId> = std::iter::once(track).chain(self.copies_of(track)?).collect();
                seen.extend(&recording);
                recordings.push(recording);
            }
        }
        Ok(recordings)
    }

    /// Tracks with a vector for whose copies nobody has looked yet.
    ///
    /// # Errors
    /// As all that reads.
    pub fn tracks_without_search_for_copies(&self, model_id: &str) -> Result<Vec<TrackId>> {
        let sql = "SELECT id FROM tracks JOIN vectors ON track_id = id AND model_id = ?1
                   WHERE copies_sought = 0 ORDER BY id";
        self.read(|connection| connection.prepare(sql)?.query_map([model_id], track_of)?.collect())
    }

    /// Chromaprint's sub-fingerprints of a track; `None`: nobody needed them yet.
    ///
    /// # Errors
    /// As all that reads.
    pub fn fingerprint(&self, track: TrackId) -> Result<Option<Vec<u32>>> {
        let sql = "SELECT fingerprint FROM fingerprints WHERE track_id = ?1";
        let fingerprint = |row: &Row<'_>| {
            let numbers = row.get_ref(0)?.as_blob()?.chunks_exact(4);
            Ok(numbers.map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect())
        };
        self.read(|connection| connection.prepare_cached(sql)?.query_row([track], fingerprint).optional())
    }
}

impl Writer<'_> {
    /// Keeps a track's fingerprint.
    pub fn put_fingerprint(&self, track: TrackId, fingerprint: &[u32]) -> rusqlite::Result<()> {
        let bytes: Vec<u8> = fingerprint.iter().flat_map(|number| number.to_le_bytes()).collect();
        let sql = "INSERT OR REPLACE INTO fingerprints VALUES (?1, ?2)";
        self.0.prepare_cached(sql)?.execute(params![track, bytes])?;
        Ok(())
    }

    /// Notes that two tracks hold the same recording; returns whether that is new.
    pub fn put_copies(&self, one: TrackId, other: TrackId) -> rusqlite::Result<bool> {
        let sql = "INSERT OR IGNORE INTO copies VALUES (?1, ?2)";
        let written = self.0.prepare_cached(sql)?.execute([one.min(other), one.max(other)])?;
        Ok(written > 0)
    }

    /// Notes that copies of a track were looked for, and how well.
    pub fn set_copies_sought(&self, track: TrackId, search: CopySearch) -> rusqlite::Result<()> {
        let sql = "UPDATE tracks SET copies_sought = ?2 WHERE id = ?1";
        self.0.prepare_cached(sql)?.execute(params![track, search as i64])?;
        Ok(())
    }

    /// Has copies looked for once more of tracks that some possible copy of could not be listened to.
    pub fn seek_copies_again(&self) -> rusqlite::Result<()> {
        let sql = "UPDATE tracks SET copies_sought = 0 WHERE copies_sought = ?1";
        self.0.execute(sql, [CopySearch::SomeUnheard as i64])?;
        Ok(())
    }
}
