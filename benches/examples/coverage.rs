//! What does listening to less of a track cost in quality? Prints a table as Markdown.
//!
//!     cargo run --release --package benches --example coverage -- CORPUS/manifest.csv
//!
//! Every labelled track is decoded once; each line then embeds it from other windows, with the
//! built-in model. Retrieval is of the same genre by other artists, over all tracks (those that the
//! model was trained on among them, so only differences between lines mean something). A track is
//! also embedded without its first 0.36 s, and compared with itself.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a measurement prints, and may stop at an error")]

use std::path::Path;

use audio_frontend::{Coverage, FrontEndConfig, MelPower, Windows};
use rayon::prelude::*;
use trainer::Embedder;
use trainer::data::{Entry, Manifest, Names};
use trainer::evaluate::{Labelled, retrieval};

/// Frames cut off: 0.36 s.
const SHIFT_FRAMES: usize = 18;

/// Neighbours compared with those under full coverage.
const NEIGHBOURS: usize = 10;

/// Windows at most, windows of a segment; none: everything.
const LAYOUTS: &[Option<(usize, usize)>] = &[
    None,
    Some((4, 1)),
    Some((8, 1)),
    Some((12, 1)),
    Some((16, 1)),
    Some((24, 1)),
    Some((32, 1)),
    Some((24, 2)),
    Some((32, 2)),
    Some((24, 3)),
    Some((36, 3)),
    Some((48, 3)),
];

fn main() {
    trainer::use_one_thread();
    let path = std::env::args().nth(1).expect("the manifest is the first argument");
    let manifest = Manifest::read(Path::new(&path), &Names::default()).expect("the manifest can be read");
    let embedder = Embedder::built_in().expect("the built-in model loads");
    let front_end = embedder.card().front_end.clone();
    let tracks: Vec<LabelledTrack> =
        manifest.entries.par_iter().filter_map(|entry| LabelledTrack::decode(entry, &front_end)).collect();
    let minutes = tracks.iter().map(|track| track.power.frames() as f64 * front_end.hop_seconds / 60.0).sum::<f64>();
    println!("{} tracks, {:.2} minutes each on average\n", tracks.len(), minutes / tracks.len() as f64);
    println!(
        "| windows | together | decoded of 4 min | mAP | AUC | top {NEIGHBOURS} as full | cosine to full, median | cosine after a shift: lowest, 1 %, median |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let full = embed_all(&tracks, &front_end, Coverage::Full, 0);
    for layout in LAYOUTS {
        let (coverage, config) = match *layout {
            None => (Coverage::Full, front_end.clone()),
            Some((max_windows, segment_windows)) => {
                (Coverage::Spread, FrontEndConfig { max_windows, segment_windows, ..front_end.clone() })
            }
        };
        let vectors = embed_all(&tracks, &config, coverage, 0);
        let shifted = embed_all(&tracks, &config, coverage, SHIFT_FRAMES);
        let labelled: Vec<Labelled<'_>> = tracks
            .iter()
            .zip(&vectors)
            .map(|(track, vector)| Labelled { vector, genre: &track.genre, artist: &track.artist })
            .collect();
        let retrieval = retrieval(&labelled).expect("the vectors are finite");
        let to_full = cosines(&vectors, &full);
        let to_shifted = cosines(&vectors, &shifted);
        println!(
            "| {} | {} | {:.0} s | {:.3} | {:.3} | {:.2} | {:.4} | {:.4}, {:.4}, {:.4} |",
            layout.map_or("all".into(), |(windows, _)| windows.to_string()),
            config.segment_windows,
            decoded_seconds(&config, coverage),
            retrieval.mean_average_precision,
            retrieval.area_under_curve,
            overlap(&vectors, &full),
            to_full[to_full.len() / 2],
            to_shifted[0],
            to_shifted[to_shifted.len() / 100],
            to_shifted[to_shifted.len() / 2],
        );
    }
}

/// A decoded track of a genre.
struct LabelledTrack {
    power: MelPower,
    genre: String,
    artist: String,
}

impl LabelledTrack {
    /// `None` where the genre is not known, or nothing is to be heard.
    fn decode(entry: &Entry, front_end: &FrontEndConfig) -> Option<Self> {
        let genre = entry.genre.clone()?;
        let power = audio_frontend::mel_power(&entry.path, front_end);
        let power = power.inspect_err(|error| println!("left out: {error}")).ok()?;
        Windows::of_track(&power, front_end, Coverage::Spread)?;
        Some(Self { power, genre, artist: entry.artist.clone() })
    }
}

fn embed_all(tracks: &[LabelledTrack], config: &FrontEndConfig, coverage: Coverage, shift: usize) -> Vec<Vec<f32>> {
    let embed = |embedder: &mut Embedder, track: &LabelledTrack| {
        let frames = track.power.frames();
        let shift = shift.min(frames.saturating_sub(config.window_frames));
        let rows = track.power.rows(shift, frames - shift).to_vec();
        let power = MelPower::from_rows(track.power.bands(), rows);
        let windows = Windows::of_track(&power, config, coverage).expect("the track is not silent");
        embedder.embed(&windows).expect("the track embeds")
    };
    tracks.par_iter().map_init(|| Embedder::built_in().expect("the built-in model loads"), embed).collect()
}

/// Of a track of four minutes.
fn decoded_seconds(config: &FrontEndConfig, coverage: Coverage) -> f64 {
    let segments = (config.max_windows / config.segment_windows) as f64;
    match coverage {
        Coverage::Full => 240.0,
        Coverage::Spread => (segments * config.segment_frames() as f64 * config.hop_seconds).min(240.0),
    }
}

/// Ascending.
fn cosines(a: &[Vec<f32>], b: &[Vec<f32>]) -> Vec<f32> {
    let mut cosines: Vec<f32> = a.iter().zip(b).map(|(a, b)| dot(a, b)).collect();
    cosines.sort_by(f32::total_cmp);
    cosines
}

/// Share of the nearest neighbours that are the same.
fn overlap(a: &[Vec<f32>], b: &[Vec<f32>]) -> f64 {
    let nearest = |vectors: &[Vec<f32>], query: usize| -> std::collections::HashSet<usize> {
        let mut others: Vec<usize> = (0..vectors.len()).filter(|&other| other != query).collect();
        others.sort_by(|&x, &y| dot(&vectors[query], &vectors[y]).total_cmp(&dot(&vectors[query], &vectors[x])));
        others.into_iter().take(NEIGHBOURS).collect()
    };
    let same = |query| nearest(a, query).intersection(&nearest(b, query)).count();
    (0..a.len()).map(same).sum::<usize>() as f64 / (NEIGHBOURS * a.len()) as f64
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
