//! Disks that are full, may not be written to, or give back something else.

use std::fs;
use std::process::Command;

use super::music::write_library;
use super::program::{Run, World};

/// Runs an ingest with the store on a file system of `kilobytes`, and gives what it says and the
/// store as it is afterwards.
fn ingest_on_a_small_disk(world: &World, kilobytes: u64) -> (Run, std::path::PathBuf) {
    let library = world.library();
    let ingest = world.command(&["ingest", library.to_str().unwrap()]);
    // In a mount namespace that ends with the command; the store is copied in and out.
    let script = "cp -a \"$STORE\" \"$STORE.before\" && mount -t tmpfs -o size=\"$SIZE\" tmpfs \"$STORE\" &&
                  cp -a \"$STORE.before/.\" \"$STORE\" && \"$@\"; code=$?; cp -a \"$STORE\" \"$STORE.after\"; exit $code";
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "sh", "-c", script, "sh"]);
    command.arg(ingest.get_program()).args(ingest.get_args());
    command.env("STORE", world.store()).env("SIZE", format!("{kilobytes}k"));
    let run = Run::of(command.output().unwrap());
    fs::remove_dir_all(world.path("store.before")).unwrap();
    (run, world.path("store.after"))
}

#[test]
fn a_disk_too_small_for_a_store() {
    let world = World::new();
    write_library(&world.library(), 2, 5.0);
    fs::create_dir(world.store()).unwrap();
    let (run, _) = ingest_on_a_small_disk(&world, 700);
    run.assert_error("o space left", Some("free some space"));
}

#[test]
fn a_disk_that_fills_up_loses_nothing_that_was_committed() {
    let world = World::new();
    write_library(&world.library(), 5, 5.0);
    world.ingest(&[]);
    let used: u64 = Command::new("du")
        .arg("-sk")
        .arg(world.store())
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).split_whitespace().next().unwrap().parse().unwrap())
        .unwrap();
    write_library(&world.library(), 200, 2.0);
    let (run, after) = ingest_on_a_small_disk(&world, used + 60);
    run.assert_error("o space left", Some("free some space"));
    // As it was left there, with space again: nothing lost, and the rest can follow.
    fs::remove_dir_all(world.store()).unwrap();
    fs::rename(after, world.store()).unwrap();
    assert!(world.status()["tracks"]["embedded"].as_u64().unwrap() >= 5);
    world.ingest(&[]);
    assert_eq!(world.status()["tracks"]["embedded"], 200);
    assert_eq!(world.status()["generation_up_to_date"], true);
}

#[test]
fn a_store_that_may_only_be_read_answers() {
    let world = World::new();
    write_library(&world.library(), 4, 5.0);
    world.ingest(&[]);
    let expected = world.run(&["query", "piece-1.wav", "--json"]);
    let library = world.library();
    for (arguments, answers) in
        [(vec!["query", "piece-1.wav", "--json"], true), (vec!["ingest", library.to_str().unwrap()], false)]
    {
        let asked = world.command(&arguments);
        let script = "mount --bind \"$STORE\" \"$STORE\" && mount -o remount,ro,bind \"$STORE\" && exec \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["--mount", "--map-root-user", "sh", "-c", script, "sh"]);
        command.arg(asked.get_program()).args(asked.get_args()).env("STORE", world.store());
        let run = Run::of(command.output().unwrap());
        if answers {
            assert_eq!((run.code, &run.stdout), (Some(0), &expected.stdout), "{run:?}");
        } else {
            run.assert_error("Read-only file system", None);
        }
    }
}

#[test]
fn a_damaged_index_is_told_of_and_repaired() {
    let world = World::new();
    write_library(&world.library(), 4, 5.0);
    world.ingest(&[]);
    let query = || world.run(&["query", "piece-1.wav", "--format", "paths"]);
    let sound = query();
    assert!(!sound.stderr.contains("warning"), "{sound:?}");
    let vectors = world.store().join("generations/000001/vectors.faiss");
    let mut bytes = fs::read(&vectors).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(&vectors, &bytes).unwrap();
    let damaged = query();
    assert_eq!((damaged.code, &damaged.stdout), (Some(0), &sound.stdout));
    assert!(damaged.stderr.starts_with("warning: ") && damaged.stderr.contains("vectors.faiss"), "{damaged:?}");
    assert!(damaged.stderr.contains("repair"), "{damaged:?}");
    assert!(world.run(&["repair"]).stdout.contains("generation  built anew"));
    assert_eq!(query().stderr, sound.stderr);
}
