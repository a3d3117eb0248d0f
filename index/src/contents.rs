//! What a generation holds: an index of all vectors, built from the catalogue or brought up to date.

use std::path::Path;

use crate::catalogue::{Catalogue, Changes};
use crate::choose::{IndexConfig, Layout, TRAINING_VECTORS_PER_LIST};
use crate::error::Result;
use crate::exam::{Exam, FOUND_FOR_RECALL};
use crate::faiss_index::{FaissIndex, Reach};
use crate::hubs::{self, LOOKED_AMONG, Neighbourhoods, Sample};
use crate::rows::Rows;
use crate::track::TrackId;
use crate::track_set::{TrackSet, both};
use crate::vectors::{Allowed, MORE_PROBES, Vectors};

/// Vectors that are worked on together.
pub(crate) const BATCH: usize = 16_384;

/// A search by codes compares no more tracks than that beyond those wanted: of very many, the last matter little.
const MOST_MORE_CANDIDATES: usize = 4096;

/// The vectors of one model, searchable.
pub(crate) struct Contents {
    /// Rows as [`hubs`] makes them.
    pub index: FaissIndex,
    /// The rows that the index has codes of; `None`: it has the rows.
    pub rows: Option<Rows>,
    /// What hubs among later tracks are told by.
    pub neighbourhoods: Neighbourhoods,
    /// How it is searched.
    pub layout: Layout,
    /// One more than the largest track number.
    pub end: u64,
}

/// What is drawn from all over a model's vectors before any is added to an index.
pub(crate) struct Survey {
    /// What hubs are told by.
    pub neighbourhoods: Neighbourhoods,
    /// What an index learns from where vectors lie.
    training: Drawn,
    /// What measures how it is searched.
    pub exam: Exam,
}

impl Survey {
    /// Of all vectors of a model that has some. So many are asked with to measure recall.
    pub fn new(catalogue: &Catalogue, model_id: &str, layout: &Layout, queries: usize) -> Result<Self> {
        let (count, dimension) = (catalogue.vector_count(model_id)?, catalogue.dimension(model_id)?.unwrap_or(0));
        let mut near = Drawn::new(count, LOOKED_AMONG);
        let mut training = Drawn::new(count, layout.lists * TRAINING_VECTORS_PER_LIST);
        let mut asked = Drawn::new(count, queries);
        catalogue.each_batch(model_id, BATCH, |tracks, vectors| {
            for (&track, vector) in tracks.iter().zip(vectors.chunks(dimension)) {
                [&mut near, &mut training, &mut asked].into_iter().for_each(|drawn| drawn.offer(track, vector));
            }
            Ok(())
        })?;
        let among = near.tracks.iter().copied().zip(near.vectors.chunks(dimension));
        let neighbourhoods = Neighbourhoods::among(among, dimension, catalogue.hub_weight()?)?;
        let queries = asked.vectors.chunks(dimension).flat_map(hubs::query).collect();
        Ok(Self { neighbourhoods, training, exam: Exam::new(asked.tracks, queries) })
    }
}

/// Vectors from all over the catalogue.
struct Drawn {
    sample: Sample,
    tracks: Vec<TrackId>,
    vectors: Vec<f32>,
}

impl Drawn {
    fn new(count: usize, size: usize) -> Self {
        Self { sample: Sample::new(count, size), tracks: Vec::new(), vectors: Vec::new() }
    }

    fn offer(&mut self, track: TrackId, vector: &[f32]) {
        if self.sample.takes_next() {
            self.tracks.push(track);
            self.vectors.extend_from_slice(vector);
        }
    }
}

impl Contents {
    /// Of all vectors of a model; `None` where there are none. Reads them twice: samples first, so that no more than
    /// samples and the index are in memory. Rows, where there are to be any beside the index, are written to `rows_path`.
    pub fn of_catalogue(
        catalogue: &Catalogue,
        model_id: &str,
        config: &IndexConfig,
        rows_path: &Path,
    ) -> Result<Option<Self>> {
        let (count, dimension) = (catalogue.vector_count(model_id)?, catalogue.dimension(model_id)?.unwrap_or(0));
        if count == 0 {
            return Ok(None);
        }
        let mut layout = Layout::new(count, hubs::row_length(dimension), config);
        let is_measured = layout.lists > 0;
        let queries = if is_measured { config.queries } else { 0 };
        let Survey { neighbourhoods, training, mut exam } = Survey::new(catalogue, model_id, &layout, queries)?;
        let mut index = FaissIndex::new(&layout.factory, hubs::row_length(dimension))?;
        if is_measured {
            index.train(&neighbourhoods.rows(&training.tracks, &training.vectors)?)?;
        }
        let kept = layout.has_codes().then(|| Rows::create(rows_path, index.dimension())).transpose()?;
        let mut end = 0;
        catalogue.each_batch(model_id, BATCH, |tracks, vectors| {
            let rows = neighbourhoods.rows(tracks, vectors)?;
            index.add(tracks, &rows)?;
            if let Some(kept) = &kept {
                kept.put(tracks, &rows)?;
            }
            end = tracks.iter().map(|track| track.0 + 1).fold(end, u64::max);
            exam.add(tracks, &rows)
        })?;
        if is_measured {
            let find = |queries: &[f32], probes: usize, candidates: usize| {
                let reach = Reach { probes: Some(probes), among: None };
                let found = index.search(queries, candidates * FOUND_FOR_RECALL, reach)?;
                let Some(rows) = &kept else { return Ok(found) };
                let queries = queries.chunks(index.dimension());
                queries.zip(found).map(|(query, found)| rows.compared(query, &found)).collect()
            };
            exam.settle(find, &mut layout, config.target_recall)?;
        }
        Ok(Some(Self { index, rows: kept, neighbourhoods, layout, end }))
    }

    /// Takes changes in, without learning anew where vectors lie. Rows beside the index are copied to `rows_path` first.
    pub fn update(&mut self, changes: &Changes, rows_path: &Path) -> Result<()> {
        let written: Vec<TrackId> = changes.written.iter().map(|(track, _)| *track).collect();
        // Of a track that was written again, the vector from before has to go.
        self.index.remove(&[written.as_slice(), &changes.removed].concat())?;
        let vectors: Vec<f32> = changes.written.iter().flat_map(|(_, vector)| vector).copied().collect();
        let rows = self.neighbourhoods.rows(&written, &vectors)?;
        self.index.add(&written, &rows)?;
        if let Some(kept) = &self.rows {
            let copy = kept.copied_to(rows_path)?;
            copy.put(&written, &rows)?;
            self.rows = Some(copy);
        }
        self.end = written.iter().map(|track| track.0 + 1).fold(self.end, u64::max);
        Ok(())
    }
}

impl Vectors for Contents {
    fn neighbourhoods(&self) -> &Neighbourhoods {
        &self.neighbourhoods
    }

    fn end(&self) -> u64 {
        self.end
    }

    fn search(&self, query: &[f32], count: usize, allowed: Allowed<'_>) -> Result<Vec<(TrackId, f32)>> {
        let among = both(allowed.among.set.as_ref(), allowed.unchanged);
        let among = among.as_deref();
        let Self { index, rows, layout, .. } = self;
        let available = among.map_or(index.len(), TrackSet::len).min(index.len());
        let mut reach = Reach { among, ..layout.reach() };
        // Of one track in ten, the ten nearest lie in about ten times as many lists.
        reach.probes = reach.probes.map(|probes| probes * index.len() / available.max(1));
        let wanted = (count * layout.candidates).min(count + MOST_MORE_CANDIDATES);
        loop {
            let found = index.search(query, wanted, reach)?.pop().unwrap_or_default();
            match reach.probes {
                // The lists that are usually enough hold fewer than there are.
                Some(probes) if found.len() < count.min(available) && probes < layout.lists => {
                    reach.probes = Some((MORE_PROBES * probes).min(layout.lists));
                }
                _ => {
                    let Some(rows) = rows else { return Ok(found) };
                    let mut compared = rows.compared(query, &found)?;
                    compared.truncate(count);
                    return Ok(compared);
                }
            }
        }
    }
}
