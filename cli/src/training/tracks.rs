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
/// out; a full cache is the run's failure.
pub fn load(
    settings: &Settings,
    pool: &rayon::ThreadPool,
    entries: &[Entry],
    cache: &LogMelCache,
    what: &str,
) -> anyhow::Result<Vec<Track>> {
    let progress = Progress::new(settings, what, entries.len() as u64);
    let full = std::sync::Mutex::new(None);
    let tracks = pool.install(|| {
        load_tracks(
            entries,
            cache,
            || progress.advance(1),
            |error| {
                if matches!(error, trainer::Error::CacheFull { .. }) {
                    *full.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(error);
                } else {
                    progress.println(&format!("left out: {error}"));
                }
            },
        )
    });
    progress.finish();
    match full.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        Some(error) => Err(hinted(error, "allow more with --cache-gib, or set a smaller track_seconds with --config")),
        None => Ok(tracks),
    }
}
