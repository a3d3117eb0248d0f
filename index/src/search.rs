//! Nearest neighbours.

use std::collections::HashSet;

use crate::catalogue::Catalogue;
use crate::error::{Error, Result};
use crate::faiss_index::FaissIndex;
use crate::hubs;
use crate::track::TrackId;

/// A track that resembles a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// The track.
    pub track: TrackId,
    /// What it is ranked by: the cosine, less what hubs pay ([`crate::hubs`]).
    pub score: f32,
}

/// Answers queries over one model's vectors.
pub struct Searcher {
    model_id: String,
    index: FaissIndex,
}

impl Searcher {
    pub(crate) fn new(model_id: String, index: FaissIndex) -> Self {
        Self { model_id, index }
    }

    /// Reads all vectors of a model from the catalogue; `None` where there are none. Hubs pay what the catalogue says.
    ///
    /// # Errors
    /// [`Error::Damaged`] where vectors of one model differ in length; what reading reports.
    pub fn from_catalogue(catalogue: &Catalogue, model_id: &str) -> Result<Option<Self>> {
        let (mut tracks, mut vectors) = (Vec::new(), Vec::new());
        let (mut dimension, mut odd) = (0, None);
        catalogue.each_vector(model_id, |track, vector| {
            if tracks.is_empty() {
                dimension = vector.len();
            }
            if vector.len() != dimension || vector.is_empty() {
                odd.get_or_insert((track, vector.len()));
            }
            tracks.push(track);
            vectors.extend(vector);
        })?;
        if tracks.is_empty() {
            return Ok(None);
        }
        if let Some((track, found)) = odd {
            let reason = format!("the vector of track {track} has {found} numbers, the first one has {dimension}");
            return Err(Error::Damaged { path: catalogue.path().into(), reason });
        }
        let mut index = FaissIndex::new(dimension + 1)?;
        index.add(&tracks, &hubs::with_penalties(&vectors, dimension, catalogue.hub_weight()?)?)?;
        Ok(Some(Self::new(model_id.to_owned(), index)))
    }

    /// Model of the vectors.
    pub fn model_id(&self) -> &str {
        &self.model_id
    }

    /// Number of tracks.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is nothing to be found.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Length of a vector.
    pub fn dimension(&self) -> usize {
        self.index.dimension() - 1
    }

    pub(crate) fn index(&self) -> &FaissIndex {
        &self.index
    }

    /// The `count` tracks nearest to a unit vector of `model_id`, nearest first, without those of
    /// `excluded`; fewer only where there are no more.
    ///
    /// # Errors
    /// [`Error::OtherModel`], [`Error::WrongDimension`], [`Error::Faiss`].
    pub fn nearest(
        &mut self,
        model_id: &str,
        vector: &[f32],
        count: usize,
        excluded: &HashSet<TrackId>,
    ) -> Result<Vec<Neighbour>> {
        if model_id != self.model_id {
            return Err(Error::OtherModel { store: self.model_id.clone(), asked: model_id.into() });
        }
        if vector.len() != self.dimension() {
            return Err(Error::WrongDimension { expected: self.dimension(), found: vector.len() });
        }
        let found = self.index.search(&hubs::query(vector), count + excluded.len())?;
        let mut neighbours: Vec<Neighbour> = found
            .into_iter()
            .filter(|(track, _)| !excluded.contains(track))
            .map(|(track, score)| Neighbour { track, score })
            .collect();
        // FAISS leaves the order of equals open.
        neighbours.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.track.cmp(&b.track)));
        neighbours.truncate(count);
        Ok(neighbours)
    }
}
