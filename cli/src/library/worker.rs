//! Works on one file: recognises it by its bytes, or decodes and embeds it.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Mutex;

use audio_frontend::content::hash_file;
use audio_frontend::{Coverage, tags};
use index::catalogue::Transient;
use index::{Catalogue, ContentHash, FileStamp, NewTrack, Passage, TrackId};
use trainer::Embedder;
use trainer::embed::TrackEmbedding;

use super::plan::Task;
use super::query_vector::passage;
use super::serving::{EmbeddingId, Model};

/// What came of a file.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "almost all of those that are kept at once are of the large kind")]
pub enum Outcome {
    /// It was listened to.
    Heard(Heard),
    /// A known track was found: its bytes are the same, its stamp or place is new.
    Same {
        /// The track.
        id: TrackId,
        /// Whether its path is another than before.
        moved: bool,
    },
}

/// What listening to a file gives.
#[derive(Debug)]
pub enum Heard {
    /// It has a vector now.
    Embedded {
        /// What it is.
        track: NewTrack,
        /// Its vector.
        vector: Vec<f32>,
        /// What that is made of.
        passages: Vec<Passage>,
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
        let track = match hashed(&task.path, task.stamp) {
            Ok(track) => track,
            Err(failed) => return Ok(Outcome::Heard(failed)),
        };
        match self.recognise(task, track.hash)? {
            Some(same) => Ok(same),
            None => Ok(Outcome::Heard(listen(track, &self.embedder, self.embedding.coverage))),
        }
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

/// A file of which no more is known than its bytes; or that these cannot be read.
#[allow(clippy::result_large_err, reason = "a file that fails is told of as one that does not")]
pub fn hashed(path: &Path, stamp: FileStamp) -> Result<NewTrack, Heard> {
    let track = NewTrack {
        path: path.to_owned(),
        stamp,
        hash: None,
        artist: None,
        title: None,
        album: None,
        genre: None,
        year: None,
        duration_seconds: None,
    };
    match hash_file(path) {
        Ok(hash) => Ok(NewTrack { hash: Some(ContentHash(hash)), ..track }),
        Err(source) => {
            let reason = audio_frontend::Error::Io { path: path.to_owned(), source }.reason();
            Err(Heard::Failed { track, reason, transient: Transient(true) })
        }
    }
}

/// Reads its tags, decodes and embeds it.
pub fn listen(track: NewTrack, embedder: &Embedder, coverage: Coverage) -> Heard {
    let info = tags::read(&track.path);
    let track = NewTrack {
        artist: info.tags.artist,
        title: info.tags.title,
        album: info.tags.album,
        genre: info.tags.genre,
        year: info.tags.year,
        duration_seconds: info.duration_seconds,
        ..track
    };
    match embedder.embed_file(&track.path, coverage) {
        Ok(TrackEmbedding { vector, passages }) => {
            Heard::Embedded { track, vector, passages: passages.into_iter().map(passage).collect() }
        }
        Err(trainer::Error::Audio(audio_frontend::Error::Silent { .. })) => Heard::Silent { track },
        Err(trainer::Error::Audio(error)) => {
            Heard::Failed { track, reason: error.reason(), transient: Transient(error.is_transient()) }
        }
        // Not the file's fault: no memory, perhaps.
        Err(error) => Heard::Failed { track, reason: error.to_string(), transient: Transient(true) },
    }
}
