//! `similar-tracks retrain`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use index::catalogue::ModelState;
use index::{Catalogue, Store};
use serde::Serialize;
use trainer::TrainConfig;
use trainer::evaluate::turnover::Turnover;

use crate::Outcome;
use crate::args::{IngestArguments, RetrainArguments};
use crate::failure::hinted;
use crate::library::serving::{Model, serving_with_tracks};
use crate::library::update::update;
use crate::library::walk::walk;
use crate::output;
use crate::retraining::adoption::{Adoption, lock_in_turn};
use crate::retraining::candidate::Training;
use crate::retraining::collection::collect;
use crate::retraining::config::RetrainConfig;
use crate::retraining::journal::{COMMAND, Journal, Step};
use crate::retraining::judgement::{Trial, Verdict, add_turnover};
use crate::retraining::lesson::{Lesson, Parts};
use crate::retraining::metrics::write_metrics;
use crate::retraining::neighbours::turnover;
use crate::settings::Settings;
use crate::training::openmp;

/// What a retraining came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetrainOutcome {
    /// Something went wrong; what served goes on.
    #[default]
    Failed,
    /// Nothing is new since the last time.
    NothingToLearn,
    /// Another model serves.
    Promoted,
    /// A model was trained that is not good enough.
    Refused,
}

impl RetrainOutcome {
    /// What the program ends with.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::NothingToLearn | Self::Promoted => 0,
            Self::Failed => 2,
            Self::Refused => 3,
        }
    }
}

/// What a retraining did.
#[derive(Debug, Default, Serialize)]
pub struct RetrainSummary {
    /// What it came to.
    pub outcome: RetrainOutcome,
    /// The model that served before.
    pub serving: String,
    /// The one that was trained.
    pub candidate: Option<String>,
    /// Digest of what was learnt from.
    pub lesson: String,
    /// Digests of what is known of each genre.
    pub genre_digests: BTreeMap<String, String>,
    /// Tracks in the answers.
    pub tracks: usize,
    /// Tracks that were learnt from.
    pub learnt_tracks: usize,
    /// Tracks that judged.
    pub judging_tracks: usize,
    /// Number of genres.
    pub genres: usize,
    /// What listeners said that was learnt from.
    pub preferences: usize,
    /// How the candidate compares.
    pub verdict: Option<Verdict>,
    /// What the change did to neighbours.
    pub turnover: Option<Turnover>,
    /// Time that it took.
    pub seconds: f64,
}

impl RetrainSummary {
    /// Whether another model serves.
    pub fn is_promotion(&self) -> bool {
        self.outcome == RetrainOutcome::Promoted
    }

    fn to_text(&self) -> String {
        let reason = self.verdict.as_ref().map(|verdict| verdict.decision.reason()).unwrap_or_default();
        let candidate = self.candidate.as_deref().unwrap_or_default();
        match self.outcome {
            RetrainOutcome::Failed => "failed\n".into(),
            RetrainOutcome::NothingToLearn => "nothing to learn: no new tracks, labels or feedback\n".into(),
            RetrainOutcome::Promoted => {
                let kept = self.turnover.as_ref().map_or(0.0, |turnover| 100.0 * turnover.kept);
                format!("{candidate} serves now, {reason}\n{kept:.0} % of all neighbours stayed\n")
            }
            RetrainOutcome::Refused => format!("{candidate} was refused, {reason}; {} goes on\n", self.serving),
        }
    }
}

/// Trains the store's model on from what is new, and lets the outcome serve where it is better.
pub fn run(settings: &Settings, arguments: &RetrainArguments) -> anyhow::Result<Outcome> {
    openmp::let_threads_sleep();
    if let Some(nice) = arguments.nice {
        rustix::process::nice(nice).context("the priority cannot be lowered")?;
    }
    let config = RetrainConfig::read(arguments.config.as_deref())?;
    let store = Store::open(&settings.store)?;
    let _lock = match store.lock_retraining("similar-tracks retrain") {
        Err(index::Error::InUse { holder, .. }) => {
            output::print(&format!("the store is being retrained by {holder}: nothing to do\n"))?;
            return Ok(Outcome::Done);
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
    let night = Night { settings, arguments, config: &config, store: &store, catalogue };
    let worked = night.work(&mut journal, &mut summary);
    summary.seconds = began.elapsed().as_secs_f64();
    let noted = journal.finish(&summary);
    let measured = arguments.metrics_file.as_deref().map(|path| write_metrics(path, &summary, journal.seconds()));
    worked?;
    noted?;
    measured.transpose()?;
    if arguments.json {
        output::print_json(&summary)?;
    } else {
        output::print(&summary.to_text())?;
    }
    Ok(if summary.outcome == RetrainOutcome::Refused { Outcome::Refused } else { Outcome::Done })
}

/// What is learnt from, its parts, and how.
type Decided = (Lesson, Parts, TrainConfig);

/// One run.
struct Night<'a> {
    settings: &'a Settings,
    arguments: &'a RetrainArguments,
    config: &'a RetrainConfig,
    store: &'a Store,
    catalogue: Catalogue,
}

impl Night<'_> {
    fn work(&self, journal: &mut Journal<'_>, summary: &mut RetrainSummary) -> anyhow::Result<()> {
        journal.step(Step::Ingest, |journal| self.ingest(journal))?;
        let serving = Model::of_store(self.store, &summary.serving)?;
        let (lesson, parts, recipe) = match journal.step(Step::Decide, |_| self.decide(&serving, summary))? {
            Some(decided) => decided,
            None => {
                summary.outcome = RetrainOutcome::NothingToLearn;
                return Ok(());
            }
        };
        let folder = self.folder(&summary.lesson, &summary.serving, &recipe)?;
        let training = Training {
            settings: self.settings,
            store: self.store,
            serving: &serving,
            config: &recipe,
            cache: &self.arguments.cache,
            max_minutes: self.arguments.max_minutes,
            jobs: self.arguments.jobs,
            folder: &folder,
        };
        let files = journal.step(Step::Train, |_| {
            let files = training.run(&lesson, &parts)?;
            let id = files.parsed_card(&folder)?.id;
            Ok((files, format!("model {id}")))
        })?;
        let model_folder = training.model_folder();
        let candidate = Model::in_folder(&model_folder, serving.id.coverage)?;
        summary.candidate = Some(candidate.id.to_string());
        let verdict = journal.step(Step::Judge, |_| {
            let trial = Trial {
                settings: self.settings,
                catalogue: &self.catalogue,
                serving: &serving,
                candidate: &files,
                promotion: &self.config.promotion,
                degraded: self.arguments.degraded,
                jobs: self.arguments.jobs,
                folder: &model_folder,
            };
            let verdict = trial.run(&lesson, &parts)?;
            let reason = verdict.decision.reason();
            Ok((verdict, reason))
        })?;
        let is_promotion = verdict.decision.is_promotion() && candidate.id != serving.id;
        summary.verdict = Some(verdict);
        // With everything that belongs to it, whatever becomes of it.
        keep_folder(&model_folder, &self.store.model_folder(&candidate.id.model))?;
        if is_promotion {
            self.adopt(journal, &candidate, summary)?;
        } else {
            let (id, mut catalogue) = (candidate.id.to_string(), self.store.catalogue_to_note()?);
            if candidate.id != serving.id {
                catalogue.commit(|writer| writer.put_model(&id, ModelState::Refused))?;
            }
            summary.outcome = RetrainOutcome::Refused;
        }
        journal.step(Step::Collect, |_| self.collect(&folder))
    }

    /// Takes in what is new, unless somebody else is just doing so.
    fn ingest(&self, journal: &Journal<'_>) -> anyhow::Result<((), String)> {
        let roots = match self.arguments.paths.as_slice() {
            [] => self.catalogue.roots()?,
            paths => paths.to_vec(),
        };
        let (there, gone): (Vec<_>, Vec<_>) = roots.into_iter().partition(|root| root.exists());
        for root in &gone {
            journal.tell(&format!("warning: {} is not there: nothing new is looked for in it", root.display()));
        }
        if there.is_empty() {
            return Ok(((), "no folder of the library is known, or there: `ingest FOLDER` notes one".into()));
        }
        let lock = lock_in_turn(self.store, "similar-tracks retrain")?;
        let found = walk(&there)?;
        let summary =
            update(self.settings, &IngestArguments::of(there, self.arguments.jobs), &found, self.store, &lock)?;
        let outcome = format!(
            "{} added, {} changed, {} unchanged, {} moved, {} failed",
            summary.added, summary.changed, summary.unchanged, summary.moved, summary.failed
        );
        Ok(((), outcome))
    }

    /// What there is to learn; `None`: nothing.
    fn decide(&self, serving: &Model, summary: &mut RetrainSummary) -> anyhow::Result<(Option<Decided>, String)> {
        let lesson = Lesson::read(&self.catalogue, &self.arguments.labels)?;
        summary.tracks = self.catalogue.counts(&summary.serving)?.embedded;
        summary.genres = lesson.genres();
        summary.lesson = lesson.digest();
        summary.genre_digests = lesson.genre_digests();
        if lesson.is_empty() {
            return Ok((None, "neither two genres nor feedback: nothing to learn".into()));
        }
        let last = self.last_summary()?;
        let is_known = last.get("lesson").and_then(|lesson| lesson.as_str()) == Some(summary.lesson.as_str());
        if !self.arguments.force && is_known {
            return Ok((None, "nothing is new since the last run".into()));
        }
        let card = serving.files.parsed_card(Path::new("the model that serves"))?;
        let recipe = self.config.recipe(&card, &new_genres(summary, &last, is_known))?;
        let parts = lesson.divide(&self.catalogue, &card, recipe.validation_share, recipe.seed)?;
        let judges = parts.judging_artists(&lesson);
        let mut catalogue = self.store.catalogue_to_note()?;
        catalogue.commit(|writer| {
            judges.iter().try_for_each(|artist| writer.put_judge(artist))?;
            writer.put_model(&summary.serving, ModelState::Adopted)
        })?;
        summary.learnt_tracks = parts.training.len();
        summary.judging_tracks = parts.judges.len();
        summary.preferences = parts.preferences.len();
        let outcome = format!(
            "{} of {} genres and {} of listeners are learnt from, {} by {} judge",
            output::count(parts.training.len(), "track"),
            lesson.genres(),
            output::count(parts.preferences.len(), "preference"),
            output::count(parts.judges.len(), "track"),
            output::count(judges.len(), "other artist"),
        );
        Ok((Some((lesson, parts, recipe)), outcome))
    }

    /// What the last run that came to its end noted; null: there is none.
    fn last_summary(&self) -> anyhow::Result<serde_json::Value> {
        let ended = |summary: &str| -> Option<serde_json::Value> {
            let summary: serde_json::Value = serde_json::from_str(summary).ok()?;
            let has_ended = summary.get("outcome")?.as_str()? != "failed";
            has_ended.then_some(summary)
        };
        let runs = self.catalogue.runs_of(COMMAND)?;
        Ok(runs.iter().find_map(|run| ended(run.summary.as_deref()?)).unwrap_or_default())
    }

    /// Where this lesson's model is made; what is left of others goes.
    fn folder(&self, lesson: &str, serving: &str, recipe: &TrainConfig) -> anyhow::Result<std::path::PathBuf> {
        let text = format!("{lesson} {serving} {}", toml::to_string(recipe)?);
        let digest = &blake3::hash(text.as_bytes()).to_hex()[..16];
        let parent = self.store.retraining_folder();
        let place = || parent.display().to_string();
        std::fs::create_dir_all(&parent).with_context(place)?;
        for entry in std::fs::read_dir(&parent).with_context(place)? {
            let path = entry.with_context(place)?.path();
            if path.file_name().is_none_or(|name| name != digest) {
                remove_folder(&path)?;
            }
        }
        Ok(parent.join(digest))
    }

    fn adopt(&self, journal: &mut Journal<'_>, candidate: &Model, summary: &mut RetrainSummary) -> anyhow::Result<()> {
        let adoption =
            Adoption { settings: self.settings, store: self.store, model: candidate, jobs: self.arguments.jobs };
        let lock = lock_in_turn(self.store, "similar-tracks retrain")?;
        let mut catalogue = self.store.catalogue_to_write(&lock)?;
        if catalogue.serving_model()?.as_deref() != Some(summary.serving.as_str()) {
            let error = anyhow::anyhow!("another model came to serve while this one was trained");
            return Err(hinted(error, "the next run trains that one on"));
        }
        // Until it serves it is one that does not: were this run to end here, its vectors would go in time.
        catalogue.commit(|writer| writer.put_model(&candidate.id.to_string(), ModelState::Refused))?;
        journal.step(Step::Embed, |_| {
            let count = adoption.embed(&mut catalogue)?;
            Ok(((), output::count(count, "track")))
        })?;
        let generation = journal.step(Step::Check, |_| {
            let generation = adoption.prepare(&catalogue, &lock)?;
            Ok((generation, format!("generation {generation} is sound")))
        })?;
        journal.step(Step::Switch, |_| {
            adoption.switch(&mut catalogue, generation, &lock)?;
            Ok(((), format!("{} serves", candidate.id)))
        })?;
        summary.outcome = RetrainOutcome::Promoted;
        let told = turnover(&catalogue, &summary.serving, &candidate.id.to_string()).and_then(|turnover| {
            add_turnover(candidate, &self.store.model_folder(&candidate.id.model), &turnover)?;
            summary.turnover = Some(turnover);
            Ok(())
        });
        if let Err(error) = told {
            journal.tell(&format!("warning: the report does not tell which neighbours changed: {error:#}"));
        }
        Ok(())
    }

    fn collect(&self, folder: &Path) -> anyhow::Result<((), String)> {
        remove_folder(folder)?;
        let lock = lock_in_turn(self.store, "similar-tracks retrain")?;
        let mut catalogue = self.store.catalogue_to_write(&lock)?;
        let gone = collect(self.store, &mut catalogue, &self.config.keep, &lock)?;
        Ok(((), format!("{} forgotten", output::count(gone.len(), "model"))))
    }
}

/// Genres of which something is new since the last run that came to its end; all, where somebody insists on learning what is
/// known. None where there are no two to be told apart.
fn new_genres(summary: &RetrainSummary, last: &serde_json::Value, is_known: bool) -> Vec<String> {
    let known = last.get("genre_digests");
    let is_new = |(genre, digest): &(&String, &String)| {
        known.and_then(|known| known.get(genre.as_str())).and_then(|known| known.as_str()) != Some(digest.as_str())
    };
    let all = || summary.genre_digests.iter();
    let new: Vec<String> = all().filter(is_new).map(|(genre, _)| genre.clone()).collect();
    match all().len() {
        0 | 1 => Vec::new(),
        _ if is_known => all().map(|(genre, _)| genre.clone()).collect(),
        _ => new,
    }
}

/// Removes a folder that, half removed, must not be taken for what it was.
fn remove_folder(folder: &Path) -> anyhow::Result<()> {
    let gone = folder.with_extension("gone");
    let place = || folder.display().to_string();
    std::fs::rename(folder, &gone).with_context(place)?;
    std::fs::remove_dir_all(&gone).with_context(place)
}

/// Copies a finished model with its figures to where the store keeps it, the card last.
fn keep_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    let place = || to.display().to_string();
    std::fs::create_dir_all(to).with_context(place)?;
    let mut files: Vec<_> = std::fs::read_dir(from)?.collect::<std::io::Result<Vec<_>>>()?;
    files.sort_by_key(|file| file.file_name() == trainer::card::CARD_FILE);
    for file in files {
        let partial = to.join("partial");
        std::fs::copy(file.path(), &partial).with_context(place)?;
        std::fs::File::open(&partial).and_then(|file| file.sync_all()).with_context(place)?;
        std::fs::rename(&partial, to.join(file.file_name())).with_context(place)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn genres_are_new_where_their_tracks_are_others() {
        let digests = |genres: &[(&str, &str)]| {
            let pairs = genres.iter().map(|(genre, digest)| ((*genre).to_owned(), (*digest).to_owned()));
            RetrainSummary { genre_digests: pairs.collect(), ..Default::default() }
        };
        let now = digests(&[("folk", "1"), ("jazz", "2"), ("rock", "3")]);
        let last = |summary: &RetrainSummary| serde_json::to_value(summary).unwrap();
        assert_eq!(new_genres(&now, &serde_json::Value::Null, false), ["folk", "jazz", "rock"]);
        assert_eq!(new_genres(&now, &last(&digests(&[("folk", "1"), ("jazz", "9")])), false), ["jazz", "rock"]);
        assert!(new_genres(&now, &last(&now), false).is_empty(), "feedback is new");
        assert_eq!(new_genres(&now, &last(&now), true), ["folk", "jazz", "rock"]);
        assert!(new_genres(&digests(&[("folk", "1")]), &serde_json::Value::Null, false).is_empty());
    }
}
