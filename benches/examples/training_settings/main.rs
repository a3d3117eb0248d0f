//! Which settings train the better model? Cross-validation by artist; prints a row a stage, as Markdown.
//!
//!     cargo run --release --package benches --example training_settings -- CORPUS/core.csv \
//!         --aliases benches/corpus/aliases.toml --cache CACHE --baselines name='toml' ...
//!
//! Each setting is TOML over the defaults: `batch-hard='triplet.miner="batch-hard"'`. It is trained once a fold
//! and seed, to its last step: the artists of a fold judge what never saw them and choose nothing. Every query
//! asks among the tracks of its own fold; all queries are averaged together, with intervals over artists (not
//! over seeds) and of the paired difference to the first row, or with `--against "random weights of NAME"` or
//! `--against "NAME, after STAGE"` to a row of another call with the same `--saved`. With `--by-source` nothing of
//! a package stands on both sides either, and `--peer` adds rows of other systems. Whatever has vectors has two
//! rows: as our index would rank them, where hubs pay, and by cosines alone. With `--judged-by 1` the other parts
//! stay apart: settings can be chosen on one and shown on the others. With `--labels 0.1` nine
//! tenths of the training tracks of each genre have lost their label. R@1 of the other half, R@1 and overlap of
//! the top five for 20 s of the middle and for noise at 20 dB, of every third track, are those of whole tracks
//! and of excerpts of 30 s; they are made of the cached spectra here, which costs seconds, and of audio by
//! `similar-tracks eval`. Minutes of processor time are those of all training. A genre of few artists may be
//! judged by models that have never heard it: [`split::folds`].
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::expect_used,
    reason = "a measurement prints, and may stop at an error"
)]

// First of all: libtorch is to be linked before Debian's BLAS. See cli/src/main.rs.
use index as _;

mod listening;
mod recorded;
mod rows;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use audio_frontend::{FrontEndConfig, Windows};
use benches::cpu_seconds;
use clap::Parser;
use listening::{Heard, Listening};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rows::Table;
use trainer::baseline::{mfcc_features, random_model};
use trainer::card::TrainingRecord;
use trainer::data::{
    Aliases, Entry, LogMelCache, Manifest, Names, Teacher, TeacherTable, Track, load_tracks, sources, split,
};
use trainer::embed::ModelFiles;
use trainer::evaluate::folds::Fold;
use trainer::evaluate::{PeerTable, UnitVectors, read_peer};
use trainer::metric::miner::corpus::NeighbourSearch;
use trainer::run::Run;
use trainer::stage::Teachers;
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
    /// Parts that judge, counted from 1; the others are only learnt from [default: all].
    #[arg(long, value_delimiter = ',')]
    judged_by: Vec<usize>,
    /// Seeds to train with.
    #[arg(long, value_delimiter = ',', default_value = "1")]
    seeds: Vec<u64>,
    /// Start from what was saved under this name instead of random weights.
    #[arg(long, requires = "saved")]
    from: Option<String>,
    /// Folder to save all variables in, and of each row the vectors and what its queries reached; and to start from.
    #[arg(long)]
    saved: Option<PathBuf>,
    /// Row that all are held against, by its name, saved by another call; otherwise the first one.
    #[arg(long, requires = "saved")]
    against: Option<String>,
    /// Threads of libtorch.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// MFCC and random weights as well.
    #[arg(long)]
    baselines: bool,
    /// Another system's vectors or distances, as `similar-tracks eval --compare` reads them, judged on the same folds.
    #[arg(long = "peer")]
    peers: Vec<PathBuf>,
    /// Keep what came from one folder beside the manifest on one side of each fold, as well as what is by one artist.
    #[arg(long)]
    by_source: bool,
    /// Judge once more without the tracks that the manifest says were rendered, not recorded.
    #[arg(long)]
    recorded: bool,
    /// Vectors that the stage distill learns from; of several tables, side by side.
    #[arg(long = "teacher")]
    teachers: Vec<PathBuf>,
    /// Row that another call saved, to be held against that of `--against` as well.
    #[arg(long = "row", requires = "against")]
    rows: Vec<String>,
    /// Judge the last stage alone.
    #[arg(long)]
    last: bool,
    /// Share of each genre's training tracks that keep their label.
    #[arg(long, default_value_t = 1.0)]
    labels: f64,
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
    if let Some(saved) = &arguments.saved {
        std::fs::create_dir_all(saved).expect("a folder to save in");
    }
    let names = Names { aliases: Aliases::read(&arguments.aliases).expect("the aliases"), ..Default::default() };
    let manifest = Manifest::read(&arguments.manifest, &names).expect("the manifest");
    let splits = if arguments.by_source {
        let root = arguments.manifest.parent().unwrap_or(Path::new(""));
        split::folds(&sources::joined(&manifest.entries, root), arguments.folds, arguments.fold_seed)
    } else {
        split::folds(&manifest.entries, arguments.folds, arguments.fold_seed)
    };
    let mut splits: Vec<_> = (1..).zip(splits).collect();
    if !arguments.judged_by.is_empty() {
        assert!(
            arguments.judged_by.iter().all(|part| (1..=arguments.folds).contains(part)),
            "--judged-by: no such part"
        );
        splits.retain(|(number, _)| arguments.judged_by.contains(number));
    }
    let teacher = TeacherTable::read_all(&arguments.teachers).expect("the teachers' tables");
    println!(
        "| system | CPU minutes | mAP | 95 % | AUC | 95 % | ahead of the first, mAP, AUC | kNN | half, crop, noise of whole tracks | \
         of 30 s | AUC by genre |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    let table = |entries, suffix| Table { entries, suffix, saved: arguments.saved.as_deref(), first: Vec::new() };
    let mut tables = vec![table(manifest.entries.clone(), "")];
    if arguments.recorded {
        tables.push(table(recorded::recorded(&manifest.entries, &arguments.manifest), ", recorded"));
    }
    if let Some(row) = &arguments.against {
        tables.iter_mut().for_each(|table| table.first = table.read(row));
    }
    let print = |tables: &mut [Table<'_>], name: &str, minutes: f64, heard: Heard| {
        tables.iter_mut().for_each(|table| table.row(name, minutes, &heard));
    };
    for row in &arguments.rows {
        for table in &tables {
            println!("| {row}{} | | | | | | {} | | | | |", table.suffix, table.ahead(&table.read(row)));
        }
    }
    for (number_of_setting, setting) in arguments.settings.iter().enumerate() {
        let (name, text) = setting.split_once('=').expect("NAME=TOML");
        let config = TrainConfig::from_toml(text).expect("the setting is valid");
        let cache = LogMelCache::open(&arguments.cache, &config.front_end, config.track_seconds, 1 << 40);
        let cache = cache.expect("the cache");
        let load = |part: &[usize]| {
            let entries: Vec<_> = part.iter().map(|&index| manifest.entries[index].clone()).collect();
            load_tracks(&entries, &cache, || (), |error| eprintln!("left out: {error}")).expect("the tracks")
        };
        let mut minutes = 0.0;
        let with_baselines = arguments.baselines && number_of_setting == 0;
        let (mut mfcc, mut random) = (Heard::default(), Heard::default());
        let left_out = if arguments.last { config.stages.len() - 1 } else { 0 };
        let mut stages: Vec<(&str, Heard)> =
            config.stages.iter().skip(left_out).map(|stage| (stage.as_str(), Heard::default())).collect();
        for (number, split) in &splits {
            let (training, validation) = (load(&split.training), load(&split.validation));
            let training = with_labels(training, arguments.labels);
            let of = |tracks: &[Track]| {
                let paths: Vec<PathBuf> = tracks.iter().map(|track| track.entry.path.clone()).collect();
                teacher.as_ref().map(|teacher| teacher.of(&paths))
            };
            let taught = of(&training);
            let places = split.validation.iter().copied().filter(|&place| manifest.entries[place].genre.is_some());
            let fold = Listening::new(&validation, places.collect(), &config.front_end);
            if with_baselines {
                // MFCC have a floor of their own, whatever the network's is.
                let power_floor = FrontEndConfig::default().power_floor;
                let front_end = FrontEndConfig { power_floor, ..config.front_end.clone() };
                let fold_of_mfcc = Listening::new(&validation, fold.places.clone(), &front_end);
                mfcc.listen(&fold_of_mfcc, &mut |windows| mfcc_features(windows).expect("features"), true);
                let untrained = untrained(&config, &fold);
                random.listen(&fold, &mut |windows| untrained.embed(windows).expect("an embedding"), false);
            }
            for &seed in &arguments.seeds {
                let config = TrainConfig { seed, ..config.clone() };
                config.validate().expect("the setting is valid");
                let file = |name: &str| {
                    let fold = format!("{number}-of-{}-by-{}", arguments.folds, arguments.fold_seed);
                    arguments.saved.as_ref().map(|saved| saved.join(format!("{name}-{fold}-{seed}.safetensors")))
                };
                let start = match &arguments.from {
                    None => Start::Random,
                    Some(from) => Start::Weights(NetworkWeights::read(&file(from).expect("--saved")).expect("weights")),
                };
                let before = cpu_seconds();
                let (embedders, weights) = train(&config, &training, taught.as_ref(), start);
                minutes += (cpu_seconds() - before) / 60.0;
                assert_eq!(embedders.len(), config.stages.len(), "{name} collapsed");
                for ((_, heard), embedder) in stages.iter_mut().zip(embedders.into_iter().skip(left_out)) {
                    heard.listen(&fold, &mut |windows| embedder.embed(windows).expect("an embedding"), false);
                }
                if let Some(path) = file(name) {
                    weights.write(&path).expect("room to save");
                }
            }
        }
        if with_baselines {
            print(&mut tables, "MFCC", 0.0, mfcc);
            // By the setting: other networks and floors have other random weights, and other files.
            print(&mut tables, &format!("random weights of {name}"), 0.0, random);
        }
        for (stage, heard) in stages {
            let row = format!("{name}, after {stage}");
            let ranked = heard.as_the_index_ranks();
            print(&mut tables, &format!("{row}, as the index ranks"), minutes, ranked);
            print(&mut tables, &row, minutes, heard);
        }
    }
    for peer in &arguments.peers {
        let name = peer.file_stem().unwrap_or_default().to_string_lossy();
        let mut heard = Heard::default();
        for (_, split) in &splits {
            add_peer(&mut heard, peer, &manifest.entries, &split.validation);
        }
        if !heard.vectors.is_empty() {
            print(&mut tables, &format!("{name}, as the index ranks"), 0.0, heard.as_the_index_ranks());
        }
        print(&mut tables, &name, 0.0, heard);
    }
}

/// The same tracks, of which a share of each genre, one at least, keeps its label.
fn with_labels(mut tracks: Vec<Track>, share: f64) -> Vec<Track> {
    let mut genres: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (number, track) in tracks.iter().enumerate() {
        genres.entry(track.entry.genre.clone().unwrap_or_default()).or_default().push(number);
    }
    genres.remove("");
    for mut members in genres.into_values() {
        members.shuffle(&mut StdRng::seed_from_u64(1));
        let kept = ((members.len() as f64 * share).round() as usize).max(1);
        members.into_iter().skip(kept).for_each(|number| tracks[number].entry.genre = None);
    }
    tracks
}

/// What another system makes of a fold's labelled tracks.
fn add_peer(heard: &mut Heard, peer: &Path, entries: &[Entry], validation: &[usize]) {
    let tracks: Vec<usize> = validation.iter().copied().filter(|&track| entries[track].genre.is_some()).collect();
    let paths: Vec<PathBuf> = tracks.iter().map(|&track| entries[track].path.clone()).collect();
    let table = read_peer(peer, &paths).expect("the peer's table");
    if let PeerTable::Vectors(vectors) = &table {
        heard.vectors.push(UnitVectors::new(vectors).expect("vectors"));
    }
    heard.folds.push(Fold { similarities: table.similarities().expect("vectors or distances"), tracks });
}

/// The network of the setting with random weights.
fn untrained(config: &TrainConfig, fold: &Listening) -> Embedder {
    let architecture = config.architecture.with_folded(true);
    let card =
        ModelCard::new(&[], config.front_end.clone(), architecture, TrainingRecord::default(), Default::default());
    let windows: Vec<Windows> = fold.whole.clean.iter().take(40).cloned().collect();
    let files = random_model(&card.expect("the card"), &windows, 1).expect("random weights");
    Embedder::from_files(&files, Path::new("random")).expect("the model")
}

/// Trains to the last step, judged by nobody. One embedder a stage, and all variables.
fn train(
    config: &TrainConfig,
    training: &[Track],
    teacher: Option<&Teacher>,
    start: Start,
) -> (Vec<Embedder>, NetworkWeights) {
    let folder = tempfile::tempdir().expect("a folder");
    let run = Run {
        config,
        training,
        validation: &[],
        preferences: None,
        teachers: teacher.map(|teacher| Teachers { training: teacher, validation: teacher }),
        start,
        state_folder: folder.path(),
        max_duration: None,
    };
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
