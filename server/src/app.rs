//! What handlers share.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

use crate::access::Access;
use crate::config::ServeConfig;
use crate::library::{Asked, Library};
use crate::listener::Listener;
use crate::metrics::Metrics;
use crate::problem::Problem;

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct App {
    pub library: Arc<Library>,
    pub access: Arc<Access>,
    pub metrics: Arc<Metrics>,
    pub listener: Arc<Listener>,
    pub config: Arc<ServeConfig>,
    /// What the store is at the moment, as JSON; closed when the server stops.
    pub state: watch::Receiver<Arc<str>>,
    /// Questions that are worked on at once: more only take turns on the cores.
    pub turns: Arc<Semaphore>,
    /// The same for files that are decoded.
    pub decoding: Arc<Semaphore>,
    /// The same for files that are looked for and opened: a disk may be asleep.
    pub opening: Arc<Semaphore>,
    /// Held by the one who notes something, which waits while others write.
    pub noting: Arc<Semaphore>,
}

/// So many questions a core: while one waits for the disk, another is answered.
pub(crate) const QUESTIONS_PER_CORE: usize = 2;

/// Files that are looked for at once.
pub(crate) const OPENING: usize = 16;

impl App {
    /// Works where blocking is allowed.
    pub async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Library) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        take_turn(&self.turns, &self.library, work).await
    }

    /// The same for what decodes a file.
    pub async fn decode<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Library) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        take_turn(&self.decoding, &self.library, work).await
    }

    /// The same for what opens a file.
    pub async fn open<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Library) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        take_turn(&self.opening, &self.library, work).await
    }

    /// The same for what notes something.
    pub async fn note<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Library) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        take_turn(&self.noting, &self.library, work).await
    }

    /// The model that serves.
    ///
    /// # Errors
    /// Where there is none yet.
    pub fn model(&self) -> Result<String, Problem> {
        let none = || Problem::not_found("the library holds no tracks yet");
        self.library.searcher().map(|searcher| searcher.model_id().to_owned()).ok_or_else(none)
    }

    /// Asks the index and the catalogue together.
    pub async fn ask<T: Send + 'static>(
        &self,
        ask: impl Fn(&Asked<'_>) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        self.work(move |library| library.ask(|asked| ask(&asked))).await
    }
}

async fn take_turn<T: Send + 'static>(
    turns: &Arc<Semaphore>,
    library: &Arc<Library>,
    work: impl FnOnce(&Library) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    // It is never closed.
    let turn = Arc::clone(turns).acquire_owned().await.map_err(|error| Problem::internal(&error))?;
    let library = Arc::clone(library);
    // Whoever goes away leaves the work behind, and with it the turn.
    let worked = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work(&library)
    });
    let worked = worked.await;
    worked.unwrap_or_else(|error| Err(Problem::internal(&error)))
}
