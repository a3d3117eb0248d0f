//! `similar-tracks retrain`.

use std::time::Instant;

use anyhow::Context;
use index::Store;

use crate::Outcome;
use crate::args::RetrainArguments;
use crate::failure::hinted;
use crate::library::playlists::Playlists;
use crate::library::serving::serving_with_tracks;
use crate::output;
use crate::retraining::config::RetrainConfig;
use crate::retraining::delegate::EmbeddingConfig;
use crate::retraining::journal::Journal;
use crate::retraining::metrics::write_metrics;
use crate::retraining::night::Night;
use crate::retraining::summary::{RetrainOutcome, RetrainSummary};
use crate::settings::Settings;
use crate::training::openmp;

/// Trains the store's model on from what is new, and lets the outcome serve where it is better.
pub fn run(settings: &Settings, arguments: &RetrainArguments) -> anyhow::Result<Outcome> {
    openmp::let_threads_sleep();
    if let Some(nice) = arguments.nice {
        rustix::process::nice(nice).context("the priority cannot be lowered")?;
    }
    let config = RetrainConfig::read(arguments.config.as_deref())?;
    let store = Store::open(&settings.store)?;
    let playlists = Playlists::read(&settings.store)?;
    let embedding = EmbeddingConfig::read(&settings.store)?;
    let _lock = match store.lock_retraining("similar-tracks retrain") {
        Err(index::Error::InUse { holder, .. }) => {
            let reason = Some(format!("the store is being retrained by {holder}"));
            return print(
                &RetrainSummary { outcome: RetrainOutcome::UnderWay, reason, ..Default::default() },
                arguments,
            );
        }
        lock => lock?,
    };
    let catalogue = store.catalogue()?;
    let Some(serving) = serving_with_tracks(&catalogue)? else {
        let error = anyhow::anyhow!("the store {} holds no tracks", settings.store.display());
        return Err(hinted(error, "`similar-tracks ingest FOLDER` takes some in"));
    };
    let mut journal = Journal::begin(settings, &store, &serving, arguments.log_json)?;
    let mut summary = RetrainSummary { serving: serving.clone(), ..Default::default() };
    let began = Instant::now();
    let night = Night {
        settings,
        arguments,
        config: &config,
        embedding: &embedding,
        playlists: &playlists,
        store: &store,
        catalogue,
    };
    let worked = night.work(&mut journal, &mut summary);
    summary.seconds = began.elapsed().as_secs_f64();
    let noted = journal.finish(&summary);
    let measured = arguments.metrics_file.as_deref().map(|path| write_metrics(path, &summary, journal.seconds()));
    worked?;
    noted?;
    measured.transpose()?;
    print(&summary, arguments)
}

fn print(summary: &RetrainSummary, arguments: &RetrainArguments) -> anyhow::Result<Outcome> {
    if arguments.json {
        output::print_json(summary)?;
    } else {
        output::print(&summary.to_text())?;
    }
    Ok(if summary.outcome == RetrainOutcome::Refused { Outcome::Refused } else { Outcome::Done })
}
