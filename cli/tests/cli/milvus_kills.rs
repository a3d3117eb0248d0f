//! Nothing is lost, nothing is twice, and nothing of another state is found in a collection: after kills of the program and of
//! the server, and where a backup of the store was put back.
#![allow(clippy::print_stdout, reason = "what was measured is printed")]

use std::collections::HashSet;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use index::catalogue::Writer;
use index::{Catalogue, FileStamp, IndexConfig, NewTrack, Searcher, Store, TrackId};

use super::milvus::copy;
use super::milvus_server::MilvusServer;
use super::program::World;

const MODEL: &str = "model-a";

/// What fails where a collection has not what was put into it.
const FILLING: &str = "filling a collection";
const DIMENSION: u64 = 16;

fn vector(number: u64) -> Vec<f32> {
    let values = (0..DIMENSION).map(|place| ((number * 31 + place * 17) as f32 * 0.61).sin()).collect();
    index::unit(values).unwrap()
}

fn track(number: u64) -> NewTrack {
    NewTrack {
        path: format!("/music/{number}.wav").into(),
        stamp: FileStamp { size_bytes: number, modified_ns: 7 },
        hash: None,
        artist: None,
        title: None,
        album: None,
        genre: None,
        year: None,
        duration_seconds: None,
    }
}

fn put(writer: &Writer<'_>, tracks: std::ops::Range<u64>, shift: u64) -> index::catalogue::Written {
    tracks
        .into_iter()
        .try_for_each(|number| writer.put_embedded(&track(number), MODEL, &vector(number + shift)).map(|_| ()))
}

/// Every vector of the catalogue is found once, by what it is now, and nothing else is there.
fn assert_whole(store: &Store, catalogue: &Catalogue, what: &str) {
    let searcher = patiently(|| store.searcher(catalogue), what).unwrap();
    let exact = Searcher::from_catalogue(catalogue, MODEL).unwrap().unwrap();
    let none = HashSet::new();
    let numbers: Vec<u64> = (0..12_000).step_by(371).chain([9_999, 10_000, 39_999, 100_700]).collect();
    let mut hits = 0;
    for number in &numbers {
        let query = vector(*number + 5);
        let found = patiently(|| searcher.nearest(MODEL, &query, 30, &none), what);
        let expected = exact.nearest(MODEL, &query, 30, &none).unwrap();
        let ids: HashSet<TrackId> = found.iter().map(|found| found.track).collect();
        assert_eq!(ids.len(), 30, "{what}: nothing twice");
        hits += expected.iter().filter(|expected| ids.contains(&expected.track)).count();
        for found in found {
            let vector = catalogue.vector(found.track, MODEL).unwrap();
            let vector = vector.unwrap_or_else(|| panic!("{what}: {} is gone and was found", found.track));
            assert!((index::cosine(&vector, &query) - found.score).abs() < 1e-4, "{what}: an old vector was found");
        }
    }
    // The lists that are looked through miss a few of many.
    assert!(hits * 100 >= numbers.len() * 30 * 98, "{what}: {hits} of {}", numbers.len() * 30);
}

/// Once more until a server that has just been started answers.
fn patiently<T>(ask: impl Fn() -> index::Result<T>, what: &str) -> T {
    let begun = Instant::now();
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(index::Error::Milvus { reason, .. }) => {
                assert!(begun.elapsed() < Duration::from_secs(180), "{what}: {reason}");
                std::thread::sleep(Duration::from_millis(500));
            }
            Err(error) => panic!("{what}: {error}"),
        }
    }
}

/// Publishes, and kills the server meanwhile; whether it was in time.
fn publish_and_kill(store: &Store, catalogue: &mut Catalogue, server: &mut MilvusServer, after: Duration) -> bool {
    let lock = store.lock("test").unwrap();
    std::thread::scope(|scope| {
        let publishing = scope.spawn(|| store.publish(catalogue, MODEL, &lock));
        std::thread::sleep(after);
        server.kill();
        matches!(publishing.join().unwrap(), Err(index::Error::Milvus { .. }))
    })
}

/// A store of so many tracks that the server is to serve, and nothing published of it yet.
fn store_to_fill(server: &MilvusServer, path: &Path, tracks: u64) -> (Store, Catalogue) {
    server.serves(path);
    let store = Store::create(path).unwrap();
    let lock = store.lock("test").unwrap();
    let mut catalogue = store.catalogue_to_write(&lock).unwrap();
    let config = IndexConfig { exact_up_to: 1000, queries: 50, ..IndexConfig::default() };
    let begin = |writer: &Writer<'_>| {
        writer.set_serving_model(MODEL)?;
        writer.set_hub_weight(0.0)?;
        writer.set_index_config(&config)?;
        put(writer, 0..tracks, 0)
    };
    catalogue.commit(begin).unwrap();
    drop(lock);
    (store, catalogue)
}

/// Writes some tracks again, some new ones, and removes some; another part of them each time.
fn change(catalogue: &mut Catalogue, round: u64) {
    let change = |writer: &Writer<'_>| {
        put(writer, 1000 * round..1000 * round + 3000, 3 * round)?;
        put(writer, 100_000 + 500 * round..100_500 + 500 * round, 0)?;
        (9000 - 100 * round..9100 - 100 * round).try_for_each(|number| writer.remove(TrackId(number)))
    };
    catalogue.commit(change).unwrap();
}

/// Runs a command and kills it, a little later each time, until it has come to its end; gives how often.
fn killed_until_done(world: &World, command: &[&str], step: Duration) -> u32 {
    for killed in 0.. {
        let mut program = world.command(command).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(step * (killed + 2));
        if let Some(ended) = program.try_wait().unwrap() {
            assert!(ended.success(), "what was begun could not be gone on with: {ended}");
            return killed;
        }
        program.kill().unwrap(); // SIGKILL
        program.wait().unwrap();
    }
    unreachable!()
}

pub fn a_killed_program_goes_on_with_what_it_began(server: &MilvusServer) {
    let world = World::new();
    // More than are put in together.
    let (store, mut catalogue) = store_to_fill(server, &world.store(), 40_000);
    let filling = killed_until_done(&world, &["repair"], Duration::from_millis(150));
    assert_whole(&store, &catalogue, "killed while it filled a collection");
    let mut changing = 0;
    for round in 1..3 {
        change(&mut catalogue, round);
        let track = format!("/music/{}.wav", 20_000 + round);
        let remove = ["remove", &track];
        for wait in 2..8 {
            let mut program = world.command(&remove).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(40 * wait));
            changing += u32::from(program.try_wait().unwrap().is_none());
            program.kill().unwrap(); // SIGKILL
            program.wait().unwrap();
            assert_whole(&store, &catalogue, &format!("killed in round {round} after {} ms", 40 * wait));
        }
        // What is removed already is no failure of the index.
        world.run(&remove);
        store.publish(&mut catalogue, MODEL, &store.lock("test").unwrap()).unwrap();
        assert_whole(&store, &catalogue, &format!("changed in round {round}"));
    }
    let repair = store.repair(&store.lock("test").unwrap()).unwrap();
    assert!(repair.is_needless(), "as many as there are, none twice: {repair:?}");
    println!(
        "the program killed {filling} times while it filled a collection, {changing} times while it changed one: nothing \
         lost, nothing twice"
    );
    assert!(filling >= 3 && changing >= 3, "{filling}, {changing}");
}

pub fn a_backup_that_is_put_back_is_not_searched_in_what_came_after_it(server: &MilvusServer) {
    let folder = tempfile::tempdir().unwrap();
    let [path, backup, other] = ["store", "backup", "other"].map(|name| folder.path().join(name));
    let (store, mut catalogue) = store_to_fill(server, &path, 2000);
    let publish = |store: &Store, catalogue: &mut Catalogue| {
        store.publish(catalogue, MODEL, &store.lock("test").unwrap()).unwrap();
    };
    publish(&store, &mut catalogue);
    assert_whole(&store, &catalogue, "before the backup");
    copy(&path, &backup);
    // As many tracks as before, with other vectors.
    catalogue.commit(|writer| put(writer, 0..500, 9)).unwrap();
    publish(&store, &mut catalogue);
    assert_whole(&store, &catalogue, "after the backup");
    drop((store, catalogue));
    std::fs::remove_dir_all(&path).unwrap();
    copy(&backup, &path);
    let store = Store::open(&path).unwrap();
    let mut catalogue = store.catalogue_to_write(&store.lock("test").unwrap()).unwrap();
    let searcher = store.searcher(&catalogue).unwrap().unwrap();
    let refused = searcher.nearest(MODEL, &vector(3), 10, &HashSet::new()).unwrap_err();
    assert!(refused.to_string().contains("another store has changed it"), "{refused}");
    assert!(!store.repair(&store.lock("test").unwrap()).unwrap().is_needless());
    assert_whole(&store, &catalogue, "put back and repaired");
    // A copy that is given another name of its collections leaves those of the first alone.
    copy(&path, &other);
    let config = std::fs::read_to_string(other.join("config.toml")).unwrap();
    std::fs::write(other.join("config.toml"), config + "collection = \"others\"\n").unwrap();
    let copied = Store::open(&other).unwrap();
    let mut of_copy = copied.catalogue_to_write(&copied.lock("test").unwrap()).unwrap();
    of_copy.commit(|writer| put(writer, 500..900, 4)).unwrap();
    publish(&copied, &mut of_copy);
    assert_whole(&copied, &of_copy, "the copy");
    publish(&store, &mut catalogue);
    assert_whole(&store, &catalogue, "what was copied");
}

pub fn a_killed_server_loses_nothing(server: &mut MilvusServer) {
    let folder = tempfile::tempdir().unwrap();
    let (store, mut catalogue) = store_to_fill(server, &folder.path().join("store"), 10_000);
    let mut killed = 0;
    // While the collection is filled, and then while it is changed; later where that was too late or too early.
    for round in 0..4_u64 {
        if round > 1 && killed > 1 {
            break;
        }
        if round > 0 {
            change(&mut catalogue, round);
        }
        let what = format!("round {round}");
        killed += usize::from(publish_and_kill(&store, &mut catalogue, server, Duration::from_millis(60 + 40 * round)));
        let begun = Instant::now();
        server.restart();
        if round > 0 {
            // What was half done is searched as if it were not there.
            assert_whole(&store, &catalogue, &format!("{what}, before it is repaired"));
        }
        println!("{what}: answers {:.0} s after it was started again", begun.elapsed().as_secs_f64());
        let lock = store.lock("test").unwrap();
        let begun = Instant::now();
        while let Err(error) = store.publish(&mut catalogue, MODEL, &lock) {
            let is_not_up = matches!(&error, index::Error::Milvus { operation, .. } if *operation != FILLING);
            assert!(is_not_up, "{what}: {error}");
            assert!(begun.elapsed() < Duration::from_secs(180), "{what}: {error}");
        }
        assert_eq!(store.changes_since_current(&catalogue).unwrap(), Some(0), "{what}");
        assert_whole(&store, &catalogue, &what);
        let repair = store.repair(&lock).unwrap();
        assert!(repair.is_needless(), "{what}: as many as there are, none twice: {repair:?}");
    }
    println!("killed {killed} times while it was written to: nothing lost, nothing twice");
    assert!(killed >= 2, "{killed}");
}
