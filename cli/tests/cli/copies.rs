//! Copies of one recording, and what was heard.

use std::path::{Path, PathBuf};

use super::music::{piece, write_library, write_wav};
use super::program::{World, path_of};

/// Six pieces; of the first, a quieter copy at another sample rate with half a second of silence before it, and one of
/// the same bytes.
fn world() -> World {
    let world = World::new();
    write_library(&world.library(), 6, 30.0);
    write_quiet_copy(&world.library().join("quiet.wav"));
    std::fs::copy(world.library().join("piece-0.wav"), world.library().join("same.wav")).unwrap();
    world
}

fn write_quiet_copy(path: &Path) {
    let quiet = piece(0, 30.0, 44_100).mono().into_iter().map(|sample| 0.4 * sample);
    let samples: Vec<f32> = std::iter::repeat_n(0.0, 22_050).chain(quiet).collect();
    write_wav(path, &samples, 1, 44_100, 24);
}

fn names<'a>(tracks: impl IntoIterator<Item = &'a serde_json::Value>) -> Vec<String> {
    let name = |track| path_of(track).file_name().unwrap().to_string_lossy().into_owned();
    let mut names: Vec<String> = tracks.into_iter().map(name).collect();
    names.sort();
    names
}

#[test]
fn a_recording_is_listed_once_and_its_copies_are_told() {
    let world = world();
    let none = world.run(&["duplicates"]);
    none.assert_error("no store at", Some("ingest"));
    assert_eq!(world.ingest(&[])["copies"], 2, "the quiet one is like each of those with the same bytes");
    let copies = ["piece-0.wav", "quiet.wav", "same.wav"];
    let duplicates = world.run(&["duplicates", "--json"]).json();
    assert_eq!(duplicates.as_array().unwrap().len(), 1);
    assert_eq!(names(duplicates[0].as_array().unwrap()), copies);
    let text = world.run(&["duplicates"]).stdout;
    assert!(text.ends_with("1 recording in 3 files\n") && text.lines().count() == 5, "{text}");

    let query = |name: &str, more: &[&str]| {
        let file = world.library().join(name).display().to_string();
        world.run(&[&["query", &file, "--json"], more].concat()).json().as_array().unwrap().clone()
    };
    let found = query("piece-1.wav", &[]);
    assert_eq!(found.len(), 5, "{found:?}");
    let of_copies = found.iter().find(|track| copies.contains(&names([*track])[0].as_str())).unwrap();
    assert_eq!(names(of_copies["copies"].as_array().unwrap().iter().chain([of_copies])), copies);
    assert_eq!(query("piece-1.wav", &["--copies"]).len(), 7);
    // What is asked with is no answer, in none of its copies.
    assert_eq!(
        names(&query("quiet.wav", &[])),
        ["piece-1.wav", "piece-2.wav", "piece-3.wav", "piece-4.wav", "piece-5.wav"]
    );
    let table = world.run(&["query", "piece-1.wav"]).stdout;
    let header: Vec<&str> = table.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(header, ["similarity", "artist", "title", "copies", "path"]);
    let radio = world.run(&["radio", "piece-1.wav", "--format", "json"]).json();
    assert_eq!(radio.as_array().unwrap().len(), 5);

    assert_eq!(world.ingest(&[])["copies"], 0);
    // With other music in its place, it is a copy no more.
    piece(9, 30.0, 22_050).write(&world.library().join("quiet.wav"));
    world.ingest(&[]);
    let duplicates = world.run(&["duplicates", "--json"]).json();
    assert_eq!(names(duplicates[0].as_array().unwrap()), ["piece-0.wav", "same.wav"]);
    assert_eq!(world.run(&["remove", "same.wav"]).code, Some(0));
    let none = world.run(&["duplicates", "--json"]);
    assert_eq!((none.code, none.stdout.as_str()), (Some(1), "[]\n"));
}

#[test]
fn a_copy_that_comes_later_is_found() {
    let world = World::new();
    write_library(&world.library(), 3, 30.0);
    assert_eq!(world.ingest(&[])["copies"], 0);
    write_quiet_copy(&world.library().join("later.wav"));
    assert_eq!(world.ingest(&[])["copies"], 1);
}

#[test]
fn what_was_heard_can_be_left_out() {
    let world = world();
    world.ingest(&[]);
    let log = |text: &str| -> PathBuf {
        let path = world.path("log.csv");
        std::fs::write(&path, text).unwrap();
        path
    };
    let import = |text: &str| world.run(&["import-plays", log(text).to_str().unwrap()]);
    let first = import(
        "track,time,skipped\npiece-1.wav,2026-11-20T21:05:00Z,\nquiet.wav,2026-11-21,no\n\"piece-2.wav\",1700000000,yes\n\
         elsewhere.wav,2026-11-20,\n",
    );
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(
        first.stdout.starts_with(
            "3 plays added, 0 plays already known\n1 line passed over, such as elsewhere.wav: no such track"
        ),
        "{first:?}"
    );
    let again = import("time,track\n2026-11-20T22:05:00+01:00,piece-1.wav\n");
    assert_eq!(again.stdout, "0 plays added, 1 play already known\n");
    let left = |since: &str| {
        let run = world.run(&["query", "piece-5.wav", "--json", "--not-heard-since", since]);
        names(run.json().as_array().unwrap())
    };
    // Neither the quiet copy nor what it is a copy of.
    assert_eq!(left("2026-01-01"), ["piece-2.wav", "piece-3.wav", "piece-4.wav"]);
    assert_eq!(left("2000-01-01T00:00:00Z"), ["piece-3.wav", "piece-4.wav"]);
    assert_eq!(left("2026-11-22").len(), 5);
    import("track,time\npiece-1.wav,soon\n").assert_error("log.csv, line 2: \"soon\" is no time", None);
    import("name,time\n1,2\n").assert_error("log.csv", Some("columns track and time"));
    import("track,time,skipped\npiece-1.wav,2026-11-20,perhaps\n").assert_error("\"perhaps\"", None);
    let nothing = import("track,time\nelsewhere.wav,2026-11-20\n");
    assert_eq!(nothing.code, Some(1));
    let wrong = world.run(&["query", "piece-5.wav", "--not-heard-since", "whenever"]);
    assert!(wrong.code == Some(2) && wrong.stderr.contains("30d"), "{wrong:?}");
}
