//! What can be asked, and how the answer is shown.

use super::music::{Piece, piece, write_library};
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

/// Of every answer, the number of its piece.
fn numbers(run: &super::program::Run) -> Vec<u64> {
    let answers = run.json();
    let name = |answer: &serde_json::Value| path_of(answer).file_stem().unwrap().to_string_lossy().into_owned();
    let number = |answer| name(answer).trim_start_matches("piece-").parse().unwrap();
    answers.as_array().unwrap().iter().map(number).collect()
}

#[test]
fn filters_limits_and_opposites() {
    let world = world();
    let ask = |arguments: &[&str]| world.run(&[&["query", "library/piece-0.wav", "--json"], arguments].concat());
    let all = ask(&[]);
    let by_similarity = all.json();
    let few = numbers(&ask(&["--path", "library/piece-[1-3].wav", "-k", "2"]));
    assert_eq!(few, numbers(&all).into_iter().filter(|number| (1..=3).contains(number)).take(2).collect::<Vec<_>>());
    assert_eq!(numbers(&ask(&["--duration", "..0:05"])), numbers(&all));
    let similar = by_similarity.as_array().unwrap().iter().map(similarity_of).fold(-1.0, f64::max) - 1e-6;
    assert_eq!(numbers(&ask(&["--min-similarity", &similar.to_string()])).len(), 1);
    assert_eq!(numbers(&ask(&["--per-artist", "1", "--per-album", "1"])), numbers(&all), "of nobody, not of one");
    for nothing in [["--artist", "nobody"], ["--year", "1990.."], ["--min-similarity", "1"], ["--duration", "6.."]] {
        let run = ask(&nothing);
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
        assert!(run.stderr.contains("what was asked for"), "{run:?}");
    }

    let nearest = numbers(&all)[0];
    let unlike = ask(&["--unlike", &format!("library/piece-{nearest}.wav")]);
    assert!(!numbers(&unlike).contains(&nearest));
    let second = "library/piece-5.wav";
    let weighted = |weights: &str| {
        world.run(&["query", "library/piece-0.wav", second, "--weights", weights, "--json"]).json()[0]["similarity"]
            .as_f64()
    };
    assert_ne!(weighted("1,1"), weighted("1,9"));
    assert_eq!(weighted("2,2"), weighted("1,1"));
    ask(&["--weights", "1,2"]).assert_error("2 weights were given", Some("as many as there are tracks: 1"));
    assert_eq!(ask(&["--weights", "0"]).code, Some(2));
    assert_eq!(ask(&["--year", "2000..1990"]).code, Some(2));
}

#[test]
fn a_passage_is_asked_with_and_passages_explain() {
    let world = World::new();
    // First one piece, then another.
    let (first, second) = (piece(1, 20.0, 22_050), piece(2, 20.0, 22_050));
    let both = Piece { left: [first.left, second.left].concat(), right: [first.right, second.right].concat(), ..first };
    both.write(&world.path("both.wav"));
    write_library(&world.library(), 6, 20.0);
    world.ingest(&[]);
    for file in [world.path("both.wav"), world.library().join("both.wav")] {
        let file = file.display().to_string();
        for (part, expected) in [("0-19", 1), ("0:21-0:39", 2)] {
            assert_eq!(numbers(&world.run(&["query", &file, "--part", part, "-k", "1", "--json"])), [expected]);
        }
        let answers = world.run(&["query", &file, "--explain", "--path", "piece-[12].wav", "--json"]).json();
        for answer in answers.as_array().unwrap() {
            let best = &answer["passages"][0];
            let is_second = path_of(answer).ends_with("piece-2.wav");
            assert_eq!(best["first_seconds"].as_f64().unwrap() > 18.0, is_second, "{answer}");
            assert!(best["similarity"].as_f64().unwrap() > 0.9, "{answer}");
        }
        // The second time it is in the library.
        if !world.library().join("both.wav").exists() {
            std::fs::rename(world.path("both.wav"), world.library().join("both.wav")).unwrap();
            world.ingest(&[]);
        }
    }
    let table = world.run(&["query", "both.wav", "--explain", "-k", "1"]).stdout;
    assert!(table.contains("passages") && table.contains(" like 0:"), "{table}");
    world
        .run(&["query", "both.wav", "--part", "50-60"])
        .assert_error("nothing of this part was heard", Some("a longer part"));
    let two = world.run(&["query", "both.wav", "piece-1.wav", "--explain"]);
    two.assert_error("of one track", Some("each of them alone"));
}

#[test]
fn playlists_for_other_players() {
    let world = world();
    let best = world.run(&["query", "library/piece-0.wav", "-k", "1", "--format", "paths"]).stdout;
    let xspf = world.run(&["query", "library/piece-0.wav", "-k", "1", "--format", "xspf"]).stdout;
    assert!(xspf.contains(&format!("<location>file://{}</location>", best.trim())), "{xspf}");
    let jspf = world.run(&["query", "library/piece-0.wav", "-k", "1", "--format", "jspf"]).json();
    assert_eq!(jspf["playlist"]["track"][0]["location"][0], format!("file://{}", best.trim()));
    assert_eq!(jspf["playlist"]["track"][0]["duration"], 5000);
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
