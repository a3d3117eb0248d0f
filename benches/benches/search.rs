//! How many queries a second are answered over 10,000 and 100,000 tracks, exactly?
#![allow(missing_docs, clippy::expect_used, reason = "criterion's macros; a bench may stop at an error")]

// First of all: libtorch is to be linked before Debian's BLAS. See cli/src/main.rs.
use index as _;

use std::collections::HashSet;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use index::{ContentHash, FileStamp, NewTrack, Store};

const MODEL: &str = "bench";

fn vector(number: u64) -> Vec<f32> {
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut roll = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / 16_777_216.0 - 0.5
    };
    let values: Vec<f32> = (0..128).map(|_| roll()).collect();
    let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    values.iter().map(|value| value / norm).collect()
}

fn search(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("exact search, 10 nearest, 128 dimensions");
    group.throughput(Throughput::Elements(1)).sample_size(20);
    for tracks in [10_000, 100_000] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::create(&folder.path().join("store")).expect("a new store");
        let lock = store.lock("bench").expect("the lock is free");
        let mut catalogue = store.catalogue_to_write(&lock).expect("the catalogue opens");
        catalogue
            .commit(|writer| {
                writer.set_serving_model(MODEL)?;
                (0..tracks).try_for_each(|number: u64| {
                    let track = NewTrack {
                        path: format!("/music/{number}.wav").into(),
                        stamp: FileStamp { size_bytes: 1, modified_ns: 1 },
                        hash: Some(ContentHash([0; 32])),
                        artist: None,
                        title: None,
                        album: None,
                        genre: None,
                        year: None,
                        duration_seconds: None,
                    };
                    writer.put_embedded(&track, MODEL, &vector(number)).map(|_| ())
                })
            })
            .expect("tracks are committed");
        store.publish(&mut catalogue, MODEL, &lock).expect("the vectors are published");
        let searcher = store.resident_searcher(&catalogue).expect("the index opens").expect("there are vectors");
        let mut query = tracks;
        group.bench_function(format!("{tracks} tracks"), |bencher| {
            bencher.iter(|| {
                query += 1;
                searcher.nearest(MODEL, &vector(query), 10, &HashSet::new()).expect("the search succeeds")
            });
        });
    }
    group.finish();
}

criterion_group!(benches_of_search, search);
criterion_main!(benches_of_search);
