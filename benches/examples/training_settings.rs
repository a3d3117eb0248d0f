//! Which settings train the better model? Cross-validation by artist; prints a row a stage, as Markdown.
//!
//!     cargo run --release --package benches --example training_settings -- CORPUS/core.csv \
//!         --aliases benches/corpus/aliases.toml --cache CACHE --baselines name='toml' ...
//!
//! Each setting is TOML over the defaults: `batch-hard='triplet.miner="batch-hard"'`. It is trained once a fold
//! and seed, to its last step: the artists of a fold judge what never saw them and choose nothing. Every query
//! asks among the tracks of its own fold; all queries are averaged together, with intervals over artists. R@1
//! of the other half, R@1 and overlap of the top five for 20 s of the middle and for noise at 20 dB are those
//! of whole tracks and of excerpts of 30 s. They are made of the cached spectra here, which costs seconds;
//! `similar-tracks eval` makes them of audio.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a measurement prints, and may stop at an error")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use audio_frontend::{Coverage, FrontEndConfig, MelPower, Windows};
use clap::Parser;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use trainer::baseline::{Standardiser, mfcc_features, random_model};
use trainer::card::TrainingRecord;
use trainer::data::{Aliases, Entry, LogMelCache, Manifest, Names, Track, load_tracks, split};
use trainer::embed::ModelFiles;
use trainer::evaluate::folds::{Fold, judge_folds};
use trainer::evaluate::query::QueryScores;
use trainer::evaluate::scores::Interval;
use trainer::evaluate::system::lead;
use trainer::evaluate::{Bootstrap, DegradedCopy, Judged, Similarities, UnitVectors, other_half_recall, robustness};
use trainer::metric::miner::corpus::NeighbourSearch;
use trainer::run::Run;
use trainer::stage::network::{NetworkWeights, Start};
use trainer::{Embedder, ModelCard, TrainConfig};

#[derive(Parser)]
struct Arguments {
    /// CSV of tracks.
    manifest: PathBuf,
    /// Names of artists that are one.
    #[arg(long)]
    aliases: PathBuf,
    /// Folder of log-mels.
    #[arg(long)]
    cache: PathBuf,
    /// Parts that judge in turn.
    #[arg(long, default_value_t = 3)]
    folds: usize,
    /// Seed of the parts.
    #[arg(long, default_value_t = 2)]
    fold_seed: u64,
    /// Seeds to train with.
    #[arg(long, value_delimiter = ',', default_value = "1")]
    seeds: Vec<u64>,
    /// Start from what was saved under this name instead of random weights.
    #[arg(long, requires = "saved")]
    from: Option<String>,
    /// Folder to save all variables in, and to start from.
    #[arg(long)]
    saved: Option<PathBuf>,
    /// Threads of libtorch.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// MFCC and random weights as well.
    #[arg(long)]
    baselines: bool,
    /// NAME=TOML.
    settings: Vec<String>,
}

struct CorpusSearch;

impl NeighbourSearch for CorpusSearch {
    fn nearest(&mut self, vectors: &[f32], dimension: usize, count: usize) -> trainer::Result<Vec<Vec<(usize, f32)>>> {
        index::nearest_among(vectors, dimension, count)
            .map_err(|error| trainer::Error::Search { reason: error.to_string() })
    }
}

fn main() {
    let arguments = Arguments::parse();
    trainer::use_threads(arguments.threads);
    let names = Names { aliases: Aliases::read(&arguments.aliases).expect("the aliases"), ..Default::default() };
    let manifest = Manifest::read(&arguments.manifest, &names).expect("the manifest");
    let splits = split::folds(&manifest.entries, arguments.folds, arguments.fold_seed);
    println!(
        "| system | minutes | mAP | 95 % | AUC | 95 % | ahead of the first, mAP, AUC | kNN | half, crop, noise of whole tracks | \
         of 30 s | AUC by genre |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    let mut table = Table { entries: &manifest.entries, first: Vec::new() };
    for setting in &arguments.settings {
        let (name, text) = setting.split_once('=').expect("NAME=TOML");
        let config = TrainConfig::from_toml(text).expect("the setting is valid");
        let cache = LogMelCache::open(&arguments.cache, &config.front_end, config.track_seconds, 1 << 40);
        let cache = cache.expect("the cache");
        let load = |part: &[usize]| {
            let entries: Vec<_> = part.iter().map(|&index| manifest.entries[index].clone()).collect();
            load_tracks(&entries, &cache, || (), |error| println!("left out: {error}")).expect("the tracks")
        };
        let started = Instant::now();
        let with_baselines = arguments.baselines && table.first.is_empty();
        let (mut mfcc, mut random) = (Heard::default(), Heard::default());
        let mut stages: Vec<(&str, Heard)> =
            config.stages.iter().map(|stage| (stage.as_str(), Heard::default())).collect();
        for (number, split) in splits.iter().enumerate() {
            let (training, validation) = (load(&split.training), load(&split.validation));
            let places = split.validation.iter().copied().filter(|&place| manifest.entries[place].genre.is_some());
            let fold = Listening::new(&validation, places.collect(), &config.front_end);
            if with_baselines {
                // MFCC have a front end of their own, whatever the network's is.
                let fold_of_mfcc = Listening::new(&validation, fold.places.clone(), &FrontEndConfig::default());
                mfcc.listen(&fold_of_mfcc, &mut |windows| mfcc_features(windows).expect("features"), true);
                let untrained = untrained(&config, &fold);
                random.listen(&fold, &mut |windows| untrained.embed(windows).expect("an embedding"), false);
            }
            for &seed in &arguments.seeds {
                let config = TrainConfig { seed, ..config.clone() };
                config.validate().expect("the setting is valid");
                let file = |name: &str| {
                    arguments.saved.as_ref().map(|saved| saved.join(format!("{name}-{number}-{seed}.safetensors")))
                };
                let start = match &arguments.from {
                    None => Start::Random,
                    Some(from) => Start::Weights(NetworkWeights::read(&file(from).expect("--saved")).expect("weights")),
                };
                let (embedders, weights) = train(&config, &training, start);
                for ((_, heard), embedder) in stages.iter_mut().zip(embedders) {
                    heard.listen(&fold, &mut |windows| embedder.embed(windows).expect("an embedding"), false);
                }
                if let Some(path) = file(name) {
                    weights.write(&path).expect("room to save");
                }
            }
        }
        let minutes = started.elapsed().as_secs_f64() / 60.0;
        if with_baselines {
            table.row("MFCC", 0.0, mfcc);
            table.row("random weights", 0.0, random);
        }
        for (stage, heard) in stages {
            table.row(&format!("{name}, after {stage}"), minutes, heard);
        }
    }
}

/// The network of the setting with random weights.
fn untrained(config: &TrainConfig, fold: &Listening) -> Embedder {
    let architecture = config.architecture.with_folded(true);
    let card =
        ModelCard::new(&[], config.front_end.clone(), architecture, TrainingRecord::default(), Default::default());
    let windows: Vec<Windows> = fold.whole.clean.iter().flatten().take(40).cloned().collect();
    let files = random_model(&card.expect("the card"), &windows, 1).expect("random weights");
    Embedder::from_files(&files, Path::new("random")).expect("the model")
}

/// Trains to the last step, judged by nobody. One embedder a stage, and all variables.
fn train(config: &TrainConfig, training: &[Track], start: Start) -> (Vec<Embedder>, NetworkWeights) {
    let folder = tempfile::tempdir().expect("a folder");
    let run = Run { config, training, validation: &[], start, state_folder: folder.path(), max_duration: None };
    let finished = run.run(&mut CorpusSearch, &mut |_, _| ()).expect("the run");
    let embedder = |weights: Vec<u8>| {
        let architecture = config.architecture.with_folded(true);
        let card = ModelCard::new(
            &weights,
            config.front_end.clone(),
            architecture,
            TrainingRecord::default(),
            Default::default(),
        );
        let files = ModelFiles { card: card.and_then(|card| card.to_toml()).expect("the card"), weights };
        Embedder::from_files(&files, Path::new("trained")).expect("the model")
    };
    let embedders = finished.stages.into_iter().map(|stage| embedder(stage.serving_weights)).collect();
    (embedders, finished.weights)
}

/// The windows of a fold's labelled tracks, as wholes and as excerpts.
struct Listening {
    places: Vec<usize>,
    whole: Versions,
    excerpt: Versions,
}

/// Windows of tracks and their halves, and of copies of every [`COPIED`]th; `None` where there is no sound.
struct Versions {
    clean: Vec<Option<Windows>>,
    halves: [Vec<Option<Windows>>; 2],
    crop: Vec<Option<Windows>>,
    noise: Vec<Option<Windows>>,
}

const COPIED: usize = 3;
const EXCERPT_SECONDS: f64 = 30.0;
const CROP_SECONDS: f64 = 20.0;

impl Listening {
    fn new(validation: &[Track], places: Vec<usize>, front_end: &FrontEndConfig) -> Self {
        let labelled = validation.iter().filter(|track| track.entry.genre.is_some());
        let powers: Vec<MelPower> = labelled
            .map(|track| {
                let mut rows = Vec::new();
                track.power.read(0..track.power.frames(), &mut rows).expect("the cache");
                MelPower::from_rows(front_end.mel_bands, rows)
            })
            .collect();
        assert_eq!(powers.len(), places.len(), "a track could not be read");
        let excerpts: Vec<MelPower> = powers.iter().map(|power| middle(power, EXCERPT_SECONDS, front_end)).collect();
        Self { places, whole: Versions::of(&powers, front_end), excerpt: Versions::of(&excerpts, front_end) }
    }
}

impl Versions {
    fn of(powers: &[MelPower], front_end: &FrontEndConfig) -> Self {
        let windows = |every: usize, made: &dyn Fn(&MelPower) -> MelPower| {
            let powers = powers.iter().step_by(every);
            powers.map(|power| Windows::of_track(&made(power), front_end, Coverage::Spread)).collect()
        };
        let part = |power: &MelPower, start: usize, count: usize| {
            MelPower::from_rows(power.bands(), power.rows(start, count).to_vec())
        };
        Self {
            clean: windows(1, &|power| part(power, 0, power.frames())),
            halves: [
                windows(1, &|power| part(power, 0, power.frames() / 2)),
                windows(1, &|power| part(power, power.frames() / 2, power.frames() - power.frames() / 2)),
            ],
            crop: windows(COPIED, &|power| middle(power, CROP_SECONDS, front_end)),
            noise: windows(COPIED, &noisy),
        }
    }
}

/// What lies around the middle; all of a shorter track.
fn middle(power: &MelPower, seconds: f64, front_end: &FrontEndConfig) -> MelPower {
    let wanted = ((seconds / front_end.hop_seconds) as usize).min(power.frames());
    MelPower::from_rows(power.bands(), power.rows((power.frames() - wanted) / 2, wanted).to_vec())
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

/// What a system makes of all folds.
#[derive(Default)]
struct Heard {
    folds: Vec<Fold>,
    /// Tracks, then R@1 of halves, R@1 and overlap of crops and of noise, summed over tracks.
    whole: [f64; 6],
    excerpt: [f64; 6],
}

impl Heard {
    fn listen(&mut self, fold: &Listening, embed: &mut dyn FnMut(&Windows) -> Vec<f32>, standardise: bool) {
        let (raw, vectors, sums) = heard_versions(&fold.whole, embed, standardise, &[]);
        self.folds.push(Fold { similarities: Similarities::from_unit_vectors(&vectors), tracks: fold.places.clone() });
        let (_, _, excerpt) = heard_versions(&fold.excerpt, embed, standardise, &raw);
        for (total, more) in self.whole.iter_mut().chain(&mut self.excerpt).zip(sums.into_iter().chain(excerpt)) {
            *total += more;
        }
    }
}

fn heard_versions(
    versions: &Versions,
    embed: &mut dyn FnMut(&Windows) -> Vec<f32>,
    standardise: bool,
    silent: &[Vec<f32>],
) -> (Vec<Vec<f32>>, UnitVectors, [f64; 6]) {
    let mut vectors = |windows: &[Option<Windows>], every: usize, instead: &[Vec<f32>]| -> Vec<Vec<f32>> {
        let vector = |(number, windows): (usize, &Option<Windows>)| match windows {
            Some(windows) => embed(windows),
            None => instead[every * number].clone(),
        };
        windows.iter().enumerate().map(vector).collect()
    };
    let clean = vectors(&versions.clean, 1, silent);
    let [first, second] = [0, 1].map(|half| vectors(&versions.halves[half], 1, &clean));
    let (crop, noise) = (vectors(&versions.crop, COPIED, &clean), vectors(&versions.noise, COPIED, &clean));
    let raw = clean.clone();
    let standardiser = standardise.then(|| Standardiser::fit(&clean));
    let scaled = |vectors: Vec<Vec<f32>>| -> Vec<Vec<f32>> {
        let Some(standardiser) = &standardiser else { return vectors };
        vectors.iter().map(|vector| standardiser.unit_vector(vector)).collect()
    };
    let [clean, first, second, crop, noise] = [clean, first, second, crop, noise].map(scaled);
    let clean = UnitVectors::new(&clean).expect("vectors");
    let tracks = clean.count() as f64;
    let mut sums = vec![tracks, tracks * other_half_recall(&first, &second).expect("halves")];
    for copies in [crop, noise] {
        let copies: Vec<DegradedCopy<'_>> = copies
            .iter()
            .enumerate()
            .map(|(number, vector)| DegradedCopy { original: COPIED * number, vector })
            .collect();
        let row = robustness("", &clean, &copies).expect("copies");
        sums.extend([tracks * row.own_first, tracks * row.top5_overlap]);
    }
    (raw, clean, sums.try_into().expect("six"))
}

struct Table<'a> {
    entries: &'a [Entry],
    /// Queries of the first row, which all others are held against.
    first: Vec<QueryScores>,
}

impl Table<'_> {
    /// Prints a row.
    fn row(&mut self, name: &str, minutes: f64, heard: Heard) {
        let judged: Vec<Judged<'_>> =
            self.entries.iter().map(|entry| Judged { genre: entry.genre.as_deref(), artist: &entry.artist }).collect();
        let bootstrap = Bootstrap::default();
        let (scores, queries) = judge_folds(&heard.folds, &judged, &bootstrap).expect("scores");
        let (precision, area) = (scores.mean_average_precision, scores.area_under_curve);
        // Seeds follow each other within a fold; in the order of tracks they are beside their own.
        let by_track = |mut queries: Vec<QueryScores>| {
            queries.sort_by_key(|query| query.track);
            queries
        };
        let seeds = queries.len() / self.first.len().max(1);
        let first = (0..seeds).flat_map(|_| self.first.iter().copied()).collect();
        let scores_of = |query: &QueryScores| [query.average_precision, query.area_under_curve];
        let leads = lead(&by_track(queries.clone()), &by_track(first), &bootstrap, scores_of);
        let interval = |lead: &Interval| format!("{:+.3} ({:+.3}, {:+.3})", lead.value, lead.low, lead.high);
        let leads = leads.map_or_else(String::new, |leads| leads.each_ref().map(interval).join(", "));
        let copies = |[tracks, half, crop, crop5, noise, noise5]: [f64; 6]| {
            let [half, crop, crop5, noise, noise5] = [half, crop, crop5, noise, noise5].map(|sum| sum / tracks);
            format!("{half:.3}, {crop:.3} / {crop5:.3}, {noise:.3} / {noise5:.3}")
        };
        let genres = scores.genres.iter().map(|genre| format!("{} {:.2}", genre.genre, genre.area_under_curve));
        println!(
            "| {name} | {minutes:.1} | {:.3} | {:.3}–{:.3} | {:.3} | {:.3}–{:.3} | {leads} | {:.3} | {} | {} | {} |",
            precision.value,
            precision.low,
            precision.high,
            area.value,
            area.low,
            area.high,
            scores.knn_accuracy.value,
            copies(heard.whole),
            copies(heard.excerpt),
            genres.collect::<Vec<_>>().join(", "),
        );
        if self.first.is_empty() {
            self.first = queries;
        }
    }
}
