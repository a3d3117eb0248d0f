//! A model and its rivals, judged on the same tracks.

pub mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use audio_frontend::Windows;
use serde::{Deserialize, Serialize};
use trainer::ModelCard;
use trainer::baseline::{random_model, windows_of_file};
use trainer::data::Entry;
use trainer::embed::ModelFiles;
use trainer::evaluate::scores::{Evaluation, MapPoint, StageCurve};
use trainer::evaluate::turnover::Turnover;
use trainer::evaluate::{
    Bootstrap, Heard, Judged, Judgement, Labels, Listener, Listening, System, judge, listen, map_positions, read_peer,
    side_by_side,
};
use trainer::report::{ReportFacts, report};

use crate::output;
use crate::progress::Progress;
use crate::settings::Settings;

/// Which model is judged, beside whom, by what.
pub struct Examination<'a> {
    /// The judged model.
    pub model: &'a ModelFiles,
    /// Other models with their names: earlier stages, the model before.
    pub others: Vec<(String, ModelFiles)>,
    /// Whether MFCC and random weights are judged as well.
    pub has_baselines: bool,
    /// Files of peers' vectors or distances.
    pub peers: &'a [PathBuf],
    /// The tracks.
    pub entries: &'a [Entry],
    /// Tracks of which degraded copies are made.
    pub degraded_tracks: usize,
    /// Seconds around the middle that stand for a track; `None`: all of it.
    pub excerpt_seconds: Option<f64>,
    /// Which tracks these are, for the reader.
    pub protocol: String,
}

/// What an examination found.
pub struct Examined {
    /// The figures.
    pub evaluation: Evaluation,
    /// The scores of each system, the judged model first, then the baselines, then the others.
    pub judgements: Vec<Judgement>,
    /// Genres in the order of their numbers.
    pub genres: Vec<String>,
}

/// What an examination found, and how the model came about: metrics.json in a model's folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Findings {
    /// The figures.
    pub evaluation: Evaluation,
    /// One a stage; empty where the model's training is not known.
    #[serde(default)]
    pub curves: Vec<StageCurve>,
    /// What putting it in place did to neighbours; `None`: it was not put in place of another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turnover: Option<Turnover>,
}

/// File of [`Findings`] in a model's folder.
pub const METRICS_FILE: &str = "metrics.json";
/// File of the report in a model's folder.
pub const REPORT_FILE: &str = "report.html";

/// Seed of resampling, of random weights and of noise: an evaluation is to be the same every time.
const SEED: u64 = 1;

/// Tracks that give random weights their statistics.
const CALIBRATION_TRACKS: usize = 40;

impl Examination<'_> {
    /// Listens and judges, on all cores of the pool.
    pub fn run(self, settings: &Settings, pool: &rayon::ThreadPool) -> anyhow::Result<Examined> {
        let card = self.model.parsed_card(Path::new("the model"))?;
        let paths: Vec<PathBuf> = self.entries.iter().map(|entry| entry.path.clone()).collect();
        let progress = Progress::new(settings, "listening to tracks, halves and degraded copies", paths.len() as u64);
        let scratch = tempfile::tempdir().context("no room for degraded copies")?;
        let heard = pool.install(|| -> trainer::Result<Heard> {
            let listeners = self.listeners(&card, &paths)?;
            let listening = Listening {
                paths: &paths,
                listeners: &listeners,
                degraded_tracks: self.degraded_tracks,
                excerpt_seconds: self.excerpt_seconds,
                scratch: scratch.path(),
                seed: SEED,
            };
            listen(&listening, || progress.advance(1), |error| progress.println(&format!("left out: {error}")))
        })?;
        progress.finish();
        for (degradation, reason) in &heard.not_measured {
            progress.println(&format!("warning: {} was not measured for all: {reason}", degradation.name()));
        }
        let entries: Vec<&Entry> = heard.tracks.iter().map(|&place| &self.entries[place]).collect();
        let paths: Vec<PathBuf> = entries.iter().map(|entry| entry.path.clone()).collect();
        let judged: Vec<Judged<'_>> =
            entries.iter().map(|entry| Judged { genre: entry.genre.as_deref(), artist: &entry.artist }).collect();
        let mut systems = heard.systems;
        for peer in self.peers {
            systems.push(peer_system(peer, &paths)?);
        }
        let bootstrap = Bootstrap { seed: SEED, ..Default::default() };
        pool.install(|| {
            let judgements = systems.into_iter().map(|system| judge(system, &judged, &bootstrap));
            let judgements = judgements.collect::<trainer::Result<Vec<_>>>()?;
            let map = map_of(&heard.vectors, &entries)?;
            let evaluation = side_by_side(&self.protocol, &judged, judgements.clone(), map, &bootstrap)?;
            Ok(Examined { evaluation, judgements, genres: Labels::new(&judged).genre_names().to_vec() })
        })
    }

    /// The judged model, MFCC, random weights, then the others.
    fn listeners(&self, card: &ModelCard, paths: &[PathBuf]) -> trainer::Result<Vec<Listener>> {
        let judged = Listener::Model { name: format!("model {}", &card.id[..8]), files: self.model.clone() };
        let others = self.others.iter().cloned().map(|(name, files)| Listener::Model { name, files });
        if !self.has_baselines {
            return Ok(std::iter::once(judged).chain(others).collect());
        }
        let windows: Vec<Windows> = paths
            .iter()
            .take(CALIBRATION_TRACKS)
            .filter_map(|path| windows_of_file(path, &card.front_end).ok())
            .collect();
        let mut listeners = vec![
            judged,
            Listener::Mfcc,
            Listener::Model { name: "random weights".into(), files: random_model(card, &windows, SEED)? },
        ];
        listeners.extend(others);
        Ok(listeners)
    }
}

fn peer_system(peer: &Path, paths: &[PathBuf]) -> anyhow::Result<System> {
    let similarities = read_peer(peer, paths)?.similarities()?;
    let name = peer.file_stem().unwrap_or(peer.as_os_str()).to_string_lossy().into_owned();
    Ok(System { name, similarities, other_half_recall: None, robustness: Vec::new() })
}

fn map_of(vectors: &[Vec<f32>], entries: &[&Entry]) -> trainer::Result<Vec<MapPoint>> {
    let point =
        |([x, y], entry): ([f64; 2], &&Entry)| MapPoint { x, y, genre: entry.genre.clone(), label: entry.label() };
    Ok(map_positions(vectors)?.into_iter().zip(entries).map(point).collect())
}

impl Findings {
    /// The report as a page.
    pub fn page(&self, card: &ModelCard) -> String {
        let training = &card.training;
        let mut rows = vec![
            ("Model".to_owned(), card.id.clone()),
            ("Stages".to_owned(), training.stages.join(", then ")),
            (
                "Trained on".to_owned(),
                format!(
                    "{} ({} unlabelled) by {}",
                    output::count(training.training_tracks, "track"),
                    training.unlabelled_tracks,
                    output::count(training.training_artists, "artist")
                ),
            ),
            ("Steps of the kept weights".to_owned(), training.steps.to_string()),
        ];
        if !training.teachers.is_empty() {
            rows.push(("Teachers".to_owned(), training.teachers.join(", ")));
        }
        let genres: BTreeMap<&str, ()> = training.genres.iter().map(|genre| (genre.as_str(), ())).collect();
        rows.push(("Genres".to_owned(), genres.into_keys().collect::<Vec<_>>().join(", ")));
        let facts = ReportFacts { title: format!("Model {}", card.id), rows };
        report(&facts, &self.evaluation, &self.curves, self.turnover.as_ref())
    }
}
