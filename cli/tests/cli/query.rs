//! What can be asked, and how the answer is shown.

use super::music::{piece, write_library};
use super::program::{World, path_of, similarity_of};

fn world() -> World {
    let world = World::new();
    write_library(&world.library(), 6, 5.0);
    world.ingest(&[]);
    world
}

#[test]
fn a_file_a_number_and_a_path_give_the_same_answer_without_the_query_itself() {
    let world = world();
    let file = world.library().join("piece-2.wav");
    let by_file = world.query(&file);
    assert_eq!(by_file.len(), 5);
    assert!(by_file.iter().all(|answer| path_of(answer) != file));
    let score = |answer: &serde_json::Value| answer["score"].as_f64().unwrap();
    assert!(by_file.windows(2).all(|pair| score(&pair[0]) >= score(&pair[1])));
    let other = world.query(&world.library().join("piece-0.wav"));
    let id = other.iter().find(|answer| path_of(answer) == file).unwrap()["track"].to_string();
    assert_eq!(world.run(&["query", &id, "--json"]).json(), serde_json::json!(by_file));
    assert_eq!(world.run(&["query", "library/piece-2.wav", "--json"]).json(), serde_json::json!(by_file));
    // A copy from outside of the library is the query itself, too.
    let copy = world.path("copy.wav");
    std::fs::copy(&file, &copy).unwrap();
    assert!(world.query(&copy).iter().all(|answer| path_of(answer) != file));
}

#[test]
fn hubs_pay_as_the_store_says_and_similarities_stay_cosines() {
    let world = world();
    let file = world.library().join("piece-2.wav");
    let similarities = |answers: &[serde_json::Value]| -> std::collections::BTreeMap<_, _> {
        answers.iter().map(|answer| (path_of(answer).to_owned(), answer["similarity"].to_string())).collect()
    };
    let gap = |answer: &serde_json::Value| similarity_of(answer) - answer["score"].as_f64().unwrap();
    let before = world.query(&file);
    assert!(before.iter().any(|answer| gap(answer).abs() > 0.01), "{before:?}");
    world.ingest(&["--hub-weight", "0"]);
    let without = world.query(&file);
    assert!(without.iter().all(|answer| gap(answer).abs() < 1e-5), "{without:?}");
    assert!(without.windows(2).all(|pair| similarity_of(&pair[0]) >= similarity_of(&pair[1])));
    assert_eq!(similarities(&without), similarities(&before));
    world.ingest(&[]);
    assert_eq!(world.query(&file), without, "kept by the store");
    let wrong = world.run(&["ingest", "library", "--hub-weight", "2"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("must be in 0..=1"), "{wrong:?}");
}

#[test]
fn several_tracks_are_blended_and_none_of_them_comes_back() {
    let world = world();
    let names = [0, 1].map(|number| world.library().join(format!("piece-{number}.wav")).display().to_string());
    let answers = world.run(&["query", &names[0], &names[1], "--json"]).json();
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), 4);
    assert!(answers.iter().all(|answer| !names.contains(&path_of(answer).display().to_string())));
}

#[test]
fn every_format_of_the_answer() {
    let world = world();
    let file = world.library().join("piece-0.wav").display().to_string();
    let best = world.run(&["query", &file, "-k", "1", "--format", "paths"]);
    assert_eq!(best.stdout.lines().count(), 1);
    let best = best.stdout.trim();
    let playlist = world.run(&["query", &file, "-k", "1", "--format", "m3u8"]).stdout;
    let lines: Vec<&str> = playlist.lines().collect();
    assert_eq!((lines[0], lines[2]), ("#EXTM3U", best));
    assert!(lines[1].starts_with("#EXTINF:5,"), "{playlist}");
    let table = world.run(&["query", &file, "-k", "1"]).stdout;
    assert!(table.starts_with("   similarity  artist  title"), "{table}");
    assert!(table.contains(best), "{table}");
}

#[test]
fn what_is_not_there_is_said_so() {
    let world = world();
    let unknown = world.run(&["query", "no-such-song.mp3"]);
    unknown.assert_error("no such file, and no such track", Some("number of a track"));
    world.run(&["query", "12345"]).assert_error("no such file, and no such track", Some("number of a track"));
    std::fs::create_dir(world.library().join("b")).unwrap();
    piece(9, 5.0, 22_050).write(&world.library().join("b/piece-1.wav"));
    world.ingest(&[]);
    world.run(&["query", "piece-1.wav"]).assert_error("several tracks", Some("name more of the path"));
}

#[test]
fn the_only_track_has_no_neighbours() {
    let world = World::new();
    write_library(&world.library(), 1, 5.0);
    world.ingest(&[]);
    let run = world.run(&["query", "piece-0.wav"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
    assert!(run.stderr.contains("no other track"), "{run:?}");
}
