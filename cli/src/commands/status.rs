//! `similar-tracks status`.

use audio_frontend::Coverage;
use audio_frontend::decode::ffmpeg_program;
use audio_frontend::formats::{FORMATS, Format, Reader};
use index::choose::Layout;
use index::{Store, TrackState};

use crate::Outcome;
use crate::args::StatusArguments;
use crate::library::serving::{EmbeddingId, Model};
use crate::output;
use crate::settings::Settings;

/// Shows what the store holds.
pub fn run(settings: &Settings, arguments: &StatusArguments) -> anyhow::Result<Outcome> {
    if arguments.formats {
        return formats(arguments.json);
    }
    let store = Store::open(&settings.store)?;
    let catalogue = store.catalogue()?;
    let model_id = catalogue.serving_model()?;
    let counts = catalogue.counts(model_id.as_deref().unwrap_or_default())?;
    let changes = store.changes_since_current(&catalogue)?;
    let hub_weight = catalogue.hub_weight()?;
    // A generation that cannot be read is derived data: the next ingest renews it.
    let generation = store.current().ok().flatten();
    let built_in = Model::built_in(Coverage::default())?.id.model;
    let last_run = catalogue.last_run()?;
    let failures = catalogue.failures()?;
    if arguments.json {
        let failures = failures.iter().map(|record| {
            serde_json::json!({ "path": record.file.path.to_string_lossy(), "reason": reason_of(&record.state) })
        });
        output::print_json(&serde_json::json!({
            "store": settings.store,
            "model": model_id,
            "built_in_model": built_in,
            "tracks": counts,
            "generation": generation.as_ref().map(|(number, _)| number),
            "generation_up_to_date": changes == Some(0),
            "changes_since": changes,
            "index": generation.as_ref().map(|(_, manifest)| &manifest.layout),
            "hub_weight": hub_weight,
            "last_run": last_run,
            "failures": arguments.failed.then(|| failures.collect::<Vec<_>>()),
        }))?;
        return Ok(Outcome::Done);
    }
    let mut text = format!("store       {}\n", settings.store.display());
    let model = match &model_id {
        Some(id) if EmbeddingId::parse(id).model == built_in => format!("{id} (built in)"),
        Some(id) => format!("{id} (this program has {built_in}: `ingest --model built-in --reembed` changes over)"),
        None => "none yet".into(),
    };
    text.push_str(&format!("model       {model}\n"));
    text.push_str(&format!(
        "tracks      {} by {}, {} of music\n",
        counts.embedded,
        output::count(counts.artists, "artist"),
        output::clock(counts.seconds)
    ));
    text.push_str(&format!("silent      {}\n", counts.silent));
    text.push_str(&format!("failed      {}\n", counts.failed));
    let state = match (&generation, changes) {
        (Some((number, _)), Some(0)) => format!("{number}, up to date"),
        (Some((number, _)), Some(changes)) => {
            format!("{number}, and {} since, searched beside it", output::count(changes, "change"))
        }
        (Some((number, _)), None) => format!("{number}, of no use (the next ingest renews it)"),
        (None, _) => "none yet".into(),
    };
    text.push_str(&format!("generation  {state}\n"));
    if let Some((_, manifest)) = &generation {
        text.push_str(&format!("search      {}\n", search(&manifest.layout)));
    }
    text.push_str(&format!("hubs pay    {hub_weight} of their mean cosine (`ingest --hub-weight`)\n"));
    if let Some(run) = last_run.filter(|run| run.finished_at.is_none()) {
        text.push_str(&format!("last run    {}: still going, or ended early\n", run.command));
    }
    if arguments.failed {
        for record in &failures {
            text.push_str(&format!("  {}: {}\n", record.file.path.display(), reason_of(&record.state)));
        }
    }
    output::print(&text)?;
    Ok(Outcome::Done)
}

/// Lists what is read, and by what.
fn formats(json: bool) -> anyhow::Result<Outcome> {
    let ffmpeg = ffmpeg_program();
    let is_read = |format: &Format| format.reader == Reader::Symphonia || ffmpeg.is_some();
    if json {
        let formats = FORMATS.iter().map(|format| {
            serde_json::json!({
                "name": format.name,
                "extensions": format.extensions,
                "codecs": format.codecs,
                "reader": format.reader.name(),
                "is_read": is_read(format),
            })
        });
        output::print_json(&serde_json::json!({ "ffmpeg": ffmpeg, "formats": formats.collect::<Vec<_>>() }))?;
        return Ok(Outcome::Done);
    }
    let mut table = output::Table::new(&["format", "read by", "extensions", "codecs"]);
    for format in FORMATS {
        let reader = format.reader.name();
        let reader = if is_read(format) { reader.to_owned() } else { format!("{reader} (missing)") };
        table.row(vec![format.name.to_owned(), reader, format.extensions.join(" "), format.codecs.to_owned()]);
    }
    let mut text = table.to_text();
    text.push_str(&match ffmpeg {
        Some(program) => {
            format!("\nffmpeg is {}; it also reads what else it can of these containers\n", program.display())
        }
        None => "\nffmpeg is not installed: with it, the formats marked as missing are read as well\n".to_owned(),
    });
    output::print(&text)?;
    Ok(Outcome::Done)
}

/// How queries are answered.
fn search(layout: &Layout) -> String {
    let Layout { factory, lists, probes, candidates, recall_at_10, .. } = layout;
    let compared =
        if *candidates > 1 { format!(", {candidates} tracks compared for each wanted,") } else { String::new() };
    match lists {
        0 => "exact".into(),
        _ => format!("{factory}: {probes} of {lists} lists{compared} find {recall_at_10:.3} of the ten nearest"),
    }
}

fn reason_of(state: &TrackState) -> &str {
    match state {
        TrackState::Failed { reason, .. } => reason,
        TrackState::Embedded | TrackState::Silent => "",
    }
}
