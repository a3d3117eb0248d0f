//! How values are kept in columns.

use std::path::{Path, PathBuf};

use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use crate::track::{ContentHash, FileStamp, NewTrack, TrackId, TrackRecord, TrackState};

/// The columns that [`record_of`] reads, in its order.
pub(super) const COLUMNS: &str = "id, path, size_bytes, modified_ns, content_hash, artist, title, album, genre, \
                       duration_seconds, failure, failure_is_transient, year";

/// What stands in the place of a failure where nothing is to be heard.
pub(super) const SILENT: &str = "silent";

/// A row of [`COLUMNS`].
pub(super) fn record_of(row: &Row<'_>) -> rusqlite::Result<TrackRecord> {
    let failure: Option<String> = row.get(10)?;
    let transient = row.get(11)?;
    Ok(TrackRecord {
        id: row.get(0)?,
        file: NewTrack {
            path: row.get::<_, StoredPath>(1)?.0,
            stamp: FileStamp { size_bytes: row.get::<_, i64>(2)? as u64, modified_ns: row.get(3)? },
            hash: row.get::<_, Option<[u8; 32]>>(4)?.map(ContentHash),
            artist: row.get(5)?,
            title: row.get(6)?,
            album: row.get(7)?,
            genre: row.get(8)?,
            year: row.get(12)?,
            duration_seconds: row.get(9)?,
        },
        state: match failure {
            Some(reason) if reason == SILENT => TrackState::Silent,
            Some(reason) => TrackState::Failed { reason, transient },
            None => TrackState::Embedded,
        },
    })
}

/// A vector from its bytes.
pub(super) fn vector_of(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect()
}

/// What tells whether a vector's bytes are those that were written.
pub(super) fn checksum_of(bytes: &[u8]) -> i64 {
    let hash = blake3::hash(bytes);
    hash.as_bytes().iter().take(8).fold(0, |checksum, byte| checksum << 8 | i64::from(*byte))
}

/// The columns that [`sound_vector_of`] reads, from `first` on.
pub(super) const VECTOR_COLUMNS: &str = "vector, checksum, track_id";

/// A vector whose bytes are those that were written.
pub(super) fn sound_vector_of(row: &Row<'_>, first: usize) -> rusqlite::Result<Vec<f32>> {
    let bytes = row.get_ref(first)?.as_blob()?;
    let is_sound = row.get::<_, Option<i64>>(first + 1)?.is_none_or(|checksum| checksum == checksum_of(bytes));
    let reason = |track| format!("the vector of track {track} is not what was written");
    if is_sound && !bytes.is_empty() && bytes.len().is_multiple_of(size_of::<f32>()) {
        return Ok(vector_of(bytes));
    }
    let track: i64 = row.get(first + 2)?;
    Err(rusqlite::Error::FromSqlConversionFailure(first, rusqlite::types::Type::Blob, reason(track).into()))
}

impl ToSql for TrackId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0 as i64))
    }
}

impl FromSql for TrackId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let id = value.as_i64()?;
        u64::try_from(id).map(Self).map_err(|_| FromSqlError::OutOfRange(id))
    }
}

/// A path as the catalogue keeps it: text where it is UTF-8, else its bytes.
pub(super) struct StoredPath(pub PathBuf);

impl StoredPath {
    pub fn of(path: &Path) -> Self {
        Self(path.to_owned())
    }
}

impl ToSql for StoredPath {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0.to_str() {
            Some(text) => ValueRef::Text(text.as_bytes()),
            None => ValueRef::Blob(self.0.as_os_str().as_encoded_bytes()),
        }))
    }
}

impl FromSql for StoredPath {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        use std::os::unix::ffi::OsStringExt;
        match value {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                Ok(Self(std::ffi::OsString::from_vec(bytes.to_vec()).into()))
            }
            _ => Err(FromSqlError::InvalidType),
        }
    }
}
