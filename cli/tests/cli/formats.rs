//! Every format that the README names is read, and the same music is recognised in it.

use std::path::Path;
use std::process::Command;

use super::music::{piece, write_library, write_wav};
use super::program::{World, path_of};

/// Writes piece 3 as `name`, and expects that asking with it finds the library's piece 3.
fn assert_recognised(world: &World, name: &str, write: impl Fn(&Path)) {
    let file = world.path(name);
    write(&file);
    let answers = world.query(&file);
    assert!(path_of(&answers[0]).ends_with("piece-3.wav"), "{name}: {answers:?}");
}

fn world() -> World {
    let world = World::new();
    write_library(&world.library(), 6, 8.0);
    world.ingest(&[]);
    world
}

#[test]
fn wav_of_every_depth_rate_and_layout() {
    let world = world();
    for bits in [8, 16, 24, 32, 0] {
        let write = |path: &Path| write_wav(path, &piece(3, 8.0, 44_100).stereo(), 2, 44_100, bits);
        assert_recognised(&world, &format!("{bits}-bit.wav"), write);
    }
    for rate in [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000] {
        let write = |path: &Path| write_wav(path, &piece(3, 8.0, rate).stereo(), 2, rate, 24);
        let file = world.path(&format!("{rate}.wav"));
        write(&file);
        // Below 22.05 kHz the upper half of the bands is gone: readable, but another recording.
        if rate >= 22_050 {
            assert_recognised(&world, &format!("{rate}.wav"), write);
        } else {
            assert_eq!(world.query(&file).len(), 6);
        }
    }
    let song = piece(3, 8.0, 48_000);
    let surround: Vec<f32> = (0..song.left.len())
        .flat_map(|n| {
            let (left, right) = (song.left[n], song.right[n]);
            [left, right, 0.5 * (left + right), 0.0, 0.3 * left, 0.3 * right]
        })
        .collect();
    assert_recognised(&world, "mono.wav", |path| write_wav(path, &song.mono(), 1, 48_000, 16));
    assert_recognised(&world, "surround.wav", |path| write_wav(path, &surround, 6, 48_000, 24));
}

#[test]
fn compressed_and_other_containers() {
    let world = world();
    let source = world.path("source.wav");
    piece(3, 8.0, 44_100).write(&source);
    let encodings: [(&str, &[&str]); 8] = [
        ("song.flac", &[]),
        ("song.mp3", &["-b:a", "192k"]),
        ("vbr.mp3", &["-q:a", "4"]),
        ("song.ogg", &["-c:a", "libvorbis"]),
        ("song.m4a", &["-c:a", "aac", "-b:a", "192k"]),
        ("song.aac", &["-c:a", "aac", "-b:a", "192k"]),
        ("song.aiff", &[]),
        ("alac.m4a", &["-c:a", "alac"]),
    ];
    for (name, encoding) in encodings {
        assert_recognised(&world, name, |path| encode(&source, encoding, path));
    }
}

/// Encodes with ffmpeg, which `scripts/setup --tests` installs.
pub fn encode(source: &Path, encoding: &[&str], path: &Path) {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-y", "-i"]).arg(source).args(encoding).arg(path);
    let status = ffmpeg.status().unwrap_or_else(|error| panic!("ffmpeg: {error} (scripts/setup --tests installs it)"));
    assert!(status.success(), "{ffmpeg:?}");
}

#[test]
fn tags_are_read() {
    let world = World::new();
    let source = world.path("source.wav");
    piece(1, 5.0, 44_100).write(&source);
    let tags = ["artist=The Band", "title=A Song", "album=An Album", "genre=Polka", "date=1994-05-01"];
    let tags: Vec<&str> = tags.iter().flat_map(|tag| ["-metadata", tag]).collect();
    for name in ["a.mp3", "b.flac", "c.m4a", "d.ogg"] {
        let codec: &[&str] = if name == "d.ogg" { &["-c:a", "libvorbis"] } else { &[] };
        encode(&source, &[codec, &tags].concat(), &world.library().join(name));
    }
    world.ingest(&[]);
    let answers = world.run(&["query", source.to_str().unwrap(), "--copies", "--json"]).json();
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), 4);
    for answer in answers {
        let of = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
        let tags = [of("artist"), of("title"), of("album"), of("genre")];
        assert_eq!(tags, ["The Band", "A Song", "An Album", "Polka"], "{answer}");
        assert_eq!(answer["year"], 1994, "{answer}");
        assert!((answer["duration_seconds"].as_f64().unwrap() - 5.0).abs() < 0.1, "{answer}");
    }
}
