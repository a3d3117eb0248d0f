//! What answers are made of, as JSON.

use index::resemblance::Resemblance;
use index::{TrackId, TrackRecord};
use serde::Serialize;
use utoipa::ToSchema;

/// A track.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct TrackView {
    /// Its number, given once and never used again.
    #[schema(example = 17)]
    pub id: u64,
    /// Artist tag.
    pub artist: Option<String>,
    /// Title tag, or its file's name.
    pub title: String,
    /// Album tag.
    pub album: Option<String>,
    /// Genre tag.
    pub genre: Option<String>,
    /// Year tag.
    pub year: Option<u16>,
    /// Length in seconds.
    pub duration_seconds: Option<f64>,
}

impl From<&TrackRecord> for TrackView {
    fn from(record: &TrackRecord) -> Self {
        let file = &record.file;
        Self {
            id: record.id.0,
            artist: file.artist.clone(),
            title: record.title(),
            album: file.album.clone(),
            genre: file.genre.clone(),
            year: file.year,
            duration_seconds: file.duration_seconds,
        }
    }
}

/// A passage of what was asked with, and one of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct PassagesView {
    /// Where the passage of what was asked with begins.
    pub first_seconds: f32,
    /// Where that of the answer does.
    pub second_seconds: f32,
    /// Their cosine, from -1 to 1.
    pub similarity: f32,
}

impl From<Resemblance> for PassagesView {
    fn from(pair: Resemblance) -> Self {
        let Resemblance { first_seconds, second_seconds, similarity } = pair;
        Self { first_seconds, second_seconds, similarity }
    }
}

/// A track that resembles what was asked with.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct AnswerView {
    /// The track.
    pub track: TrackView,
    /// Cosine with what was asked with, from -1 to 1.
    pub similarity: f32,
    /// What it is ranked by: the cosine, less what hubs pay.
    pub score: f32,
    /// Other tracks that hold the same recording, for which it stands.
    pub copies: Vec<u64>,
    /// Passages that resemble each other most; only where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub passages: Option<Vec<PassagesView>>,
}

/// The tracks that resemble what was asked with most, all by one model and one generation of the index.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct AnswersView {
    /// The model.
    pub model: String,
    /// The generation; none where the index was read from the catalogue.
    pub generation: Option<u64>,
    /// The tracks, best first.
    pub answers: Vec<AnswerView>,
}

/// A track among others that follow one another.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct StopView {
    /// The track.
    pub track: TrackView,
    /// Cosine with what it is compared with; none where it is the first.
    pub similarity: Option<f32>,
}

/// Numbers of tracks.
pub(crate) fn numbers(tracks: &[TrackId]) -> Vec<u64> {
    tracks.iter().map(|track| track.0).collect()
}
