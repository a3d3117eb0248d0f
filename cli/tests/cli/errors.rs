//! Each thing that can go wrong gives one clear line and loses nothing.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::formats::encode;
use super::music::{piece, write_library};
use super::program::{Run, World};

/// Ingests a library of two good files and `name`, and gives the reason why that one failed.
fn reason_for(name: &str, write: impl Fn(&Path)) -> String {
    let world = World::new();
    write_library(&world.library(), 2, 5.0);
    write(&world.library().join(name));
    let summary = world.ingest(&[]);
    assert_eq!((summary["added"].as_u64(), summary["failed"].as_u64()), (Some(2), Some(1)), "{summary}");
    assert_eq!(summary["failures"][0]["path"], world.library().join(name).display().to_string());
    let text = world.run(&["ingest", world.library().to_str().unwrap(), "--retry-failed"]).stdout;
    assert_eq!(text.matches("failed: ").count(), 1, "{text}");
    // The same file as a query is one line, too.
    let file = world.library().join(name);
    world.run(&["query", file.to_str().unwrap()]).assert_error(name, None);
    summary["failures"][0]["reason"].as_str().unwrap().to_owned()
}

#[test]
fn a_missing_folder() {
    let world = World::new();
    let run = world.run(&["ingest", "/no/such/folder"]);
    run.assert_error("/no/such/folder: No such file or directory", Some("folder of music"));
    assert!(!world.store().exists(), "no store is made for nothing");
}

#[test]
fn an_empty_folder_and_one_without_audio() {
    let world = World::new();
    let library = world.library();
    world.run(&["ingest", library.to_str().unwrap()]).assert_error("no audio files in", Some("flac"));
    fs::write(library.join("cover.jpg"), "x").unwrap();
    fs::write(library.join("notes.txt"), "x").unwrap();
    world.run(&["ingest", library.to_str().unwrap()]).assert_error("no audio files in", Some("flac"));
}

#[test]
fn a_library_that_vanished_is_not_pruned() {
    let world = World::new();
    write_library(&world.library(), 2, 5.0);
    world.ingest(&[]);
    fs::remove_dir_all(world.library()).unwrap();
    fs::create_dir(world.library()).unwrap(); // as an unmounted disk
    world
        .run(&["ingest", world.library().to_str().unwrap(), "--prune"])
        .assert_error("no audio files in", Some("flac"));
    assert_eq!(world.status()["tracks"]["embedded"], 2);
}

#[test]
fn a_text_file_named_wav() {
    let reason = reason_for("text.wav", |path| fs::write(path, "These are words, not samples.\n".repeat(100)).unwrap());
    assert!(reason.contains("not an audio file"), "{reason}");
}

#[test]
fn a_file_of_no_bytes() {
    assert_eq!(reason_for("nothing.wav", |path| fs::write(path, "").unwrap()), "the file is empty");
}

#[test]
fn a_wav_of_no_samples() {
    let reason = reason_for("none.wav", |path| super::music::write_wav(path, &[], 2, 44_100, 16));
    assert_eq!(reason, "holds no samples");
}

#[test]
fn silence_is_no_failure_and_never_an_answer() {
    let world = World::new();
    write_library(&world.library(), 2, 5.0);
    let silence = world.library().join("silence.wav");
    super::music::write_wav(&silence, &[0.0; 100_000], 1, 44_100, 16);
    let summary = world.ingest(&["--strict"]);
    assert_eq!((summary["added"].as_u64(), summary["silent"].as_u64()), (Some(2), Some(1)), "{summary}");
    assert_eq!(world.ingest(&[])["unchanged"], 3);
    assert_eq!(world.status()["tracks"]["silent"], 1);
    assert_eq!(world.query(&world.library().join("piece-0.wav")).len(), 1);
    world.run(&["query", silence.to_str().unwrap()]).assert_error("silent", None);
}

#[test]
fn a_truncated_flac() {
    let reason = reason_for("half.flac", |path| {
        let (source, whole) = (path.with_extension("source"), path.with_extension("whole.flac.tmp"));
        piece(5, 10.0, 44_100).write(&source);
        encode(&source, &["-f", "flac"], &whole);
        let bytes = fs::read(&whole).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        fs::remove_file(source).unwrap();
        fs::remove_file(whole).unwrap();
    });
    assert!(reason.starts_with("truncated: ") && reason.ends_with("of 10.0 s are there"), "{reason}");
}

#[test]
fn a_file_that_may_not_be_read_is_tried_again_when_it_may() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    let library = world.library();
    write_library(&library, 2, 5.0);
    let denied = library.join("piece-1.wav");
    let allow = |mode| fs::set_permissions(&denied, fs::Permissions::from_mode(mode)).unwrap();
    allow(0o000);
    let run =
        Run::of(without_override(&world.command(&["ingest", library.to_str().unwrap(), "--json"])).output().unwrap());
    let summary = run.json();
    assert_eq!((summary["added"].as_u64(), summary["failed"].as_u64()), (Some(1), Some(1)), "{summary}");
    assert!(summary["failures"][0]["reason"].as_str().unwrap().contains("Permission denied"), "{summary}");
    let query = without_override(&world.command(&["query", denied.to_str().unwrap()])).output().unwrap();
    Run::of(query).assert_error("Permission denied", None);
    allow(0o644);
    assert_eq!(world.ingest(&[])["failed"], 0);
    assert_eq!(world.status()["tracks"]["embedded"], 2);
}

/// Root may read everything: gives that up, as any user has it.
fn without_override(command: &Command) -> Command {
    let mut limited = Command::new("setpriv");
    limited.args(["--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]);
    limited.arg(command.get_program()).args(command.get_args());
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if root {
        return limited;
    }
    let mut plain = Command::new(command.get_program());
    plain.args(command.get_args());
    plain
}

#[test]
fn no_store_and_a_folder_that_is_none() {
    let world = World::new();
    world.run(&["query", "1"]).assert_error("no store at", Some("similar-tracks ingest"));
    world.run(&["status"]).assert_error("no store at", Some("similar-tracks ingest"));
    write_library(&world.library(), 1, 5.0);
    fs::create_dir(world.store()).unwrap();
    fs::write(world.store().join("thesis.txt"), "x").unwrap();
    let run = world.run(&["ingest", world.library().to_str().unwrap()]);
    run.assert_error("is not a store", Some("--store"));
    assert_eq!(fs::read_dir(world.store()).unwrap().count(), 1);
}

#[test]
fn a_store_in_use() {
    let world = World::new();
    write_library(&world.library(), 3, 5.0);
    world.ingest(&[]);
    let lock = fs::File::options().write(true).open(world.store().join("lock")).unwrap();
    lock.lock().unwrap();
    fs::write(world.store().join("lock"), "`similar-tracks retrain` (process 77)\n").unwrap();
    let run = world.run(&["ingest", world.library().to_str().unwrap()]);
    run.assert_error("in use by `similar-tracks retrain` (process 77)", Some("wait"));
    assert_eq!(world.query(&world.library().join("piece-0.wav")).len(), 2, "readers go on");
}

#[test]
fn output_that_cannot_be_written() {
    let world = World::new();
    write_library(&world.library(), 2, 5.0);
    world.ingest(&[]);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let run = Run::of(world.command(&["query", "1"]).stdout(full).output().unwrap());
    run.assert_error("standard output: No space left", None);
}

#[test]
fn a_header_that_lies_costs_only_its_file() {
    // A RIFF header that promises four gigabytes, 255 channels and no rate.
    let reason = reason_for("liar.wav", |path| {
        let mut bytes = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\xff\0".to_vec();
        bytes.extend([0; 8]);
        bytes.extend(b"\xff\0\x10\0data\xff\xff\xff\xff");
        bytes.extend([7; 1000]);
        fs::write(path, bytes).unwrap();
    });
    assert!(reason.starts_with("damaged: ") || reason.starts_with("not an audio file"), "{reason}");
}
