//! From what a user names to a vector and the tracks it stands for.

use std::collections::HashSet;
use std::path::Path;

use audio_frontend::Coverage;
use audio_frontend::content::hash_file;
use index::{Catalogue, ContentHash, Store, TrackId, TrackRecord, TrackState};
use trainer::Embedder;

use super::serving::Model;
use super::walk::stamp_of;
use crate::failure::hinted;

/// A track to ask with.
#[derive(Debug)]
pub struct QueryTrack {
    /// Its unit vector.
    pub vector: Vec<f32>,
    /// The library's tracks that are this very recording: never an answer.
    pub itself: HashSet<TrackId>,
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

    fn in_library(&self, name: &Path) -> anyhow::Result<Option<TrackRecord>> {
        if let Some(id) = name.to_str().and_then(|text| text.parse().ok()) {
            return Ok(self.catalogue.get(TrackId(id))?);
        }
        if let Some(record) = self.catalogue.find_by_path(&std::path::absolute(name)?)? {
            return Ok(Some(record));
        }
        let mut records = self.catalogue.find_by_path_suffix(name, 2)?;
        if records.len() > 1 {
            let error = anyhow::anyhow!("{}: several tracks of the library end in this path", name.display());
            return Err(hinted(error, "name more of the path, or the number of the track"));
        }
        Ok(records.pop())
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
        let mut itself = HashSet::from([record.id]);
        if let Some(hash) = &record.file.hash {
            itself.extend(self.catalogue.find_by_hash(hash)?.iter().map(|same| same.id));
        }
        Ok(QueryTrack { vector, itself })
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
        let itself: HashSet<TrackId> = same.iter().chain(&record).map(|record| record.id).collect();
        let vector = self.embed(file)?;
        Ok(QueryTrack { vector, itself })
    }

    fn embed(&mut self, file: &Path) -> anyhow::Result<Vec<f32>> {
        let (embedder, coverage) = match self.embedder.take() {
            Some(loaded) => loaded,
            None => {
                let model = Model::of_store(self.store, self.model_id)?;
                (model.embedder()?, model.id.coverage)
            }
        };
        let vector = embedder.embed_file(file, coverage);
        self.embedder = Some((embedder, coverage));
        Ok(vector?)
    }
}

/// One query out of several, each with its weight: their mean, scaled to unit length. A weight below 0 leads away from its
/// track.
pub fn blend(tracks: &[(QueryTrack, f32)]) -> anyhow::Result<Vec<f32>> {
    let mut sum = vec![0.0; tracks.first().map_or(0, |(track, _)| track.vector.len())];
    for (track, weight) in tracks {
        sum.iter_mut().zip(&track.vector).for_each(|(sum, value)| *sum += weight * value);
    }
    let norm = sum.iter().map(|value| value * value).sum::<f32>().sqrt();
    anyhow::ensure!(norm > 1e-6, "these tracks cancel each other out: there is nothing that resembles all of them");
    sum.iter_mut().for_each(|value| *value /= norm);
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blend_lies_between_its_tracks_and_away_from_others() {
        let track = |vector: [f32; 2], weight| (QueryTrack { vector: vector.into(), itself: HashSet::new() }, weight);
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
