//! Copies of one recording, and when they were heard.

use index::catalogue::{CopySearch, Filter, Play};
use index::copies::{CopyConfig, possible_copies};
use index::journey::journey;
use index::radio::{Radio, RadioConfig};
use index::selection::select;
use index::{Among, Catalogue, ContentHash, NewTrack, Passage, Selection, Store, TrackId};

use super::{MODEL, hash, store_of, track, vector};

fn mark(catalogue: &mut Catalogue, pairs: &[(u64, u64)]) {
    let put = |writer: &index::catalogue::Writer<'_>| {
        pairs.iter().try_for_each(|(one, other)| writer.put_copies(TrackId(*one), TrackId(*other)).map(|_| ()))
    };
    catalogue.commit(put).unwrap();
}

fn numbers(tracks: Vec<TrackId>) -> Vec<u64> {
    tracks.into_iter().map(|track| track.0).collect()
}

fn copies_of(catalogue: &Catalogue, track: u64) -> Vec<u64> {
    numbers(catalogue.copies_of(TrackId(track)).unwrap())
}

#[test]
fn copies_lead_to_each_other_until_their_bytes_change_or_they_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    let (_store, mut catalogue) = store_of(folder.path(), 8);
    mark(&mut catalogue, &[(2, 5), (6, 5), (2, 5)]);
    // The same bytes as track 6.
    let twin = NewTrack { hash: Some(hash(5)), path: "/music/twin.wav".into(), ..track(9) };
    let twin = catalogue.commit(|writer| writer.put_embedded(&twin, MODEL, &vector(5))).unwrap().0;
    assert_eq!(copies_of(&catalogue, 2), [5, 6, twin]);
    assert_eq!(copies_of(&catalogue, twin), [2, 5, 6]);
    assert_eq!(copies_of(&catalogue, 1), [0; 0]);
    let recordings = catalogue.recordings_with_copies().unwrap();
    assert_eq!(recordings.into_iter().map(numbers).collect::<Vec<_>>(), [[2, 5, 6, twin]]);

    catalogue.commit(|writer| writer.put_fingerprint(TrackId(5), &[1, u32::MAX])).unwrap();
    assert_eq!(catalogue.fingerprint(TrackId(5)).unwrap(), Some(vec![1, u32::MAX]));
    catalogue.commit(|writer| writer.set_copies_sought(TrackId(5), CopySearch::Complete)).unwrap();
    assert!(!catalogue.tracks_without_search_for_copies(MODEL).unwrap().contains(&TrackId(5)));
    // Written again with the same bytes, it is the same recording; with others, nobody knows.
    catalogue.commit(|writer| writer.put_embedded(&track(4), MODEL, &vector(4))).unwrap();
    assert_eq!(copies_of(&catalogue, 5), [2, 6, twin]);
    let changed = NewTrack { hash: Some(ContentHash([77; 32])), ..track(4) };
    catalogue.commit(|writer| writer.put_embedded(&changed, MODEL, &vector(4))).unwrap();
    assert_eq!(copies_of(&catalogue, 5), [0; 0]);
    assert_eq!(copies_of(&catalogue, 6), [twin]);
    assert_eq!(catalogue.fingerprint(TrackId(5)).unwrap(), None);
    assert!(catalogue.tracks_without_search_for_copies(MODEL).unwrap().contains(&TrackId(5)));

    mark(&mut catalogue, &[(1, 3)]);
    catalogue.commit(|writer| writer.remove(TrackId(3))).unwrap();
    assert_eq!(copies_of(&catalogue, 1), [0; 0]);
}

#[test]
fn a_recording_is_listed_once_whatever_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let (store, mut catalogue) = store_of(folder.path(), 40);
    let searcher = store.searcher(&catalogue).unwrap().unwrap();
    let query = vector(0);
    let answers = |catalogue: &Catalogue, count, lists_copies| {
        let selection = Selection { count, excluded: [TrackId(1)].into(), lists_copies, ..Selection::default() };
        let ranking = searcher.ranking(MODEL, &query, Among::default(), count).unwrap();
        select(catalogue, ranking, MODEL, &query, &selection).unwrap()
    };
    let of = |answers: &[index::Answer]| answers.iter().map(|answer| answer.record.id.0).collect::<Vec<_>>();
    let all = of(&answers(&catalogue, 39, false));
    // The second, the fourth and the last in the order of similarity are one recording.
    mark(&mut catalogue, &[(all[1], all[3]), (all[3], all[38])]);
    let once = answers(&catalogue, 39, false);
    let expected: Vec<u64> =
        all.iter().enumerate().filter(|(rank, _)| ![3, 38].contains(rank)).map(|(_, id)| *id).collect();
    assert_eq!(of(&once), expected);
    let mut copies = numbers(once[1].copies.clone());
    copies.sort_unstable();
    let mut expected_copies = [all[3], all[38]];
    expected_copies.sort_unstable();
    assert_eq!(copies, expected_copies);
    assert!(once[0].copies.is_empty());
    // There are as many as were asked for, though some stand for several.
    assert_eq!(answers(&catalogue, 5, false).len(), 5);
    assert_eq!(of(&answers(&catalogue, 39, true)), all);

    let beginning = (query.clone(), [TrackId(1)].into(), None);
    let radio = Radio::new(&catalogue, &searcher, RadioConfig::default(), Among::default(), beginning);
    let played: Vec<u64> = radio.map(|record| record.unwrap().id.0).collect();
    assert_eq!(played.len(), 37);
    assert_eq!(played.iter().filter(|played| [all[1], all[3], all[38]].contains(played)).count(), 1);

    // A copy of an end is no stop on the way.
    mark(&mut catalogue, &[(1, all[0])]);
    let end = TrackId(all[20]);
    let to = catalogue.vector(end, MODEL).unwrap().unwrap();
    let way = numbers(journey(&catalogue, &searcher, [(TrackId(1), &query), (end, &to)], 40).unwrap());
    assert!(!way.contains(&all[0]));
    assert_eq!(way.iter().filter(|stop| [all[1], all[3], all[38]].contains(stop)).count(), 1);
}

#[test]
fn what_may_be_a_copy_is_as_long_and_alike_in_all_its_passages() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(&folder.path().join("store")).unwrap();
    let lock = store.lock("test").unwrap();
    let mut catalogue = store.catalogue_to_write(&lock).unwrap();
    let of = |number: u64, seconds| NewTrack { duration_seconds: seconds, ..track(number) };
    let passages = |numbers: [u64; 2]| {
        let passage =
            |(place, number): (usize, &u64)| Passage { start_seconds: place as f32 * 10.0, vector: vector(*number) };
        numbers.iter().enumerate().map(passage).collect::<Vec<_>>()
    };
    let tracks = [
        (of(0, Some(60.0)), passages([1, 2])),
        (of(1, Some(61.0)), passages([1, 2])),
        (of(2, Some(70.0)), passages([1, 2])),
        (of(3, Some(60.0)), passages([1, 9])),
        (of(4, None), passages([1, 2])),
        (of(5, Some(60.0)), Vec::new()),
        (NewTrack { hash: Some(hash(0)), ..of(6, Some(60.0)) }, passages([1, 2])),
    ];
    catalogue
        .commit(|writer| {
            writer.set_serving_model(MODEL)?;
            for (track, passages) in &tracks {
                let id = writer.put_embedded(track, MODEL, &vector(1))?;
                writer.put_passages(id, MODEL, passages)?;
            }
            writer.put_embedded(&of(7, Some(60.0)), MODEL, &vector(5)).map(|_| ())
        })
        .unwrap();
    store.publish(&mut catalogue, MODEL, &lock).unwrap();
    let searcher = store.searcher(&catalogue).unwrap().unwrap();
    let possible =
        |track| numbers(possible_copies(&catalogue, &searcher, TrackId(track), &CopyConfig::default()).unwrap());
    // Not one that is longer, one with another passage, of unknown length, without passages, of the same bytes, or another.
    assert_eq!(possible(1), [2]);
    let mut of_second = possible(2);
    of_second.sort_unstable();
    assert_eq!(of_second, [1, 7]);
    for none in [3, 4, 5, 6, 8] {
        assert_eq!(possible(none), [0; 0], "track {none}");
    }
}

#[test]
fn what_was_heard_lately_can_be_left_out_with_its_copies() {
    let folder = tempfile::tempdir().unwrap();
    let (_store, mut catalogue) = store_of(folder.path(), 7);
    // By two steps: 1 is a copy of 7.
    mark(&mut catalogue, &[(1, 2), (1, 7), (3, 4)]);
    let play = |track, at| Play { track: TrackId(track), at, skipped: track == 5 };
    let plays = [play(2, 100), play(3, 200), play(5, 300), play(2, 100), play(2, 50)];
    let new: usize = catalogue
        .commit(|writer| plays.iter().try_fold(0, |new, play| Ok(new + usize::from(writer.put_play(*play)?))))
        .unwrap();
    assert_eq!((new, catalogue.play_count().unwrap()), (4, 4));
    let left = |since| {
        let filter = Filter { not_heard_since: Some(since), ..Filter::default() };
        let set = catalogue.matching(&filter).unwrap().unwrap();
        (1..=7).filter(|number| set.contains(TrackId(*number))).collect::<Vec<u64>>()
    };
    assert_eq!(left(0), [6]);
    assert_eq!(left(101), [1, 2, 6, 7]);
    assert_eq!(left(300), [1, 2, 3, 4, 6, 7]);
    assert_eq!(left(301), [1, 2, 3, 4, 5, 6, 7]);
    catalogue.commit(|writer| writer.remove(TrackId(2))).unwrap();
    assert_eq!(catalogue.play_count().unwrap(), 2);
}
