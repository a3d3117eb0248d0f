//! The model that a night's training comes to.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use index::Store;
use trainer::card::CARD_FILE;
use trainer::config::StageName;
use trainer::data::{Entry, split};
use trainer::embed::ModelFiles;
use trainer::run::{Finished, Run};
use trainer::stage::fit::Ended;
use trainer::stage::network::{NetworkWeights, Start};
use trainer::{ModelCard, TrainConfig};

use super::lesson::{Lesson, Parts};
use crate::args::CacheArguments;
use crate::library::serving::Model;
use crate::settings::Settings;
use crate::training::learn::learn;
use crate::training::record::{self, Origin};
use crate::training::{VARIABLES_FILE, tracks};

/// A model that is to succeed the one that serves.
pub struct Candidacy<'a> {
    /// For threads and progress.
    pub settings: &'a Settings,
    /// The model that serves.
    pub serving: &'a Model,
    /// Threads; `None`: as many as there are cores.
    pub jobs: Option<NonZeroUsize>,
    /// What is being made, and state of the run: killed, it goes on from there.
    pub folder: PathBuf,
}

impl Candidacy<'_> {
    /// The folder of the model, once it is whole.
    pub fn model_folder(&self) -> PathBuf {
        self.folder.join("model")
    }
}

/// How a candidate is made.
pub struct Training<'a> {
    /// What it is to be.
    pub candidacy: &'a Candidacy<'a>,
    /// The store.
    pub store: &'a Store,
    /// The recipe.
    pub config: &'a TrainConfig,
    /// Where decoded tracks are kept.
    pub cache: &'a CacheArguments,
    /// Time for learning at most.
    pub max_minutes: Option<u64>,
}

/// A model, or why what there is to learn gives none: the next night would come to the same.
pub type Trained = Result<ModelFiles, String>;

/// Share of the artists that are learnt from which choose among the weights of a stage.
const CHOOSING_SHARE: f64 = 0.25;

/// Tracks from which on what was said of them decides what a night learns.
const MANY_ANCHORS: usize = 100;

impl Training<'_> {
    /// Trains, unless that was done before the run was interrupted.
    ///
    /// # Errors
    /// What decoding and training report.
    pub fn run(&self, lesson: &Lesson, parts: &Parts) -> anyhow::Result<Trained> {
        let Candidacy { settings, serving, jobs, folder } = self.candidacy;
        let output = self.candidacy.model_folder();
        if output.join(CARD_FILE).exists() {
            return Ok(Ok(ModelFiles::read(&output)?));
        }
        let pool = settings.thread_pool(*jobs)?;
        let cache = tracks::open_cache(self.cache, self.config)?;
        let learnt: Vec<Entry> = parts.training.iter().map(|&place| lesson.entries[place].clone()).collect();
        let all = tracks::load(settings, &pool, &learnt, &cache, "decoding what is learnt from")?;
        // Which weights are kept is chosen by artists of their own: those who judge choose nothing. Much of what listeners
        // said is not in what they would choose by: then the last weights are kept.
        let share = if parts.preferences.anchors() < MANY_ANCHORS { CHOOSING_SHARE } else { 0.0 };
        let heard: Vec<Entry> = all.iter().map(|track| track.entry.clone()).collect();
        let choice = split::by_artist(&heard, share, self.config.seed);
        let of = |part: &[usize]| part.iter().map(|&place| all[place].clone()).collect::<Vec<_>>();
        let (training, choosing) = (of(&choice.training), of(&choice.validation));
        let places: HashMap<&Path, usize> =
            training.iter().enumerate().map(|(place, track)| (track.entry.path.as_path(), place)).collect();
        let preferences = parts.preferences.renumbered(|place| places.get(learnt[place].path.as_path()).copied());
        let card_before = serving.files.parsed_card(Path::new("the model that serves"))?;
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        trainer::use_threads(jobs.map_or(cores, NonZeroUsize::get));
        // Discriminants are chosen by artists that they leave out themselves: the last part is of all tracks.
        let closed_from = self.config.stages.iter().rposition(|stage| *stage != StageName::Discriminate);
        let (trained, closed) = self.config.stages.split_at(closed_from.map_or(0, |last| last + 1));
        let (mut stages, mut to_train_on_from, mut left) = (Vec::new(), None, None);
        for (name, part, training, validation) in
            [("training", trained, &training, &choosing), ("closed-form", closed, &all, &Vec::new())]
        {
            if part.is_empty() {
                continue;
            }
            let run = Run {
                config: &TrainConfig { stages: part.to_vec(), ..self.config.clone() },
                training,
                validation,
                preferences: Some(&preferences).filter(|preferences| !preferences.is_empty() && name == "training"),
                teachers: None,
                start: left.map_or_else(|| self.start(), |left| Ok(Start::Weights(left)))?,
                state_folder: &folder.join(name),
                max_duration: self.max_minutes.map(|minutes| Duration::from_secs(60 * minutes)),
            };
            let finished = match learn_anew_if_unreadable(settings, &run) {
                Err(error) if is_of_what_is_learnt(&error) => return Ok(Err(error.to_string())),
                finished => finished?,
            };
            if let Some(stage) = finished.stages.iter().find(|stage| matches!(stage.ended, Ended::Collapsed { .. })) {
                return Ok(Err(format!("the embeddings collapsed in the stage {}", stage.name.as_str())));
            }
            stages.extend(finished.stages);
            (to_train_on_from, left) = (Some(finished.weights), Some(finished.left));
        }
        let variables = to_train_on_from.context("the recipe has no stage")?;
        let said = parts.preferences.iter();
        let said = said.flat_map(|said| [Some(said.anchor), said.nearer, said.farther]).flatten();
        let said_of: HashSet<&Path> = said.map(|place| learnt[place].path.as_path()).collect();
        let origin = Origin {
            config: self.config,
            manifest_digest: &lesson.digest(),
            // Those who chose were listened to as well.
            training: &all,
            validation: &[],
            said_of: &said_of,
            before: Some(&card_before.training),
            teachers: None,
        };
        let card: ModelCard = record::card(&origin, &stages)?;
        std::fs::create_dir_all(&output).with_context(|| output.display().to_string())?;
        variables.write(&output.join(VARIABLES_FILE))?;
        let weights = stages.last().map(|stage| stage.serving_weights.clone()).unwrap_or_default();
        let curves: Vec<_> = stages.iter().map(|stage| stage.curve.clone()).collect();
        super::judgement::write_curves(&output, &curves)?;
        let files = ModelFiles { card: card.to_toml()?, weights };
        files.write(&output)?;
        Ok(Ok(files))
    }

    /// All variables where they lie beside the serving model, else what serves.
    fn start(&self) -> anyhow::Result<Start> {
        let variables = self.store.model_folder(&self.candidacy.serving.id.model).join(VARIABLES_FILE);
        Ok(match variables.exists() {
            true => Start::Weights(NetworkWeights::read(&variables)?),
            false => Start::Model(self.candidacy.serving.files.clone()),
        })
    }
}

/// What an interrupted run has left may be of other tracks, or damaged: from the beginning, then.
fn learn_anew_if_unreadable(settings: &Settings, run: &Run<'_>) -> anyhow::Result<Finished> {
    let had_begun = run.state_folder.exists();
    match learn(settings, run) {
        Err(_) if had_begun => {
            std::fs::remove_dir_all(run.state_folder).with_context(|| run.state_folder.display().to_string())?;
            learn(settings, run)
        }
        finished => finished,
    }
}

/// Whether it follows from the tracks, their labels and the recipe, whenever it is tried.
fn is_of_what_is_learnt(error: &anyhow::Error) -> bool {
    use trainer::Error::{NotFinite, TooLittleData};
    matches!(error.downcast_ref(), Some(NotFinite { .. } | TooLittleData { .. }))
}
