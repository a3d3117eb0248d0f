//! Training a model, and what a store does with another than its own.

use std::fmt::Write;

use super::music::{piece, write_library};
use super::program::World;

/// Trains for two steps on eight tiny tracks.
fn train(world: &World) -> String {
    let mut manifest = String::from("path,genre,artist\n");
    for number in 0..8 {
        piece(number, 6.0, 22_050).write(&world.path(&format!("corpus/{number}.wav")));
        let genre = if number % 2 == 0 { "even" } else { "odd" };
        writeln!(manifest, "{number}.wav,{genre},artist {}", number / 2 * 2 + number % 2).unwrap();
    }
    let path = world.path("corpus/corpus.csv");
    std::fs::write(&path, manifest).unwrap();
    let model = world.path("model").display().to_string();
    let run = world.run(&["train", path.to_str().unwrap(), "-o", &model, "--steps", "2"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("validation artists: mAP"), "{run:?}");
    assert!(run.stdout.contains("2 genres"), "{run:?}");
    model
}

#[test]
fn a_trained_model_serves_a_store_and_another_is_refused() {
    let world = World::new();
    let model = train(&world);
    write_library(&world.library(), 4, 5.0);
    world.ingest(&[]);
    let library = world.library().display().to_string();
    let built_in = world.status()["model"].clone();
    let before = world.query(&world.library().join("piece-0.wav"));
    let refused = world.run(&["ingest", &library, "--model", &model]);
    refused.assert_error("were embedded with model", Some("--reembed"));
    let refused = world.run(&["query", "1", "--model", &model]);
    refused.assert_error("were embedded with model", Some("--reembed"));
    assert_eq!(world.query(&world.library().join("piece-0.wav")), before, "nothing was lost");

    assert_eq!(world.ingest(&["--model", &model, "--reembed"])["changed"], 4);
    let status = world.status();
    assert_ne!(status["model"], built_in);
    assert_eq!(status["tracks"]["embedded"], 4);
    // From now on it is the store's own model, and lives in the store.
    std::fs::remove_dir_all(&model).unwrap();
    piece(9, 5.0, 22_050).write(&world.library().join("new.wav"));
    assert_eq!(world.ingest(&[])["added"], 1);
    assert_eq!(world.query(&world.library().join("new.wav")).len(), 4);
    let outside = world.path("outside.wav");
    piece(9, 5.0, 44_100).write(&outside);
    assert_eq!(world.query(&outside).len(), 5);
    // And back.
    assert_eq!(world.ingest(&["--model", "built-in", "--reembed"])["changed"], 1, "four vectors were still there");
    assert_eq!(world.status()["model"], built_in);
}

#[test]
fn a_change_of_models_leaves_no_track_behind() {
    let world = World::new();
    let model = train(&world);
    write_library(&world.library(), 2, 5.0);
    piece(9, 6.0, 22_050).write(&world.library().join("jazz/piece-9.wav"));
    world.ingest(&[]);
    let part = world.library().join("jazz").display().to_string();
    let refused = world.run(&["ingest", &part, "--model", &model, "--reembed"]);
    refused.assert_error("2 tracks of the library would no longer be found", Some("every folder"));
    assert_eq!(world.query(&world.library().join("piece-0.wav")).len(), 2);
}

#[test]
fn a_damaged_model_binds_no_store() {
    let world = World::new();
    let model = train(&world);
    write_library(&world.library(), 2, 5.0);
    let library = world.library().display().to_string();
    let weights = std::path::Path::new(&model).join("encoder.safetensors");
    std::fs::write(&weights, "no weights").unwrap();
    let refused = world.run(&["ingest", &library, "--model", &model]);
    refused.assert_error("the weights are not those", None);
    assert_eq!(world.ingest(&[])["added"], 2);
}

#[test]
fn a_store_whose_model_is_gone_or_damaged_says_so() {
    let world = World::new();
    let model = train(&world);
    write_library(&world.library(), 2, 5.0);
    world.ingest(&["--model", &model]);
    let models = world.store().join("models");
    let stored = std::fs::read_dir(&models).unwrap().next().unwrap().unwrap().path();
    let outside = world.path("outside.wav");
    piece(9, 5.0, 44_100).write(&outside);
    let weights = stored.join("encoder.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&weights, bytes).unwrap();
    let query = world.run(&["query", outside.to_str().unwrap()]);
    query.assert_error("the weights are not those that the card was written for", None);
    std::fs::remove_dir_all(&models).unwrap();
    let query = world.run(&["query", outside.to_str().unwrap()]);
    query.assert_error("is gone from", Some("--reembed"));
    assert_eq!(world.run(&["query", "1", "--json"]).json().as_array().unwrap().len(), 1, "vectors are there");
}

#[test]
fn a_manifest_that_is_wrong_names_its_line() {
    let world = World::new();
    let (path, never) = (world.path("bad.csv"), world.path("never").display().to_string());
    std::fs::write(&path, "path,genre\na.wav,rock\n,rock\n").unwrap();
    let run = world.run(&["train", path.to_str().unwrap(), "-o", &never]);
    run.assert_error("line 3: the path is empty", None);
    std::fs::write(&path, "path,genre\n").unwrap();
    let run = world.run(&["train", path.to_str().unwrap(), "-o", &never]);
    run.assert_error("nothing to learn", None);
    let run = world.run(&["train", "/no/such.csv", "-o", &never]);
    run.assert_error("/no/such.csv: No such file", None);
    assert!(!world.path("never").exists(), "what cannot be trained leaves nothing behind");
}
