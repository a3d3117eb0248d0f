//! Are copies of a recording found, and other music left apart? For benches/copies.
//!
//!     copies STORE PAIRS.csv
//!
//! Prints of each kind of copy how alike vectors and fingerprints are, and how many are found; then what fingerprints say
//! of all other pairs that are about as long and as alike as a copy might be, whatever their passages, nearest first; and
//! how many pairs were taken for copies, rightly or not.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a measurement prints, and may stop at an error")]

// First of all, and in this order: libtorch is to be linked before Debian's BLAS. See cli/src/main.rs.
use index as _;
use trainer as _;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

use audio_frontend::fingerprint::Fingerprint;
use clap::Parser;
use index::copies::{CopyConfig, passage_similarity, possible_copies};
use index::{Catalogue, Store, TrackId, cosine};

/// Are copies of a recording found, and other music left apart?
#[derive(Parser)]
struct Arguments {
    store: PathBuf,
    pairs: PathBuf,
}

#[derive(serde::Deserialize)]
struct Pair {
    original: PathBuf,
    copy: PathBuf,
    kind: String,
}

/// What is known of two tracks.
struct Compared {
    similarity: f32,
    passages: f32,
    longer_seconds: f64,
    /// Bits of 32 that differ; `None`: too little is common.
    bits: Option<f64>,
}

/// Loose enough to see what lies around the thresholds.
const LOOSE: CopyConfig =
    CopyConfig { min_similarity: 0.7, min_passage_similarity: -1.0, most_longer_seconds: 5.0, among: 40 };

struct Judge {
    catalogue: Catalogue,
    model_id: String,
    fingerprints: HashMap<TrackId, Option<Fingerprint>>,
}

impl Judge {
    fn compare(&mut self, one: TrackId, other: TrackId) -> Compared {
        let vector = |track| self.catalogue.vector(track, &self.model_id).expect("a vector").expect("a vector");
        let passages = |track| self.catalogue.passages(track, &self.model_id).expect("passages");
        let seconds =
            |track| self.catalogue.get(track).expect("a track").and_then(|record| record.file.duration_seconds);
        let similarity = cosine(&vector(one), &vector(other));
        let passages = passage_similarity(&passages(one), &passages(other)).unwrap_or(f32::NAN);
        let longer_seconds = seconds(one).zip(seconds(other)).map_or(f64::NAN, |(one, other)| (one - other).abs());
        for track in [one, other] {
            let record = self.catalogue.get(track).expect("a track").expect("a track");
            let listen = || Fingerprint::of_file(&record.file.path).ok();
            self.fingerprints.entry(track).or_insert_with(listen);
        }
        let (one, other) = (&self.fingerprints[&one], &self.fingerprints[&other]);
        let bits = one.as_ref().zip(other.as_ref()).and_then(|(one, other)| one.difference(other));
        Compared { similarity, passages, longer_seconds, bits }
    }
}

fn main() {
    let arguments = Arguments::parse();
    let store = Store::open(&arguments.store).expect("a store");
    let catalogue = store.catalogue().expect("the catalogue opens");
    let searcher = store.searcher(&catalogue).expect("the index opens").expect("vectors");
    let model_id = searcher.model_id().to_owned();
    let mut judge = Judge {
        catalogue: store.catalogue().expect("the catalogue opens"),
        model_id: model_id.clone(),
        fingerprints: HashMap::new(),
    };
    let mut kinds: BTreeMap<String, Vec<(Compared, bool)>> = BTreeMap::new();
    let mut of_copies = HashSet::new();
    let pairs = csv::Reader::from_path(&arguments.pairs).expect("pairs").into_deserialize();
    for pair in pairs.map(|pair| pair.expect("a pair")) {
        let Pair { original, copy, kind } = pair;
        let track = |path| catalogue.find_by_path(path).expect("a track").expect("a track").id;
        let (one, other) = (track(&original), track(&copy));
        of_copies.extend([(one, other), (other, one)]);
        let is_found = catalogue.copies_of(one).expect("copies").contains(&other);
        kinds.entry(kind).or_default().push((judge.compare(one, other), is_found));
    }
    println!(
        "kind | copies | found | least similarity | least of passages | most seconds longer | most bits, median | no match"
    );
    for (kind, pairs) in &kinds {
        let compared = || pairs.iter().map(|(compared, _)| compared);
        let mut bits: Vec<f64> = compared().filter_map(|compared| compared.bits).collect();
        bits.sort_by(f64::total_cmp);
        println!(
            "{kind} | {} | {} | {:.3} | {:.3} | {:.2} | {:.2}, {:.2} | {}",
            pairs.len(),
            pairs.iter().filter(|(_, is_found)| *is_found).count(),
            compared().map(|compared| compared.similarity).fold(f32::INFINITY, f32::min),
            compared().map(|compared| compared.passages).fold(f32::INFINITY, f32::min),
            compared().map(|compared| compared.longer_seconds).fold(0.0, f64::max),
            bits.last().copied().unwrap_or(f64::NAN),
            bits.get(bits.len() / 2).copied().unwrap_or(f64::NAN),
            pairs.len() - bits.len(),
        );
    }
    let mut others = Vec::new();
    for track in catalogue.embedded_tracks(&model_id).expect("tracks") {
        for other in possible_copies(&catalogue, &searcher, track, &LOOSE).expect("a search") {
            if track < other && !of_copies.contains(&(track, other)) {
                others.push((judge.compare(track, other), track, other));
            }
        }
    }
    let recordings = catalogue.recordings_with_copies().expect("copies");
    let pairs_of = |tracks: &Vec<TrackId>| {
        tracks
            .iter()
            .enumerate()
            .flat_map(|(place, one)| tracks[place + 1..].iter().map(|other| (*one, *other)))
            .collect()
    };
    let found: Vec<(TrackId, TrackId)> = recordings.iter().flat_map(|tracks| -> Vec<_> { pairs_of(tracks) }).collect();
    let wrong = found.iter().filter(|pair| !of_copies.contains(pair)).count();
    println!("pairs that are taken for copies: {}, wrongly: {wrong}", found.len());
    let all = others.len();
    others.retain(|(compared, ..)| compared.bits.is_some());
    others.sort_by(|a, b| a.0.bits.unwrap_or(f64::INFINITY).total_cmp(&b.0.bits.unwrap_or(f64::INFINITY)));
    println!("other pairs: {all}, of which fingerprints have enough in common: {}", others.len());
    for (Compared { similarity, passages, longer_seconds, bits }, one, other) in &others {
        let path = |track| catalogue.get(track).expect("a track").expect("a track").file.path;
        println!(
            "{:.2} bits, {similarity:.3}, passages {passages:.3}, {longer_seconds:.1} s: {} | {}",
            bits.unwrap_or(f64::NAN),
            path(*one).display(),
            path(*other).display()
        );
    }
}
