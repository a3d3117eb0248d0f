//! Killed in the middle of an ingest, nothing committed is lost and nothing is done twice.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::music::write_library;
use super::program::{World, path_of};

/// Enough for several commits, of which there is one a second or every 64 tracks.
const TRACKS: u64 = 200;
const SECONDS: f64 = 15.0;

/// Paths and vectors committed until now; empty before the catalogue is there.
fn committed(world: &World) -> BTreeMap<String, Vec<u8>> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let Ok(connection) = rusqlite::Connection::open_with_flags(world.store().join("catalogue.sqlite"), flags) else {
        return BTreeMap::new();
    };
    let sql = "SELECT path, vector FROM tracks JOIN vectors ON track_id = id";
    let Ok(mut statement) = connection.prepare(sql) else { return BTreeMap::new() };
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

fn revision(world: &World) -> i64 {
    let connection = rusqlite::Connection::open(world.store().join("catalogue.sqlite")).unwrap();
    let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    connection.query_row("SELECT revision FROM revisions", [], |row| row.get(0)).unwrap()
}

/// Ingests with one worker until more than `tracks` are committed, then kills.
fn ingest_and_kill(world: &World, tracks: usize) {
    let library = world.library();
    let mut child = world
        .command(&["ingest", library.to_str().unwrap(), "--jobs", "1", "--quiet"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    while committed(world).len() <= tracks {
        assert!(Instant::now() < deadline, "nothing was committed in two minutes");
        std::thread::yield_now();
    }
    child.kill().unwrap(); // SIGKILL
    child.wait().unwrap();
}

#[test]
fn kill_in_the_middle_twice_then_again() {
    let world = World::new();
    write_library(&world.library(), TRACKS, SECONDS);
    ingest_and_kill(&world, 0);
    let first = committed(&world);
    ingest_and_kill(&world, first.len());
    let before = committed(&world);
    assert!(before.len() > first.len() && before.len() < TRACKS as usize, "{} of {TRACKS} committed", before.len());
    // Before anything is repaired, a query already answers from what was committed.
    let known = before.keys().next().unwrap();
    assert_eq!(world.query(known.as_ref()).len(), (before.len() - 1).min(10));

    let summary = world.ingest(&[]);
    assert_eq!(summary["unchanged"], before.len());
    assert_eq!(summary["added"], TRACKS as usize - before.len());
    let after = committed(&world);
    assert_eq!(after.len(), TRACKS as usize);
    assert!(before.iter().all(|(path, vector)| after[path] == *vector));
    assert_eq!(revision(&world), TRACKS as i64, "each vector was written once");

    let answers = |world: &World| {
        let answers = world.query(&world.library().join("piece-5.wav"));
        let answer = |answer: &serde_json::Value| {
            (path_of(answer).file_name().unwrap().to_owned(), answer["similarity"].clone())
        };
        answers.iter().map(answer).collect::<Vec<_>>()
    };
    let disturbed = answers(&world);
    let undisturbed = World::new();
    std::fs::rename(world.library(), undisturbed.library()).unwrap();
    undisturbed.ingest(&[]);
    assert_eq!(disturbed, answers(&undisturbed));
}
