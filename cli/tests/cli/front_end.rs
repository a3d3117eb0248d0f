//! What the front end promises, seen from outside: formats with and without ffmpeg, levels, rates,
//! channels, coverage, odd names.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::formats::encode;
use super::music::{piece, write_library, write_wav};
use super::program::{Run, World, path_of, similarity_of};

/// A library of six pieces, among them piece 3 at 44.1 kHz.
fn world() -> World {
    let world = World::new();
    write_library(&world.library(), 6, 8.0);
    piece(3, 8.0, 44_100).write(&world.library().join("piece-3.wav"));
    world.ingest(&[]);
    world
}

/// Asserts that a file's nearest track is piece 3, at least this similar.
fn assert_near(world: &World, file: &Path, similarity: f64) {
    let answer = &world.query(file)[0];
    assert!(path_of(answer).ends_with("piece-3.wav"), "{}: {answer}", file.display());
    assert!(similarity_of(answer) >= similarity, "{}: {answer}", file.display());
}

#[test]
fn gain_from_minus_40_to_12_decibels_moves_a_track_by_a_thousandth_at_most() {
    let world = world();
    let song = piece(3, 8.0, 44_100).stereo();
    for gain_db in [-40, -20, -6, 6, 12] {
        let gain = 10_f32.powf(gain_db as f32 / 20.0);
        let file = world.path(&format!("{gain_db}.wav"));
        write_wav(&file, &song.iter().map(|sample| gain * sample).collect::<Vec<_>>(), 2, 44_100, 0);
        assert_near(&world, &file, 0.999);
    }
}

#[test]
fn every_rate_gives_the_same_embedding() {
    let world = world();
    let source = world.path("source.wav");
    write_wav(&source, &piece(3, 8.0, 44_100).stereo(), 2, 44_100, 24);
    for rate in ["22050", "32000", "48000", "88200", "96000"] {
        let file = world.path(&format!("{rate}.wav"));
        encode(&source, &["-ar", rate, "-c:a", "pcm_s24le"], &file);
        assert_near(&world, &file, 0.99);
    }
}

#[test]
fn surround_with_a_song_in_front_is_the_song() {
    let world = world();
    let song = piece(3, 8.0, 48_000);
    let frames = song.left.iter().zip(&song.right);
    // As a stereo song is spread over left, right and centre: the mix of BS.775 gives it back.
    let surround: Vec<f32> = frames
        .flat_map(|(left, right)| {
            let centre = 0.5 * (left + right);
            [left - 0.3 * centre, right - 0.3 * centre, 0.42 * centre, 0.0, 0.0, 0.0]
        })
        .collect();
    let file = world.path("surround.wav");
    write_wav(&file, &surround, 6, 48_000, 24);
    assert_near(&world, &file, 0.98);
}

#[test]
fn what_only_ffmpeg_reads_waits_until_it_is_there() {
    let world = World::new();
    write_library(&world.library(), 2, 5.0);
    let source = world.path("source.wav");
    piece(4, 5.0, 44_100).write(&source);
    encode(&source, &[], &world.library().join("song.wv"));
    encode(&source, &[], &world.library().join("song.flac"));
    let without = |arguments: &[&str]| Run::of(world.command(arguments).env("PATH", "").output().unwrap());
    let library = world.library();
    let summary = without(&["ingest", library.to_str().unwrap(), "--json"]).json();
    assert_eq!((summary["added"].as_u64(), summary["failed"].as_u64()), (Some(3), Some(1)), "{summary}");
    assert!(summary["failures"][0]["reason"].as_str().unwrap().contains("ffmpeg is needed"), "{summary}");
    insta::assert_snapshot!("formats_without_ffmpeg", without(&["status", "--formats"]).stdout);
    let formats = world.run(&["status", "--formats", "--json"]).json();
    assert!(formats["formats"].as_array().unwrap().iter().all(|format| format["is_read"] == true), "{formats}");
    // Installed since: nothing else has to be done.
    assert_eq!(world.ingest(&[])["changed"], 1);
    // The FLAC is a copy of it.
    assert_eq!(world.query(&library.join("song.wv")).len(), 2);
}

#[test]
fn coverage_belongs_to_the_store() {
    let world = World::new();
    // Longer than all windows together, so that coverage makes a difference.
    write_library(&world.library(), 3, 100.0);
    let library = world.library().to_str().unwrap().to_owned();
    world.ingest(&["--coverage", "full"]);
    let status = world.status();
    assert!(status["model"].as_str().unwrap().ends_with("+full"), "{status}");
    // Queries and further ingests go on as the store began.
    let copy = world.path("copy.wav");
    let mut bytes = std::fs::read(world.library().join("piece-1.wav")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&copy, bytes).unwrap();
    let answer = &world.query(&copy)[0];
    assert!(path_of(answer).ends_with("piece-1.wav") && similarity_of(answer) > 0.9999, "{answer}");
    assert_eq!(world.ingest(&[])["unchanged"], 3);
    world.run(&["ingest", &library, "--coverage", "spread"]).assert_error("+full", Some("--reembed"));
    let summary = world.ingest(&["--coverage", "spread", "--reembed"]);
    assert_eq!(summary["changed"], 3);
    let answer = &world.query(&copy)[0];
    assert!(path_of(answer).ends_with("piece-1.wav") && similarity_of(answer) > 0.9999, "{answer}");
}

#[test]
fn odd_names_and_deep_folders_lose_nothing() {
    let world = World::new();
    write_library(&world.library(), 1, 5.0);
    for (number, name) in [&b"caf\xe9.wav"[..], b"line\nbreak.wav"].iter().enumerate() {
        piece(number as u64 + 1, 5.0, 22_050).write(&world.library().join(std::ffi::OsStr::from_bytes(name)));
    }
    // Deeper than a path can be long: built from inside, as no call could name it.
    let script = "import os\nfor _ in range(10000): os.mkdir('d'); os.chdir('d')";
    let status = std::process::Command::new("python3").args(["-c", script]).current_dir(world.library()).status();
    assert!(status.unwrap().success());
    let summary = world.ingest(&[]);
    assert_eq!(summary["added"], 3, "{summary}");
    assert_eq!(summary["failures"].as_array().unwrap().len(), 1, "{summary}");
    assert!(summary["failures"][0]["reason"].as_str().unwrap().contains("too long"), "{summary}");
    let text = world.run(&["ingest", world.library().to_str().unwrap()]).stdout;
    assert!(text.starts_with("0 added, 0 changed, 3 unchanged"), "{text}");
    assert_eq!(world.query(&world.library().join("piece-0.wav")).len(), 2);
    // The temporary folder's own clean-up could not name it either.
    let removed = std::process::Command::new("rm").arg("-rf").arg(world.library().join("d")).status();
    assert!(removed.unwrap().success());
}
