//! A training run: stages one after the other, each from what the one before has left.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::config::{StageName, TrainConfig};
use crate::data::{Preferences, Roster, Track};
use crate::embed::write_durably;
use crate::error::{Error, Result};
use crate::evaluate::Retrieval;
use crate::evaluate::scores::StageCurve;
use crate::metric::miner::corpus::NeighbourSearch;
use crate::stage::discriminate::discriminate;
use crate::stage::fit::{Ended, Fitted, Progress, Surroundings};
use crate::stage::judge::Judge;
use crate::stage::network::{NetworkWeights, Start, serving_weights};
use crate::stage::whiten::whiten;
use crate::stage::{Material, Teachers, classify, distill, finetune, masked, simclr, triplet};

/// What a run works with.
pub struct Run<'a> {
    /// Stages and their settings.
    pub config: &'a TrainConfig,
    /// Tracks to learn from.
    pub training: &'a [Track],
    /// Tracks to judge by.
    pub validation: &'a [Track],
    /// A teacher's vectors of `training` and of `validation`, for the stage that learns from them.
    pub teachers: Option<Teachers<'a>>,
    /// What listeners said of pairs of `training`.
    pub preferences: Option<&'a Preferences>,
    /// Where the first stage begins.
    pub start: Start,
    /// Folder for the state of the run: killed, it goes on from there.
    pub state_folder: &'a Path,
    /// Time for all stages together.
    pub max_duration: Option<Duration>,
}

/// A stage that is done.
#[derive(Debug, Clone)]
pub struct FinishedStage {
    /// Its name.
    pub name: StageName,
    /// Safetensors bytes of the encoder as it serves.
    pub serving_weights: Vec<u8>,
    /// Retrieval of the weights that were kept.
    pub validation: Retrieval,
    /// What was told on the way.
    pub curve: StageCurve,
    /// Why it ended.
    pub ended: Ended,
}

/// What a run has come to.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The stages; the last one is the model.
    pub stages: Vec<FinishedStage>,
    /// All variables as training has left them, before what whitening does at its end: to be trained on from.
    pub weights: NetworkWeights,
    /// All variables of the model.
    pub left: NetworkWeights,
}

/// What a stage without steps has come to.
fn closed_form(name: StageName, (weights, validation): (NetworkWeights, Retrieval)) -> Fitted {
    let curve = StageCurve { stage: name.as_str().into(), ..Default::default() };
    Fitted { weights, validation, curve, ended: Ended::AllSteps }
}

/// Holds the digest of the run whose state a folder is.
const DIGEST_FILE: &str = "run";

impl Run<'_> {
    /// Runs all stages. One that collapses is the last.
    ///
    /// # Errors
    /// [`Error::OtherRun`] where the folder holds the state of another run; what the stages report.
    pub fn run(
        &self,
        search: &mut dyn NeighbourSearch,
        report: &mut dyn FnMut(StageName, Progress),
    ) -> Result<Finished> {
        let config = self.config;
        let roster = Roster::of(self.training);
        let (tracks, genres) = (self.training.len(), roster.genres.len());
        if tracks < 2 || (config.tells_genres() && genres < 2) {
            return Err(Error::TooLittleData { genres, tracks });
        }
        self.check_teacher()?;
        self.claim_folder()?;
        let judge = Judge::new(self.validation, &config.front_end, config.validation_windows)?;
        let material = Material {
            tracks: self.training,
            roster: &roster,
            judge: &judge,
            validation: self.validation,
            preferences: self.preferences,
            teachers: self.teachers,
        };
        let mut start = self.start.clone();
        let (mut stages, mut last): (Vec<FinishedStage>, Option<NetworkWeights>) = (Vec::new(), None);
        let mut steps_left = config.steps();
        let deadline = self.max_duration.map(|limit| Instant::now() + limit);
        for (number, &name) in config.stages.iter().enumerate() {
            let steps = config.steps_of(name);
            let share = steps as f64 / steps_left.max(1) as f64;
            steps_left -= steps;
            let checkpoint = self.checkpoint(number, name);
            let surroundings = Surroundings {
                checkpoint: Some(&checkpoint),
                max_duration: deadline
                    .map(|deadline| deadline.saturating_duration_since(Instant::now()).mul_f64(share)),
                search: &mut *search,
                report: &mut |progress| report(name, progress),
            };
            let fitted = self.stage(name, material, &start, surroundings)?;
            let serving_weights = serving_weights(config.setup(), &fitted.weights)?;
            let Fitted { weights, validation, curve, ended } = fitted;
            start = Start::Weights(weights.clone());
            // What whitening does to the head, it does anew whenever it ends a run.
            if name != StageName::Whiten || last.is_none() {
                last = Some(weights);
            }
            stages.push(FinishedStage { name, serving_weights, validation, curve, ended });
            if matches!(ended, Ended::Collapsed { .. }) {
                break;
            }
        }
        let (Some(weights), Start::Weights(left)) = (last, start) else { return Err(Error::NoStage) };
        Ok(Finished { stages, weights, left })
    }

    fn stage(
        &self,
        name: StageName,
        material: Material<'_>,
        start: &Start,
        surroundings: Surroundings<'_>,
    ) -> Result<Fitted> {
        let (config, setup) = (self.config, self.config.setup());
        match name {
            StageName::Classify => classify::train("classify", &config.classify, setup, material, start, surroundings),
            StageName::Finetune => finetune::train(&config.finetune, setup, material, start, surroundings),
            StageName::Triplet => triplet::train(&config.triplet, setup, material, start, surroundings),
            StageName::Simclr => simclr::train(&config.simclr, setup, material, start, surroundings),
            StageName::Masked => masked::train(&config.masked, setup, material, start, surroundings),
            StageName::Distill => distill::train(&config.distill, setup, material, start, surroundings),
            StageName::Whiten => Ok(closed_form(name, whiten(&config.whiten, setup, material, start)?)),
            StageName::Discriminate => {
                Ok(closed_form(name, discriminate(&config.discriminate, setup, material, start)?))
            }
        }
    }

    /// Said at once, not when its stage begins.
    fn check_teacher(&self) -> Result<()> {
        if !self.config.stages.contains(&StageName::Distill) {
            return Ok(());
        }
        let teacher = self.teachers.ok_or(Error::NoTeacher)?.training;
        let heard = (0..self.training.len()).filter(|&track| teacher.has_heard(track)).count();
        if heard < 2 {
            return Err(Error::NothingTaught { teacher: teacher.name().to_owned(), heard });
        }
        Ok(())
    }

    fn checkpoint(&self, number: usize, name: StageName) -> PathBuf {
        self.state_folder.join(format!("{number}-{}.safetensors", name.as_str()))
    }

    /// The folder is new, or holds this very run.
    fn claim_folder(&self) -> Result<()> {
        let folder = self.state_folder;
        std::fs::create_dir_all(folder).map_err(|source| Error::Io { path: folder.into(), source })?;
        let path = folder.join(DIGEST_FILE);
        let digest = self.digest()?;
        match std::fs::read_to_string(&path) {
            Ok(found) if found == digest => Ok(()),
            Ok(_) => Err(Error::OtherRun { folder: folder.into() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => write_durably(&path, digest.as_bytes()),
            Err(source) => Err(Error::Io { path, source }),
        }
    }

    /// Names everything that decides what the run comes to, but for the time that it may take.
    fn digest(&self) -> Result<String> {
        let reason =
            |error: toml::ser::Error| Error::Checkpoint { path: self.state_folder.into(), reason: error.to_string() };
        let mut hasher = blake3::Hasher::new();
        hasher.update(toml::to_string(self.config).map_err(reason)?.as_bytes());
        match &self.start {
            Start::Random => {}
            Start::Weights(start) => drop(hasher.update(&start.bytes)),
            Start::Model(start) => drop(hasher.update(&start.weights)),
        }
        if let Some(teachers) = self.teachers {
            hasher.update(teachers.training.digest().as_bytes());
        }
        for preference in self.preferences.into_iter().flat_map(Preferences::iter) {
            hasher.update(format!("{preference:?}").as_bytes());
        }
        for part in [self.training, self.validation] {
            hasher.update(&part.len().to_le_bytes());
            for Track { entry, power } in part {
                let (genre, frames) = (entry.genre.as_deref().unwrap_or_default(), power.frames());
                hasher.update(format!("{} {genre} {} {frames}", entry.path.display(), entry.artist).as_bytes());
            }
        }
        Ok(hasher.finalize().to_hex().to_string())
    }
}
