//! From settings to a server that runs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use index::Store;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use crate::access::Access;
use crate::api::StateView;
use crate::app::{App, OPENING, QUESTIONS_PER_CORE};
use crate::config::ServeConfig;
use crate::connections::accept;
use crate::error::{Error, Result};
use crate::library::Library;
use crate::listener::Listener;
use crate::metrics::Metrics;
use crate::routes::router;

/// Time between forgetting addresses that no longer ask.
const FORGET_INTERVAL: Duration = Duration::from_secs(60);

/// A server that listens and does not answer yet.
pub struct Server {
    listener: TcpListener,
    app: App,
    state: watch::Sender<Arc<str>>,
}

/// Opens a store and listens.
///
/// # Errors
/// [`Error::NoUsers`], [`Error::Listen`]; what opening the store and the users reports.
pub async fn serve(store: Store, config: ServeConfig) -> Result<Server> {
    let access = Access::new(store.clone(), &config)?;
    let address = config.address;
    let listener = TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let library = Arc::new(Library::open(store, config.folders.clone())?);
    let (state, seen) = watch::channel(Arc::from(StateView::of(&library).ok().and_then(text_of).unwrap_or_default()));
    let app = App {
        library,
        access: Arc::new(access),
        metrics: Arc::new(Metrics::new()),
        listener: Arc::new(Listener::new(config.worker.clone(), config.embedding_time)),
        config: Arc::new(config),
        state: seen,
        turns: Arc::new(Semaphore::new(QUESTIONS_PER_CORE * cores)),
        decoding: Arc::new(Semaphore::new(cores)),
        opening: Arc::new(Semaphore::new(OPENING)),
        noting: Arc::new(Semaphore::new(1)),
    };
    Ok(Server { listener, app, state })
}

impl Server {
    /// Where it listens: with port 0, the one that was free.
    ///
    /// # Errors
    /// [`Error::Listen`].
    pub fn address(&self) -> Result<SocketAddr> {
        let address = self.app.config.address;
        self.listener.local_addr().map_err(|source| Error::Listen { address, source })
    }

    /// Answers until `stop` comes, and ends what is under way.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self { listener, app, state } = self;
        let follower = tokio::spawn(follow(app.clone(), state));
        let (config, metrics) = (Arc::clone(&app.config), Arc::clone(&app.metrics));
        let stop = async {
            stop.await;
            // Streams of events end when nobody tells them of any more.
            follower.abort();
        };
        accept(listener, router(app), &config, metrics, stop).await;
    }
}

fn text_of(view: StateView) -> Option<String> {
    serde_json::to_string(&view).ok()
}

/// Keeps up with the store, and tells what it is.
async fn follow(app: App, state: watch::Sender<Arc<str>>) {
    let (mut forgotten, mut told) = (Instant::now(), String::new());
    loop {
        let library = Arc::clone(&app.library);
        let looked = tokio::task::spawn_blocking(move || {
            let renewed = library.renew();
            (renewed.err().map(|error| error.to_string()), StateView::of(&library))
        });
        let Ok((trouble, view)) = looked.await else { continue };
        // Once, however often the same is found.
        let trouble = trouble.unwrap_or_default();
        if trouble != told && !trouble.is_empty() {
            tracing::error!("the index cannot be renewed: {trouble}");
        }
        told = trouble;
        if let Some(text) = view.ok().and_then(text_of) {
            state.send_if_modified(|known| {
                let is_new = **known != *text;
                *known = Arc::from(text);
                is_new
            });
        }
        if forgotten.elapsed() > FORGET_INTERVAL {
            app.access.forget_idle();
            forgotten = Instant::now();
        }
        tokio::time::sleep(app.config.renewal_interval).await;
    }
}
