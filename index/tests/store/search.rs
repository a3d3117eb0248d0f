//! What is found, against brute force.

use std::collections::HashSet;

use index::catalogue::{Bounds, Filter};
use index::journey::journey;
use index::radio::{Radio, RadioConfig};
use index::{Among, Catalogue, Error, NewTrack, Searcher, TrackId};
use proptest::prelude::*;

use super::{MODEL, lists, nearest, store_of, track, vector};

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
                let ranking = searcher.ranking(MODEL, &vector(query), among.clone().into(), count).unwrap();
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
        let radio = Radio::new(&catalogue, &searcher, config, Among::default(), beginning);
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
    // Taken up again after ten tracks, it goes on as if it had never ended.
    let beginning = (vector(0), HashSet::from([TrackId(1)]), Some("artist 0".to_owned()));
    let mut radio = Radio::new(
        &catalogue,
        &searcher,
        RadioConfig { seed: 1, ..RadioConfig::default() },
        Among::default(),
        beginning,
    );
    for (track, _) in &played[..10] {
        radio.go_on_from(&catalogue.get(TrackId(*track)).unwrap().unwrap()).unwrap();
    }
    let rest: Vec<u64> = radio.map(|record| record.unwrap().id.0).collect();
    assert_eq!(rest, played[10..].iter().map(|(track, _)| *track).collect::<Vec<_>>());
    // Of one artist alone, where that is asked for.
    let of_one = Filter { artists: vec!["artist 2".into()], ..Filter::default() };
    let of_one = searcher.among(&catalogue, &of_one).unwrap();
    let beginning = (vector(2), HashSet::from([TrackId(3)]), Some("artist 2".to_owned()));
    let radio = Radio::new(&catalogue, &searcher, RadioConfig::default(), of_one, beginning);
    assert_eq!(radio.count(), 11);
    // Who does not drift stays near the beginning for longer.
    let near = |played: &[(u64, Option<String>)]| -> f32 {
        let cosine = |track: u64| -> f32 { vector(0).iter().zip(vector(track - 1)).map(|(a, b)| a * b).sum() };
        played.iter().take(20).map(|(track, _)| cosine(*track)).sum()
    };
    let mean = |drift| (0..10).map(|seed| near(&play(seed, drift))).sum::<f32>();
    assert!(mean(0.0) > mean(1.0) + 5.0, "{} and {}", mean(0.0), mean(1.0));
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
