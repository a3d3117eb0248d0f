//! `similar-tracks runs`.

use index::catalogue::{Run, RunId, RunStep};
use index::{Catalogue, Store};

use crate::Outcome;
use crate::args::{RunsArguments, RunsCommand};
use crate::examination::REPORT_FILE;
use crate::failure::hinted;
use crate::library::serving::EmbeddingId;
use crate::moment::told;
use crate::output;
use crate::retraining::journal::COMMAND;
use crate::settings::Settings;

/// Shows what retraining did.
pub fn run(settings: &Settings, arguments: &RunsArguments) -> anyhow::Result<Outcome> {
    let store = Store::open(&settings.store)?;
    let catalogue = store.catalogue()?;
    match &arguments.command {
        RunsCommand::List { json } => list(&catalogue, *json),
        RunsCommand::Show { run, json } => show(&store, &catalogue, *run, *json),
    }
}

/// What a run noted at its end.
fn summary_of(run: &Run) -> serde_json::Value {
    run.summary.as_deref().and_then(|summary| serde_json::from_str(summary).ok()).unwrap_or_default()
}

fn outcome_of(run: &Run) -> String {
    match (summary_of(run).get("outcome").and_then(serde_json::Value::as_str), run.finished_at) {
        (Some(outcome), _) => outcome.replace('-', " "),
        (None, Some(_)) => "ended".into(),
        (None, None) => "still going, or ended early".into(),
    }
}

fn list(catalogue: &Catalogue, json: bool) -> anyhow::Result<Outcome> {
    let runs = catalogue.runs_of(COMMAND)?;
    if runs.is_empty() {
        return Ok(output::nothing("the store was never retrained"));
    }
    if json {
        let runs: Vec<_> = runs.iter().map(to_json).collect();
        output::print_json(&runs)?;
        return Ok(Outcome::Done);
    }
    let mut table = output::Table::new(&["run", "began", "took", "outcome"]);
    for run in &runs {
        let took = run.finished_at.map(|end| output::clock((end - run.started_at).max(0) as f64)).unwrap_or_default();
        table.row(vec![run.id.0.to_string(), told(run.started_at), took, outcome_of(run)]);
    }
    output::print(&table.to_text())?;
    Ok(Outcome::Done)
}

fn to_json(run: &Run) -> serde_json::Value {
    serde_json::json!({
        "id": run.id,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "summary": summary_of(run),
    })
}

fn show(store: &Store, catalogue: &Catalogue, number: Option<i64>, json: bool) -> anyhow::Result<Outcome> {
    let run = match number {
        Some(number) => catalogue.run(RunId(number))?.filter(|run| run.command == COMMAND),
        None => catalogue.runs_of(COMMAND)?.into_iter().next(),
    };
    let Some(run) = run else {
        return match number {
            Some(number) => Err(hinted(anyhow::anyhow!("there is no run {number}"), "`runs list` lists them")),
            None => Ok(output::nothing("the store was never retrained")),
        };
    };
    let steps = catalogue.run_steps(run.id)?;
    let summary = summary_of(&run);
    let candidate = summary.get("candidate").and_then(serde_json::Value::as_str);
    let report = candidate.map(|id| store.model_folder(&EmbeddingId::parse(id).model).join(REPORT_FILE));
    let report = report.filter(|report| report.exists());
    if json {
        let mut object = to_json(&run);
        object["steps"] = serde_json::to_value(&steps)?;
        object["report"] = serde_json::to_value(&report)?;
        output::print_json(&object)?;
        return Ok(Outcome::Done);
    }
    let mut text = format!("run {}, began {}: {}\n", run.id.0, told(run.started_at), outcome_of(&run));
    let mut table = output::Table::new(&["step", "took", "outcome"]);
    for RunStep { name, started_at, finished_at, outcome } in steps {
        let took = finished_at.map(|end| output::clock((end - started_at).max(0) as f64)).unwrap_or_default();
        let outcome = outcome.unwrap_or_else(|| "still going, or ended early".into());
        table.row(vec![name, took, output::one_line(&outcome)]);
    }
    text.push_str(&table.to_text());
    if let Some(report) = report {
        text.push_str(&format!("report      {}\n", report.display()));
    }
    output::print(&text)?;
    Ok(Outcome::Done)
}
