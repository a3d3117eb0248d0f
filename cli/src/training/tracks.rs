//! The tracks of a run, decoded or found in the cache.

use std::path::PathBuf;

use anyhow::Context;
use trainer::TrainConfig;
use trainer::data::{Entry, LogMelCache, Track, load_tracks};

use crate::args::CacheArguments;
use crate::failure::hinted;
use crate::progress::Progress;
use crate::settings::{Settings, cache_folder};

/// Opens the cache that the arguments name.
pub fn open_cache(arguments: &CacheArguments, config: &TrainConfig) -> anyhow::Result<LogMelCache> {
    let folder: PathBuf = match &arguments.cache {
        Some(folder) => folder.clone(),
        None => cache_folder().context("no home folder is known: name the cache with --cache")?.join("log-mel"),
    };
    let limit_bytes = arguments.cache_gib.get() << 30;
    Ok(LogMelCache::open(&folder, &config.front_end, config.track_seconds, limit_bytes)?)
}

/// Decodes what is not in the cache, on all cores of the pool. Files that cannot be read are listed and left
/// out; a cache that is full or cannot be written to is the run's failure.
pub fn load(
    settings: &Settings,
    pool: &rayon::ThreadPool,
    entries: &[Entry],
    cache: &LogMelCache,
    what: &str,
) -> anyhow::Result<Vec<Track>> {
    let progress = Progress::new(settings, what, entries.len() as u64);
    let tracks = pool.install(|| {
        load_tracks(entries, cache, || progress.advance(1), |error| progress.println(&format!("left out: {error}")))
    });
    progress.finish();
    tracks.map_err(|error| match error {
        trainer::Error::CacheFull { .. } => {
            hinted(error, "allow more with --cache-gib, or set a smaller track_seconds with --config")
        }
        error => error.into(),
    })
}
