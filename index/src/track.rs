//! What the catalogue knows of a track.

use std::path::PathBuf;

/// Number of a track, given once and never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct TrackId(pub u64);

impl std::fmt::Display for TrackId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

/// BLAKE3 hash of a file's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentHash(pub [u8; 32]);

/// What changes when a file is written to; cheap to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStamp {
    /// Length in bytes.
    pub size_bytes: u64,
    /// Time of the last modification, nanoseconds since 1970.
    pub modified_ns: i64,
}

/// Whether a track can be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrackState {
    /// It has a vector.
    Embedded,
    /// Nothing is to be heard of it, so that nothing resembles it.
    Silent,
    /// Its file could not be used.
    Failed {
        /// Why, for a person.
        reason: String,
        /// Whether the reason may go away while the file stays as it is.
        transient: bool,
    },
}

/// A file as it was found, on its way into the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTrack {
    /// Absolute path.
    pub path: PathBuf,
    /// Stamp from before the file was read.
    pub stamp: FileStamp,
    /// Hash of its bytes; `None` where it could not be read.
    pub hash: Option<ContentHash>,
    /// Artist tag.
    pub artist: Option<String>,
    /// Title tag.
    pub title: Option<String>,
    /// Album tag.
    pub album: Option<String>,
    /// Genre tag.
    pub genre: Option<String>,
    /// Year tag.
    pub year: Option<u16>,
    /// Length in seconds.
    pub duration_seconds: Option<f64>,
}

/// What a passage of a track sounds like.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// Where it begins, in seconds.
    pub start_seconds: f32,
    /// Its unit vector.
    pub vector: Vec<f32>,
}

impl Passage {
    /// Whether it lies, wholly or partly, in these seconds of its track, passages being so long.
    pub fn lies_in(&self, seconds: std::ops::Range<f64>, passage_seconds: f64) -> bool {
        let start = f64::from(self.start_seconds);
        start < seconds.end && start + passage_seconds > seconds.start
    }
}

/// A track of the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackRecord {
    /// Its number.
    pub id: TrackId,
    /// The file and its tags.
    pub file: NewTrack,
    /// Whether it can be found.
    pub state: TrackState,
}

impl TrackRecord {
    /// The title, or the name of its file.
    pub fn title(&self) -> String {
        let name = || self.file.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        self.file.title.clone().unwrap_or_else(name)
    }
}
