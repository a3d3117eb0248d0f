//! Behaviour of a store: search against brute force, generations, locks, damage.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod browsing;
mod catalogue;
mod codes;
mod copies;
mod damage;
mod folder;
mod generations;
mod interop;
mod listeners;
mod map;
mod renewal;
mod search;

use std::collections::HashSet;
use std::path::Path;

use index::{Catalogue, ContentHash, FileStamp, IndexConfig, NewTrack, Searcher, Store, TrackId};

const MODEL: &str = "model-a";

fn hash(number: u64) -> ContentHash {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    ContentHash(bytes)
}

fn track(number: u64) -> NewTrack {
    NewTrack {
        path: format!("/music/{number}.wav").into(),
        stamp: FileStamp { size_bytes: number, modified_ns: 7 },
        hash: Some(hash(number)),
        artist: Some(format!("artist {number}")),
        title: None,
        album: None,
        genre: None,
        year: None,
        duration_seconds: Some(60.0),
    }
}

/// A unit vector that depends on a number.
fn vector(number: u64) -> Vec<f32> {
    let values: Vec<f32> = (0..16).map(|dimension| ((number * 31 + dimension * 17) as f32).sin()).collect();
    let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    values.iter().map(|value| value / norm).collect()
}

fn store_of(folder: &Path, tracks: u64) -> (Store, Catalogue) {
    let store = Store::create(&folder.join("store")).unwrap();
    let lock = store.lock("test").unwrap();
    let mut catalogue = store.catalogue_to_write(&lock).unwrap();
    catalogue
        .commit(|writer| {
            writer.set_serving_model(MODEL)?;
            writer.set_hub_weight(0.0)?;
            (0..tracks).try_for_each(|number| writer.put_embedded(&track(number), MODEL, &vector(number)).map(|_| ()))
        })
        .unwrap();
    store.publish(&mut catalogue, MODEL, &lock).unwrap();
    (store, catalogue)
}

fn nearest(searcher: &Searcher, query: u64, count: usize, excluded: &[u64]) -> Vec<(u64, f32)> {
    let excluded: HashSet<TrackId> = excluded.iter().map(|&number| TrackId(number)).collect();
    let found = searcher.nearest(MODEL, &vector(query), count, &excluded).unwrap();
    found.iter().map(|neighbour| (neighbour.track.0, neighbour.score)).collect()
}

/// How many tracks can be found.
fn size(store: &Store, catalogue: &Catalogue) -> usize {
    let searcher = store.searcher(catalogue).unwrap().unwrap();
    searcher.nearest(searcher.model_id(), &vector(0), 1000, &HashSet::new()).unwrap().len()
}

/// Inverted lists for what would else be compared exactly.
fn lists() -> IndexConfig {
    IndexConfig { exact_up_to: 1000, target_recall: 0.95, queries: 50, ..IndexConfig::default() }
}
