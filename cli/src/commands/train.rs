//! `similar-tracks train`.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use audio_frontend::Coverage;
use trainer::card::{CARD_FILE, artist_digest};
use trainer::config::StageName;
use trainer::data::split::Split;
use trainer::data::{Entry, Teacher, TeacherTable, Track, split};
use trainer::embed::ModelFiles;
use trainer::evaluate::scores::Evaluation;
use trainer::model::{Architecture, VitConfig};
use trainer::run::{Finished, FinishedStage, Run};
use trainer::stage::Teachers;
use trainer::stage::fit::Ended;
use trainer::stage::network::{NetworkWeights, Start};
use trainer::{ModelCard, TrainConfig};

use crate::Outcome;
use crate::args::TrainArguments;
use crate::examination::{Examination, Findings, METRICS_FILE, REPORT_FILE, table};
use crate::failure::hinted;
use crate::library::data_set::{self, DataSet};
use crate::library::serving::Model;
use crate::output;
use crate::progress::Progress;
use crate::settings::Settings;
use crate::training::learn::learn;
use crate::training::record::{self, Origin};
use crate::training::{VARIABLES_FILE, openmp, tracks};

/// State of a run within the model's folder, until the model is there.
const STATE_FOLDER: &str = ".training";

/// Trains a model on a manifest, judges it, and writes its folder.
pub fn run(settings: &Settings, arguments: &TrainArguments) -> anyhow::Result<Outcome> {
    openmp::let_threads_sleep();
    let from = arguments.from.as_deref().map(|name| Model::named(name, Coverage::default())).transpose()?;
    let card_before =
        from.as_ref().map(|model| model.files.parsed_card(Path::new("the model to start from"))).transpose()?;
    let heard_before = card_before.as_ref().map_or(&[][..], |card| &card.training.heard_artists);
    let config = configuration(arguments, card_before.as_ref())?;
    let state_folder = arguments.output.join(STATE_FOLDER);
    if arguments.fresh && state_folder.exists() {
        std::fs::remove_dir_all(&state_folder).with_context(|| state_folder.display().to_string())?;
    }
    let DataSet { mut manifest, names } = DataSet::read(settings, &arguments.data)?;
    if let Some(held_out) = &arguments.without {
        manifest.without_artists_of(&data_set::read_manifest(held_out, &names)?);
    }
    let mut split = split::by_artist(&manifest.entries, config.validation_share, config.seed);
    keep_heard_in_training(&mut split, &manifest.entries, heard_before);
    if card_before.is_some() && heard_before.is_empty() {
        let unknown =
            "warning: the card of the model to start from does not say whom it has heard: figures may flatter";
        Progress::new(settings, "", 0).println(unknown);
    }
    let pool = settings.thread_pool(arguments.jobs)?;
    let cache = tracks::open_cache(&arguments.cache, &config)?;
    let part = |part: &[usize]| part.iter().map(|&index| manifest.entries[index].clone()).collect::<Vec<Entry>>();
    let training = tracks::load(settings, &pool, &part(&split.training), &cache, "decoding the training part")?;
    let validation = tracks::load(settings, &pool, &part(&split.validation), &cache, "decoding the validation part")?;
    let taught =
        TeacherTable::read_all(&arguments.teachers)?.map(|table| taught(settings, &table, &training, &validation));
    let teachers = taught.as_ref().map(|(training, validation)| Teachers { training, validation });
    let run = Run {
        config: &config,
        training: &training,
        validation: &validation,
        preferences: None,
        teachers,
        start: start_of(arguments, from.as_ref())?,
        state_folder: &state_folder,
        max_duration: arguments.max_minutes.map(|minutes| Duration::from_secs(60 * minutes)),
    };
    trainer::use_threads(arguments.jobs.map_or_else(available_cores, std::num::NonZeroUsize::get));
    let finished = learn(settings, &run)?;
    let origin = Origin {
        config: &config,
        manifest_digest: &manifest.digest,
        training: &training,
        validation: &validation,
        said_of: &HashSet::new(),
        before: card_before.as_ref().map(|card| &card.training),
        teachers,
    };
    let labelled: Vec<Entry> =
        validation.iter().map(|track| &track.entry).filter(|entry| entry.genre.is_some()).cloned().collect();
    write_model(settings, arguments, &pool, &origin, &finished, &labelled)?;
    std::fs::remove_dir_all(&state_folder).with_context(|| state_folder.display().to_string())?;
    collapsed(&finished, &arguments.output)
}

/// What the teacher says of both parts. Tracks that it has not heard are left out of the stage distill.
fn taught(settings: &Settings, table: &TeacherTable, training: &[Track], validation: &[Track]) -> (Teacher, Teacher) {
    let of =
        |tracks: &[Track]| table.of(&tracks.iter().map(|track| track.entry.path.clone()).collect::<Vec<PathBuf>>());
    let (training, validation) = (of(training), of(validation));
    let missing = training.missing() + validation.missing();
    if missing > 0 {
        let warning =
            format!("warning: the teacher {} has not heard {}", table.name(), output::count(missing, "track"));
        Progress::new(settings, "", 0).println(&warning);
    }
    (training, validation)
}

fn available_cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

/// Flags over the file over defaults. A model to start from brings its front end and architecture, and is
/// fine-tuned unless the file says otherwise.
fn configuration(arguments: &TrainArguments, start: Option<&ModelCard>) -> anyhow::Result<TrainConfig> {
    let mut config = TrainConfig::default();
    if let Some(card) = start {
        config.stages = vec![StageName::Finetune, StageName::Triplet, StageName::Whiten];
        config.front_end = card.front_end.clone();
        config.architecture = card.architecture.with_folded(false);
    }
    if start.is_none() && arguments.stages.contains(&StageName::Masked) {
        // The one network that has patches to hide; a configuration may still shape it.
        config.architecture = Architecture::Vit(VitConfig::default());
    }
    if let Some(path) = &arguments.config {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        config = config.overlaid(&text).with_context(|| path.display().to_string())?;
    }
    if !arguments.stages.is_empty() {
        config.stages.clone_from(&arguments.stages);
    }
    config.seed = arguments.seed.unwrap_or(config.seed);
    if let Some(steps) = arguments.steps {
        for fit in config.fits_mut() {
            fit.steps = fit.steps.min(steps);
        }
    }
    config.validate()?;
    if !arguments.teachers.is_empty() && !config.stages.contains(&StageName::Distill) {
        let error = anyhow::anyhow!("--teacher is given, but no stage learns from it");
        return Err(hinted(error, "add distill to --stages"));
    }
    Ok(config)
}

/// Where the first stage begins: with all variables where they lie beside the model, else with what serves.
fn start_of(arguments: &TrainArguments, model: Option<&Model>) -> anyhow::Result<Start> {
    let (Some(folder), Some(model)) = (&arguments.from, model) else { return Ok(Start::Random) };
    let variables = folder.join(VARIABLES_FILE);
    if variables.exists() {
        return Ok(Start::Weights(NetworkWeights::read(&variables)?));
    }
    Ok(Start::Model(model.files.clone()))
}

/// Whom the model has heard before cannot judge what grows out of it: these artists are learnt from.
fn keep_heard_in_training(split: &mut Split, entries: &[Entry], heard: &[String]) {
    let heard: HashSet<&str> = heard.iter().map(String::as_str).collect();
    let is_heard = |&index: &usize| heard.contains(artist_digest(&entries[index].artist).as_str());
    let (back, validation) = std::mem::take(&mut split.validation).into_iter().partition(is_heard);
    split.validation = validation;
    split.training.extend::<Vec<usize>>(back);
    split.training.sort_unstable();
}

/// Judges the model beside its stages, baselines and the model before, then writes the folder: the card last,
/// so that a folder with a card is whole.
fn write_model(
    settings: &Settings,
    arguments: &TrainArguments,
    pool: &rayon::ThreadPool,
    origin: &Origin<'_>,
    finished: &Finished,
    labelled: &[Entry],
) -> anyhow::Result<()> {
    let mut card = record::card(origin, &finished.stages)?;
    let files = |stages: &[FinishedStage]| -> anyhow::Result<ModelFiles> {
        let weights = stages.last().map(|stage| stage.serving_weights.clone()).unwrap_or_default();
        Ok(ModelFiles { card: record::card(origin, stages)?.to_toml()?, weights })
    };
    let mut model = files(&finished.stages)?;
    let curves: Vec<_> = finished.stages.iter().map(|stage| stage.curve.clone()).collect();
    let output = &arguments.output;
    for stale in [CARD_FILE, METRICS_FILE, REPORT_FILE, VARIABLES_FILE] {
        match std::fs::remove_file(output.join(stale)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| output.join(stale).display().to_string());
            }
            _ => {}
        }
    }
    let can_ask = labelled.len() >= 2 && finished.stages.last().is_some_and(|stage| stage.validation.queries > 0);
    let evaluation = if can_ask {
        let mut others = Vec::new();
        for count in 1..finished.stages.len() {
            let name = format!("after {}", finished.stages[count - 1].name.as_str());
            others.push((name, files(&finished.stages[..count])?));
        }
        let before = match &arguments.from {
            Some(name) => Model::named(name, Coverage::default())?,
            None => Model::built_in(Coverage::default())?,
        };
        others.push((format!("model before, {}", &before.id.model[..8]), before.files));
        // Beside its teachers, if these can be asked all questions.
        let knows_all = origin.teachers.is_some_and(|teachers| teachers.validation.missing() == 0);
        let peers: &[PathBuf] = if knows_all { &arguments.teachers } else { &[] };
        let examination = Examination {
            model: &model,
            others,
            has_baselines: true,
            peers,
            entries: labelled,
            degraded_tracks: arguments.degraded,
            excerpt_seconds: None,
            protocol: protocol(arguments, origin.config, labelled),
        };
        let evaluation = examination.run(settings, pool)?.evaluation;
        if let Some(scores) = evaluation.systems.first() {
            record::add_metrics(&mut card, scores);
        }
        model.card = card.to_toml()?;
        output::print(&(table::text(&evaluation) + "\n"))?;
        evaluation
    } else {
        let (warning, protocol) = if origin.config.validation_share == 0.0 {
            (
                "all tracks are learnt from (validation_share is 0)",
                "All artists were learnt from: none is left to judge.",
            )
        } else {
            (
                "no two validation artists share a genre",
                "No two of the artists that were held out from training share a genre.",
            )
        };
        Progress::new(settings, "", 0).println(&format!("warning: {warning}: what the model finds was not judged"));
        Evaluation::of_nothing(protocol)
    };
    let findings = Findings { evaluation, curves, turnover: None };
    std::fs::create_dir_all(output).with_context(|| output.display().to_string())?;
    let write = |name: &str, text: String| {
        let path = output.join(name);
        std::fs::write(&path, text).with_context(|| path.display().to_string())
    };
    write(METRICS_FILE, serde_json::to_string_pretty(&findings)? + "\n")?;
    write(REPORT_FILE, findings.page(&card))?;
    let variables = output.join(VARIABLES_FILE);
    finished.weights.write(&variables)?;
    model.write(output)?;
    let training = &card.training;
    output::print(&format!(
        "model {} in {}\n{} by {}, {} genres; {} by other artists judged it\n",
        card.id,
        output.display(),
        output::count(training.training_tracks, "track"),
        output::count(training.training_artists, "artist"),
        training.genres.len(),
        output::count(training.validation_tracks, "track"),
    ))
}

fn protocol(arguments: &TrainArguments, config: &TrainConfig, labelled: &[Entry]) -> String {
    let source = match &arguments.data.manifest {
        Some(path) => path.display().to_string(),
        None => "the library".into(),
    };
    format!(
        "{} of the artists of {source} that were held out from training ({:.0} % of each genre's, seed {}); a query \
         never finds its own artist; averaged within each genre, then over genres; 95 % intervals over artists. The \
         steps that were kept were chosen on these tracks, and the model before may have heard them.",
        output::count(labelled.len(), "track"),
        100.0 * config.validation_share,
        config.seed,
    )
}

/// A run that collapsed has left its best model, and fails all the same.
fn collapsed(finished: &Finished, folder: &Path) -> anyhow::Result<Outcome> {
    for stage in &finished.stages {
        if let Ended::Collapsed { step, variance, active_triplets } = stage.ended {
            let triplets = active_triplets.map_or_else(String::new, |share| format!(", {share:.2} of triplets active"));
            let error = anyhow::anyhow!(
                "{}: the embeddings collapsed into one point at step {step} (variance {variance:.3}{triplets})",
                stage.name.as_str()
            );
            let hint = format!(
                "{} holds the best model until then, of step {}; a lower learning_rate, the miner semi-hard or a \
                 smaller margin keeps it from collapsing",
                folder.display(),
                stage.curve.kept_step
            );
            return Err(hinted(error, hint));
        }
    }
    Ok(Outcome::Done)
}
