//! `similar-tracks train`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use trainer::card::TrainingRecord;
use trainer::data::{LabelledTrack, Manifest, load_tracks, split};
use trainer::embed::ModelFiles;
use trainer::stage::classify::{self, Trained};
use trainer::{ModelCard, TrainConfig};

use crate::Outcome;
use crate::args::TrainArguments;
use crate::library::data_set::{self, DataSet};
use crate::output;
use crate::progress::Progress;
use crate::settings::Settings;

/// Trains a model on a manifest and writes its folder.
pub fn run(settings: &Settings, arguments: &TrainArguments) -> anyhow::Result<Outcome> {
    let config = configuration(arguments)?;
    let DataSet { mut manifest, names } = DataSet::read(settings, &arguments.data)?;
    if let Some(held_out) = &arguments.without {
        manifest.without_artists_of(&data_set::read_manifest(held_out, &names)?);
    }
    let split = split::by_artist(&manifest.entries, config.validation_share, config.seed);
    let pool = settings.thread_pool(arguments.jobs)?;
    let load = |part: &[usize], what: &str| {
        let entries: Vec<_> = part.iter().map(|&index| manifest.entries[index].clone()).collect();
        let labelled = entries.iter().filter(|entry| entry.genre.is_some()).count();
        let progress = Progress::new(settings, what, labelled as u64);
        let tracks = pool.install(|| {
            let failed = |error: audio_frontend::Error| progress.println(&format!("left out: {error}"));
            load_tracks(&entries, &config.front_end, config.track_seconds, || progress.advance(1), failed)
        });
        progress.finish();
        tracks
    };
    let training = load(&split.training, "decoding the training part");
    let validation = load(&split.validation, "decoding the validation part");
    let trained = learn(settings, arguments, &config, &training, &validation)?;
    let card = describe(&trained, &config, &manifest, &training, &validation)?;
    if trained.validation.queries == 0 {
        let none = "warning: no two validation artists share a genre: nothing was validated, the last weights are kept";
        Progress::new(settings, "", 0).println(none);
    }
    let files = ModelFiles { card: card.to_toml()?, weights: trained.weights };
    files.write(&arguments.output)?;
    output::print(&summary(&card, &arguments.output))?;
    Ok(Outcome::Done)
}

fn configuration(arguments: &TrainArguments) -> anyhow::Result<TrainConfig> {
    let mut config = match &arguments.config {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
            toml::from_str(&text).with_context(|| path.display().to_string())?
        }
        None => TrainConfig::default(),
    };
    config.seed = arguments.seed.unwrap_or(config.seed);
    config.classify.steps = arguments.steps.unwrap_or(config.classify.steps);
    config.validate()?;
    Ok(config)
}

fn learn(
    settings: &Settings,
    arguments: &TrainArguments,
    config: &TrainConfig,
    training: &[LabelledTrack],
    validation: &[LabelledTrack],
) -> anyhow::Result<Trained> {
    let progress = Progress::new(settings, "classify", config.classify.steps as u64);
    let max_duration = arguments.max_minutes.map(|minutes| Duration::from_secs(60 * minutes));
    let mut mean_loss = None;
    let trained = classify::train(training, validation, config.setup(), &config.classify, max_duration, |now| {
        let mean = mean_loss.map_or(now.loss, |mean: f64| 0.95 * mean + 0.05 * now.loss);
        mean_loss = Some(mean);
        progress.message(format!("loss {mean:.3}"));
        progress.advance(1);
        if let Some(validation) = now.validation {
            progress.println(&format!(
                "step {:5}  loss {mean:.3}  validation artists: mAP {:.3}  AUC {:.3}  ({} queries)",
                now.step, validation.mean_average_precision, validation.area_under_curve, validation.queries
            ));
        }
    });
    progress.finish();
    Ok(trained?)
}

fn describe(
    trained: &Trained,
    config: &TrainConfig,
    manifest: &Manifest,
    training: &[LabelledTrack],
    validation: &[LabelledTrack],
) -> anyhow::Result<ModelCard> {
    let artists: BTreeSet<&str> = training.iter().map(|track| track.artist.as_str()).collect();
    let record = TrainingRecord {
        stages: vec!["classify".into()],
        manifest_digest: manifest.digest.clone(),
        training_tracks: training.len(),
        training_artists: artists.len(),
        validation_tracks: validation.len(),
        genres: trained.genres.clone(),
        steps: trained.steps,
        seed: config.seed,
    };
    let metrics = BTreeMap::from([
        ("validation_mean_average_precision".to_owned(), trained.validation.mean_average_precision),
        ("validation_area_under_curve".to_owned(), trained.validation.area_under_curve),
    ]);
    let (front_end, architecture) = (config.front_end.clone(), config.architecture.clone());
    Ok(ModelCard::new(&trained.weights, front_end, architecture, record, metrics)?)
}

fn summary(card: &ModelCard, folder: &Path) -> String {
    let training = &card.training;
    let mut text = format!(
        "model {} in {}\n{} tracks by {} artists, {} genres; {} validation tracks by other artists\n",
        card.id,
        folder.display(),
        training.training_tracks,
        training.training_artists,
        training.genres.len(),
        training.validation_tracks,
    );
    for (name, value) in &card.metrics {
        text.push_str(&format!("{name} {value:.3}\n"));
    }
    text
}
