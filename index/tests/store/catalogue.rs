//! What the catalogue keeps, and for how long.

use std::collections::HashSet;
use std::path::Path;

use index::catalogue::{Opinion, Transient};
use index::{ContentHash, FileStamp, NewTrack, Passage, Store, TrackId, TrackState};

use super::{MODEL, store_of, track, vector};

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
fn a_catalogue_of_format_1_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = Store::create(&path).unwrap();
    drop(store.lock("test").unwrap());
    let connection = rusqlite::Connection::open(path.join("catalogue.sqlite")).unwrap();
    connection.execute_batch(include_str!("../fixtures/catalogue_1.sql")).unwrap();
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
fn a_catalogue_of_format_2_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = Store::create(&path).unwrap();
    let connection = rusqlite::Connection::open(path.join("catalogue.sqlite")).unwrap();
    connection.execute_batch(include_str!("../fixtures/catalogue_2.sql")).unwrap();
    drop(connection);
    let catalogue = store.catalogue().unwrap();
    assert_eq!(catalogue.get(TrackId(1)).unwrap().unwrap().file.year, Some(1999));
    assert_eq!(catalogue.passages(TrackId(1), MODEL).unwrap()[0].vector, [1.0, 0.0]);
    let changes = catalogue.changes(MODEL, 3).unwrap().unwrap();
    assert_eq!((changes.revision, changes.written, changes.removed), (4, Vec::new(), vec![TrackId(2)]));
    assert_eq!(catalogue.copies_of(TrackId(1)).unwrap(), [TrackId(4)]);
    assert_eq!(catalogue.tracks_without_search_for_copies(MODEL).unwrap(), [TrackId(1), TrackId(4)]);
    assert_eq!(catalogue.play_count().unwrap(), 0);
}

#[test]
fn a_catalogue_of_format_3_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = Store::create(&path).unwrap();
    let connection = rusqlite::Connection::open(path.join("catalogue.sqlite")).unwrap();
    connection.execute_batch(include_str!("../fixtures/catalogue_3.sql")).unwrap();
    drop(connection);
    let catalogue = store.catalogue().unwrap();
    let plays: Vec<(u64, bool)> = catalogue.plays().unwrap().iter().map(|play| (play.track.0, play.skipped)).collect();
    assert_eq!(plays, [(1, false), (4, true)]);
    assert!(catalogue.roots().unwrap().is_empty() && catalogue.models().unwrap().is_empty());
    assert!(catalogue.opinions().unwrap().is_empty() && catalogue.judges().unwrap().is_empty());
}

#[test]
fn a_catalogue_of_format_4_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = Store::create(&path).unwrap();
    let connection = rusqlite::Connection::open(path.join("catalogue.sqlite")).unwrap();
    connection.execute_batch(include_str!("../fixtures/catalogue_4.sql")).unwrap();
    drop(connection);
    let catalogue = store.catalogue().unwrap();
    // Words of what was there are found, also of a path that is not UTF-8; of what failed they are not.
    let found = |text: &str| -> Vec<u64> {
        catalogue.search_text(text, 0, 10).unwrap().1.iter().map(|record| record.id.0).collect()
    };
    assert_eq!((found("senor rock"), found("caf"), found("artist 8")), (vec![1], vec![7], vec![]));
    assert_eq!(found(""), [1, 4, 7]);
    let playlists = catalogue.playlists().unwrap();
    let told: Vec<_> = playlists.iter().map(|list| (list.id, list.tracks.len(), list.changed_at)).collect();
    assert_eq!(told, [(3, 2, None), (5, 0, None)]);
    assert!(catalogue.marks("ann").unwrap().is_empty() && catalogue.places(MODEL).unwrap().is_empty());
    drop(catalogue);
    let lock = store.lock("test").unwrap();
    let mut catalogue = store.catalogue_to_write(&lock).unwrap();
    assert_eq!(store.update_map(&mut catalogue, MODEL, &lock).unwrap(), 2);
    catalogue.commit(|writer| writer.remove(TrackId(7))).unwrap();
    assert_eq!(catalogue.search_text("caf", 0, 10).unwrap().0, 0);
    assert_eq!(catalogue.faults().unwrap(), [] as [String; 0]);
}

#[test]
fn what_listeners_say_and_put_together_is_kept_and_goes_with_its_tracks() {
    let folder = tempfile::tempdir().unwrap();
    let (_store, mut catalogue) = store_of(folder.path(), 4);
    let opinion = |query, result, is_liked| Opinion { query: TrackId(query), result: TrackId(result), is_liked };
    let [one, two, three] = [1, 2, 3].map(TrackId);
    catalogue
        .commit(|writer| {
            writer.put_opinion(opinion(1, 2, true))?;
            writer.put_opinion(opinion(1, 3, true))?;
            writer.put_opinion(opinion(1, 3, false))?;
            writer.put_playlist(Path::new("/a.m3u8"), &[one, two])?;
            writer.put_playlist(Path::new("/a.m3u8"), &[three, one, three])?;
            assert!(writer.remove_opinion(one, two)? && !writer.remove_opinion(one, two)?);
            Ok(())
        })
        .unwrap();
    assert_eq!(catalogue.opinions().unwrap(), [opinion(1, 3, false)]);
    let playlists = catalogue.playlists().unwrap();
    assert_eq!((playlists.len(), playlists[0].tracks.as_slice()), (1, [three, one, three].as_slice()));
    catalogue.commit(|writer| writer.remove(three)).unwrap();
    assert!(catalogue.opinions().unwrap().is_empty());
    assert_eq!(catalogue.playlists().unwrap()[0].tracks, [one]);
}

#[test]
fn folders_within_others_are_known_once() {
    let folder = tempfile::tempdir().unwrap();
    let (_store, mut catalogue) = store_of(folder.path(), 0);
    catalogue
        .commit(|writer| ["/a/b", "/c", "/a", "/a/d"].iter().try_for_each(|root| writer.put_root(Path::new(root))))
        .unwrap();
    assert_eq!(catalogue.roots().unwrap(), [Path::new("/a"), Path::new("/c")]);
}

#[test]
fn a_run_knows_its_steps() {
    let folder = tempfile::tempdir().unwrap();
    let (_store, mut catalogue) = store_of(folder.path(), 0);
    let run = catalogue.commit(|writer| writer.begin_run("retrain", "m")).unwrap();
    for step in ["ingest", "decide"] {
        catalogue.commit(|writer| writer.begin_step(run, step)).unwrap();
        catalogue.commit(|writer| writer.finish_step(run, "done")).unwrap();
    }
    catalogue.commit(|writer| writer.begin_step(run, "train")).unwrap();
    let steps = catalogue.run_steps(run).unwrap();
    let names: Vec<_> = steps.iter().map(|step| (step.name.as_str(), step.outcome.as_deref())).collect();
    assert_eq!(names, [("ingest", Some("done")), ("decide", Some("done")), ("train", None)]);
    assert_eq!(catalogue.runs_of("retrain").unwrap()[0].finished_at, None);
    assert_eq!(catalogue.run(run).unwrap().unwrap().command, "retrain");
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
fn records_survive_with_paths_of_any_bytes() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let (_, mut catalogue) = store_of(folder.path(), 0);
    let path = Path::new(std::ffi::OsStr::from_bytes(b"/music/caf\xe9\n.mp3"));
    let new = NewTrack { path: path.into(), ..track(3) };
    let id = catalogue.commit(|writer| writer.put_embedded(&new, MODEL, &vector(3))).unwrap();
    let record = catalogue.find_by_path(path).unwrap().unwrap();
    assert_eq!((record.id, record.file, record.state), (id, new, TrackState::Embedded));
    assert_eq!(catalogue.find_by_hash(&super::hash(3)).unwrap().len(), 1);
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
