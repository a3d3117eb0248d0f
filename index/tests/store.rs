//! Behaviour of a store: search against brute force, generations, locks, damage.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::HashSet;
use std::path::Path;

use index::catalogue::{Bounds, Filter, Transient};
use index::journey::journey;
use index::radio::{Radio, RadioConfig};
use index::{
    Catalogue, ContentHash, Error, FileStamp, IndexConfig, NewTrack, Passage, Searcher, Store, TrackId, TrackState,
};
use proptest::prelude::*;

const MODEL: &str = "model-a";

fn track(number: u64) -> NewTrack {
    NewTrack {
        path: format!("/music/{number}.wav").into(),
        stamp: FileStamp { size_bytes: number, modified_ns: 7 },
        hash: Some(ContentHash([number as u8; 32])),
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

#[test]
fn neighbours_equal_brute_force() {
    let folder = tempfile::tempdir().unwrap();
    let (store, catalogue) = store_of(folder.path(), 300);
    let searcher = store.searcher(&catalogue).unwrap().unwrap();
    for query in 0..20 {
        let mut expected: Vec<(u64, f32)> = (0..300)
            .filter(|number| *number != query)
            .map(|number| (number + 1, vector(query).iter().zip(vector(number)).map(|(a, b)| a * b).sum()))
            .collect();
        expected.sort_by(|a, b| b.1.total_cmp(&a.1));
        let found = nearest(&searcher, query, 10, &[query + 1]);
        assert_eq!(found.len(), 10);
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found.1 - expected.1).abs() < 1e-5, "query {query}: {found:?}, expected {expected:?}");
        }
        assert!(found.iter().all(|(track, _)| *track != query + 1));
    }
}

#[test]
fn hubs_pay_a_share_of_their_mean_cosine_and_a_changed_share_takes_effect() {
    let folder = tempfile::tempdir().unwrap();
    let (store, mut catalogue) = store_of(folder.path(), 60);
    let cosine = |a: u64, b: u64| -> f32 { vector(a).iter().zip(vector(b)).map(|(a, b)| a * b).sum() };
    let mean_of_nearest = |track: u64| {
        let mut cosines: Vec<f32> = (0..60).filter(|other| *other != track).map(|other| cosine(track, other)).collect();
        cosines.sort_by(|a, b| b.total_cmp(a));
        cosines[..30].iter().sum::<f32>() / 30.0
    };
    let scores = |query: u64, weight: f32| {
        let others = (0..60).filter(|track| *track != query);
        let mut scores: Vec<f32> = others.map(|track| cosine(query, track) - weight * mean_of_nearest(track)).collect();
        scores.sort_by(|a, b| b.total_cmp(a));
        scores
    };
    let assert_scores = |searcher: &Searcher, weight: f32| {
        for query in 0..60 {
            let found = nearest(searcher, query, 10, &[query + 1]);
            assert_eq!(found.len(), 10);
            assert!(found.iter().zip(scores(query, weight)).all(|(found, score)| (found.1 - score).abs() < 1e-5));
        }
    };
    assert_scores(&store.searcher(&catalogue).unwrap().unwrap(), 0.0);
    catalogue.commit(|writer| writer.set_hub_weight(0.4)).unwrap();
    assert_eq!(store.changes_since_current(&catalogue).unwrap(), None);
    assert_scores(&store.searcher(&catalogue).unwrap().unwrap(), 0.4);
    let lock = store.lock("test").unwrap();
    store.publish(&mut catalogue, MODEL, &lock).unwrap();
    assert_eq!(store.changes_since_current(&catalogue).unwrap(), Some(0));
    assert_eq!(store.current().unwrap().unwrap().1.dimension, 16);
    assert_scores(&store.searcher(&catalogue).unwrap().unwrap(), 0.4);
}

#[test]
fn all_but_the_excluded_come_back_when_more_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (store, catalogue) = store_of(folder.path(), 5);
    let searcher = store.searcher(&catalogue).unwrap().unwrap();
    assert_eq!(nearest(&searcher, 0, 100, &[1, 2]).len(), 3);
    assert_eq!(nearest(&searcher, 0, 100, &[1, 2, 3, 4, 5]).len(), 0);
}

#[test]
fn another_model_or_dimension_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (store, catalogue) = store_of(folder.path(), 5);
    let searcher = store.searcher(&catalogue).unwrap().unwrap();
    let none = HashSet::new();
    assert!(matches!(searcher.nearest("model-b", &vector(0), 1, &none), Err(Error::OtherModel { .. })));
    assert!(matches!(
        searcher.nearest(MODEL, &[1.0; 8], 1, &none),
        Err(Error::WrongDimension { expected: 16, found: 8 })
    ));
}

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

/// Inverted lists for what would else be compared exactly.
fn lists() -> IndexConfig {
    IndexConfig { exact_up_to: 1000, target_recall: 0.95, queries: 50, ..IndexConfig::default() }
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
    assert_eq!((number(&store), manifest.count, manifest.layout.lists), (3, 1900, 174));
    assert!((1..174).contains(&manifest.layout.probes), "{:?}", manifest.layout);
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
    assert_eq!((anew.count, anew.layout.lists), (3911, 250));
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
            let (mut states, mut sizes) = (0, HashSet::new());
            while !has_ended.load(std::sync::atomic::Ordering::Relaxed) || states == 0 {
                let catalogue = store.catalogue().unwrap();
                let searcher = store.searcher(&catalogue).unwrap().unwrap();
                let found = nearest(&searcher, 0, 10_000, &[]);
                // Each commit adds ten and takes five away: any other number would be of no state that ever was.
                assert!(found.len() >= 200 && found.len().is_multiple_of(5), "{}", found.len());
                assert_eq!(found.iter().map(|(track, _)| track).collect::<HashSet<_>>().len(), found.len());
                sizes.insert(found.len());
                states += 1;
            }
            sizes.len()
        };
        let readers: Vec<_> = (0..8).map(|_| scope.spawn(read)).collect();
        for round in 0..40 {
            let first = 1000 + 10 * round;
            catalogue
                .commit(|writer| {
                    put(writer, first..first + 10)?;
                    // The oldest of what was there in the beginning, or was added since.
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
fn a_filter_is_searched_within_whatever_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let (store, mut catalogue) = store_of(folder.path(), 0);
    let of = |number: u64| NewTrack {
        artist: Some(format!("Artist {}", number % 200)),
        album: (!number.is_multiple_of(3)).then(|| format!("album {}", number % 10)),
        genre: Some(["Rock", "jazz"][number as usize % 2].into()),
        year: Some(1950 + (number % 50) as u16),
        duration_seconds: Some(number as f64),
        path: format!("/music/{}/{number}.flac", ["live", "studio"][number as usize / 1000]).into(),
        ..track(number)
    };
    let put = |catalogue: &mut Catalogue, numbers: std::ops::Range<u64>| {
        let put = |writer: &index::catalogue::Writer<'_>| {
            numbers.clone().try_for_each(|n| writer.put_embedded(&of(n), MODEL, &vector(n)).map(|_| ()))
        };
        catalogue.commit(put).unwrap();
    };
    put(&mut catalogue, 0..1980);
    catalogue.commit(|writer| writer.set_index_config(&lists())).unwrap();
    let lock = store.lock("test").unwrap();
    store.publish(&mut catalogue, MODEL, &lock).unwrap();
    assert!(store.current().unwrap().unwrap().1.layout.lists > 0);
    put(&mut catalogue, 1980..2000);
    catalogue.commit(|writer| writer.remove(TrackId(8))).unwrap();
    let searcher = store.searcher(&catalogue).unwrap().unwrap();

    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let between = |least, most| Bounds { least, most };
    type May = fn(u64) -> bool;
    let filters: [(Filter, May); 7] = [
        (Filter { artists: names(&["ARTIST 7"]), ..Filter::default() }, |n| n % 200 == 7),
        (Filter { artists: names(&["artist 7", "artist 9"]), ..Filter::default() }, |n| [7, 9].contains(&(n % 200))),
        (Filter { albums: names(&["album 4"]), ..Filter::default() }, |n| n % 3 > 0 && n % 10 == 4),
        (Filter { genres: names(&["JAZZ"]), years: between(Some(1999.0), None), ..Filter::default() }, |n| {
            n % 50 == 49
        }),
        (Filter { seconds: between(Some(10.0), Some(12.0)), ..Filter::default() }, |n| (10..=12).contains(&n)),
        (Filter { paths: names(&["studio/*"]), ..Filter::default() }, |n| n >= 1000),
        (Filter { artists: names(&["nobody"]), ..Filter::default() }, |_| false),
    ];
    for (filter, may) in filters {
        let expected: Vec<u64> = (0..2000).filter(|&number| number != 7 && may(number)).collect();
        let among = catalogue.matching(&filter).unwrap().unwrap();
        assert_eq!(among.len(), expected.len(), "{filter:?}");
        for query in 0..20 {
            let found = |count| -> Vec<(u64, f32)> {
                let ranking = searcher.ranking(MODEL, &vector(query), Some(among.clone()), count).unwrap();
                ranking.map(|found| found.map(|found| (found.track.0 - 1, found.score)).unwrap()).collect()
            };
            // All of them, each once, whatever number was expected.
            let all = found(1);
            let numbers: std::collections::BTreeSet<u64> = all.iter().map(|(number, _)| *number).collect();
            assert_eq!((all.len(), numbers), (expected.len(), expected.iter().copied().collect()), "{filter:?}");
            let mut products: Vec<f32> = expected
                .iter()
                .map(|number| vector(query).iter().zip(vector(*number)).map(|(a, b)| a * b).sum())
                .collect();
            products.sort_by(|a, b| b.total_cmp(a));
            let near = found(10);
            assert!(near.iter().zip(products).take(10).all(|((_, found), product)| (found - product).abs() < 2e-3));
        }
    }
    assert_eq!(catalogue.matching(&Filter::default()).unwrap(), None, "all");
}

#[test]
fn passages_are_kept_in_half_precision_as_long_as_their_vector() {
    let folder = tempfile::tempdir().unwrap();
    let (_store, mut catalogue) = store_of(folder.path(), 2);
    let passages = [(0.5, 7), (12.25, 8)].map(|(start_seconds, n)| Passage { start_seconds, vector: vector(n) });
    catalogue.commit(|writer| writer.put_passages(TrackId(1), MODEL, &passages)).unwrap();
    catalogue.commit(|writer| writer.put_passages(TrackId(2), MODEL, &passages)).unwrap();
    let found = catalogue.passages(TrackId(1), MODEL).unwrap();
    assert_eq!(found.iter().map(|passage| passage.start_seconds).collect::<Vec<_>>(), [0.5, 12.25]);
    for (found, passage) in found.iter().zip(&passages) {
        assert!(found.vector.iter().zip(&passage.vector).all(|(a, b)| (a - b).abs() < 5e-4));
    }
    assert!(catalogue.passages(TrackId(1), "model-b").unwrap().is_empty());
    // Other bytes at its path: the vector goes, and so do they.
    let changed = NewTrack { hash: Some(ContentHash([77; 32])), ..track(0) };
    catalogue.commit(|writer| writer.put_failed(&changed, "damaged", Transient(false))).unwrap();
    assert!(catalogue.passages(TrackId(1), MODEL).unwrap().is_empty());
    catalogue.commit(|writer| writer.remove(TrackId(2))).unwrap();
    assert!(catalogue.passages(TrackId(2), MODEL).unwrap().is_empty());
}

#[test]
fn a_journey_goes_from_end_to_end_by_small_steps() {
    let folder = tempfile::tempdir().unwrap();
    let (store, catalogue) = store_of(folder.path(), 400);
    let searcher = store.searcher(&catalogue).unwrap().unwrap();
    let cosine =
        |a: TrackId, b: TrackId| -> f32 { vector(a.0 - 1).iter().zip(vector(b.0 - 1)).map(|(a, b)| a * b).sum() };
    let mut is_far = false;
    for (from, to) in [(1, 2), (1, 400), (7, 300), (50, 51)] {
        let (first, last) = (vector(from - 1), vector(to - 1));
        let ends = [(TrackId(from), first.as_slice()), (TrackId(to), last.as_slice())];
        for stops in [2, 3, 10, 30] {
            let way = journey(&catalogue, &searcher, ends, stops).unwrap();
            assert_eq!((way.len(), way[0], way[stops - 1]), (stops, TrackId(from), TrackId(to)));
            assert_eq!(way.iter().collect::<HashSet<_>>().len(), stops, "none twice");
            let largest = way.windows(2).map(|pair| cosine(pair[0], pair[1]).acos()).fold(0.0, f32::max);
            let whole = cosine(TrackId(from), TrackId(to)).acos();
            assert!(stops < 10 || whole < 1.0 || largest < 0.6 * whole, "{from} to {to}: {largest} of {whole}");
            is_far |= whole >= 1.0;
            assert_eq!(way, journey(&catalogue, &searcher, ends, stops).unwrap());
        }
        let most = journey(&catalogue, &searcher, ends, 1000).unwrap();
        assert_eq!(most.iter().collect::<HashSet<_>>().len(), most.len());
        assert_eq!(most.len(), 400, "all there are");
    }
    assert!(is_far);
    let end = vector(4);
    let stays = journey(&catalogue, &searcher, [(TrackId(5), &end), (TrackId(5), &end)], 10).unwrap();
    assert_eq!(stays, [TrackId(5)]);
}

#[test]
fn a_radio_plays_no_track_twice_and_no_artist_twice_in_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let (store, mut catalogue) = store_of(folder.path(), 0);
    let of = |number: u64| NewTrack { artist: Some(format!("artist {}", number % 5)), ..track(number) };
    catalogue
        .commit(|writer| {
            (0..60).try_for_each(|n| writer.put_embedded(&of(n), MODEL, &vector(n)).map(|_| ()))?;
            (60..64).try_for_each(|n| {
                writer.put_embedded(&NewTrack { artist: None, ..track(n) }, MODEL, &vector(n)).map(|_| ())
            })
        })
        .unwrap();
    let searcher = store.searcher(&catalogue).unwrap().unwrap();
    let play = |seed, drift| -> Vec<(u64, Option<String>)> {
        let beginning = (vector(0), HashSet::from([TrackId(1)]), Some("artist 0".to_owned()));
        let config = RadioConfig { seed, drift, ..RadioConfig::default() };
        let radio = Radio::new(&catalogue, &searcher, config, None, beginning);
        radio.map(|record| record.map(|record| (record.id.0, record.file.artist)).unwrap()).collect()
    };
    let played = play(1, 0.3);
    assert!(played.len() > 50, "{} of 63, before only one artist is left", played.len());
    assert_eq!(played.iter().map(|(track, _)| track).collect::<HashSet<_>>().len(), played.len());
    assert!(played.iter().all(|(track, _)| *track != 1));
    assert_ne!(played[0].1.as_deref(), Some("artist 0"));
    assert!(played.windows(2).all(|pair| pair[0].1.is_none() || pair[0].1 != pair[1].1));
    assert_eq!(played, play(1, 0.3));
    assert_ne!(played, play(2, 0.3));
    // Who does not drift stays near the beginning for longer.
    let near = |played: &[(u64, Option<String>)]| -> f32 {
        let cosine = |track: u64| -> f32 { vector(0).iter().zip(vector(track - 1)).map(|(a, b)| a * b).sum() };
        played.iter().take(20).map(|(track, _)| cosine(*track)).sum()
    };
    let mean = |drift| (0..10).map(|seed| near(&play(seed, drift))).sum::<f32>();
    assert!(mean(0.0) > mean(1.0) + 5.0, "{} and {}", mean(0.0), mean(1.0));
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
fn a_catalogue_of_format_1_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = Store::create(&path).unwrap();
    drop(store.lock("test").unwrap());
    let connection = rusqlite::Connection::open(path.join("catalogue.sqlite")).unwrap();
    connection.execute_batch(include_str!("fixtures/catalogue_1.sql")).unwrap();
    drop(connection);
    let catalogue = store.catalogue().unwrap();
    assert_eq!(catalogue.revision(MODEL).unwrap(), 4);
    assert_eq!(catalogue.changes(MODEL, 3).unwrap(), None, "what was removed was not noted");
    let searcher = store.searcher(&catalogue).unwrap().unwrap();
    let found = searcher.nearest(MODEL, &[1.0, 0.0], 5, &HashSet::new()).unwrap();
    assert_eq!(found.iter().map(|found| (found.track.0, found.score)).collect::<Vec<_>>(), [(1, 1.0), (4, -1.0)]);
    drop(catalogue);
    let lock = store.lock("test").unwrap();
    let mut catalogue = store.catalogue_to_write(&lock).unwrap();
    store.publish(&mut catalogue, MODEL, &lock).unwrap();
    catalogue.commit(|writer| writer.remove(TrackId(4))).unwrap();
    let changes = catalogue.changes(MODEL, 4).unwrap().unwrap();
    assert_eq!((changes.revision, changes.written, changes.removed), (5, Vec::new(), vec![TrackId(4)]));
    assert_eq!(catalogue.revision("model-b").unwrap(), 2);
}

#[test]
fn derived_data_that_is_damaged_or_gone_is_replaced() {
    type Damage = fn(&Path);
    let damage: [(&str, Damage); 7] = [
        ("a generation of format 1", |store| {
            let manifest = store.join("generations/000001/manifest.toml");
            let text = std::fs::read_to_string(&manifest).unwrap();
            let text = text.replace("format_version = 3", "format_version = 1").replace("hub_weight = 0.0\n", "");
            assert!(!text.contains("hub_weight"));
            std::fs::write(&manifest, text).unwrap();
        }),
        ("a flipped bit", |store| {
            let vectors = store.join("generations/000001/vectors.faiss");
            let mut bytes = std::fs::read(&vectors).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(&vectors, &bytes).unwrap();
        }),
        ("cut vectors", |store| std::fs::write(store.join("generations/000001/vectors.faiss"), "IxM").unwrap()),
        ("an empty manifest", |store| std::fs::write(store.join("generations/000001/manifest.toml"), "").unwrap()),
        ("a bad CURRENT", |store| std::fs::write(store.join("CURRENT"), "no number").unwrap()),
        ("an empty CURRENT", |store| std::fs::write(store.join("CURRENT"), "").unwrap()),
        ("no generations", |store| std::fs::remove_dir_all(store.join("generations")).unwrap()),
    ];
    for (what, damage) in damage {
        let folder = tempfile::tempdir().unwrap();
        let (store, mut catalogue) = store_of(folder.path(), 5);
        damage(store.folder());
        let searcher = store.searcher(&catalogue).unwrap().unwrap();
        assert_eq!(nearest(&searcher, 3, 1, &[])[0].0, 4, "{what}");
        // Though nothing has changed.
        let lock = store.lock("test").unwrap();
        store.publish(&mut catalogue, MODEL, &lock).unwrap();
        drop(lock);
        let (number, manifest) = store.current().unwrap().unwrap();
        let vectors = std::fs::read(store.folder().join(format!("generations/{number:06}/vectors.faiss"))).unwrap();
        assert_eq!(blake3::hash(&vectors).to_hex().as_str(), manifest.checksums.vectors, "{what}");
        catalogue.commit(|writer| writer.put_embedded(&track(8), MODEL, &vector(8))).unwrap();
        let lock = store.lock("test").unwrap();
        store.publish(&mut catalogue, MODEL, &lock).unwrap();
        assert_eq!(store.changes_since_current(&catalogue).unwrap(), Some(0), "{what}");
        assert_eq!(size(&store, &catalogue), 6, "{what}");
    }
}

#[test]
fn a_flipped_bit_of_a_vector_is_named_and_its_track_embedded_again() {
    let folder = tempfile::tempdir().unwrap();
    let (store, catalogue) = store_of(folder.path(), 50);
    drop(catalogue);
    let path = store.folder().join("catalogue.sqlite");
    let sought: Vec<u8> = vector(20).iter().flat_map(|value| value.to_le_bytes()).collect();
    let mut bytes = std::fs::read(&path).unwrap();
    // Pages that are no longer in use may have a copy of it.
    let places: Vec<usize> = (0..bytes.len() - sought.len()).filter(|&at| bytes[at..].starts_with(&sought)).collect();
    places.iter().for_each(|place| bytes[place + 5] ^= 1);
    std::fs::write(&path, &bytes).unwrap();
    let catalogue = store.catalogue().unwrap();
    let damaged = |error: Error| matches!(error, Error::Damaged { reason, .. } if reason.contains("track 21 "));
    assert!(damaged(catalogue.vector(TrackId(21), MODEL).unwrap_err()));
    // The index was built before.
    assert_eq!(nearest(&store.searcher(&catalogue).unwrap().unwrap(), 20, 1, &[])[0].0, 21);
    drop(catalogue);
    let lock = store.lock("test").unwrap();
    let mut catalogue = store.catalogue_to_write(&lock).unwrap();
    assert!(damaged(store.rebuild(&mut catalogue, MODEL, &lock).unwrap_err()));
    let repair = store.repair(&lock).unwrap();
    assert_eq!((repair.vectors, repair.faults.len(), repair.generation), (vec![TrackId(21)], 0, None));
    assert!(!catalogue.known(MODEL).unwrap().iter().find(|known| known.id == TrackId(21)).unwrap().has_vector);
    assert_eq!(size(&store, &catalogue), 49);
    assert!(store.repair(&lock).unwrap().is_needless());
}

#[test]
fn of_a_damaged_catalogue_what_can_be_read_is_kept() {
    for (damage, least) in [("a page", 150), ("cut off", 50), ("the header", 0)] {
        let folder = tempfile::tempdir().unwrap();
        let (store, catalogue) = store_of(folder.path(), 300);
        drop(catalogue);
        let path = store.folder().join("catalogue.sqlite");
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 8192 * 4096;
        match damage {
            "a page" => bytes[middle..middle + 4096].fill(0xA5),
            "cut off" => bytes.truncate(middle),
            _ => bytes[..4096].fill(0),
        }
        std::fs::write(&path, &bytes).unwrap();
        let lock = store.lock("test").unwrap();
        let repair = store.repair(&lock).unwrap();
        let salvaged = repair.salvaged.clone().unwrap();
        assert!(!repair.faults.is_empty() && salvaged.damaged.exists(), "{damage}: {repair:?}");
        assert!(salvaged.tracks >= least && salvaged.tracks <= 300, "{damage}: {salvaged:?}");
        // Sound, and of its own rows alone.
        let mut catalogue = store.catalogue_to_write(&lock).unwrap();
        assert_eq!(catalogue.faults().unwrap(), [] as [String; 0]);
        let mut kept = 0;
        catalogue
            .each_vector(MODEL, |track, found| {
                assert_eq!(found, vector(track.0 - 1));
                assert_eq!(catalogue.get(track).unwrap().unwrap().file.path, path_of(track));
                kept += 1;
            })
            .unwrap();
        assert!(kept >= least, "{damage}: {kept} vectors");
        // An ingest brings the rest.
        catalogue
            .commit(|writer| {
                writer.set_serving_model(MODEL)?;
                (0..300).try_for_each(|n| writer.put_embedded(&track(n), MODEL, &vector(n)).map(|_| ()))
            })
            .unwrap();
        store.publish(&mut catalogue, MODEL, &lock).unwrap();
        assert_eq!(size(&store, &catalogue), 300, "{damage}");
        assert!(store.repair(&lock).unwrap().is_needless(), "{damage}");
    }
}

/// Where track `id` of [`store_of`] lies.
fn path_of(id: TrackId) -> std::path::PathBuf {
    track(id.0 - 1).path
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
fn what_can_be_listened_to_comes_by_path() {
    let folder = tempfile::tempdir().unwrap();
    let (_store, mut catalogue) = store_of(folder.path(), 0);
    catalogue
        .commit(|writer| {
            writer.put_failed(&track(5), "damaged", Transient(false))?;
            writer.put_silent(&track(4))?;
            writer.put_failed(&track(3), "the disk is away", Transient(true))?;
            writer.put_embedded(&track(2), MODEL, &vector(2))?;
            writer.put_embedded(&track(1), "model-b", &vector(1))?;
            writer.put_failed(&track(1), "may not be read", Transient(true))
        })
        .unwrap();
    let mut heard = Vec::new();
    catalogue.each_audible(|record| heard.push(record.file)).unwrap();
    assert_eq!(heard, [track(1), track(2), track(3)]);
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
fn a_second_writer_is_told_who_holds_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(&folder.path().join("store")).unwrap();
    let held = store.lock("similar-tracks ingest").unwrap();
    let refused = store.lock("similar-tracks ingest").unwrap_err().to_string();
    assert!(
        refused.contains("`similar-tracks ingest`") && refused.contains(&std::process::id().to_string()),
        "{refused}"
    );
    drop(held);
    store.lock("similar-tracks ingest").unwrap();
}

#[test]
fn a_folder_with_other_files_is_not_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("thesis.txt"), "x").unwrap();
    assert!(matches!(Store::create(folder.path()), Err(Error::NotAStore { .. })));
    assert!(matches!(Store::open(folder.path()), Err(Error::NoStore { .. })));
}

#[test]
fn a_newer_catalogue_and_a_file_that_is_none_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (store, catalogue) = store_of(folder.path(), 1);
    drop(catalogue);
    let path = folder.path().join("store/catalogue.sqlite");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    assert!(matches!(store.catalogue(), Err(Error::NewerFormat { found: 99, supported: 2, .. })));
    std::fs::write(&path, "this is no database, but a text that is long enough to be taken for one".repeat(20))
        .unwrap();
    assert!(matches!(store.catalogue(), Err(Error::Damaged { .. })));
}

#[test]
fn records_survive_with_paths_of_any_bytes() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let (_, mut catalogue) = store_of(folder.path(), 0);
    let path = Path::new(std::ffi::OsStr::from_bytes(b"/music/caf\xe9\n.mp3"));
    let new = NewTrack { path: path.into(), ..track(3) };
    let id = catalogue.commit(|writer| writer.put_embedded(&new, MODEL, &vector(3))).unwrap();
    let record = catalogue.find_by_path(path).unwrap().unwrap();
    assert_eq!((record.id, record.file, record.state), (id, new, TrackState::Embedded));
    assert_eq!(catalogue.find_by_hash(&ContentHash([3; 32])).unwrap().len(), 1);
    assert_eq!(catalogue.vector(id, MODEL).unwrap(), Some(vector(3)));
}

#[test]
fn a_passing_failure_keeps_what_is_known_and_other_bytes_lose_it() {
    let folder = tempfile::tempdir().unwrap();
    let (_, mut catalogue) = store_of(folder.path(), 1);
    let unread = NewTrack { hash: None, artist: None, ..track(0) };
    catalogue.commit(|writer| writer.put_failed(&unread, "the network is down", Transient(true))).unwrap();
    let record = catalogue.get(TrackId(1)).unwrap().unwrap();
    assert_eq!((record.file.artist, record.file.hash), (track(0).artist, track(0).hash));
    assert!(matches!(record.state, TrackState::Failed { transient: true, .. }));
    assert!(catalogue.vector(TrackId(1), MODEL).unwrap().is_some());
    let damaged = NewTrack { hash: Some(ContentHash([99; 32])), ..track(0) };
    catalogue.commit(|writer| writer.put_failed(&damaged, "damaged", Transient(false))).unwrap();
    assert_eq!(catalogue.vector(TrackId(1), MODEL).unwrap(), None);
}

#[test]
fn a_moved_track_keeps_its_vector_and_takes_the_place_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let (_, mut catalogue) = store_of(folder.path(), 2);
    let stamp = FileStamp { size_bytes: 1, modified_ns: 8 };
    catalogue.commit(|writer| writer.set_place(TrackId(2), Path::new("/music/0.wav"), stamp)).unwrap();
    assert_eq!(catalogue.get(TrackId(1)).unwrap(), None);
    let moved = catalogue.get(TrackId(2)).unwrap().unwrap();
    assert_eq!((moved.file.path.as_path(), moved.file.stamp), (Path::new("/music/0.wav"), stamp));
    assert!(catalogue.vector(TrackId(2), MODEL).unwrap().is_some());
    let counts = catalogue.counts(MODEL).unwrap();
    assert_eq!((counts.embedded, counts.failed, counts.seconds), (1, 0, 60.0));
}

#[test]
fn vectors_of_other_models_go_when_the_bytes_change() {
    let folder = tempfile::tempdir().unwrap();
    let (_, mut catalogue) = store_of(folder.path(), 1);
    catalogue.commit(|writer| writer.put_embedded(&track(0), "model-b", &vector(5))).unwrap();
    assert!(catalogue.vector(TrackId(1), MODEL).unwrap().is_some(), "the same bytes: both models' vectors stand");
    let changed = NewTrack { hash: Some(ContentHash([77; 32])), ..track(0) };
    catalogue.commit(|writer| writer.put_embedded(&changed, "model-b", &vector(6))).unwrap();
    assert_eq!(catalogue.vector(TrackId(1), MODEL).unwrap(), None);
    assert_eq!(catalogue.vector(TrackId(1), "model-b").unwrap(), Some(vector(6)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..Default::default() })]

    /// Which order tracks come in does not matter to an answer.
    #[test]
    fn the_order_of_additions_does_not_matter(order in Just((0..40_u64).collect::<Vec<_>>()).prop_shuffle()) {
        let folder = tempfile::tempdir().unwrap();
        let (store, mut catalogue) = store_of(folder.path(), 0);
        catalogue
            .commit(|writer| {
                order.iter().try_for_each(|&number| writer.put_embedded(&track(number), MODEL, &vector(number)).map(|_| ()))
            })
            .unwrap();
        let searcher = store.searcher(&catalogue).unwrap().unwrap();
        let found: Vec<u64> = nearest(&searcher, 100, 10, &[])
            .iter()
            .map(|(id, _)| catalogue.get(TrackId(*id)).unwrap().unwrap().file.stamp.size_bytes)
            .collect();
        let mut expected: Vec<(u64, f32)> = (0..40)
            .map(|number| (number, vector(100).iter().zip(vector(number)).map(|(a, b)| a * b).sum()))
            .collect();
        expected.sort_by(|a, b| b.1.total_cmp(&a.1));
        let expected: Vec<u64> = expected.iter().take(10).map(|(number, _)| *number).collect();
        prop_assert_eq!(found, expected);
    }
}
