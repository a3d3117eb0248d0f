//! `similar-tracks eval`.

use std::collections::HashSet;
use std::path::Path;

use anyhow::Context;
use audio_frontend::Coverage;
use trainer::ModelCard;
use trainer::card::artist_digest;
use trainer::data::Entry;

use crate::Outcome;
use crate::args::EvalArguments;
use crate::examination::{Examination, Findings, METRICS_FILE, table};
use crate::failure::hinted;
use crate::library::data_set::DataSet;
use crate::library::serving::Model;
use crate::output;
use crate::progress::Progress;
use crate::settings::Settings;

/// Judges a model on tracks with genres, beside baselines and peers.
pub fn run(settings: &Settings, arguments: &EvalArguments) -> anyhow::Result<Outcome> {
    let name = arguments.model.as_deref().unwrap_or(Path::new("built-in"));
    let model = Model::named(name, Coverage::default())?;
    let card = model.files.parsed_card(name)?;
    let built_in = Model::built_in(Coverage::default())?;
    let before = match &arguments.before {
        Some(name) => Some(Model::named(name, Coverage::default())?),
        None => (built_in.id != model.id).then_some(built_in),
    };
    let all = DataSet::read(settings, &arguments.data)?.manifest.entries;
    let tracks = Tracks::choose(all, &card, arguments.include_heard)?;
    if card.training.heard_artists.is_empty() {
        let warning = "warning: the model's card does not say whom it has heard: its figures may flatter";
        Progress::new(settings, "", 0).println(warning);
    }
    let examination = Examination {
        model: &model.files,
        others: before
            .map(|before| (format!("model before, {}", &before.id.model[..8]), before.files))
            .into_iter()
            .collect(),
        has_baselines: true,
        peers: &arguments.compare,
        entries: &tracks.entries,
        degraded_tracks: arguments.degraded,
        excerpt_seconds: arguments.excerpt,
        protocol: tracks.protocol(&arguments.data.manifest, arguments.excerpt),
    };
    let pool = settings.thread_pool(arguments.jobs)?;
    let evaluation = examination.run(settings, &pool)?.evaluation;
    if arguments.json {
        output::print_json(&evaluation)?;
    } else {
        output::print(&table::text(&evaluation))?;
    }
    if let Some(path) = &arguments.report {
        let findings = Findings { evaluation, curves: curves_of(name), turnover: None };
        std::fs::write(path, findings.page(&card)).with_context(|| path.display().to_string())?;
    }
    Ok(Outcome::Done)
}

/// The training curves that lie beside a model, where they do.
fn curves_of(model: &Path) -> Vec<trainer::evaluate::scores::StageCurve> {
    let findings = std::fs::read_to_string(model.join(METRICS_FILE)).ok();
    let findings: Option<Findings> = findings.and_then(|text| serde_json::from_str(&text).ok());
    findings.map(|findings| findings.curves).unwrap_or_default()
}

/// The tracks that a model is judged by.
struct Tracks {
    entries: Vec<Entry>,
    /// Tracks of artists that the model has heard in training.
    heard: usize,
    with_heard: bool,
    /// Whether the model's card says whom it has heard.
    is_known: bool,
}

impl Tracks {
    /// Labelled ones by artists that the model has not heard, unless those are wanted as well.
    fn choose(all: Vec<Entry>, card: &ModelCard, with_heard: bool) -> anyhow::Result<Self> {
        let known: HashSet<&str> = card.training.heard_artists.iter().map(String::as_str).collect();
        let labelled: Vec<Entry> = all.into_iter().filter(|entry| entry.genre.is_some()).collect();
        let is_heard = |entry: &Entry| known.contains(artist_digest(&entry.artist).as_str());
        let (heard, unheard): (Vec<Entry>, Vec<Entry>) = labelled.into_iter().partition(is_heard);
        let count = heard.len();
        let entries: Vec<Entry> = if with_heard { unheard.into_iter().chain(heard).collect() } else { unheard };
        if entries.is_empty() {
            let error = anyhow::anyhow!(
                "there is nothing to judge by: of labelled tracks, {count} are by artists that the model has heard"
            );
            return Err(hinted(error, "name other music, or --include-heard for figures that flatter"));
        }
        Ok(Self { entries, heard: count, with_heard, is_known: !known.is_empty() })
    }

    fn protocol(&self, manifest: &Option<std::path::PathBuf>, excerpt_seconds: Option<f64>) -> String {
        let source = manifest.as_ref().map_or_else(|| "the library".into(), |path| path.display().to_string());
        let heard = match (self.heard, self.with_heard) {
            _ if !self.is_known => "Whom the model has heard is not known: its figures may flatter.".to_owned(),
            (0, _) => "The model has heard none of their artists, as far as its card says.".to_owned(),
            (heard, false) => format!("{heard} more by artists that the model was trained on were left out."),
            (heard, true) => format!("The model was trained on the artists of {heard} of them: figures flatter."),
        };
        let part = excerpt_seconds.map_or_else(String::new, |seconds| format!(", {seconds} s of the middle of each"));
        format!(
            "{} of {source}{part}; a query never finds its own artist; averaged within each genre, then over genres; 95 % \
             intervals over artists. {heard} The other models may have heard them.",
            output::count(self.entries.len(), "track"),
        )
    }
}
