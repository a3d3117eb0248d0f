//! `similar-tracks ingest`.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use audio_frontend::Coverage;
use audio_frontend::formats::audio_extensions;
use index::catalogue::{Transient, Writer};
use index::{Catalogue, IndexConfig, Store, TrackId, WriteLock};

use crate::Outcome;
use crate::args::{CoverageArgument, IngestArguments};
use crate::failure::hinted;
use crate::library::copies::find_copies;
use crate::library::plan::{Plan, Task, plan};
use crate::library::serving::{EmbeddingId, Model, serving_with_tracks};
use crate::library::walk::{Found, walk};
use crate::library::worker::{self, Worker};
use crate::output;
use crate::progress::Progress;
use crate::settings::Settings;

/// Tracks in a commit at most.
const COMMIT_TRACKS: usize = 64;

/// Time between commits at most: what a kill costs.
const COMMIT_INTERVAL: Duration = Duration::from_secs(1);

/// Failed files listed in the summary; `status --failed` lists all.
const FAILURES_SHOWN: usize = 10;

/// What an ingest did.
#[derive(Debug, Default, serde::Serialize)]
struct Summary {
    added: usize,
    changed: usize,
    unchanged: usize,
    moved: usize,
    /// Tracks whose files are gone: forgotten with `--prune`.
    missing: usize,
    pruned: usize,
    /// Files of which nothing is to be heard: they are never an answer.
    silent: usize,
    failed: usize,
    /// Pairs of tracks that were found to hold one recording.
    copies: usize,
    /// Failed before and not tried again, as the files are what they were.
    failed_before: usize,
    failures: Vec<Failure>,
    /// Length of the music that was decoded.
    music_seconds: f64,
    seconds: f64,
}

#[derive(Debug, serde::Serialize)]
struct Failure {
    path: String,
    reason: String,
}

/// Brings the store up to date with folders.
pub fn run(settings: &Settings, arguments: &IngestArguments) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let found = walk(&arguments.paths)?;
    if found.files.is_empty() && found.unreadable.is_empty() {
        let roots: Vec<_> = arguments.paths.iter().map(|path| path.display().to_string()).collect();
        return Err(hinted(
            anyhow::anyhow!("no audio files in {}", roots.join(", ")),
            format!("looked for names ending in {}", audio_extensions().collect::<Vec<_>>().join(", ")),
        ));
    }
    let store = Store::create(&settings.store)?;
    let lock = store.lock("similar-tracks ingest")?;
    let mut catalogue = store.catalogue_to_write(&lock)?;
    let model = model_to_use(&store, &catalogue, arguments)?;
    let embedding = model.id.to_string();
    let mut known = catalogue.known(&embedding)?;
    if arguments.reembed {
        // What an older program took in has no passages: it is embedded again.
        let complete = catalogue.tracks_with_passages(&embedding)?;
        known.iter_mut().for_each(|known| known.has_vector &= complete.contains(known.id));
    }
    let plan = plan(&found, known, arguments.retry_failed || arguments.reembed);
    refuse_to_hide_tracks(&catalogue, &model, &plan)?;
    let mut summary = Summary {
        unchanged: plan.unchanged,
        failed_before: plan.failed_before,
        missing: plan.missing.len(),
        ..Default::default()
    };
    note_unreadable(&found, &mut summary);
    model.keep_in(&store)?;
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
        writer.begin_run("ingest", &embedding)
    })?;
    let ingest = Ingest { settings, arguments, store: &store, model: &model, embedding, lock: &lock };
    ingest.finish(&mut catalogue, &plan, &mut summary)?;
    summary.seconds = started.elapsed().as_secs_f64();
    let json = serde_json::to_string(&summary)?;
    catalogue.commit(|writer| writer.finish_run(run, &json))?;
    if arguments.json {
        output::print_json(&summary)?;
    } else {
        output::print(&summary.to_text(arguments.prune))?;
    }
    let failed = summary.failed + summary.failed_before;
    if arguments.strict && failed > 0 {
        anyhow::bail!("{} could not be used (--strict)", output::count(failed, "file"));
    }
    Ok(Outcome::Done)
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
        Some(CoverageArgument::Spread) => Coverage::Spread,
        Some(CoverageArgument::Full) => Coverage::Full,
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
    /// What its vectors are kept under.
    embedding: String,
    lock: &'a WriteLock,
}

impl Ingest<'_> {
    /// Works through the plan and publishes what came of it.
    fn finish(&self, catalogue: &mut Catalogue, plan: &Plan, summary: &mut Summary) -> anyhow::Result<()> {
        let claimed = Mutex::new(HashSet::new());
        if !plan.work.is_empty() {
            self.work(catalogue, plan, &claimed, summary)?;
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
        self.store.publish(catalogue, &self.embedding, self.lock)?;
        let pool = self.settings.thread_pool(self.arguments.jobs)?;
        summary.copies = find_copies(self.settings, &pool, self.store, catalogue)?;
        Ok(())
    }

    /// All cores decode and embed; this thread writes.
    fn work(
        &self,
        catalogue: &mut Catalogue,
        plan: &Plan,
        claimed: &Mutex<HashSet<TrackId>>,
        summary: &mut Summary,
    ) -> anyhow::Result<()> {
        let pool = self.settings.thread_pool(self.arguments.jobs)?;
        let progress = Progress::new(self.settings, "ingest", plan.work.len() as u64);
        let (sender, outcomes) = sync_channel(2 * COMMIT_TRACKS);
        let tasks = Mutex::new(plan.work.iter());
        let next_task = || tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
        let work = |sender: &SyncSender<_>| {
            let worker = Worker::new(self.model, self.store.catalogue()?, claimed, self.arguments.reembed)?;
            while let Some(task) = next_task() {
                // The writer hangs up when it fails; then there is no use in going on.
                if sender.send((task, worker.work(task)?)).is_err() {
                    break;
                }
            }
            anyhow::Ok(())
        };
        let result = std::thread::scope(|scope| {
            let workers =
                scope.spawn(move || pool.broadcast(|_| work(&sender)).into_iter().collect::<anyhow::Result<()>>());
            let written = self.write(catalogue, outcomes, &progress, summary);
            let worked = workers.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a worker ended unexpectedly")));
            // Where writing failed, that is the reason why workers stopped.
            written.map_err(anyhow::Error::from).and(worked)
        });
        progress.finish();
        result
    }

    fn write(
        &self,
        catalogue: &mut Catalogue,
        outcomes: Receiver<(&Task, worker::Outcome)>,
        progress: &Progress,
        summary: &mut Summary,
    ) -> index::Result<()> {
        let mut batch = Vec::new();
        let mut last_commit = Instant::now();
        loop {
            let wait = COMMIT_INTERVAL.saturating_sub(last_commit.elapsed());
            let ended = match outcomes.recv_timeout(wait) {
                Ok(outcome) => {
                    batch.push(outcome);
                    false
                }
                Err(error) => error == std::sync::mpsc::RecvTimeoutError::Disconnected,
            };
            if batch.len() >= COMMIT_TRACKS || last_commit.elapsed() >= COMMIT_INTERVAL || ended {
                catalogue
                    .commit(|writer| batch.iter().try_for_each(|(task, outcome)| self.record(writer, task, outcome)))?;
                for (task, outcome) in batch.drain(..) {
                    summary.count(task, outcome);
                    progress.advance(1);
                }
                last_commit = Instant::now();
            }
            if ended {
                return Ok(());
            }
        }
    }

    fn record(&self, writer: &Writer<'_>, task: &Task, outcome: &worker::Outcome) -> index::catalogue::Written {
        match outcome {
            worker::Outcome::Embedded { track, vector, passages } => {
                let id = writer.put_embedded(track, &self.embedding, vector)?;
                writer.put_passages(id, &self.embedding, passages)
            }
            worker::Outcome::Silent { track } => writer.put_silent(track).map(|_| ()),
            worker::Outcome::Same { id, .. } => writer.set_place(*id, &task.path, task.stamp),
            worker::Outcome::Failed { track, reason, transient } => {
                writer.put_failed(track, reason, *transient).map(|_| ())
            }
        }
    }
}

impl Summary {
    fn count(&mut self, task: &Task, outcome: worker::Outcome) {
        match outcome {
            worker::Outcome::Embedded { track, .. } => {
                self.music_seconds += track.duration_seconds.unwrap_or(0.0);
                match task.known {
                    Some(_) => self.changed += 1,
                    None => self.added += 1,
                }
            }
            worker::Outcome::Silent { .. } => self.silent += 1,
            worker::Outcome::Same { moved: true, .. } => self.moved += 1,
            worker::Outcome::Same { moved: false, .. } => self.unchanged += 1,
            worker::Outcome::Failed { track, reason, transient: Transient(_) } => {
                self.failed += 1;
                self.failures.push(Failure { path: track.path.display().to_string(), reason });
            }
        }
    }

    fn to_text(&self, prune: bool) -> String {
        let mut text = format!(
            "{} added, {} changed, {} unchanged, {} moved, {} failed\n",
            self.added, self.changed, self.unchanged, self.moved, self.failed
        );
        if self.silent > 0 {
            text.push_str(&format!("{} silent: never an answer\n", output::count(self.silent, "file")));
        }
        for failure in self.failures.iter().take(FAILURES_SHOWN) {
            text.push_str(&format!("  failed: {}: {}\n", output::one_line(&failure.path), failure.reason));
        }
        if self.failures.len() > FAILURES_SHOWN {
            let more = self.failures.len() - FAILURES_SHOWN;
            text.push_str(&format!("  and {more} more: similar-tracks status --failed\n"));
        }
        if self.failed_before > 0 {
            let files = output::count(self.failed_before, "file");
            text.push_str(&format!("{files} failed before and did not change (--retry-failed tries again)\n"));
        }
        if self.copies > 0 {
            let pairs = output::count(self.copies, "pair");
            text.push_str(&format!(
                "{pairs} of copies found: queries list a recording once (`duplicates` lists all)\n"
            ));
        }
        if prune && self.pruned > 0 {
            text.push_str(&format!("{} forgotten: the files are gone\n", output::count(self.pruned, "track")));
        }
        if self.missing > 0 {
            let tracks = output::count(self.missing, "track");
            text.push_str(&format!("{tracks} kept whose files are gone (--prune forgets them)\n"));
        }
        if self.music_seconds > 0.0 {
            text.push_str(&format!(
                "{} of music in {}: {:.0} × real time\n",
                output::clock(self.music_seconds),
                output::clock(self.seconds),
                self.music_seconds / self.seconds.max(1e-3)
            ));
        }
        text
    }
}
