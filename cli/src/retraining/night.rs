//! A run's steps, one after the other.

use std::path::Path;

use anyhow::Context;
use index::catalogue::ModelState;
use index::{Catalogue, Store};
use trainer::TrainConfig;

use super::adoption::{Adoption, are_too_many, lock_in_turn, too_many_lost};
use super::candidate::{Candidacy, Training};
use super::collection::collect;
use super::config::RetrainConfig;
use super::delegate::EmbeddingConfig;
use super::journal::{COMMAND, Journal, Step};
use super::judgement::{Trial, add_turnover};
use super::lesson::{Lesson, Parts};
use super::neighbours::turnover;
use super::summary::{RetrainOutcome, RetrainSummary};
use crate::args::{IngestArguments, RetrainArguments};
use crate::failure::hinted;
use crate::library::playlists::Playlists;
use crate::library::serving::Model;
use crate::library::update::update;
use crate::library::walk::walk;
use crate::output;
use crate::settings::Settings;

/// What is learnt from, its parts, and how.
type Decided = (Lesson, Parts, TrainConfig);

/// One run.
pub struct Night<'a> {
    /// For threads and progress.
    pub settings: &'a Settings,
    /// What was asked for.
    pub arguments: &'a RetrainArguments,
    /// What it goes by.
    pub config: &'a RetrainConfig,
    /// Who embeds the library.
    pub embedding: &'a EmbeddingConfig,
    /// What is refreshed when tracks or the model have changed.
    pub playlists: &'a Playlists,
    /// The store, which nobody else retrains.
    pub store: &'a Store,
    /// Its catalogue, to read.
    pub catalogue: Catalogue,
}

impl Night<'_> {
    /// Does all of it; what has been found out so far stands in `summary`, however it ends.
    ///
    /// # Errors
    /// What went wrong in a step; what served goes on.
    pub fn work(&self, journal: &mut Journal<'_>, summary: &mut RetrainSummary) -> anyhow::Result<()> {
        journal.step(Step::Ingest, |journal| self.ingest(journal))?;
        let serving = Model::of_store(self.store, &summary.serving)?;
        let Some((lesson, parts, recipe)) = journal.step(Step::Decide, |_| self.decide(&serving, summary))? else {
            summary.outcome = RetrainOutcome::NothingToLearn;
            return Ok(());
        };
        let candidacy = Candidacy {
            settings: self.settings,
            serving: &serving,
            jobs: self.arguments.jobs,
            folder: self.folder(&summary.lesson, &summary.serving, &recipe)?,
        };
        let reason = self.succeed(journal, &candidacy, (&lesson, &parts, &recipe), summary)?;
        summary.outcome = if reason.is_some() { RetrainOutcome::Refused } else { RetrainOutcome::Promoted };
        summary.reason = reason;
        journal.step(Step::Collect, |_| self.collect(&candidacy.folder))
    }

    /// A model that serves from now on, or why there is none.
    fn succeed(
        &self,
        journal: &mut Journal<'_>,
        candidacy: &Candidacy<'_>,
        (lesson, parts, recipe): (&Lesson, &Parts, &TrainConfig),
        summary: &mut RetrainSummary,
    ) -> anyhow::Result<Option<String>> {
        let (store, serving) = (self.store, candidacy.serving);
        let training = Training {
            candidacy,
            store,
            config: recipe,
            cache: &self.arguments.cache,
            max_minutes: self.arguments.max_minutes,
        };
        let trained = journal.step(Step::Train, |_| {
            let trained = training.run(lesson, parts)?;
            let outcome = match &trained {
                Ok(files) => format!("model {}", files.parsed_card(&candidacy.folder)?.id),
                Err(reason) => format!("no model: {reason}"),
            };
            Ok((trained, outcome))
        })?;
        let files = match trained {
            Ok(files) => files,
            Err(reason) => return Ok(Some(reason)),
        };
        let model_folder = candidacy.model_folder();
        let candidate = Model::in_folder(&model_folder, serving.id.coverage)?;
        let id = candidate.id.to_string();
        if candidate.id == serving.id {
            // Its folder in the store has what was found when it came to serve.
            return Ok(Some("nothing that was tried finds more".into()));
        }
        summary.candidate = Some(id.clone());
        let verdict = journal.step(Step::Judge, |_| {
            let trial = Trial {
                candidacy,
                catalogue: &self.catalogue,
                candidate: &files,
                promotion: &self.config.promotion,
                degraded: self.arguments.degraded,
            };
            let verdict = trial.run(lesson, parts)?;
            let reason = verdict.decision.reason();
            Ok((verdict, reason))
        })?;
        let decision = verdict.decision.clone();
        summary.verdict = Some(verdict);
        // With everything that belongs to it, whatever becomes of it.
        keep_folder(&model_folder, &store.model_folder(&candidate.id.model))?;
        // Until it serves it is one that does not: were this run to end here, its vectors would go in time.
        store.catalogue_to_note()?.commit(|writer| writer.put_model(&id, ModelState::Refused))?;
        if !decision.is_promotion() {
            return Ok(Some(decision.reason()));
        }
        self.adopt(journal, &candidate, &candidacy.folder, summary)?;
        Ok(None)
    }

    /// Takes in what is new, after who writes now.
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
        let arguments = IngestArguments::of(there, self.arguments.jobs);
        let summary = update(self.settings, &arguments, &found, self.store, &lock, self.playlists)?;
        let mut outcome = format!(
            "{} added, {} changed, {} unchanged, {} moved, {} failed",
            summary.added, summary.changed, summary.unchanged, summary.moved, summary.failed
        );
        if let Some(playlists) = summary.playlists.to_text() {
            outcome.push_str(&format!("; {playlists}"));
        }
        Ok(((), outcome))
    }

    /// What there is to learn; `None`: nothing.
    fn decide(&self, serving: &Model, summary: &mut RetrainSummary) -> anyhow::Result<(Option<Decided>, String)> {
        let lesson = Lesson::read(&self.catalogue, &self.arguments.labels)?;
        summary.tracks = self.catalogue.counts(&summary.serving)?.embedded;
        summary.genres = lesson.genres();
        summary.lesson = lesson.digest();
        summary.genre_digests = lesson.genre_digests();
        let known = lesson.tracks.len() + lesson.missing;
        if are_too_many(lesson.missing, known) && (lesson.lacks_labels || !lesson.is_empty()) {
            return Err(too_many_lost(lesson.missing, known));
        }
        if lesson.is_empty() {
            return Ok((None, "neither two genres nor feedback: nothing to learn".into()));
        }
        let last = self.last_summary()?;
        let is_known = last.get("lesson").and_then(|lesson| lesson.as_str()) == Some(summary.lesson.as_str());
        if !self.arguments.force && is_known {
            return Ok((None, "nothing is new since the last run".into()));
        }
        let card = serving.files.parsed_card(Path::new("the model that serves"))?;
        let recipe = self.config.recipe(&card, &summary.new_genres(&last, is_known))?;
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

    fn adopt(
        &self,
        journal: &mut Journal<'_>,
        candidate: &Model,
        folder: &Path,
        summary: &mut RetrainSummary,
    ) -> anyhow::Result<()> {
        let adoption = Adoption {
            settings: self.settings,
            store: self.store,
            model: candidate,
            jobs: self.arguments.jobs,
            delegate: self.embedding.delegate(folder.join("embedding")),
        };
        let lock = lock_in_turn(self.store, "similar-tracks retrain")?;
        let mut catalogue = self.store.catalogue_to_write(&lock)?;
        if catalogue.serving_model()?.as_deref() != Some(summary.serving.as_str()) {
            let error = anyhow::anyhow!("another model came to serve while this one was trained");
            return Err(hinted(error, "the next run trains that one on"));
        }
        journal.step(Step::Embed, |_| {
            let outcome = adoption.embed(&mut catalogue)?;
            Ok(((), outcome))
        })?;
        let generation = journal.step(Step::Check, |_| {
            let generation = adoption.prepare(&catalogue, &lock)?;
            Ok((generation, format!("generation {generation} is sound")))
        })?;
        journal.step(Step::Switch, |_| {
            adoption.switch(&mut catalogue, generation, &lock)?;
            let playlists = self.playlists.refresh(self.settings, self.store).to_text();
            let playlists = playlists.map(|playlists| format!("; {playlists}")).unwrap_or_default();
            Ok(((), format!("{} serves{playlists}", candidate.id)))
        })?;
        // It serves, whatever happens now.
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

/// Removes a folder that, half removed, must not be taken for what it was.
fn remove_folder(folder: &Path) -> anyhow::Result<()> {
    let gone = folder.with_extension("gone");
    let place = || folder.display().to_string();
    match std::fs::rename(folder, &gone) {
        Ok(()) => std::fs::remove_dir_all(&gone).with_context(place),
        // What was refused before anything was made of it.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(place),
    }
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
