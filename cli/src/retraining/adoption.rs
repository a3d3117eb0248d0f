//! How a model comes to serve: it embeds the library while the one before serves, its generation is checked, then they
//! change places.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use index::{Catalogue, Store, TrackId, TrackRecord, WriteLock};

use super::delegate::Delegate;
use crate::failure::hinted;
use crate::library::embedding::Embedding;
use crate::library::plan::Task;
use crate::library::serving::Model;
use crate::library::walk::stamp_of;
use crate::output;
use crate::settings::Settings;

/// A model that is to serve.
pub struct Adoption<'a> {
    /// For threads and progress.
    pub settings: &'a Settings,
    /// The store.
    pub store: &'a Store,
    /// The model.
    pub model: &'a Model,
    /// Files worked on at once; `None`: as many as there are cores.
    pub jobs: Option<NonZeroUsize>,
    /// Who embeds; `None`: this program itself.
    pub delegate: Option<Delegate>,
}

/// One track of so many may be lost to answers by a change of models, because its file is gone or cannot be read any more.
const TRACKS_PER_LOST: usize = 50;

/// Tracks that are embedded anew to see whether they are found.
const TWINS: usize = 20;

/// How near a track's vector comes to that of a second look.
const LEAST_COSINE: f32 = 0.999;

/// What recall may lack to what was asked for: it was measured with other queries.
const RECALL_SLACK: f64 = 0.02;

/// Time to wait for another writer at most.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
const RETRY_EVERY: Duration = Duration::from_secs(1);

impl Adoption<'_> {
    /// Embeds whatever the serving model has a vector of and this one has not; answers stay as they are. Returns what
    /// came of it, in words.
    ///
    /// # Errors
    /// Where too many cannot be embedded; what the catalogue reports.
    pub fn embed(&self, catalogue: &mut Catalogue) -> anyhow::Result<String> {
        self.model.keep_in(self.store)?;
        let embedding = self.model.id.to_string();
        let served: HashSet<TrackId> = match catalogue.serving_model()? {
            Some(serving) => catalogue.embedded_tracks(&serving)?.into_iter().collect(),
            None => HashSet::new(),
        };
        let lacking = catalogue.known(&embedding)?.into_iter();
        let lacking = lacking.filter(|known| !known.has_vector && served.contains(&known.id));
        // A file that has changed meanwhile is the next ingest's.
        let tasks: Vec<Task> = lacking
            .filter(|known| std::fs::metadata(&known.path).is_ok_and(|metadata| stamp_of(&metadata) == known.stamp))
            .map(|known| Task { path: known.path, stamp: known.stamp, known: Some(known.id), has_vector: false })
            .collect();
        let Self { settings, store, model, jobs, ref delegate } = *self;
        let mut outcome = output::count(tasks.len(), "track");
        match delegate {
            _ if tasks.is_empty() => {}
            Some(delegate) => {
                let summary = delegate.embed(catalogue, store, model, &tasks)?;
                outcome.push_str(&format!(" given to another program: {}", summary.to_text()));
            }
            None => {
                let what = "embedding the library";
                let work = Embedding { settings, store, model, jobs, needs_passages: false, what };
                work.work(catalogue, &tasks, &Mutex::new(HashSet::new()), &mut |_, _| ())?;
            }
        }
        let embedded: HashSet<TrackId> = catalogue.embedded_tracks(&embedding)?.into_iter().collect();
        let lost = served.difference(&embedded).count();
        if are_too_many(lost, served.len()) {
            return Err(too_many_lost(lost, served.len()));
        }
        Ok(outcome)
    }

    /// A generation of the model's vectors, checked: counts, unit length, recall, and tracks that must find themselves.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn prepare(&self, catalogue: &Catalogue, lock: &WriteLock) -> anyhow::Result<u64> {
        let embedding = self.model.id.to_string();
        let generation = self.store.prepare(catalogue, &embedding, lock)?;
        let generation = generation.ok_or_else(|| anyhow::anyhow!("model {embedding} has embedded nothing"))?;
        self.check(catalogue, generation)?;
        Ok(generation)
    }

    fn check(&self, catalogue: &Catalogue, generation: u64) -> anyhow::Result<()> {
        let embedding = self.model.id.to_string();
        let (mut count, mut faulty) = (0, None);
        catalogue.each_vector(&embedding, |track, vector| {
            count += 1;
            let squared = vector.iter().map(|value| value * value).sum::<f32>();
            if squared.is_nan() || (squared - 1.0).abs() >= 1e-3 {
                faulty = Some(track);
            }
        })?;
        if let Some(track) = faulty {
            anyhow::bail!("the vector of track {track} has not unit length");
        }
        let manifest = self.store.generation(generation)?;
        let changes = catalogue.count_changes(&embedding, manifest.revision)?;
        anyhow::ensure!(
            manifest.count == count || changes.is_some_and(|changes| changes > 0),
            "the generation holds {} of {count} vectors",
            manifest.count
        );
        let (recall, asked) = (manifest.layout.recall_at_10, manifest.config.target_recall);
        anyhow::ensure!(
            recall >= asked - RECALL_SLACK,
            "searches find {recall:.3} of the ten nearest, asked were {asked}"
        );
        self.check_twins(catalogue, generation)
    }

    /// Tracks that are embedded anew are found at the place of those that they are.
    fn check_twins(&self, catalogue: &Catalogue, generation: u64) -> anyhow::Result<()> {
        let embedding = self.model.id.to_string();
        let tracks = catalogue.embedded_tracks(&embedding)?;
        let searcher = self.store.searcher_of(catalogue, generation)?;
        let embedder = self.model.embedder()?;
        let count = tracks.len().min(TWINS);
        for number in 0..count {
            let track = tracks[number * tracks.len() / count];
            let Some(TrackRecord { file, .. }) = catalogue.get(track)? else { continue };
            let is_the_same = std::fs::metadata(&file.path).is_ok_and(|metadata| stamp_of(&metadata) == file.stamp);
            if !is_the_same {
                continue;
            }
            // What cannot be read now says nothing of the generation.
            let Ok(twin) = embedder.embed_file(&file.path, self.model.id.coverage).map(|twin| twin.vector) else {
                continue;
            };
            let known = catalogue.vector(track, &embedding)?.unwrap_or_default();
            let cosine = index::cosine(&twin, &known);
            anyhow::ensure!(cosine > LEAST_COSINE, "track {track}, heard again, lies {cosine:.3} from where it was");
            // Hubs pay: the track itself need not be the first, but nothing may be far nearer.
            let found = searcher.nearest(&embedding, &twin, 10, &HashSet::new())?;
            anyhow::ensure!(
                found.iter().any(|found| found.track == track),
                "track {track}, heard again, does not find itself"
            );
        }
        Ok(())
    }

    /// Makes it serve, with a map of its vectors.
    ///
    /// # Errors
    /// As [`Store::update_map`] and [`Store::switch`].
    pub fn switch(&self, catalogue: &mut Catalogue, generation: u64, lock: &WriteLock) -> anyhow::Result<()> {
        let embedding = self.model.id.to_string();
        // Before: nobody is shown a map that has no places yet.
        self.store.update_map(catalogue, &embedding, lock)?;
        self.store.switch(catalogue, &embedding, generation, lock)?;
        catalogue.commit(|writer| writer.adopt_model(&embedding))?;
        Ok(())
    }
}

/// Whether so many tracks may not be lost to answers.
pub fn are_too_many(lost: usize, tracks: usize) -> bool {
    lost * TRACKS_PER_LOST > tracks
}

/// What is told where they are.
pub fn too_many_lost(lost: usize, tracks: usize) -> anyhow::Error {
    let tracks = output::count(tracks, "track");
    let error = anyhow::anyhow!("{lost} of {tracks} cannot be listened to: their files are gone or have changed");
    hinted(error, "is a disk missing? `ingest --prune` forgets what is gone for good")
}

/// Becomes the writer, after who writes now, but for somebody who writes for ever.
///
/// # Errors
/// As [`Store::lock`].
pub fn lock_in_turn(store: &Store, command: &str) -> anyhow::Result<WriteLock> {
    let began = Instant::now();
    loop {
        match store.lock(command) {
            Err(index::Error::InUse { .. }) if began.elapsed() < PATIENCE => std::thread::sleep(RETRY_EVERY),
            result => return Ok(result?),
        }
    }
}
