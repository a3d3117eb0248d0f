//! Embeds uploads in a process of its own: what hostile bytes do to a codec, they do to that one.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::PoisonError;
use std::time::Duration;

use axum::http::StatusCode;
use index::Passage;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};

use crate::problem::Problem;

/// Uploads at once, those that arrive among them.
const MOST_WAITING: usize = 8;

/// What a worker says of itself before anything else.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Introduction {
    /// What its vectors are kept under.
    pub model: String,
    /// Length of a passage.
    pub passage_seconds: f64,
}

/// A row of the worker's: what it heard in a file, or why it could not.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Heard {
    pub model: String,
    pub error: Option<String>,
    pub hash: Option<String>,
    pub artist: Option<String>,
    pub title: Option<String>,
    pub album: Option<String>,
    pub duration_seconds: Option<f64>,
    vector: Vec<f32>,
    passages: Vec<HeardPassage>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct HeardPassage {
    start_seconds: f32,
    vector: Vec<f32>,
}

#[derive(Serialize)]
struct Task<'a> {
    path: &'a Path,
}

/// The worker, which is started when it is needed and again when it has died or another model serves.
pub(crate) struct Listener {
    program: PathBuf,
    arguments: Vec<String>,
    time: Duration,
    worker: Mutex<Option<Worker>>,
    /// What the latest worker has said: who asks for that does not wait until an upload is heard.
    introduced: std::sync::Mutex<Option<Introduction>>,
    waiting: Semaphore,
}

struct Worker {
    introduction: Introduction,
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Heard {
    /// The vector and what it is made of.
    pub fn into_vectors(self) -> (Vec<f32>, Vec<Passage>) {
        let passage = |passage: HeardPassage| Passage { start_seconds: passage.start_seconds, vector: passage.vector };
        (self.vector, self.passages.into_iter().map(passage).collect())
    }
}

impl Listener {
    /// With a program, and the time that it has for a file.
    pub fn new((program, arguments): (PathBuf, Vec<String>), time: Duration) -> Self {
        let (worker, introduced) = (Mutex::new(None), std::sync::Mutex::new(None));
        Self { program, arguments, time, worker, introduced, waiting: Semaphore::new(MOST_WAITING) }
    }

    /// What the worker says of the model that serves.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub async fn introduction(&self, model: &str) -> Result<Introduction, Problem> {
        let introduced = || self.introduced.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = introduced().as_ref().filter(|known| known.model == model) {
            return Ok(known.clone());
        }
        let mut slot = self.worker.lock().await;
        let introduction = self.worker_of(&mut slot, model).await?.introduction.clone();
        *introduced() = Some(introduction.clone());
        Ok(introduction)
    }

    /// A place among the uploads; there is a place for the bytes of so many only.
    ///
    /// # Errors
    /// Where there is none.
    pub fn place(&self) -> Result<SemaphorePermit<'_>, Problem> {
        self.waiting.try_acquire().map_err(|_| Problem::busy("too many uploads at once"))
    }

    /// Embeds a file with the model that serves.
    ///
    /// # Errors
    /// Where it takes too long, kills its worker or is no audio.
    pub async fn hear(&self, file: &Path, model: &str) -> Result<Heard, Problem> {
        let mut slot = self.worker.lock().await;
        self.worker_of(&mut slot, model).await?;
        // Out of the slot while it works: where nobody waits for its row any more, it goes, and the row with it.
        let mut worker = slot.take().ok_or_else(|| Problem::internal(&"there is no worker for uploads"))?;
        let unheard = |reason: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, reason);
        match tokio::time::timeout(self.time, worker.ask(file)).await {
            Ok(Ok(heard)) => {
                *slot = Some(worker);
                match heard.error {
                    Some(reason) => Err(unheard(format!("this cannot be listened to: {reason}"))),
                    None => Ok(heard),
                }
            }
            Ok(Err(reason)) => {
                tracing::warn!("the worker for uploads ended: {reason}");
                Err(unheard("this cannot be listened to".into()))
            }
            Err(_) => Err(unheard(format!("listening to this takes longer than {} s", self.time.as_secs()))),
        }
    }

    /// Sees to it that one with this model is in the slot.
    async fn worker_of<'a>(&self, slot: &'a mut Option<Worker>, model: &str) -> Result<&'a Worker, Problem> {
        let worker = match slot.take().filter(|worker| worker.introduction.model == model) {
            Some(worker) => worker,
            None => {
                let started = tokio::time::timeout(self.time, Worker::start(&self.program, &self.arguments)).await;
                let started = started.map_err(|_| Problem::internal(&"the worker for uploads does not start"))?;
                started.map_err(|error| Problem::internal(&format!("the worker for uploads: {error}")))?
            }
        };
        Ok(slot.insert(worker))
    }
}

impl Worker {
    async fn start(program: &Path, arguments: &[String]) -> std::io::Result<Self> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // A group of its own, with whatever it starts to decode with.
        command.process_group(0).kill_on_drop(true);
        let mut child = command.spawn()?;
        let ended = || std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        let (input, output) = child.stdin.take().zip(child.stdout.take()).ok_or_else(ended)?;
        let mut output = BufReader::new(output).lines();
        let line = output.next_line().await?.ok_or_else(ended)?;
        let introduction = serde_json::from_str(&line)?;
        Ok(Self { introduction, child, input, output })
    }

    async fn ask(&mut self, file: &Path) -> std::io::Result<Heard> {
        let task = serde_json::to_string(&Task { path: file })? + "\n";
        self.input.write_all(task.as_bytes()).await?;
        self.input.flush().await?;
        let line = self.output.next_line().await?;
        Ok(serde_json::from_str(&line.ok_or(std::io::ErrorKind::UnexpectedEof)?)?)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let group = self.child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
        // One that has ended has nobody left to kill.
        let _ = group.map(|group| rustix::process::kill_process_group(group, rustix::process::Signal::KILL));
    }
}
