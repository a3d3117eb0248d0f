//! Brings a store up to date with folders.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use audio_frontend::Coverage;
use index::catalogue::Transient;
use index::{Catalogue, IndexConfig, Store, TrackId, WriteLock};

use super::copies::find_copies;
use super::embedding::Embedding;
use super::plan::{Plan, Task, plan};
use super::playlists::{Playlists, Refreshed};
use super::serving::{EmbeddingId, Model, serving_with_tracks};
use super::walk::Found;
use super::worker::{Heard, Outcome};
use crate::args::IngestArguments;
use crate::failure::hinted;
use crate::output;
use crate::settings::Settings;

/// What an ingest did.
#[derive(Debug, Default, serde::Serialize)]
pub struct Summary {
    /// Files that are new.
    pub added: usize,
    /// Files that changed.
    pub changed: usize,
    /// Files that are what they were.
    pub unchanged: usize,
    /// Files that lie elsewhere now.
    pub moved: usize,
    /// Tracks whose files are gone: forgotten with `--prune`.
    pub missing: usize,
    /// Tracks that were forgotten.
    pub pruned: usize,
    /// Files of which nothing is to be heard: they are never an answer.
    pub silent: usize,
    /// Files that could not be used.
    pub failed: usize,
    /// Pairs of tracks that were found to hold one recording.
    pub copies: usize,
    /// Failed before and not tried again, as the files are what they were.
    pub failed_before: usize,
    /// Which, and why.
    pub failures: Vec<Failure>,
    /// What became of the playlists of the store's `config.toml`.
    pub playlists: Refreshed,
    /// Length of the music that was decoded.
    pub music_seconds: f64,
    /// Time that it took.
    pub seconds: f64,
}

#[derive(Debug, serde::Serialize)]
pub struct Failure {
    /// The file.
    pub path: String,
    /// Why it could not be used.
    pub reason: String,
}

/// Takes in what is new below the folders that were walked, as the arguments ask for, and refreshes playlists.
///
/// # Errors
/// What the catalogue and the model report; a file that cannot be used is none.
pub fn update(
    settings: &Settings,
    arguments: &IngestArguments,
    found: &Found,
    store: &Store,
    lock: &WriteLock,
    playlists: &Playlists,
) -> anyhow::Result<Summary> {
    let started = Instant::now();
    let mut catalogue = store.catalogue_to_write(lock)?;
    let model = model_to_use(store, &catalogue, arguments)?;
    let embedding = model.id.to_string();
    let mut known = catalogue.known(&embedding)?;
    if arguments.reembed {
        // What an older program took in has no passages: it is embedded again.
        let complete = catalogue.tracks_with_passages(&embedding)?;
        known.iter_mut().for_each(|known| known.has_vector &= complete.contains(known.id));
    }
    let plan = plan(found, known, arguments.retry_failed || arguments.reembed);
    refuse_to_hide_tracks(&catalogue, &model, &plan)?;
    let mut summary = Summary {
        unchanged: plan.unchanged,
        failed_before: plan.failed_before,
        missing: plan.missing.len(),
        ..Default::default()
    };
    note_unreadable(found, &mut summary);
    model.keep_in(store)?;
    let first = serving_with_tracks(&catalogue)?.is_none();
    let config = index_config(catalogue.index_config()?, arguments);
    let run = catalogue.commit(|writer| {
        if first {
            writer.set_serving_model(&embedding)?;
        }
        if let Some(weight) = arguments.hub_weight {
            writer.set_hub_weight(weight)?;
        }
        writer.set_index_config(&config)?;
        if arguments.retry_failed {
            writer.seek_copies_again()?;
        }
        for root in found.roots.iter().filter(|root| root.is_dir()) {
            writer.put_root(root)?;
        }
        writer.begin_run("ingest", &embedding)
    })?;
    let ingest = Ingest { settings, arguments, store, model: &model, lock };
    ingest.finish(&mut catalogue, &plan, &mut summary)?;
    summary.playlists = playlists.refresh(settings, store);
    summary.seconds = started.elapsed().as_secs_f64();
    let json = serde_json::to_string(&summary)?;
    catalogue.commit(|writer| writer.finish_run(run, &json))?;
    Ok(summary)
}

/// The store's, but for what is given.
fn index_config(config: IndexConfig, arguments: &IngestArguments) -> IndexConfig {
    let bytes = |gibibytes: f64| (gibibytes * f64::from(1 << 30)) as u64;
    IndexConfig {
        exact_up_to: arguments.exact_up_to.unwrap_or(config.exact_up_to),
        target_recall: arguments.recall.unwrap_or(config.target_recall),
        memory_bytes: arguments.index_gib.map_or(config.memory_bytes, bytes),
        ..config
    }
}

/// The store's model, unless another is asked for.
fn model_to_use(store: &Store, catalogue: &Catalogue, arguments: &IngestArguments) -> anyhow::Result<Model> {
    let serving = serving_with_tracks(catalogue)?.map(|id| EmbeddingId::parse(&id));
    let coverage = match arguments.coverage {
        Some(coverage) => coverage.into(),
        None => serving.as_ref().map_or_else(Coverage::default, |serving| serving.coverage),
    };
    let model = match (&arguments.model, &serving) {
        (Some(name), _) => Model::named(name, coverage)?,
        (None, Some(serving)) => {
            Model::of_store(store, &EmbeddingId { model: serving.model.clone(), coverage }.to_string())?
        }
        (None, None) => Model::built_in(coverage)?,
    };
    match serving {
        Some(serving) if serving != model.id && !arguments.reembed => Err(hinted(
            index::Error::OtherModel { store: serving.to_string(), asked: model.id.to_string() },
            "leave --model and --coverage out to go on as before, or add --reembed to embed every track again",
        )),
        _ => Ok(model),
    }
}

/// A change of models takes all tracks along: those whose files lie elsewhere would no longer be
/// found.
fn refuse_to_hide_tracks(catalogue: &Catalogue, model: &Model, plan: &Plan) -> anyhow::Result<()> {
    let Some(serving) = serving_with_tracks(catalogue)?.filter(|serving| *serving != model.id.to_string()) else {
        return Ok(());
    };
    let served: HashSet<TrackId> =
        catalogue.known(&serving)?.into_iter().filter(|known| known.has_vector).map(|known| known.id).collect();
    let left_out: Vec<_> =
        plan.elsewhere.iter().filter(|known| !known.has_vector && served.contains(&known.id)).collect();
    let Some(first) = left_out.iter().find(|known| known.path.exists()) else { return Ok(()) };
    Err(hinted(
        anyhow::anyhow!(
            "{} of the library would no longer be found, {} for one: the paths given do not cover them",
            output::count(left_out.len(), "track"),
            first.path.display()
        ),
        "name every folder of the library: a change of models embeds all of it again",
    ))
}

fn note_unreadable(found: &Found, summary: &mut Summary) {
    for (path, reason) in &found.unreadable {
        summary.failed += 1;
        summary.failures.push(Failure { path: path.display().to_string(), reason: reason.clone() });
    }
}

struct Ingest<'a> {
    settings: &'a Settings,
    arguments: &'a IngestArguments,
    store: &'a Store,
    model: &'a Model,
    lock: &'a WriteLock,
}

impl Ingest<'_> {
    /// Works through the plan and publishes what came of it.
    fn finish(&self, catalogue: &mut Catalogue, plan: &Plan, summary: &mut Summary) -> anyhow::Result<()> {
        let claimed = Mutex::new(HashSet::new());
        if !plan.work.is_empty() {
            let embedding = Embedding {
                settings: self.settings,
                store: self.store,
                model: self.model,
                jobs: self.arguments.jobs,
                needs_passages: self.arguments.reembed,
                what: "ingest",
            };
            embedding.work(catalogue, &plan.work, &claimed, &mut |task, outcome| summary.count(task, outcome))?;
        }
        let claimed = claimed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        // A single file that was named once, whatever its name, is not among a folder's audio files.
        let gone = |path: &Path| matches!(path.try_exists(), Ok(false));
        let missing = plan.missing.iter().filter(|(id, path)| !claimed.contains(id) && gone(path));
        let gone: Vec<TrackId> = missing.map(|(id, _)| *id).collect();
        summary.missing = gone.len();
        if self.arguments.prune && !gone.is_empty() {
            catalogue.commit(|writer| gone.iter().try_for_each(|id| writer.remove(*id)))?;
            (summary.pruned, summary.missing) = (gone.len(), 0);
        }
        let embedding = self.model.id.to_string();
        self.store.publish(catalogue, &embedding, self.lock)?;
        self.store.update_map(catalogue, &embedding, self.lock)?;
        let pool = self.settings.thread_pool(self.arguments.jobs)?;
        summary.copies = find_copies(self.settings, &pool, self.store, catalogue)?;
        Ok(())
    }
}

impl Summary {
    fn count(&mut self, task: &Task, outcome: Outcome) {
        match outcome {
            Outcome::Heard(Heard::Embedded { track, .. }) => {
                self.music_seconds += track.duration_seconds.unwrap_or(0.0);
                match task.known {
                    Some(_) => self.changed += 1,
                    None => self.added += 1,
                }
            }
            Outcome::Heard(Heard::Silent { .. }) => self.silent += 1,
            Outcome::Same { moved: true, .. } => self.moved += 1,
            Outcome::Same { moved: false, .. } => self.unchanged += 1,
            Outcome::Heard(Heard::Failed { track, reason, transient: Transient(_) }) => {
                self.failed += 1;
                self.failures.push(Failure { path: track.path.display().to_string(), reason });
            }
        }
    }
}
