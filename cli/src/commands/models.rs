//! `similar-tracks models`.

use std::num::NonZeroUsize;
use std::path::Path;

use index::catalogue::{KnownModel, ModelState};
use index::{Catalogue, Store};

use crate::Outcome;
use crate::args::{ModelsArguments, ModelsCommand};
use crate::examination::REPORT_FILE;
use crate::failure::hinted;
use crate::library::playlists::Playlists;
use crate::library::serving::{EmbeddingId, Model};
use crate::moment::told;
use crate::output;
use crate::retraining::adoption::Adoption;
use crate::retraining::collection::collect;
use crate::retraining::config::KeepConfig;
use crate::retraining::judgement::read_verdict;
use crate::retraining::neighbours::turnover;
use crate::settings::Settings;

/// Shows and changes which model serves.
pub fn run(settings: &Settings, arguments: &ModelsArguments) -> anyhow::Result<Outcome> {
    let store = Store::open(&settings.store)?;
    let models = Models::read(&store)?;
    match &arguments.command {
        ModelsCommand::List { json } => models.list(*json),
        ModelsCommand::Show { model } => models.show(model.as_deref()),
        ModelsCommand::Diff { before, after, json } => models.diff(before, after, *json),
        ModelsCommand::Promote { model, jobs } => {
            let model = models.named(model)?;
            models.adopt(settings, &model, *jobs)
        }
        ModelsCommand::Rollback { jobs } => {
            let before = models.before_serving()?;
            models.adopt(settings, &before, *jobs)
        }
        ModelsCommand::Gc { keep, refused_days } => {
            let lock = store.lock("similar-tracks models gc")?;
            let mut catalogue = store.catalogue_to_write(&lock)?;
            let keep = KeepConfig { models: usize::from(*keep), refused_days: *refused_days };
            let gone = collect(&store, &mut catalogue, &keep, &lock)?;
            output::print(&format!("{} forgotten\n", output::count(gone.len(), "model")))?;
            Ok(Outcome::Done)
        }
    }
}

/// The store's models.
struct Models<'a> {
    store: &'a Store,
    catalogue: Catalogue,
    serving: Option<String>,
    /// In the order in which they last came to serve; the one that serves is among them.
    known: Vec<KnownModel>,
}

impl<'a> Models<'a> {
    fn read(store: &'a Store) -> anyhow::Result<Self> {
        let catalogue = store.catalogue()?;
        let (serving, mut known) = (catalogue.serving_model()?, catalogue.models()?);
        if let Some(serving) = serving.as_ref().filter(|serving| known.iter().all(|known| known.model_id != **serving))
        {
            // One that was never retrained.
            known.push(KnownModel { model_id: serving.clone(), state: ModelState::Adopted, at: 0 });
        }
        Ok(Self { store, catalogue, serving, known })
    }

    fn state(&self, model: &KnownModel) -> &'static str {
        match model.state {
            _ if self.serving.as_deref() == Some(model.model_id.as_str()) => "serves",
            ModelState::Adopted => "served",
            ModelState::Refused => "refused",
        }
    }

    fn list(&self, json: bool) -> anyhow::Result<Outcome> {
        if self.known.is_empty() {
            return Ok(output::nothing("the store has no model yet"));
        }
        let mut table = output::Table::new(&["model", "state", "since", "tracks", "judged"]);
        let mut objects = Vec::new();
        for model in &self.known {
            let folder = self.store.model_folder(&EmbeddingId::parse(&model.model_id).model);
            let tracks = self.catalogue.counts(&model.model_id)?.embedded;
            let verdict = read_verdict(&folder)?;
            let reason = verdict.as_ref().map(|verdict| verdict.decision.reason()).unwrap_or_default();
            let since = if model.at == 0 { String::new() } else { told(model.at) };
            table.row(vec![model.model_id.clone(), self.state(model).into(), since, tracks.to_string(), reason]);
            objects.push(serde_json::json!({
                "model": model.model_id,
                "state": self.state(model),
                "at": model.at,
                "tracks": tracks,
                "verdict": verdict,
            }));
        }
        if json {
            output::print_json(&objects)?
        } else {
            output::print(&table.to_text())?
        }
        Ok(Outcome::Done)
    }

    fn show(&self, name: Option<&str>) -> anyhow::Result<Outcome> {
        let model = match name {
            Some(name) => self.named(name)?,
            None => self.serving.clone().ok_or_else(|| anyhow::anyhow!("the store has no model yet"))?,
        };
        let card = Model::of_store(self.store, &model)?.files.parsed_card(Path::new("the model"))?;
        let folder = self.store.model_folder(&EmbeddingId::parse(&model).model);
        let training = &card.training;
        let mut text = format!("model       {model}\n");
        if let Some(known) = self.known.iter().find(|known| known.model_id == model) {
            text.push_str(&format!("state       {}\n", self.state(known)));
        }
        text.push_str(&format!("stages      {}\n", training.stages.join(", then ")));
        text.push_str(&format!(
            "heard       {} by {}, {} of them without a genre\n",
            output::count(training.training_tracks, "track"),
            output::count(training.training_artists, "artist"),
            training.unlabelled_tracks
        ));
        if let Some(verdict) = read_verdict(&folder)? {
            text.push_str(&format!("judged      beside {}: {}\n", verdict.serving, verdict.decision.reason()));
            let mut table = output::Table::new(&["genre", "artists", "mAP before", "gain", "interval"]);
            for genre in &verdict.comparison.genres {
                table.row(vec![
                    genre.genre.clone(),
                    genre.artists.to_string(),
                    format!("{:.3}", genre.before),
                    format!("{:+.3}", genre.gain.value),
                    format!("{:+.3} to {:+.3}", genre.gain.low, genre.gain.high),
                ]);
            }
            text.push_str(&table.to_text());
        }
        let report = folder.join(REPORT_FILE);
        if report.exists() {
            text.push_str(&format!("report      {}\n", report.display()));
        }
        output::print(&text)?;
        Ok(Outcome::Done)
    }

    fn diff(&self, before: &str, after: &str, json: bool) -> anyhow::Result<Outcome> {
        let (before, after) = (self.named(before)?, self.named(after)?);
        let turnover = turnover(&self.catalogue, &before, &after)?;
        if turnover.tracks == 0 {
            return Ok(output::nothing("there is no track that both models have embedded"));
        }
        if json {
            output::print_json(&turnover)?;
            return Ok(Outcome::Done);
        }
        let mut text = format!(
            "{:.0} % of the ten nearest of {} are the same\n",
            100.0 * turnover.kept,
            output::count(turnover.tracks, "track")
        );
        let mut table = output::Table::new(&["track", "stayed", "nearest before", "nearest after"]);
        for change in &turnover.most {
            let first = |names: &[String]| names.first().cloned().unwrap_or_default();
            let stayed = format!("{:.0} %", 100.0 * change.kept);
            table.row(vec![change.name.clone(), stayed, first(&change.before), first(&change.after)]);
        }
        text.push_str(&table.to_text());
        output::print(&text)?;
        Ok(Outcome::Done)
    }

    /// The one whose id begins so.
    fn named(&self, name: &str) -> anyhow::Result<String> {
        let known = self.known.iter().map(|known| &known.model_id);
        let found: Vec<&String> = known.filter(|id| id.starts_with(name)).collect();
        match found.as_slice() {
            [id] => Ok((*id).clone()),
            _ if found.iter().any(|id| *id == name) => Ok(name.to_owned()),
            [] => Err(hinted(anyhow::anyhow!("the store has no model {name}"), "`models list` lists them")),
            _ => Err(hinted(anyhow::anyhow!("several models begin with {name}"), "name more of its id")),
        }
    }

    /// The one that served before the present one came to.
    fn before_serving(&self) -> anyhow::Result<String> {
        let place = self.known.iter().position(|known| Some(&known.model_id) == self.serving.as_ref());
        let before = self.known[..place.unwrap_or(0)].iter().rev();
        let before = before.into_iter().find(|known| known.state == ModelState::Adopted);
        let none = || hinted(anyhow::anyhow!("no model served before this one"), "`models list` lists what there is");
        Ok(before.ok_or_else(none)?.model_id.clone())
    }

    fn adopt(&self, settings: &Settings, id: &str, jobs: Option<NonZeroUsize>) -> anyhow::Result<Outcome> {
        let model = Model::of_store(self.store, id)?;
        let playlists = Playlists::read(self.store.folder())?;
        let lock = self.store.lock("similar-tracks models")?;
        let mut catalogue = self.store.catalogue_to_write(&lock)?;
        let adoption = Adoption { settings, store: self.store, model: &model, jobs, delegate: None };
        if let Some(serving) = &self.serving {
            // It keeps its place in the order, to be rolled back to.
            catalogue.commit(|writer| writer.put_model(serving, ModelState::Adopted))?;
        }
        let embedded = adoption.embed(&mut catalogue)?;
        let generation = adoption.prepare(&catalogue, &lock)?;
        adoption.switch(&mut catalogue, generation, &lock)?;
        let playlists = playlists.refresh(settings, self.store).to_text();
        let playlists = playlists.map(|playlists| format!("{playlists}\n")).unwrap_or_default();
        output::print(&format!("{id} serves now; {embedded} had to be embedded first\n{playlists}"))?;
        Ok(Outcome::Done)
    }
}
