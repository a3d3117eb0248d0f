//! Nearest neighbours.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use crate::catalogue::{Catalogue, Changes, Filter};
use crate::choose::IndexConfig;
use crate::contents::Contents;
use crate::error::{Error, Result};
use crate::faiss_index::{EXACT, FaissIndex, Reach};
use crate::generation::Source;
use crate::hubs;
use crate::ranking::Ranking;
use crate::track::TrackId;
use crate::track_set::{TrackSet, both};
use crate::vectors::{Allowed, Among, Vectors};

/// A track that resembles a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// The track.
    pub track: TrackId,
    /// What it is ranked by: the cosine, less what hubs pay ([`crate::hubs`]).
    pub score: f32,
}

/// Answers queries over one model's vectors: those of a generation, and beside them, exactly, what came since.
pub struct Searcher {
    base: Arc<Base>,
    /// The revision of the vectors that it answers by.
    revision: u64,
    /// Tracks that the base knows another vector of, or none.
    outdated: TrackSet,
    /// The tracks of the base that it knows the vectors of; `None`: all.
    unchanged: Option<TrackSet>,
    /// What was written since, by the same rows.
    fresh: FaissIndex,
    /// The tracks of these.
    written: Vec<TrackId>,
    fault: Option<String>,
    /// The generation that was the one to open.
    sought: Option<u64>,
}

/// What searchers of different revisions share.
pub(crate) struct Base {
    /// What the vectors are of.
    pub source: Source,
    /// `None`: of the catalogue itself.
    pub generation: Option<u64>,
    /// The revision of the vectors that are in it.
    pub revision: u64,
    /// The vectors.
    pub vectors: Box<dyn Vectors>,
}

impl Searcher {
    /// Over what was opened and what changed since.
    pub(crate) fn new(base: Arc<Base>, changes: &Changes) -> Result<Self> {
        let neighbourhoods = base.vectors.neighbourhoods();
        let dimension = neighbourhoods.dimension();
        let written: Vec<TrackId> = changes.written.iter().map(|(track, _)| *track).collect();
        if let Some((_, vector)) = changes.written.iter().find(|(_, vector)| vector.len() != dimension) {
            return Err(Error::WrongDimension { expected: dimension, found: vector.len() });
        }
        let vectors: Vec<f32> = changes.written.iter().flat_map(|(_, vector)| vector).copied().collect();
        let mut fresh = FaissIndex::new(EXACT, hubs::row_length(dimension))?;
        fresh.add(&written, &neighbourhoods.rows(&written, &vectors)?)?;
        let end = base.vectors.end();
        let outdated: TrackSet = written.iter().chain(&changes.removed).copied().collect();
        let is_of_base = outdated.iter().any(|track| track.0 < end);
        let unchanged = is_of_base.then(|| TrackSet::below(end).without(&outdated));
        let sought = base.generation;
        Ok(Self { base, revision: changes.revision, outdated, unchanged, fresh, written, fault: None, sought })
    }

    /// In the place of a generation that could not be opened, or where there is none.
    pub(crate) fn instead_of(self, sought: Option<u64>, fault: Option<String>) -> Self {
        Self { sought, fault, ..self }
    }

    /// Reads all vectors of a model from the catalogue; `None` where there are none. Hubs pay what the catalogue says.
    ///
    /// # Errors
    /// [`Error::Damaged`] where vectors of one model differ in length; what reading reports.
    pub fn from_catalogue(catalogue: &Catalogue, model_id: &str) -> Result<Option<Self>> {
        Self::of_catalogue(catalogue, Source::new(catalogue, model_id, None)?)
    }

    /// The same in the place of a generation of these vectors.
    pub(crate) fn of_catalogue(catalogue: &Catalogue, source: Source) -> Result<Option<Self>> {
        let exact = IndexConfig { exact_up_to: usize::MAX, ..IndexConfig::default() };
        // Without codes, there are no rows beside them.
        let nowhere = Path::new("");
        let base = catalogue.at_one_instant(|catalogue| {
            let contents = Contents::of_catalogue(catalogue, source.model_id(), &exact, nowhere)?;
            let revision = catalogue.revision(source.model_id())?;
            let base = |contents| Base { source, generation: None, revision, vectors: Box::new(contents) };
            Ok::<_, Error>(contents.map(base))
        })?;
        let none = |revision| Changes { revision, ..Changes::default() };
        base.map(|base| (none(base.revision), base))
            .map(|(changes, base)| Self::new(Arc::new(base), &changes))
            .transpose()
    }

    pub(crate) fn base(&self) -> &Arc<Base> {
        &self.base
    }

    pub(crate) fn sought(&self) -> Option<u64> {
        self.sought
    }

    /// The generation that is searched; `None`: all vectors were read from the catalogue.
    pub fn generation(&self) -> Option<u64> {
        self.base.generation
    }

    /// The revision of the model's vectors that it answers by ([`Catalogue::revision`]).
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// What is wrong with the generation that was to be searched: its vectors were taken from the catalogue.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// Model of the vectors.
    pub fn model_id(&self) -> &str {
        self.base.source.model_id()
    }

    /// Length of a vector.
    pub fn dimension(&self) -> usize {
        self.base.vectors.neighbourhoods().dimension()
    }

    /// Which tracks a question may find that are what a filter says.
    ///
    /// # Errors
    /// As all that reads.
    pub fn among(&self, catalogue: &Catalogue, filter: &Filter) -> Result<Among> {
        let (heeded, rest) = self.base.vectors.divided(filter);
        let beside = match heeded == Filter::default() {
            true => None,
            false => Some(catalogue.matching_of(&heeded, &self.written)?),
        };
        Ok(Among { set: catalogue.matching(&rest)?, filter: heeded, beside })
    }

    /// All tracks, nearest to a unit vector of `model_id` first, of those in `among`. About
    /// `expected` of them will be asked for.
    ///
    /// # Errors
    /// [`Error::OtherModel`], [`Error::WrongDimension`].
    pub fn ranking(&self, model_id: &str, vector: &[f32], among: Among, expected: usize) -> Result<Ranking<'_>> {
        if model_id != self.model_id() {
            return Err(Error::OtherModel { store: self.model_id().into(), asked: model_id.into() });
        }
        if vector.len() != self.dimension() {
            return Err(Error::WrongDimension { expected: self.dimension(), found: vector.len() });
        }
        Ok(Ranking::new(self, vector.to_vec(), among, expected))
    }

    /// The `count` tracks nearest to a unit vector of `model_id`, nearest first, without those of
    /// `excluded`; fewer only where there are no more.
    ///
    /// # Errors
    /// [`Error::OtherModel`], [`Error::WrongDimension`], [`Error::Faiss`].
    pub fn nearest(
        &self,
        model_id: &str,
        vector: &[f32],
        count: usize,
        excluded: &HashSet<TrackId>,
    ) -> Result<Vec<Neighbour>> {
        let ranking = self.ranking(model_id, vector, Among::default(), count + excluded.len())?;
        let is_wanted = |found: &Result<Neighbour>| !matches!(found, Ok(found) if excluded.contains(&found.track));
        ranking.filter(is_wanted).take(count).collect()
    }

    /// At most `count` of the tracks in `among`; fewer only where there are no more.
    pub(crate) fn search(&self, vector: &[f32], count: usize, among: &Among) -> Result<Vec<Neighbour>> {
        let query = hubs::query(vector);
        let allowed = Allowed { among, outdated: &self.outdated, unchanged: self.unchanged.as_ref() };
        let mut found = self.base.vectors.search(&query, count, allowed)?;
        let beside = both(among.set.as_ref(), among.beside.as_ref());
        let reach = Reach { among: beside.as_deref(), probes: None };
        found.extend(self.fresh.search(&query, count, reach)?.pop().unwrap_or_default());
        let mut neighbours: Vec<Neighbour> =
            found.into_iter().map(|(track, score)| Neighbour { track, score }).collect();
        // Which of equals comes first is left open by what was searched.
        neighbours.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.track.cmp(&b.track)));
        neighbours.truncate(count);
        Ok(neighbours)
    }
}
