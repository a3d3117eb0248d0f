//! File formats that tracks and their vectors are written in.

pub mod jsonl;
pub mod npz;
pub mod parquet;
pub mod target;

use index::TrackRecord;

/// A track with its vector.
pub struct ExportedTrack {
    /// What is known of it.
    pub record: TrackRecord,
    /// Its unit vector.
    pub vector: Vec<f32>,
}
