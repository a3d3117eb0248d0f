//! Derived files: made, brought up to date, replaced.

use std::collections::HashSet;
use std::path::Path;

use index::{Catalogue, Error, IndexConfig, Searcher, Store, TrackId};

use super::{MODEL, lists, nearest, size, store_of, track, vector};

#[test]
fn what_changed_since_a_generation_is_searched_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let (store, mut catalogue) = store_of(folder.path(), 5);
    catalogue.commit(|writer| writer.put_embedded(&track(9), MODEL, &vector(9))).unwrap();
    catalogue.commit(|writer| writer.remove(TrackId(1))).unwrap();
    let searcher = store.searcher(&catalogue).unwrap().unwrap();
    assert_eq!(nearest(&searcher, 9, 100, &[]).len(), 5);
    assert_eq!(nearest(&searcher, 9, 1, &[])[0].0, 6);
    assert!(nearest(&searcher, 0, 10, &[]).iter().all(|(track, _)| *track != 1));
    assert_eq!(catalogue.revision(MODEL).unwrap(), 7, "five added, one more, one removed");
}

/// What a search over a generation and beside it answers is what one over the catalogue's vectors does.
fn assert_exact(store: &Store, catalogue: &Catalogue, queries: std::ops::Range<u64>) {
    let (searcher, exact) =
        (store.searcher(catalogue).unwrap().unwrap(), Searcher::from_catalogue(catalogue, MODEL).unwrap().unwrap());
    for query in queries {
        let (found, expected) = (nearest(&searcher, query, 10, &[]), nearest(&exact, query, 10, &[]));
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            // Half-precision numbers.
            assert!((found.1 - expected.1).abs() < 2e-3, "{query}: {found:?}, expected {expected:?}");
        }
        assert!(found.iter().all(|(track, _)| catalogue.vector(TrackId(*track), MODEL).unwrap().is_some()));
    }
}

#[test]
fn a_large_store_takes_changes_in_without_being_built_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (store, mut catalogue) = store_of(folder.path(), 2000);
    let lock = store.lock("test").unwrap();
    let number = |store: &Store| store.current().unwrap().unwrap().0;
    assert_eq!(store.current().unwrap().unwrap().1.layout.lists, 0);
    for track in 1900..2000 {
        catalogue.commit(|writer| writer.remove(TrackId(track + 1))).unwrap();
    }
    store.publish(&mut catalogue, MODEL, &lock).unwrap();
    assert_eq!(number(&store), 2);
    // Of another configuration there is another generation, though no vector has changed.
    catalogue.commit(|writer| writer.set_index_config(&lists())).unwrap();
    assert_eq!(store.changes_since_current(&catalogue).unwrap(), None);
    store.publish(&mut catalogue, MODEL, &lock).unwrap();
    let manifest = store.current().unwrap().unwrap().1;
    assert_eq!((number(&store), manifest.count, manifest.layout.lists), (3, 1900, 48));
    assert!((1..48).contains(&manifest.layout.probes), "{:?}", manifest.layout);
    assert!(manifest.layout.recall_at_10 >= 0.95, "{:?}", manifest.layout);
    assert_exact(&store, &catalogue, 0..50);

    // A fiftieth may wait: 20 are written again with other vectors, 8 are new, 7 go, of which 3 are new.
    catalogue
        .commit(|writer| {
            (0..20).try_for_each(|n| writer.put_embedded(&track(n), MODEL, &vector(n + 5000)).map(|_| ()))?;
            (3000..3008).try_for_each(|n| writer.put_embedded(&track(n), MODEL, &vector(n)).map(|_| ()))
        })
        .unwrap();
    let new = catalogue.find_by_path(Path::new("/music/3000.wav")).unwrap().unwrap().id.0;
    for id in [30, 31, 32, 33, new, new + 1, new + 2] {
        catalogue.commit(|writer| writer.remove(TrackId(id))).unwrap();
    }
    for round in 0..2 {
        assert_exact(&store, &catalogue, 0..50);
        assert_exact(&store, &catalogue, 3000..3008);
        assert_eq!((number(&store), store.changes_since_current(&catalogue).unwrap()), (3, Some(32)), "{round}");
        store.publish(&mut catalogue, MODEL, &lock).unwrap();
    }

    // More than that is taken in, with the lists that there are; what is then gone is forgotten.
    catalogue
        .commit(|writer| (4000..4010).try_for_each(|n| writer.put_embedded(&track(n), MODEL, &vector(n)).map(|_| ())))
        .unwrap();
    store.publish(&mut catalogue, MODEL, &lock).unwrap();
    let updated = store.current().unwrap().unwrap().1;
    assert_eq!((number(&store), updated.count), (4, 1900 + 5 - 4 + 10));
    assert_eq!(updated.layout, manifest.layout);
    assert_eq!(store.changes_since_current(&catalogue).unwrap(), Some(0));
    assert_exact(&store, &catalogue, 0..50);
    assert_exact(&store, &catalogue, 3000..3008);
    assert_exact(&store, &catalogue, 4000..4010);

    // Where there are twice as many, it is built anew.
    catalogue
        .commit(|writer| (6000..8000).try_for_each(|n| writer.put_embedded(&track(n), MODEL, &vector(n)).map(|_| ())))
        .unwrap();
    assert_exact(&store, &catalogue, 6000..6020);
    store.publish(&mut catalogue, MODEL, &lock).unwrap();
    let anew = store.current().unwrap().unwrap().1;
    assert_eq!((anew.count, anew.layout.lists), (3911, 100));
    assert_exact(&store, &catalogue, 6000..6020);
}

#[test]
fn eight_readers_see_whole_states_while_one_writes() {
    let folder = tempfile::tempdir().unwrap();
    let (store, mut catalogue) = store_of(folder.path(), 0);
    let put = |writer: &index::catalogue::Writer<'_>, numbers: std::ops::Range<u64>| {
        numbers.into_iter().try_for_each(|n| writer.put_embedded(&track(n), MODEL, &vector(n)).map(|_| ()))
    };
    catalogue
        .commit(|writer| {
            writer.set_index_config(&IndexConfig { exact_up_to: 100, target_recall: 1.0, ..lists() })?;
            put(writer, 0..200)
        })
        .unwrap();
    let lock = store.lock("test").unwrap();
    store.publish(&mut catalogue, MODEL, &lock).unwrap();
    let has_ended = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let read = || {
            let (mut states, mut seen) = (0, HashSet::new());
            while !has_ended.load(std::sync::atomic::Ordering::Relaxed) || states == 0 {
                let catalogue = store.catalogue().unwrap();
                let searcher = store.searcher(&catalogue).unwrap().unwrap();
                let found = nearest(&searcher, 0, 10_000, &[]);
                // Each commit adds ten at one end of the numbers and takes five away at the other.
                let mut tracks: Vec<u64> = found.iter().map(|(track, _)| *track).collect();
                tracks.sort_unstable();
                let commits = (tracks[0] - 1) / 5;
                assert!(tracks.into_iter().eq(5 * commits + 1..=200 + 10 * commits), "no state that ever was");
                seen.insert(commits);
                states += 1;
            }
            seen.len()
        };
        let readers: Vec<_> = (0..8).map(|_| scope.spawn(read)).collect();
        for round in 0..40 {
            let first = 1000 + 10 * round;
            catalogue
                .commit(|writer| {
                    put(writer, first..first + 10)?;
                    (5 * round..5 * round + 5).try_for_each(|track| writer.remove(TrackId(track + 1)))
                })
                .unwrap();
            store.publish(&mut catalogue, MODEL, &lock).unwrap();
        }
        has_ended.store(true, std::sync::atomic::Ordering::Relaxed);
        let seen: usize = readers.into_iter().map(|reader| reader.join().unwrap()).sum();
        assert!(seen > 8, "readers saw states come and go");
    });
    assert!(store.current().unwrap().unwrap().0 > 3);
}

#[test]
fn removals_are_forgotten_when_no_generation_needs_them() {
    let folder = tempfile::tempdir().unwrap();
    let (store, mut catalogue) = store_of(folder.path(), 5);
    let lock = store.lock("test").unwrap();
    let first = store.current().unwrap().unwrap().1.revision;
    for track in 1..=3 {
        catalogue.commit(|writer| writer.remove(TrackId(track))).unwrap();
        assert_eq!(catalogue.changes(MODEL, first).unwrap().unwrap().removed.len() as u64, track);
        if track < 3 {
            store.publish(&mut catalogue, MODEL, &lock).unwrap();
            assert_eq!(catalogue.changes(MODEL, first).unwrap().is_some(), track == 1, "one older one is kept");
        }
        if track == 2 {
            break;
        }
    }
    assert_eq!(catalogue.changes(MODEL, 99).unwrap(), None, "not yet");
}

#[test]
fn a_generation_of_another_catalogue_is_not_asked() {
    let folder = tempfile::tempdir().unwrap();
    let (store, catalogue) = store_of(folder.path(), 3);
    drop(catalogue);
    for name in ["catalogue.sqlite", "catalogue.sqlite-wal", "catalogue.sqlite-shm"] {
        let _ = std::fs::remove_file(store.folder().join(name));
    }
    let lock = store.lock("test").unwrap();
    let mut catalogue = store.catalogue_to_write(&lock).unwrap();
    catalogue
        .commit(|writer| {
            writer.set_serving_model(MODEL)?;
            [2, 1, 0].into_iter().try_for_each(|n| writer.put_embedded(&track(n), MODEL, &vector(n)).map(|_| ()))
        })
        .unwrap();
    // The same number of changes; other numbers for the tracks.
    let searcher = store.searcher(&catalogue).unwrap().unwrap();
    assert_eq!(nearest(&searcher, 2, 1, &[])[0].0, 1);
}

#[test]
fn a_model_without_vectors_does_not_take_over() {
    let folder = tempfile::tempdir().unwrap();
    let (store, mut catalogue) = store_of(folder.path(), 3);
    let lock = store.lock("test").unwrap();
    store.publish(&mut catalogue, "model-b", &lock).unwrap();
    assert_eq!(catalogue.serving_model().unwrap().as_deref(), Some(MODEL));
    assert_eq!(size(&store, &catalogue), 3);
    catalogue.commit(|writer| writer.put_embedded(&track(0), "model-b", &vector(0))).unwrap();
    store.publish(&mut catalogue, "model-b", &lock).unwrap();
    assert_eq!(catalogue.serving_model().unwrap().as_deref(), Some("model-b"));
    assert_eq!(size(&store, &catalogue), 1);
}

#[test]
fn publishing_switches_current_and_keeps_few_generations() {
    let folder = tempfile::tempdir().unwrap();
    let (store, mut catalogue) = store_of(folder.path(), 2);
    let lock = store.lock("test").unwrap();
    store.publish(&mut catalogue, MODEL, &lock).unwrap();
    assert_eq!(store.current().unwrap().unwrap().0, 1, "nothing changed, nothing to publish");
    for number in 10..14 {
        catalogue.commit(|writer| writer.put_embedded(&track(number), MODEL, &vector(number))).unwrap();
        store.publish(&mut catalogue, MODEL, &lock).unwrap();
    }
    let (number, manifest) = store.current().unwrap().unwrap();
    assert_eq!((number, manifest.count, manifest.dimension), (5, 6, 16));
    let generations = std::fs::read_dir(folder.path().join("store/generations")).unwrap().count();
    assert_eq!(generations, 2);
}

#[test]
fn a_catalogue_that_was_put_back_takes_no_generation_of_what_came_after() {
    let folder = tempfile::tempdir().unwrap();
    let (store, catalogue) = store_of(folder.path(), 20);
    drop(catalogue);
    let path = store.folder().join("catalogue.sqlite");
    let backup = std::fs::read(&path).unwrap();
    let lock = store.lock("test").unwrap();
    let put = |catalogue: &mut Catalogue, numbers: &[u64]| {
        let put = |writer: &index::catalogue::Writer<'_>| {
            numbers.iter().try_for_each(|&n| writer.put_embedded(&track(n), MODEL, &vector(n)).map(|_| ()))
        };
        catalogue.commit(put).unwrap();
    };
    let mut catalogue = store.catalogue_to_write(&lock).unwrap();
    put(&mut catalogue, &[100, 101, 102]);
    store.publish(&mut catalogue, MODEL, &lock).unwrap();
    drop(catalogue);
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
    std::fs::write(&path, &backup).unwrap();
    // The same files in another order get other numbers, by as many changes.
    let mut catalogue = store.catalogue_to_write(&lock).unwrap();
    put(&mut catalogue, &[102, 101, 100]);
    store.publish(&mut catalogue, MODEL, &lock).unwrap();
    let found = nearest(&store.searcher(&catalogue).unwrap().unwrap(), 102, 1, &[])[0].0;
    assert_eq!(catalogue.get(TrackId(found)).unwrap().unwrap().file.path, track(102).path);
}

#[test]
fn models_change_places_while_both_can_be_asked_and_back_again() {
    let folder = tempfile::tempdir().unwrap();
    let (store, mut catalogue) = store_of(folder.path(), 5);
    let lock = store.lock("test").unwrap();
    let other = |number: u64| vector(number + 50);
    let put = |writer: &index::catalogue::Writer<'_>| {
        (0..5).try_for_each(|n| writer.put_embedded(&track(n), "model-b", &other(n)).map(|_| ()))
    };
    catalogue.commit(put).unwrap();
    let before = nearest(&store.searcher(&catalogue).unwrap().unwrap(), 2, 5, &[]);

    let prepared = store.prepare(&catalogue, "model-b", &lock).unwrap().unwrap();
    assert_eq!((prepared, store.current().unwrap().unwrap().0), (2, 1), "beside the one that serves");
    assert_eq!(store.generation(prepared).unwrap().count, 5);
    assert_eq!(nearest(&store.searcher(&catalogue).unwrap().unwrap(), 2, 5, &[]), before);
    let checked = store.searcher_of(&catalogue, prepared).unwrap();
    assert_eq!(checked.nearest("model-b", &other(3), 1, &HashSet::new()).unwrap()[0].track, TrackId(4));
    assert_eq!(store.prepare(&catalogue, "model-b", &lock).unwrap(), Some(prepared), "it is there already");

    // Killed between the two: CURRENT names one, the catalogue the other, whose generation is still asked.
    std::fs::write(store.folder().join("CURRENT"), "2\n").unwrap();
    let searcher = store.searcher(&catalogue).unwrap().unwrap();
    assert_eq!((searcher.fault(), nearest(&searcher, 2, 5, &[])), (None, before.clone()));
    std::fs::write(store.folder().join("CURRENT"), "1\n").unwrap();

    store.switch(&mut catalogue, "model-b", prepared, &lock).unwrap();
    assert_eq!(store.searcher(&catalogue).unwrap().unwrap().model_id(), "model-b");
    // More generations of the new model: the newest of the old one stays.
    for number in 10..13 {
        catalogue.commit(|writer| writer.put_embedded(&track(number), "model-b", &vector(number))).unwrap();
        store.publish(&mut catalogue, "model-b", &lock).unwrap();
    }
    assert_eq!(store.prepare(&catalogue, MODEL, &lock).unwrap(), Some(1));
    store.switch(&mut catalogue, MODEL, 1, &lock).unwrap();
    assert_eq!(nearest(&store.searcher(&catalogue).unwrap().unwrap(), 2, 5, &[]), before);

    let files = store.model_folder("model-b");
    std::fs::create_dir_all(&files).unwrap();
    assert!(matches!(store.forget_model(&mut catalogue, MODEL, &files, &lock), Err(Error::Serves { .. })));
    store.forget_model(&mut catalogue, "model-b", &files, &lock).unwrap();
    assert!(!files.exists() && catalogue.vector(TrackId(1), "model-b").unwrap().is_none());
    assert_eq!(std::fs::read_dir(store.folder().join("generations")).unwrap().count(), 1);
    assert_eq!(nearest(&store.searcher(&catalogue).unwrap().unwrap(), 2, 5, &[]), before);
}

#[test]
fn a_process_that_stays_finds_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (store, catalogue) = store_of(folder.path(), 50);
    let (searcher, resident) = (store.searcher(&catalogue).unwrap(), store.resident_searcher(&catalogue).unwrap());
    assert_eq!(nearest(&searcher.unwrap(), 3, 10, &[]), nearest(&resident.unwrap(), 3, 10, &[]));
}

#[test]
fn one_retrains_while_another_writes() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = store_of(folder.path(), 1);
    let _retraining = store.lock_retraining("one").unwrap();
    let _writing = store.lock("another").unwrap();
    let error = store.lock_retraining("a third").unwrap_err();
    assert!(error.to_string().contains("`one` (process"), "{error}");
}
