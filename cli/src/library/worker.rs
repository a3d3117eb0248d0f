//! Works on one file: recognises it by its bytes, or decodes and embeds it.

use std::collections::HashSet;
use std::sync::Mutex;

use audio_frontend::content::hash_file;
use audio_frontend::tags;
use index::catalogue::Transient;
use index::{Catalogue, ContentHash, NewTrack, Passage, TrackId};
use trainer::Embedder;
use trainer::embed::TrackEmbedding;

use super::plan::Task;
use super::query_vector::passage;
use super::serving::{EmbeddingId, Model};

/// What came of a file.
#[derive(Debug)]
pub enum Outcome {
    /// It has a vector now.
    Embedded {
        /// What it is.
        track: NewTrack,
        /// Its vector.
        vector: Vec<f32>,
        /// What that is made of.
        passages: Vec<Passage>,
    },
    /// A known track was found: its bytes are the same, its stamp or place is new.
    Same {
        /// The track.
        id: TrackId,
        /// Whether its path is another than before.
        moved: bool,
    },
    /// Nothing is to be heard of it.
    Silent {
        /// What it is.
        track: NewTrack,
    },
    /// It cannot be used.
    Failed {
        /// What it is.
        track: NewTrack,
        /// Why.
        reason: String,
        /// Whether it may work another time.
        transient: Transient,
    },
}

/// One thread's tools.
pub struct Worker<'a> {
    embedder: Embedder,
    embedding: EmbeddingId,
    catalogue: Catalogue,
    /// Missing tracks that some file was recognised as, so that a second copy is a track of its own.
    claimed: &'a Mutex<HashSet<TrackId>>,
    /// Whether a vector whose passages are not known will not do.
    needs_passages: bool,
}

impl<'a> Worker<'a> {
    /// With its own model and its own connection.
    pub fn new(
        model: &Model,
        catalogue: Catalogue,
        claimed: &'a Mutex<HashSet<TrackId>>,
        needs_passages: bool,
    ) -> anyhow::Result<Self> {
        Ok(Self { embedder: model.embedder()?, embedding: model.id.clone(), catalogue, claimed, needs_passages })
    }

    /// Works on a file.
    ///
    /// # Errors
    /// Of the catalogue only: what is wrong with the file is an outcome.
    pub fn work(&self, task: &Task) -> index::Result<Outcome> {
        let mut track = NewTrack {
            path: task.path.clone(),
            stamp: task.stamp,
            hash: None,
            artist: None,
            title: None,
            album: None,
            genre: None,
            year: None,
            duration_seconds: None,
        };
        match hash_file(&task.path).map(ContentHash) {
            Ok(hash) => track.hash = Some(hash),
            Err(error) => {
                let error = audio_frontend::Error::Io { path: task.path.clone(), source: error };
                return Ok(Outcome::Failed { track, reason: error.reason(), transient: Transient(true) });
            }
        }
        if let Some(same) = self.recognise(task, track.hash)? {
            return Ok(same);
        }
        let info = tags::read(&task.path);
        track.artist = info.tags.artist;
        track.title = info.tags.title;
        track.album = info.tags.album;
        track.genre = info.tags.genre;
        track.year = info.tags.year;
        track.duration_seconds = info.duration_seconds;
        Ok(match self.embedder.embed_file(&task.path, self.embedding.coverage) {
            Ok(TrackEmbedding { vector, passages }) => {
                Outcome::Embedded { track, vector, passages: passages.into_iter().map(passage).collect() }
            }
            Err(trainer::Error::Audio(audio_frontend::Error::Silent { .. })) => Outcome::Silent { track },
            Err(trainer::Error::Audio(error)) => {
                Outcome::Failed { track, reason: error.reason(), transient: Transient(error.is_transient()) }
            }
            // Not the file's fault: no memory, perhaps.
            Err(error) => Outcome::Failed { track, reason: error.to_string(), transient: Transient(true) },
        })
    }

    /// A track with these bytes at this path, or one whose file is no longer where it was.
    fn recognise(&self, task: &Task, hash: Option<ContentHash>) -> index::Result<Option<Outcome>> {
        let Some(hash) = hash else { return Ok(None) };
        let model_id = &self.embedding.to_string();
        for record in self.catalogue.find_by_hash(&hash)? {
            let lacks_passages = || -> index::Result<bool> {
                Ok(self.needs_passages && self.catalogue.passages(record.id, model_id)?.is_empty())
            };
            if self.catalogue.vector(record.id, model_id)?.is_none() || lacks_passages()? {
                continue;
            }
            if Some(record.id) == task.known {
                return Ok(Some(Outcome::Same { id: record.id, moved: false }));
            }
            let gone = matches!(record.file.path.try_exists(), Ok(false));
            let mut claimed = self.claimed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if gone && claimed.insert(record.id) {
                return Ok(Some(Outcome::Same { id: record.id, moved: true }));
            }
        }
        Ok(None)
    }
}
