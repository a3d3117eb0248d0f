//! Ingest takes up what changed and nothing else.

use std::fs;

use super::music::{piece, write_library};
use super::program::{World, path_of};

#[test]
fn tracks_are_forgotten_and_their_space_given_back() {
    let world = World::new();
    write_library(&world.library(), 6, 5.0);
    world.ingest(&[]);
    let all = world.query(&world.library().join("piece-4.wav"));
    let number = all.iter().find(|answer| path_of(answer).ends_with("piece-2.wav")).unwrap()["track"].to_string();
    let removed = world.run(&["remove", "piece-1.wav", &number]);
    assert_eq!(removed.code, Some(0), "{removed:?}");
    let answers = world.query(&world.library().join("piece-4.wav"));
    assert_eq!(answers.len(), 3);
    assert!(answers.iter().all(|answer| !path_of(answer).ends_with("piece-1.wav")));
    assert!(world.library().join("piece-1.wav").exists());
    // A file that is named alike is another one.
    piece(9, 5.0, 22_050).write(&world.path("piece-3.wav"));
    let elsewhere = world.command(&["remove", "piece-3.wav"]).current_dir(world.path("")).output().unwrap();
    let stderr = String::from_utf8_lossy(&elsewhere.stderr);
    assert!(elsewhere.status.code() == Some(2) && stderr.contains("no such track"), "{stderr}");
    world.run(&["remove", "piece-0.wav", "nothing"]).assert_error("no such track", Some("its number"));
    assert_eq!(world.status()["tracks"]["embedded"], 4, "all or none");
    let generation = world.status()["generation"].as_u64();
    let compacted = world.run(&["compact"]);
    assert!(compacted.stdout.contains("MiB now"), "{compacted:?}");
    assert!(world.status()["generation"].as_u64() > generation);
    assert_eq!(fs::read_dir(world.store().join("generations")).unwrap().count(), 1, "the one that serves");
    assert_eq!(world.query(&world.library().join("piece-4.wav")), answers);
    world.ingest(&[]);
    assert_eq!(world.status()["tracks"]["embedded"], 6, "its folder was ingested again");
}

#[test]
fn what_an_older_program_took_in_gets_its_passages_when_asked_to() {
    let world = World::new();
    write_library(&world.library(), 3, 5.0);
    world.ingest(&[]);
    let connection = rusqlite::Connection::open(world.store().join("catalogue.sqlite")).unwrap();
    connection.execute("DELETE FROM passages WHERE track_id < 3", []).unwrap();
    drop(connection);
    let named = |name: &str| world.run(&["query", name, "--explain", "--json"]);
    let number = |code| (0..3).filter(|piece| named(&format!("piece-{piece}.wav")).code == Some(code)).count();
    assert_eq!((number(0), number(2)), (1, 2));
    assert_eq!(world.ingest(&[])["unchanged"], 3);
    assert_eq!(number(2), 2, "nobody asked");
    let summary = world.ingest(&["--reembed"]);
    assert_eq!((&summary["changed"], &summary["unchanged"]), (&2.into(), &1.into()));
    assert_eq!(number(0), 3);
}

#[test]
fn a_second_run_finds_nothing_to_do() {
    let world = World::new();
    write_library(&world.library(), 5, 5.0);
    let first = world.ingest(&[]);
    assert_eq!((first["added"].as_u64(), first["failed"].as_u64()), (Some(5), Some(0)));
    let second = world.ingest(&[]);
    assert_eq!((second["unchanged"].as_u64(), second["added"].as_u64()), (Some(5), Some(0)));
    assert_eq!(second["music_seconds"], 0.0, "nothing was decoded");
    assert_eq!(world.status()["generation"], 1, "nothing was published");
}

#[test]
fn changed_touched_moved_new_and_deleted_files_are_told_apart() {
    let world = World::new();
    let library = world.library();
    write_library(&library, 6, 5.0);
    world.ingest(&[]);
    let before = world.query(&library.join("piece-3.wav"));
    piece(20, 6.0, 22_050).write(&library.join("piece-0.wav"));
    fs::File::options()
        .append(true)
        .open(library.join("piece-1.wav"))
        .unwrap()
        .set_modified(std::time::UNIX_EPOCH)
        .unwrap();
    fs::create_dir(library.join("moved")).unwrap();
    fs::rename(library.join("piece-2.wav"), library.join("moved/renamed.wav")).unwrap();
    fs::remove_file(library.join("piece-4.wav")).unwrap();
    piece(21, 5.0, 22_050).write(&library.join("new.wav"));
    let summary = world.ingest(&[]);
    let of = |key: &str| summary[key].as_u64().unwrap();
    let counts = ["changed", "unchanged", "moved", "added", "missing", "pruned"].map(of);
    assert_eq!(counts, [1, 3, 1, 1, 1, 0], "{summary}");
    let answers = world.query(&library.join("piece-3.wav"));
    assert!(answers.iter().any(|answer| path_of(answer).ends_with("moved/renamed.wav")));
    assert!(!answers.iter().any(|answer| path_of(answer).ends_with("piece-2.wav")));
    // The moved track is the one that was there before.
    let id = |answers: &[serde_json::Value], name: &str| {
        answers.iter().find(|answer| path_of(answer).ends_with(name)).map(|answer| answer["track"].clone())
    };
    assert_eq!(id(&before, "piece-2.wav"), id(&answers, "renamed.wav"));
    assert!(id(&answers, "piece-4.wav").is_some(), "kept until --prune");
    let pruned = world.ingest(&["--prune"]);
    assert_eq!(pruned["pruned"], 1);
    assert!(id(&world.query(&library.join("piece-3.wav")), "piece-4.wav").is_none());
    assert_eq!(world.status()["tracks"]["embedded"], 6);
}

#[test]
fn a_copy_is_a_track_of_its_own() {
    let world = World::new();
    let library = world.library();
    write_library(&library, 3, 5.0);
    world.ingest(&[]);
    fs::copy(library.join("piece-0.wav"), library.join("copy.wav")).unwrap();
    let summary = world.ingest(&[]);
    assert_eq!((summary["added"].as_u64(), summary["moved"].as_u64()), (Some(1), Some(0)), "{summary}");
    let answers = world.query(&library.join("piece-1.wav"));
    assert_eq!(answers.len(), 2, "listed once");
    assert_eq!(world.status()["tracks"]["embedded"], 4);
    // Asked with, both are the query itself.
    let answers = world.query(&library.join("piece-0.wav"));
    assert_eq!(answers.len(), 2, "{answers:?}");
}

#[test]
fn a_bad_file_is_counted_kept_and_not_tried_again() {
    let world = World::new();
    let library = world.library();
    write_library(&library, 2, 5.0);
    fs::write(library.join("bad.wav"), "no audio at all").unwrap();
    let first = world.ingest(&[]);
    assert_eq!((first["added"].as_u64(), first["failed"].as_u64()), (Some(2), Some(1)));
    let failure = &first["failures"][0];
    assert!(failure["path"].as_str().unwrap().ends_with("bad.wav"), "{first}");
    assert!(failure["reason"].as_str().unwrap().contains("not an audio file"), "{first}");
    let second = world.ingest(&[]);
    assert_eq!((second["failed"].as_u64(), second["failed_before"].as_u64()), (Some(0), Some(1)));
    let again = world.ingest(&["--retry-failed"]);
    assert_eq!((again["failed"].as_u64(), again["failed_before"].as_u64()), (Some(1), Some(0)));
    assert_eq!(world.status()["failures"].as_array().unwrap().len(), 1);
    let strict = world.run(&["ingest", library.to_str().unwrap(), "--strict"]);
    strict.assert_error("1 file could not be used", None);
    piece(7, 5.0, 22_050).write(&library.join("bad.wav"));
    assert_eq!(world.ingest(&[])["changed"], 1);
    assert_eq!(world.status()["tracks"]["failed"], 0);
}

#[test]
fn names_of_any_bytes_and_single_files_are_taken() {
    use std::os::unix::ffi::OsStrExt;
    let world = World::new();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9\nnoir.wav");
    piece(0, 5.0, 22_050).write(&world.library().join(name));
    piece(1, 5.0, 22_050).write(&world.path("elsewhere.wav"));
    let single = world.path("elsewhere.wav");
    assert_eq!(world.ingest(&[single.to_str().unwrap()])["added"], 2);
    let answers = world.run(&["query", single.to_str().unwrap(), "--format", "paths"]);
    assert_eq!(answers.stdout.matches("caf").count(), 1, "{answers:?}");
}

#[test]
fn jobs_do_not_change_vectors() {
    let world = World::new();
    write_library(&world.library(), 8, 5.0);
    world.ingest(&["--jobs", "1"]);
    let other = World::new();
    write_library(&other.library(), 8, 5.0);
    other.ingest(&["--jobs", "4"]);
    let similarities = |world: &World| {
        let answers = world.query(&world.library().join("piece-0.wav"));
        answers
            .iter()
            .map(|answer| (path_of(answer).file_name().unwrap().to_owned(), answer["similarity"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(similarities(&world), similarities(&other));
}

#[test]
fn prune_keeps_what_is_only_out_of_sight() {
    let world = World::new();
    let library = world.library();
    write_library(&library, 2, 5.0);
    let disk = world.path("disk");
    write_library(&disk, 3, 5.0);
    piece(9, 5.0, 22_050).write(&library.join("take.bak"));
    let single = library.join("take.bak").display().to_string();
    let disk_name = disk.display().to_string();
    assert_eq!(world.ingest(&[&disk_name, &single])["added"], 6);
    fs::remove_dir_all(&disk).unwrap();
    fs::create_dir(&disk).unwrap(); // as a disk that is not mounted
    let pruned = world.ingest(&[&disk_name, "--prune"]);
    assert_eq!(pruned["pruned"], 0, "{pruned}");
    assert_eq!(world.status()["tracks"]["embedded"], 6);
}

#[test]
fn what_is_gone_behind_a_link_is_pruned() {
    let world = World::new();
    let library = world.library();
    write_library(&library, 1, 5.0);
    write_library(&world.path("elsewhere"), 3, 5.0);
    std::os::unix::fs::symlink(world.path("elsewhere"), library.join("linked")).unwrap();
    world.ingest(&[]);
    fs::remove_file(world.path("elsewhere/piece-2.wav")).unwrap();
    assert_eq!(world.ingest(&["--prune"])["pruned"], 1);
}
