//! Where memory is short, codes are searched and rows on disk compared.

use std::collections::{BTreeSet, HashSet};

use index::catalogue::Filter;
use index::{Catalogue, Error, IndexConfig, Store, TrackId};

use super::{MODEL, lists, store_of, track};

/// A unit vector anywhere: [`super::vector`]'s lie on one curve, where many are as near as one.
fn vector(number: u64) -> Vec<f32> {
    let noise = |place: u64| ((number as f64 * 12.9898 + place as f64 * 78.233).sin() * 43_758.5).fract() as f32;
    let centre = |place: u64| ((number % 40) as f32 * 1.7 + place as f32 * 2.3).sin();
    index::unit((0..16).map(|place| noise(place) + centre(place)).collect()).unwrap()
}

/// A store whose index may take no memory to speak of.
fn store_of_codes(folder: &std::path::Path, tracks: u64) -> (Store, Catalogue) {
    let (store, mut catalogue) = store_of(folder, 0);
    let config = IndexConfig { memory_bytes: 1, ..lists() };
    catalogue.commit(|writer| writer.set_index_config(&config)).unwrap();
    put(&store, &mut catalogue, 0..tracks);
    (store, catalogue)
}

fn put(store: &Store, catalogue: &mut Catalogue, numbers: std::ops::Range<u64>) {
    let put = |writer: &index::catalogue::Writer<'_>| {
        numbers.clone().try_for_each(|n| writer.put_embedded(&track(n), MODEL, &vector(n)).map(|_| ()))
    };
    catalogue.commit(put).unwrap();
    let lock = store.lock("test").unwrap();
    store.publish(catalogue, MODEL, &lock).unwrap();
}

/// Share of the ten nearest that are found; scores of what is found are exact.
fn recall(store: &Store, catalogue: &Catalogue, tracks: u64) -> f64 {
    let searcher = store.searcher(catalogue).unwrap().unwrap();
    let mut hits = 0;
    for query in 0..50 {
        let product = |n: u64| vector(query).iter().zip(vector(n)).map(|(a, b)| a * b).sum::<f32>();
        let mut products: Vec<(f32, u64)> = (0..tracks).map(|number| (product(number), number + 1)).collect();
        products.sort_by(|a, b| b.0.total_cmp(&a.0));
        let expected: BTreeSet<u64> = products[..10].iter().map(|(_, number)| *number).collect();
        let found = searcher.nearest(MODEL, &vector(query), 10, &HashSet::new()).unwrap();
        assert_eq!(found.len(), 10);
        for found in found {
            assert!((found.score - product(found.track.0 - 1)).abs() < 2e-3, "half precision");
            hits += usize::from(expected.contains(&found.track.0));
        }
    }
    hits as f64 / 500.0
}

#[test]
fn codes_find_what_their_rows_say() {
    for (tracks, codes) in [(3000, "SQ8"), (12_000, "PQ6")] {
        let folder = tempfile::tempdir().unwrap();
        let (store, mut catalogue) = store_of_codes(folder.path(), tracks);
        let layout = store.current().unwrap().unwrap().1.layout;
        assert!(layout.factory.ends_with(codes) && layout.candidates > 1, "{layout:?}");
        let found = recall(&store, &catalogue, tracks);
        assert!(found > 0.93, "{found}: {layout:?}");
        // A fiftieth is more than waits beside the generation: it is taken in, rows and all.
        put(&store, &mut catalogue, tracks..tracks + tracks / 20);
        assert_eq!(store.current().unwrap().unwrap().0, 2);
        assert_eq!(store.changes_since_current(&catalogue).unwrap(), Some(0));
        let found = recall(&store, &catalogue, tracks + tracks / 20);
        assert!(found > 0.93, "{found}");
        let among = Filter { artists: vec!["artist 77".into(), "artist 2999".into()], ..Filter::default() };
        let searcher = store.searcher(&catalogue).unwrap().unwrap();
        let ranking = searcher.ranking(MODEL, &vector(1), searcher.among(&catalogue, &among).unwrap(), 5).unwrap();
        let found: HashSet<TrackId> = ranking.map(|found| found.unwrap().track).collect();
        assert_eq!(found, HashSet::from([TrackId(78), TrackId(3000)]));
        assert!(!folder.path().join("store/generations/rows.partial").exists());
    }
}

#[test]
fn a_damaged_row_is_named_and_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let (store, catalogue) = store_of_codes(folder.path(), 3000);
    drop(catalogue);
    let path = store.folder().join("generations/000001/rows.f16");
    let mut bytes = std::fs::read(&path).unwrap();
    let record = bytes.len() / 3001;
    bytes[42 * record + 1] ^= 4;
    std::fs::write(&path, bytes).unwrap();
    let catalogue = store.catalogue().unwrap();
    let searcher = store.searcher(&catalogue).unwrap().unwrap();
    let none = HashSet::new();
    let error = searcher.nearest(MODEL, &vector(41), 3, &none).unwrap_err();
    assert!(matches!(error, Error::Damaged { path: named, reason } if named == path && reason.contains("track 42 ")));
    drop((searcher, catalogue));
    let lock = store.lock("test").unwrap();
    // Damaged rows are not taken over into a new generation.
    let mut catalogue = store.catalogue_to_write(&lock).unwrap();
    let more = |writer: &index::catalogue::Writer<'_>| {
        (3000..3200).try_for_each(|n| writer.put_embedded(&track(n), MODEL, &vector(n)).map(|_| ()))
    };
    let bytes = std::fs::read(&path).unwrap();
    catalogue.commit(more).unwrap();
    std::fs::write(store.folder().join("generations/rows.partial"), "left by a killed process").unwrap();
    store.publish(&mut catalogue, MODEL, &lock).unwrap();
    assert!(!store.folder().join("generations/rows.partial").exists());
    let searcher = store.searcher(&catalogue).unwrap().unwrap();
    assert_eq!(searcher.nearest(MODEL, &vector(41), 1, &none).unwrap()[0].track, TrackId(42));
    let path = store.folder().join("generations/000002/rows.f16");
    std::fs::write(&path, &bytes).unwrap();
    drop((searcher, catalogue));
    assert!(store.repair(&lock).unwrap().generation.unwrap().contains("rows.f16"));
    let catalogue = store.catalogue().unwrap();
    let searcher = store.searcher(&catalogue).unwrap().unwrap();
    assert_eq!(searcher.nearest(MODEL, &vector(41), 1, &none).unwrap()[0].track, TrackId(42));
}
