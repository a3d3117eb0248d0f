//! What flags, environment and defaults come to.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Context;

use crate::args::GlobalArguments;

/// Settings that every command shares.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The store's folder.
    pub store: PathBuf,
    /// Whether progress is kept quiet.
    pub quiet: bool,
}

impl Settings {
    /// Flags over environment (which clap reads) over defaults.
    pub fn resolve(arguments: &GlobalArguments) -> anyhow::Result<Self> {
        let store = match &arguments.store {
            Some(store) => store.clone(),
            None => data_folder().context("no home folder is known: name the store with --store")?,
        };
        Ok(Self { store: std::path::absolute(&store)?, quiet: arguments.quiet })
    }

    /// A pool of worker threads, each of which keeps libtorch to itself; `jobs` of them, or as many
    /// as the machine has cores.
    pub fn thread_pool(&self, jobs: Option<NonZeroUsize>) -> anyhow::Result<rayon::ThreadPool> {
        // 0 means all cores.
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(jobs.map_or(0, NonZeroUsize::get))
            .thread_name(|number| format!("worker-{number}"))
            .start_handler(|_| trainer::use_one_thread());
        Ok(pool.build()?)
    }
}

/// `$XDG_CACHE_HOME/similar-tracks`, by default `~/.cache/similar-tracks`.
pub fn cache_folder() -> Option<PathBuf> {
    user_folder("XDG_CACHE_HOME", ".cache")
}

/// `$XDG_DATA_HOME/similar-tracks`, by default `~/.local/share/similar-tracks`.
fn data_folder() -> Option<PathBuf> {
    user_folder("XDG_DATA_HOME", ".local/share")
}

/// This program's folder in what a variable names, else in a folder of the user's home.
fn user_folder(variable: &str, in_home: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let parent = named.or_else(|| std::env::home_dir().map(|home| home.join(in_home)))?;
    Some(parent.join("similar-tracks"))
}
