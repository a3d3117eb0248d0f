//! `similar-tracks serve`.

use std::num::NonZeroU32;

use anyhow::Context;
use index::Store;
use rustix::process::{Resource, getrlimit, setrlimit};
use server::ServeConfig;
use tokio::signal::unix::{SignalKind, signal};

use crate::Outcome;
use crate::args::ServeArguments;
use crate::failure::hinted;
use crate::output;
use crate::settings::Settings;

/// Memory that whatever listens to uploads may take: what a track of hours needs, with room for the network.
const UPLOAD_MEMORY_GIB: &str = "4";

/// Answers requests until it is told to end.
pub fn run(settings: &Settings, arguments: &ServeArguments) -> anyhow::Result<Outcome> {
    start_log();
    let store = Store::open(&settings.store)?;
    let config = config(settings, arguments)?;
    allow_connections(arguments.max_connections);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // Requests share the cores among them: each keeps to one.
        .on_thread_start(trainer::use_one_thread)
        .build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let server = server::serve(store, config).await.map_err(with_hint)?;
        let address = server.address()?;
        output::print(&format!("http://{address}/\n"))?;
        tracing::info!("listening on http://{address}/");
        server
            .run(async {
                tokio::select! {
                    _ = tokio::signal::ctrl_c() => {}
                    _ = terminate.recv() => {}
                }
                tracing::info!("ending");
            })
            .await;
        anyhow::Ok(())
    })?;
    // Whatever still works on a request that nobody waits for any more.
    runtime.shutdown_background();
    Ok(Outcome::Done)
}

fn config(settings: &Settings, arguments: &ServeArguments) -> anyhow::Result<ServeConfig> {
    let program = std::env::current_exe().context("this program cannot be found again")?;
    let store = settings.store.to_str().context("the store's path is not UTF-8")?;
    let worker = ["--store", store, "worker", "--hello", "--memory-gib", UPLOAD_MEMORY_GIB].map(str::to_owned);
    Ok(ServeConfig {
        address: arguments.listen,
        hosts: arguments.hosts.clone(),
        folders: arguments.folders.clone(),
        max_upload_bytes: (arguments.max_upload_mib as usize) << 20,
        requests_per_second: NonZeroU32::new(arguments.requests_per_second),
        max_connections: arguments.max_connections as usize,
        ..ServeConfig::new((program, worker.to_vec()))
    })
}

fn with_hint(error: server::Error) -> anyhow::Error {
    match error {
        server::Error::NoUsers { .. } => hinted(error, "`similar-tracks user add NAME` takes in the first"),
        server::Error::Listen { .. } => hinted(error, "--listen names another address or port"),
        server::Error::Index(error) => error.into(),
        error => error.into(),
    }
}

/// Each connection is an open file, and there are some more.
const OTHER_FILES: u64 = 256;

/// As many files as connections need, as far as that is allowed.
fn allow_connections(connections: u32) {
    let mut limit = getrlimit(Resource::Nofile);
    let needed = u64::from(connections) + OTHER_FILES;
    if limit.current.is_some_and(|current| current < needed) {
        limit.current = Some(limit.maximum.map_or(needed, |maximum| maximum.min(needed)));
        if limit.current != Some(needed) || setrlimit(Resource::Nofile, limit).is_err() {
            tracing::warn!("fewer than {connections} connections: no more files may be open (`ulimit -n`)");
        }
    }
}

/// To standard error, by `RUST_LOG`.
fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env();
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
}
