//! From what a user names to a vector and the tracks it stands for.

use std::collections::HashSet;
use std::path::Path;

use audio_frontend::Coverage;
use audio_frontend::content::hash_file;
use index::{Catalogue, ContentHash, Passage, Store, TrackId, TrackRecord, TrackState};
use trainer::Embedder;
use trainer::embed::{PassageVector, TrackEmbedding};

use super::serving::Model;
use super::walk::stamp_of;
use crate::args::Part;
use crate::failure::hinted;

/// A track to ask with.
#[derive(Debug)]
pub struct QueryTrack {
    /// Its unit vector.
    pub vector: Vec<f32>,
    /// The library's track that was named; `None`: a file that the library does not hold as it is.
    pub named: Option<TrackId>,
    /// The library's tracks that are this very recording: never an answer.
    pub itself: HashSet<TrackId>,
    /// What the vector is made of.
    pub passages: Vec<Passage>,
}

impl QueryTrack {
    /// A part of it in its place: the passages that lie in it, wholly or partly.
    fn cut(self, part: Part, passage_seconds: f64) -> anyhow::Result<Self> {
        let lies_in_it = |passage: &Passage| passage.lies_in(part.from_seconds..part.to_seconds, passage_seconds);
        let passages: Vec<Passage> = self.passages.into_iter().filter(lies_in_it).collect();
        if passages.is_empty() {
            let error =
                anyhow::anyhow!("nothing of this part was heard: it lies between the passages, or behind the end");
            return Err(hinted(
                error,
                "name a longer part; `ingest --coverage full --reembed` listens to all of a track",
            ));
        }
        let vector = mean(passages.iter().map(|passage| (passage.vector.as_slice(), 1.0)))?;
        Ok(Self { vector, passages, ..self })
    }
}

/// As the catalogue keeps it.
pub fn passage(passage: PassageVector) -> Passage {
    Passage { start_seconds: passage.start_seconds, vector: passage.vector }
}

/// Finds the tracks of the library, and embeds files that are not in it.
pub struct Resolver<'a> {
    store: &'a Store,
    catalogue: &'a Catalogue,
    model_id: &'a str,
    /// Loaded when the first file has to be embedded.
    embedder: Option<(Embedder, Coverage)>,
}

impl<'a> Resolver<'a> {
    /// For a store whose vectors are `model_id`'s.
    pub fn new(store: &'a Store, catalogue: &'a Catalogue, model_id: &'a str) -> Self {
        Self { store, catalogue, model_id, embedder: None }
    }

    /// A file, else a track's number, else a path in the library or the end of one.
    pub fn resolve(&mut self, name: &Path) -> anyhow::Result<QueryTrack> {
        if name.exists() {
            return self.of_file(name);
        }
        match self.in_library(name)? {
            Some(record) => self.of_record(&record),
            None => Err(hinted(
                anyhow::anyhow!("{}: no such file, and no such track in the library", name.display()),
                "a query is an audio file, the number of a track, or a path in the library",
            )),
        }
    }

    /// A track of the library, whether its file is there or not.
    pub fn record(&self, name: &Path) -> anyhow::Result<TrackRecord> {
        let missing = || no_such_track(name);
        match name.canonicalize() {
            // A file is that file, and no other that is named alike.
            Ok(path) => self.catalogue.find_by_path(&path)?.ok_or_else(missing),
            Err(_) => self.in_library(name)?.ok_or_else(missing),
        }
    }

    /// A part of a track.
    pub fn resolve_part(&mut self, name: &Path, part: Part) -> anyhow::Result<QueryTrack> {
        let track = self.resolve(name)?;
        if track.passages.is_empty() {
            return Err(no_passages(name));
        }
        let front_end = Model::of_store(self.store, self.model_id)?.files.parsed_card(name)?.front_end;
        track.cut(part, front_end.window_seconds())
    }

    /// A track of the library that is named by its number, its path or the end of that, whatever files lie elsewhere.
    pub fn resolve_known(&self, name: &Path) -> anyhow::Result<QueryTrack> {
        self.of_record(&self.in_library(name)?.ok_or_else(|| no_such_track(name))?)
    }

    /// The track of this number.
    pub fn resolve_track(&self, track: TrackId) -> anyhow::Result<QueryTrack> {
        self.of_record(&self.catalogue.get(track)?.ok_or_else(|| no_such_track(Path::new(&track.to_string())))?)
    }

    fn in_library(&self, name: &Path) -> anyhow::Result<Option<TrackRecord>> {
        if let Some(id) = name.to_str().and_then(|text| text.parse().ok()) {
            return Ok(self.catalogue.get(TrackId(id))?);
        }
        if let Some(record) = self.catalogue.find_by_path(&std::path::absolute(name)?)? {
            return Ok(Some(record));
        }
        match self.catalogue.find_by_path_ends([name])?.remove(name).unwrap_or_default().as_slice() {
            [] => Ok(None),
            [track] => Ok(self.catalogue.get(*track)?),
            _ => {
                let error = anyhow::anyhow!("{}: several tracks of the library end in this path", name.display());
                Err(hinted(error, "name more of the path, or the number of the track"))
            }
        }
    }

    fn of_record(&self, record: &TrackRecord) -> anyhow::Result<QueryTrack> {
        let Some(vector) = self.catalogue.vector(record.id, self.model_id)? else {
            match &record.state {
                TrackState::Failed { reason, .. } => {
                    anyhow::bail!("track {} cannot be asked with: {reason}", record.id)
                }
                TrackState::Silent => anyhow::bail!("track {} cannot be asked with: it is silent", record.id),
                TrackState::Embedded => {}
            }
            let error = anyhow::anyhow!("track {} has no vector of the serving model {}", record.id, self.model_id);
            return Err(hinted(error, "run `similar-tracks ingest` on its folder again"));
        };
        let itself = self.with_copies([record.id])?;
        let passages = self.catalogue.passages(record.id, self.model_id)?;
        Ok(QueryTrack { vector, named: Some(record.id), itself, passages })
    }

    fn with_copies(&self, tracks: impl IntoIterator<Item = TrackId>) -> index::Result<HashSet<TrackId>> {
        let mut all = HashSet::new();
        for track in tracks {
            all.insert(track);
            all.extend(self.catalogue.copies_of(track)?);
        }
        Ok(all)
    }

    fn of_file(&mut self, file: &Path) -> anyhow::Result<QueryTrack> {
        let path = file.canonicalize()?;
        let record = self.catalogue.find_by_path(&path)?;
        if let Some(record) = &record
            && std::fs::metadata(&path).is_ok_and(|metadata| stamp_of(&metadata) == record.file.stamp)
            && self.catalogue.vector(record.id, self.model_id)?.is_some()
        {
            return self.of_record(record);
        }
        let hash = hash_file(file).map(ContentHash).map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?;
        let same = self.catalogue.find_by_hash(&hash)?;
        // What the library still holds of this path is an older state of the same track.
        let itself = self.with_copies(same.iter().chain(&record).map(|record| record.id))?;
        let TrackEmbedding { vector, passages } = self.embed(file)?;
        let passages = passages.into_iter().map(passage).collect();
        Ok(QueryTrack { vector, named: None, itself, passages })
    }

    fn embed(&mut self, file: &Path) -> anyhow::Result<TrackEmbedding> {
        let (embedder, coverage) = match self.embedder.take() {
            Some(loaded) => loaded,
            None => {
                let model = Model::of_store(self.store, self.model_id)?;
                (model.embedder()?, model.id.coverage)
            }
        };
        let embedding = embedder.embed_file(file, coverage);
        self.embedder = Some((embedder, coverage));
        Ok(embedding?)
    }
}

fn no_such_track(name: &Path) -> anyhow::Error {
    let error = anyhow::anyhow!("{}: no such track in the library", name.display());
    hinted(error, "a track is named by its number, its path or the end of that")
}

/// What an older program took in has no passages.
pub fn no_passages(name: &Path) -> anyhow::Error {
    let error = anyhow::anyhow!("{}: its passages are not known", name.display());
    hinted(error, "an older similar-tracks took it in: `similar-tracks ingest --reembed FOLDER` embeds it again")
}

/// One query out of several, each with its weight: their mean, scaled to unit length. A weight below 0 leads away from its
/// track.
pub fn blend(tracks: &[(QueryTrack, f32)]) -> anyhow::Result<Vec<f32>> {
    mean(tracks.iter().map(|(track, weight)| (track.vector.as_slice(), *weight)))
}

fn mean<'a>(vectors: impl Iterator<Item = (&'a [f32], f32)>) -> anyhow::Result<Vec<f32>> {
    let cancelled = "these tracks cancel each other out: there is nothing that resembles all of them";
    index::blend(vectors).ok_or_else(|| anyhow::anyhow!(cancelled))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(vector: Vec<f32>, passages: Vec<Passage>) -> QueryTrack {
        QueryTrack { vector, named: None, itself: HashSet::new(), passages }
    }

    #[test]
    fn a_part_is_made_of_the_passages_that_lie_in_it() {
        let passage = |start_seconds: f32, vector: [f32; 2]| Passage { start_seconds, vector: vector.into() };
        let passages = [passage(0.0, [1.0, 0.0]), passage(3.0, [0.0, 1.0]), passage(6.0, [0.0, -1.0])];
        let part = |from_seconds, to_seconds| {
            track(vec![0.0, 0.0], passages.to_vec()).cut(Part { from_seconds, to_seconds }, 4.0)
        };
        assert_eq!(part(0.0, 2.0).unwrap().vector, [1.0, 0.0]);
        assert_eq!(part(4.0, 5.0).unwrap().vector, [0.0, 1.0]);
        let both = part(3.5, 4.0).unwrap();
        assert_eq!(both.passages.len(), 2);
        assert!((both.vector[0] - both.vector[1]).abs() < 1e-6);
        assert!(part(10.5, 20.0).is_err());
        assert!(part(7.5, 8.0).is_ok());
    }

    #[test]
    fn a_blend_lies_between_its_tracks_and_away_from_others() {
        let track = |vector: [f32; 2], weight| (track(vector.into(), Vec::new()), weight);
        let is = |vector: Vec<f32>, expected: [f32; 2]| {
            assert!(vector.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{vector:?}");
        };
        let half = 0.5_f32.sqrt();
        is(blend(&[track([1.0, 0.0], 1.0), track([0.0, 1.0], 1.0)]).unwrap(), [half, half]);
        is(blend(&[track([1.0, 0.0], 4.0), track([0.0, 1.0], 3.0)]).unwrap(), [0.8, 0.6]);
        is(blend(&[track([1.0, 0.0], 1.0), track([half, half], -half)]).unwrap(), [half, -half]);
        assert!(blend(&[track([1.0, 0.0], 1.0), track([-1.0, 0.0], 1.0)]).is_err());
    }
}
