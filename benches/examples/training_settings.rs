//! Which settings train the better model? Prints a row a setting, as Markdown.
//!
//!     cargo run --release --package benches --example training_settings -- CORPUS/core.csv \
//!         benches/corpus/aliases.toml CACHE FROM/training.safetensors|- SAVE|- name='toml' ...
//!
//! Each setting is TOML over the defaults: `batch-hard='stages=["triplet"]
//! triplet.miner="batch-hard"'`. All are trained in turn on the same tracks, from random weights (`-`) or
//! from a run before; SAVE is a folder for their variables, to start others from. They are judged by the same validation artists with all windows: retrieval with the
//! artist filter, intervals over artists; R@1 of the other half; R@1 and overlap of the top five for the
//! middle 20 s and for noise at 20 dB. Halves, crops and noise are made of the cached spectra here, which
//! costs seconds; `similar-tracks eval` makes them of audio.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a measurement prints, and may stop at an error")]

use std::path::Path;
use std::time::Instant;

use audio_frontend::{Coverage, FrontEndConfig, MelPower, Windows};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use trainer::card::TrainingRecord;
use trainer::data::{Aliases, LogMelCache, Manifest, Names, Track, load_tracks, split};
use trainer::embed::ModelFiles;
use trainer::evaluate::scores::CurvePoint;
use trainer::evaluate::{
    Bootstrap, DegradedCopy, Judged, Similarities, System, UnitVectors, judge, other_half_recall, robustness,
};
use trainer::metric::miner::corpus::NeighbourSearch;
use trainer::run::Run;
use trainer::stage::network::{NetworkWeights, Start};
use trainer::{Embedder, ModelCard, TrainConfig};

struct CorpusSearch;

impl NeighbourSearch for CorpusSearch {
    fn nearest(&mut self, vectors: &[f32], dimension: usize, count: usize) -> trainer::Result<Vec<Vec<(usize, f32)>>> {
        index::nearest_among(vectors, dimension, count)
            .map_err(|error| trainer::Error::Search { reason: error.to_string() })
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [manifest, aliases, cache, from, save, settings @ ..] = arguments.as_slice() else {
        println!("usage: training_settings MANIFEST ALIASES CACHE FROM SAVE NAME=TOML...");
        return;
    };
    let names = Names { aliases: Aliases::read(Path::new(aliases)).expect("the aliases"), ..Default::default() };
    let manifest = Manifest::read(Path::new(manifest), &names).expect("the manifest");
    println!(
        "| setting | mAP, AUC at each look | steps kept | minutes | mAP | 95 % | AUC | 95 % | other half | crop 20 s | noise 20 dB |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for setting in settings {
        let (name, text) = setting.split_once('=').expect("NAME=TOML");
        let config = TrainConfig::from_toml(text).expect("the setting is valid");
        config.validate().expect("the setting is valid");
        let weights = row(name, &config, &manifest, Path::new(cache), from);
        if save != "-" {
            weights.write(&Path::new(save).join(format!("{name}.safetensors"))).expect("room to save");
        }
    }
}

/// Trains, prints a row and gives all variables.
fn row(name: &str, config: &TrainConfig, manifest: &Manifest, cache: &Path, from: &str) -> NetworkWeights {
    let split = split::by_artist(&manifest.entries, config.validation_share, config.seed);
    let cache = LogMelCache::open(cache, &config.front_end, config.track_seconds, 1 << 40).expect("the cache");
    let load = |part: &[usize]| {
        let entries: Vec<_> = part.iter().map(|&index| manifest.entries[index].clone()).collect();
        load_tracks(&entries, &cache, || (), |error| println!("left out: {error}")).expect("the tracks")
    };
    let (training, validation) = (load(&split.training), load(&split.validation));
    let folder = tempfile::tempdir().expect("a folder");
    let run = Run {
        config,
        training: &training,
        validation: &validation,
        start: match from {
            "-" => Start::Random,
            path => Start::Weights(NetworkWeights::read(Path::new(path)).expect("the weights to start from")),
        },
        state_folder: folder.path(),
        max_duration: None,
    };
    let started = Instant::now();
    let finished = run.run(&mut CorpusSearch, &mut |_, _| ()).expect("the run");
    let minutes = started.elapsed().as_secs_f64() / 60.0;
    let weights = finished.stages.last().expect("a stage").serving_weights.clone();
    let architecture = config.architecture.with_folded(true);
    let card =
        ModelCard::new(&weights, config.front_end.clone(), architecture, TrainingRecord::default(), Default::default());
    let files = ModelFiles { card: card.and_then(|card| card.to_toml()).expect("the card"), weights };
    let embedder = Embedder::from_files(&files, Path::new(name)).expect("the model");
    let steps: Vec<String> = finished.stages.iter().map(|stage| stage.curve.kept_step.to_string()).collect();
    let look =
        |point: &CurvePoint| Some(format!("{:.3} {:.3}", point.mean_average_precision?, point.area_under_curve?));
    let looks: Vec<String> =
        finished.stages.iter().flat_map(|stage| stage.curve.points.iter().filter_map(look)).collect();
    println!(
        "| {name} | {} | {} | {minutes:.1} | {} |",
        looks.join(", "),
        steps.join(" + "),
        figures(&embedder, &validation, &config.front_end)
    );
    finished.weights
}

/// The columns of quality.
fn figures(embedder: &Embedder, tracks: &[Track], front_end: &FrontEndConfig) -> String {
    let labelled: Vec<&Track> = tracks.iter().filter(|track| track.entry.genre.is_some()).collect();
    let powers: Vec<MelPower> = labelled
        .iter()
        .map(|track| {
            let mut rows = Vec::new();
            track.power.read(0..track.power.frames(), &mut rows).expect("the cache");
            MelPower::from_rows(front_end.mel_bands, rows)
        })
        .collect();
    let vector = |power: &MelPower| {
        let windows = Windows::of_track(power, front_end, Coverage::Spread)?;
        Some(embedder.embed(&windows).expect("an embedding"))
    };
    let clean: Vec<Vec<f32>> = powers.iter().map(|power| vector(power).expect("sound")).collect();
    let judged: Vec<Judged<'_>> = labelled
        .iter()
        .map(|track| Judged { genre: track.entry.genre.as_deref(), artist: &track.entry.artist })
        .collect();
    let clean_vectors = UnitVectors::new(&clean).expect("vectors");
    let half = |second: bool| -> Vec<Vec<f32>> {
        let part = |power: &MelPower| {
            let middle = power.frames() / 2;
            let (start, count) = if second { (middle, power.frames() - middle) } else { (0, middle) };
            MelPower::from_rows(power.bands(), power.rows(start, count).to_vec())
        };
        powers.iter().map(|power| vector(&part(power)).or_else(|| vector(power)).expect("sound")).collect()
    };
    let system = System {
        name: String::new(),
        similarities: Similarities::from_unit_vectors(&clean_vectors),
        other_half_recall: None,
        robustness: Vec::new(),
    };
    let scores = judge(system, &judged, &Bootstrap::default()).expect("scores").scores.filtered;
    let recall = other_half_recall(&half(false), &half(true)).expect("halves");
    let copies = |copy: &dyn Fn(&MelPower) -> Option<MelPower>| {
        let made: Vec<(usize, Vec<f32>)> = powers
            .iter()
            .enumerate()
            .filter_map(|(original, power)| Some((original, vector(&copy(power)?)?)))
            .collect();
        let copies: Vec<DegradedCopy<'_>> =
            made.iter().map(|(original, vector)| DegradedCopy { original: *original, vector }).collect();
        let row = robustness("", &clean_vectors, &copies).expect("copies");
        format!("{:.2} / {:.2}", row.own_first, row.top5_overlap)
    };
    let crop = copies(&|power| {
        let (all, wanted) = (power.frames(), (20.0 / front_end.hop_seconds) as usize);
        let rows = || power.rows((all - wanted) / 2, wanted).to_vec();
        (all >= 2 * wanted).then(|| MelPower::from_rows(power.bands(), rows()))
    });
    let noise = copies(&|power| Some(noisy(power)));
    let (precision, area) = (scores.mean_average_precision, scores.area_under_curve);
    format!(
        "{:.3} | {:.3}–{:.3} | {:.3} | {:.3}–{:.3} | {recall:.2} | {crop} | {noise}",
        precision.value, precision.low, precision.high, area.value, area.low, area.high
    )
}

/// Noise 20 dB below the track, falling over the mel bands about as pink noise does: on a mel axis its bands,
/// which grow wider, hold about the same power each.
fn noisy(power: &MelPower) -> MelPower {
    let mut random = StdRng::seed_from_u64(1);
    let bands = power.bands();
    let mean = audio_frontend::logmel::mean_power(power.all_rows(), bands);
    let level = mean * 0.01 / bands as f32;
    let noise = |power: &f32| power + level * -(1.0 - random.random::<f32>()).ln();
    MelPower::from_rows(bands, power.all_rows().iter().map(noise).collect())
}
