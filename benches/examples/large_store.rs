//! How does a store of many tracks search? Makes one of vectors like those of real music, or asks one, and prints a JSON
//! line.
//!
//!     large_store make STORE --like VECTORS.jsonl --tracks 1000000
//!     large_store ask STORE --like VECTORS.jsonl [--queries 1000] [--rows ROWS.f32]
//!     large_store beside STORE --like VECTORS.jsonl [--seconds 20]
//!
//! VECTORS.jsonl is what `similar-tracks export --format jsonl` writes of a real library. A made track's vector is a
//! mixture of three of its tracks, weights drawn evenly, with noise of a third of its length in a random direction, at unit
//! length: clusters of all sizes with what is common to all music in between, as real vectors have them. The real ones
//! come first. Queries are further such vectors. `--rows` leaves them as FAISS is asked with, for benches/compare/faiss.
//! Run with OMP_NUM_THREADS=1 for the time on one core.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a measurement prints, and may stop at an error")]

// First of all, and in this order: libtorch is to be linked before Debian's BLAS. See cli/src/main.rs.
use index as _;
use trainer as _;

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Parser;
use index::catalogue::{Bounds, Filter};
use index::{Among, FileStamp, IndexConfig, NewTrack, Searcher, Store, TrackId, TrackSet};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const MODEL: &str = "made";
const COMMIT_TRACKS: u64 = 10_000;

/// How does a store of many tracks search?
#[derive(Parser)]
enum Arguments {
    /// Adds made tracks to a store, as an ingest would, until it has so many
    Make {
        store: PathBuf,
        /// Tracks of a real library
        #[arg(long)]
        like: PathBuf,
        #[arg(long)]
        tracks: u64,
        /// Memory that the index takes at most
        #[arg(long, default_value_t = 4.0)]
        memory_gib: f64,
        #[arg(long, default_value_t = 0.99)]
        recall: f64,
        /// Tracks up to which all are compared
        #[arg(long, default_value_t = IndexConfig::default().exact_up_to)]
        exact_up_to: usize,
    },
    /// Measures queries
    Ask {
        store: PathBuf,
        #[arg(long)]
        like: PathBuf,
        #[arg(long, default_value_t = 1000)]
        queries: u64,
        /// Queries of which the recall is measured, against all vectors of the catalogue
        #[arg(long, default_value_t = 0)]
        exact: u64,
        /// File for the queries
        #[arg(long)]
        rows: Option<PathBuf>,
    },
    /// Measures the queries of eight readers while tracks are added
    Beside {
        store: PathBuf,
        #[arg(long)]
        like: PathBuf,
        #[arg(long, default_value_t = 20)]
        seconds: u64,
    },
}

/// Vectors like those of real tracks.
struct Made {
    real: Vec<Vec<f32>>,
}

impl Made {
    fn like(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("vectors");
        let vector = |line: &str| {
            let track: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
            let numbers = track["embedding"].as_array().expect("an embedding");
            numbers.iter().map(|number| number.as_f64().expect("a number") as f32).collect()
        };
        Self { real: text.lines().map(vector).collect() }
    }

    fn vector(&self, number: u64) -> Vec<f32> {
        if let Some(real) = self.real.get(number as usize) {
            return real.clone();
        }
        let mut random = StdRng::seed_from_u64(number);
        let mut vector = vec![0.0; self.real[0].len()];
        for _ in 0..3 {
            let (real, weight) = (&self.real[random.random_range(0..self.real.len())], random.random::<f32>());
            vector.iter_mut().zip(real).for_each(|(own, real)| *own += weight * real);
        }
        let noise = unit((0..vector.len()).map(|_| normal(&mut random)).collect());
        unit(unit(vector).iter().zip(noise).map(|(own, noise)| own + noise / 3.0).collect())
    }
}

/// Box and Muller 1958.
fn normal(random: &mut StdRng) -> f32 {
    let (radius, turn) = (1.0 - random.random::<f32>(), random.random::<f32>());
    (-2.0 * radius.ln()).sqrt() * (std::f32::consts::TAU * turn).cos()
}

fn unit(vector: Vec<f32>) -> Vec<f32> {
    let norm = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.into_iter().map(|value| value / norm).collect()
}

fn track(number: u64) -> NewTrack {
    NewTrack {
        path: format!("/music/{:03}/{number}.flac", number % 1000).into(),
        stamp: FileStamp { size_bytes: number, modified_ns: 1 },
        hash: None,
        artist: Some(format!("artist {}", number % 10_000)),
        title: Some(format!("title {number}")),
        album: None,
        genre: Some(format!("genre {}", number % 10)),
        year: Some(1920 + (number % 100) as u16),
        duration_seconds: Some(180.0 + (number % 120) as f64),
    }
}

fn main() {
    match Arguments::parse() {
        Arguments::Make { store, like, tracks, memory_gib, recall, exact_up_to } => {
            let memory_bytes = (memory_gib * f64::from(1 << 30)) as u64;
            let config = IndexConfig { exact_up_to, memory_bytes, target_recall: recall, ..IndexConfig::default() };
            make(&store, &Made::like(&like), tracks, &config);
        }
        Arguments::Ask { store, like, queries, exact, rows } => {
            ask(&store, &Made::like(&like), queries, exact, rows.as_deref());
        }
        Arguments::Beside { store, like, seconds } => {
            beside(&store, &Made::like(&like), Duration::from_secs(seconds));
        }
    }
}

fn make(folder: &Path, made: &Made, tracks: u64, config: &IndexConfig) {
    let store = Store::create(folder).expect("a store");
    let lock = store.lock("large_store").expect("the lock is free");
    let mut catalogue = store.catalogue_to_write(&lock).expect("the catalogue opens");
    let before = catalogue.counts(MODEL).expect("counts").embedded as u64;
    let start = Instant::now();
    let settings = |writer: &index::catalogue::Writer<'_>| {
        writer.set_serving_model(MODEL)?;
        writer.set_index_config(config)
    };
    catalogue.commit(settings).expect("a commit");
    for first in (before..tracks).step_by(COMMIT_TRACKS as usize) {
        let numbers = first..tracks.min(first + COMMIT_TRACKS);
        let put = |writer: &index::catalogue::Writer<'_>| {
            numbers.clone().try_for_each(|n| writer.put_embedded(&track(n), MODEL, &made.vector(n)).map(|_| ()))
        };
        catalogue.commit(put).expect("a commit");
    }
    let committed = start.elapsed();
    store.publish(&mut catalogue, MODEL, &lock).expect("a generation");
    let published = start.elapsed() - committed;
    let searchable = Instant::now();
    let searcher = store.searcher(&catalogue).expect("the store opens").expect("vectors");
    let found = searcher.nearest(MODEL, &made.vector(tracks - 1), 1, &HashSet::new()).expect("an answer");
    let (number, manifest) = store.current().expect("a manifest").expect("a generation");
    println!(
        "{}",
        serde_json::json!({
            "tracks": tracks,
            "added": tracks - before,
            "commit_seconds": committed.as_secs_f64(),
            "publish_seconds": published.as_secs_f64(),
            "open_and_find_the_last_seconds": searchable.elapsed().as_secs_f64(),
            "last_is_found": found.first().is_some_and(|found| found.track.0 == tracks),
            "generation": number,
            "changes_beside_it": store.changes_since_current(&catalogue).expect("counts"),
            "index": manifest.layout,
            "peak_memory_mib": peak_memory_mib(),
        })
    );
}

fn ask(folder: &Path, made: &Made, queries: u64, exact: u64, rows: Option<&Path>) {
    let start = Instant::now();
    let store = Store::open(folder).expect("a store");
    let catalogue = store.catalogue().expect("the catalogue opens");
    let searcher = store.resident_searcher(&catalogue).expect("the index opens").expect("vectors");
    let resident = start.elapsed();
    let queries: Vec<Vec<f32>> = (0..queries).map(|number| made.vector(u64::MAX / 2 + number)).collect();
    let first = Instant::now();
    nearest(&searcher, &queries[0], &Among::default());
    let first = first.elapsed();
    let unfiltered = Times::of(&searcher, &queries, &Among::default());
    let memory = peak_memory_mib();
    let filters = [
        ("a tenth", Filter { genres: vec!["genre 3".into()], ..Filter::default() }),
        ("a hundredth", Filter { years: Bounds { least: Some(1950.0), most: Some(1950.0) }, ..Filter::default() }),
    ];
    let sets = filters.map(|(share, filter)| {
        let start = Instant::now();
        let among = searcher.among(&catalogue, &filter).expect("a filter");
        let elapsed = start.elapsed();
        let set = catalogue.matching(&filter).expect("a filter").expect("tracks");
        (share, among, elapsed, set)
    });
    let times = sets.iter().map(|(_, among, ..)| Times::of(&searcher, &queries, among));
    let filtered_times: Vec<Times> = times.collect();
    let all = (exact > 0).then(|| Searcher::from_catalogue(&catalogue, MODEL).expect("a catalogue").expect("vectors"));
    let recall = |among: &Among, set: Option<&TrackSet>| {
        let (all, set) = (all.as_ref()?, Among::default().and(set));
        let share = |query: &Vec<f32>| {
            let expected = nearest(all, query, &set);
            nearest(&searcher, query, among).intersection(&expected).count() as f64 / expected.len() as f64
        };
        Some(queries.iter().take(exact as usize).map(share).sum::<f64>() / exact as f64)
    };
    let filtered = sets.iter().zip(filtered_times).map(|((share, among, found, set), times)| {
        serde_json::json!({
            "of": share,
            "tracks": set.len(),
            "filter_milliseconds": milliseconds(*found),
            "p50_milliseconds": times.at(0.5),
            "recall_at_10": recall(among, Some(set)),
        })
    });
    let filtered: Vec<_> = filtered.collect();
    if let Some(path) = rows {
        let mut file = std::io::BufWriter::new(std::fs::File::create(path).expect("a file"));
        for query in &queries {
            let row = index::hubs::query(query);
            row.iter().for_each(|value| file.write_all(&value.to_le_bytes()).expect("the file is written"));
        }
    }
    // Last: a second one would count as memory.
    let start = Instant::now();
    drop(store.searcher(&catalogue).expect("the index opens"));
    let opened = start.elapsed();
    let manifest = store.current().expect("a manifest").expect("a generation").1;
    println!(
        "{}",
        serde_json::json!({
            "tracks": manifest.count,
            "index": manifest.layout,
            "open_milliseconds": milliseconds(opened),
            "open_to_stay_milliseconds": milliseconds(resident),
            "first_milliseconds": milliseconds(first),
            "p50_milliseconds": unfiltered.at(0.5),
            "p99_milliseconds": unfiltered.at(0.99),
            "recall_at_10": recall(&Among::default(), None),
            "peak_memory_mib": memory,
            "filtered": filtered,
        })
    );
}

/// How many ask, and how often each opens the index anew.
const READERS: u64 = 8;
const QUERIES_BETWEEN_OPENING: u64 = 50;

/// Tracks that the writer adds at a time.
const ADDED_TRACKS: u64 = 100;

/// What readers saw: milliseconds of queries and of opening.
type Seen = (Vec<f64>, Vec<f64>);

fn beside(folder: &Path, made: &Made, duration: Duration) {
    let end = Instant::now() + duration;
    let read = |reader: u64| -> Seen {
        let store = Store::open(folder).expect("a store");
        let (mut queries, mut openings) = (Vec::new(), Vec::new());
        let mut number = 0;
        while Instant::now() < end {
            let start = Instant::now();
            let catalogue = store.catalogue().expect("the catalogue opens");
            let searcher = store.resident_searcher(&catalogue).expect("the index opens").expect("vectors");
            openings.push(milliseconds(start.elapsed()));
            for _ in 0..QUERIES_BETWEEN_OPENING {
                number += 1;
                let query = made.vector(u64::MAX / 2 + 1_000_000 * reader + number);
                let start = Instant::now();
                assert_eq!(nearest(&searcher, &query, &Among::default()).len(), 10, "a torn answer");
                queries.push(milliseconds(start.elapsed()));
            }
        }
        (queries, openings)
    };
    let write = || {
        let store = Store::open(folder).expect("a store");
        let lock = store.lock("large_store").expect("the lock is free");
        let mut catalogue = store.catalogue_to_write(&lock).expect("the catalogue opens");
        let (mut next, mut commits) = (catalogue.counts(MODEL).expect("counts").embedded as u64, Vec::new());
        let before = store.current().expect("a manifest").map_or(0, |(number, _)| number);
        while Instant::now() < end {
            let start = Instant::now();
            let numbers = next..next + ADDED_TRACKS;
            let put = |writer: &index::catalogue::Writer<'_>| {
                numbers.clone().try_for_each(|n| writer.put_embedded(&track(n), MODEL, &made.vector(n)).map(|_| ()))
            };
            catalogue.commit(put).expect("a commit");
            store.publish(&mut catalogue, MODEL, &lock).expect("a generation");
            commits.push(milliseconds(start.elapsed()));
            next += ADDED_TRACKS;
        }
        (commits, store.current().expect("a manifest").map_or(0, |(number, _)| number) - before)
    };
    let (seen, (commits, generations)) = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS).map(|reader| scope.spawn(move || read(reader))).collect();
        let written = write();
        let seen: Vec<Seen> = readers.into_iter().map(|reader| reader.join().expect("no error")).collect();
        (seen, written)
    });
    let (queries, openings): (Vec<_>, Vec<_>) = seen.into_iter().unzip();
    let (queries, openings) = (Times::new(queries.concat()), Times::new(openings.concat()));
    let commits = Times::new(commits);
    println!(
        "{}",
        serde_json::json!({
            "readers": READERS,
            "queries": queries.0.len(),
            "p50_milliseconds": queries.at(0.5),
            "p99_milliseconds": queries.at(0.99),
            "openings": openings.0.len(),
            "opening_p50_milliseconds": openings.at(0.5),
            "commits": commits.0.len(),
            "commit_p50_milliseconds": commits.at(0.5),
            "generations": generations,
        })
    );
}

fn nearest(searcher: &Searcher, query: &[f32], among: &Among) -> HashSet<TrackId> {
    let ranking = searcher.ranking(MODEL, query, among.clone(), 10).expect("a ranking");
    ranking.take(10).map(|found| found.expect("an answer").track).collect()
}

/// How long each query took, in milliseconds, the shortest first.
struct Times(Vec<f64>);

impl Times {
    fn new(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        Self(times)
    }

    fn of(searcher: &Searcher, queries: &[Vec<f32>], among: &Among) -> Self {
        let time = |query: &Vec<f32>| {
            let start = Instant::now();
            nearest(searcher, query, among);
            milliseconds(start.elapsed())
        };
        Self::new(queries.iter().map(time).collect())
    }

    fn at(&self, share: f64) -> f64 {
        self.0[((self.0.len() - 1) as f64 * share) as usize]
    }
}

fn milliseconds(duration: Duration) -> f64 {
    1000.0 * duration.as_secs_f64()
}

/// As Linux counts it.
fn peak_memory_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib / 1024)
}
