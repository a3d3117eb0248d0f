//! Files into vectors: all cores decode and embed, one thread writes.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use index::catalogue::Writer;
use index::{Catalogue, Store, TrackId};

use super::plan::Task;
use super::serving::Model;
use super::worker::{Heard, Outcome, Worker};
use crate::progress::Progress;
use crate::settings::Settings;

/// Tracks in a commit at most.
const COMMIT_TRACKS: usize = 64;

/// Time between commits at most: what a kill costs.
const COMMIT_INTERVAL: Duration = Duration::from_secs(1);

/// What files are embedded with, and where their vectors go.
pub struct Embedding<'a> {
    /// For threads and progress.
    pub settings: &'a Settings,
    /// The store.
    pub store: &'a Store,
    /// The model.
    pub model: &'a Model,
    /// Files worked on at once; `None`: as many as there are cores.
    pub jobs: Option<std::num::NonZeroUsize>,
    /// Whether a vector whose passages are not known will not do.
    pub needs_passages: bool,
    /// What progress calls it.
    pub what: &'a str,
}

impl Embedding<'_> {
    /// Works through files and tells `each` what came of them once that is committed.
    ///
    /// # Errors
    /// What writing to the catalogue reports, and what loading the model does.
    pub fn work(
        &self,
        catalogue: &mut Catalogue,
        tasks: &[Task],
        claimed: &Mutex<HashSet<TrackId>>,
        each: &mut dyn FnMut(&Task, Outcome),
    ) -> anyhow::Result<()> {
        let pool = self.settings.thread_pool(self.jobs)?;
        let progress = Progress::new(self.settings, self.what, tasks.len() as u64);
        let (sender, outcomes) = sync_channel(2 * COMMIT_TRACKS);
        let tasks = Mutex::new(tasks.iter());
        let next_task = || tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
        let work = |sender: &SyncSender<_>| {
            let worker = Worker::new(self.model, self.store.catalogue()?, claimed, self.needs_passages)?;
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
            let written = self.write(catalogue, outcomes, &progress, each);
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
        outcomes: Receiver<(&Task, Outcome)>,
        progress: &Progress,
        each: &mut dyn FnMut(&Task, Outcome),
    ) -> index::Result<()> {
        let embedding = self.model.id.to_string();
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
                catalogue.commit(|writer| {
                    batch.iter().try_for_each(|(task, outcome)| record(writer, &embedding, task, outcome))
                })?;
                for (task, outcome) in batch.drain(..) {
                    each(task, outcome);
                    progress.advance(1);
                }
                last_commit = Instant::now();
            }
            if ended {
                return Ok(());
            }
        }
    }
}

fn record(writer: &Writer<'_>, embedding: &str, task: &Task, outcome: &Outcome) -> index::catalogue::Written {
    match outcome {
        Outcome::Heard(Heard::Embedded { track, vector, passages }) => {
            let id = writer.put_embedded(track, embedding, vector)?;
            writer.put_passages(id, embedding, passages)
        }
        Outcome::Heard(Heard::Silent { track }) => writer.put_silent(track).map(|_| ()),
        Outcome::Same { id, .. } => writer.set_place(*id, &task.path, task.stamp),
        Outcome::Heard(Heard::Failed { track, reason, transient }) => {
            writer.put_failed(track, reason, *transient).map(|_| ())
        }
    }
}
