//! What a retraining tells while it goes on, and what of that the catalogue keeps.

use std::time::Instant;

use index::catalogue::RunId;
use index::{Catalogue, Store};
use jiff::Timestamp;

use crate::progress::Progress;
use crate::settings::Settings;

/// A part of a night's work, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The library is brought up to date.
    Ingest,
    /// Is there anything to learn?
    Decide,
    /// A model is trained on.
    Train,
    /// It is judged beside the one that serves.
    Judge,
    /// It embeds the library.
    Embed,
    /// Its generation is checked.
    Check,
    /// It comes to serve.
    Switch,
    /// What is no longer needed goes.
    Collect,
}

impl Step {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Decide => "decide",
            Self::Train => "train",
            Self::Judge => "judge",
            Self::Embed => "embed",
            Self::Check => "check",
            Self::Switch => "switch",
            Self::Collect => "collect",
        }
    }
}

/// Notes a run's steps in the catalogue and tells them.
pub struct Journal<'a> {
    settings: &'a Settings,
    catalogue: Catalogue,
    run: RunId,
    is_json: bool,
    step: Option<(Step, Instant)>,
    seconds: Vec<(Step, f64)>,
}

/// The command of runs that are noted.
pub const COMMAND: &str = "retrain";

impl<'a> Journal<'a> {
    /// Begins a run. With `is_json`, what is told are lines of JSON.
    ///
    /// # Errors
    /// As all that writes to the catalogue.
    pub fn begin(settings: &'a Settings, store: &Store, model_id: &str, is_json: bool) -> anyhow::Result<Self> {
        let mut catalogue = store.catalogue_to_note()?;
        let run = catalogue.commit(|writer| writer.begin_run(COMMAND, model_id))?;
        Ok(Self { settings, catalogue, run, is_json, step: None, seconds: Vec::new() })
    }

    /// Seconds that each step took.
    pub fn seconds(&self) -> &[(Step, f64)] {
        &self.seconds
    }

    /// Does a step, and notes what came of it in words.
    ///
    /// # Errors
    /// What the step reports; as all that writes to the catalogue.
    pub fn step<T>(
        &mut self,
        step: Step,
        work: impl FnOnce(&mut Self) -> anyhow::Result<(T, String)>,
    ) -> anyhow::Result<T> {
        let run = self.run;
        self.catalogue.commit(|writer| writer.begin_step(run, step.as_str()))?;
        self.step = Some((step, Instant::now()));
        self.tell("begins");
        let worked = work(self);
        let seconds = self.step.map_or(0.0, |(_, began)| began.elapsed().as_secs_f64());
        self.seconds.push((step, seconds));
        let outcome = match &worked {
            Ok((_, outcome)) => outcome.clone(),
            Err(error) => format!("failed: {error:#}"),
        };
        self.tell(&outcome);
        self.step = None;
        let noted = self.catalogue.commit(|writer| writer.finish_step(run, &outcome));
        let (value, _) = worked?;
        noted?;
        Ok(value)
    }

    /// Tells something.
    pub fn tell(&self, text: &str) {
        let now = Timestamp::now();
        let step = self.step.map(|(step, _)| step.as_str());
        let seconds = self.step.map(|(_, began)| began.elapsed().as_secs_f64());
        let line = if self.is_json {
            let time = now.to_string();
            serde_json::json!({"time": time, "run": self.run, "step": step, "seconds": seconds, "message": text})
                .to_string()
        } else {
            let here = now.to_zoned_datetime(jiff::tz::TimeZone::system());
            format!(
                "{} {}{text}",
                here.strftime("%Y-%m-%d %H:%M:%S"),
                step.map_or(String::new(), |step| format!("{step}: "))
            )
        };
        Progress::new(self.settings, "", 0).println(&line);
    }

    /// Ends the run with a summary in JSON.
    ///
    /// # Errors
    /// As all that writes to the catalogue.
    pub fn finish(&mut self, summary: &impl serde::Serialize) -> anyhow::Result<()> {
        let (json, run) = (serde_json::to_string(summary)?, self.run);
        Ok(self.catalogue.commit(|writer| writer.finish_run(run, &json))?)
    }
}
