//! What was exported is taken in elsewhere.

use std::path::{Path, PathBuf};

use super::music::{piece, write_library};
use super::program::{Run, World, python_with_numpy};

/// A library of five, exported.
fn exported(format: &str) -> (World, PathBuf) {
    let world = World::new();
    write_library(&world.library(), 5, 10.0);
    world.ingest(&[]);
    let file = world.path(&format!("library.{format}"));
    let run = world.run(&["export", "--format", format, "--output", file.to_str().unwrap()]);
    assert_eq!(run.code, Some(0), "{run:?}");
    (world, file)
}

fn import(world: &World, paths: &[&Path]) -> Run {
    let paths = paths.iter().map(|path| path.to_str().unwrap());
    world.run(&["import"].into_iter().chain(paths).collect::<Vec<_>>())
}

#[test]
fn an_imported_library_answers_as_the_one_it_came_from() {
    for format in ["parquet", "npz"] {
        let (world, file) = exported(format);
        let other = World::new();
        let run = import(&other, &[&file]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), "5 added, 0 changed, 0 already there\n"), "{run:?}");
        assert_eq!(import(&other, &[&file, &file]).stdout, "0 added, 0 changed, 10 already there\n");
        let ask =
            |world: &World, more: &[&str]| world.run(&[&["query", "piece-2.wav", "--json"], more].concat()).stdout;
        assert!(ask(&world, &[]).contains("piece-0.wav"));
        assert_eq!(ask(&world, &["--explain"]), ask(&other, &["--explain"]), "{format}");
        assert_eq!(ask(&world, &["--part", "2-5"]), ask(&other, &["--part", "2-5"]), "{format}");
        // The very files are known by what was told of them: nothing is embedded again.
        let summary = other.run(&["ingest", world.library().to_str().unwrap(), "--json"]).json();
        assert_eq!((&summary["unchanged"], &summary["music_seconds"]), (&5.into(), &0.0.into()), "{format}");
        // Out of it comes what went in.
        let again = |world: &World| world.run(&["export", "--format", "jsonl", "--output", "-"]).stdout;
        assert_eq!(again(&world), again(&other), "{format}");
    }
}

#[test]
fn of_two_states_of_a_file_the_newer_one_stays() {
    let (world, old) = exported("parquet");
    let changed = world.library().join("piece-3.wav");
    piece(30, 10.0, 22_050).write(&changed);
    let now = std::time::SystemTime::now() + std::time::Duration::from_secs(60);
    std::fs::File::options().write(true).open(&changed).unwrap().set_modified(now).unwrap();
    world.ingest(&[]);
    let new = world.path("new.parquet");
    world.run(&["export", "--format", "parquet", "--output", new.to_str().unwrap()]);
    assert_eq!(import(&world, &[&old]).stdout, "0 added, 0 changed, 5 already there\n");
    let other = World::new();
    // A folder's files, in the order of their names: library, then new.
    std::fs::create_dir(other.path("shards")).unwrap();
    for file in [&old, &new] {
        std::fs::copy(file, other.path("shards").join(file.file_name().unwrap())).unwrap();
    }
    std::fs::write(other.path("shards/README"), "not read").unwrap();
    assert_eq!(import(&other, &[&other.path("shards")]).stdout, "5 added, 1 changed, 4 already there\n");
    let vectors = |world: &World| world.run(&["export", "--format", "jsonl", "--output", "-"]).stdout;
    assert_eq!(vectors(&world), vectors(&other));
}

#[test]
fn what_cannot_be_taken_in_is_told() {
    let (world, file) = exported("npz");
    let other = World::new();
    let missing = other.path("missing.npz");
    import(&other, &[&missing]).assert_error("missing.npz", None);
    std::fs::write(other.path("text.npz"), "no archive at all").unwrap();
    import(&other, &[&other.path("text.npz")]).assert_error("neither Parquet nor .npz", None);
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(other.path("cut.npz"), &bytes[..bytes.len() / 2]).unwrap();
    import(&other, &[&other.path("cut.npz")]).assert_error("cut.npz", None);
    let parquet = world.path("library.parquet");
    world.run(&["export", "--format", "parquet", "--output", parquet.to_str().unwrap()]);
    let bytes = std::fs::read(&parquet).unwrap();
    std::fs::write(other.path("cut.parquet"), &bytes[..bytes.len() / 2]).unwrap();
    import(&other, &[&other.path("cut.parquet")]).assert_error("cut.parquet", None);
    write_paths_only(&other.path("paths.parquet"));
    let run = other.run(&["import", other.path("paths.parquet").to_str().unwrap(), "--model", "built-in"]);
    run.assert_error("paths.parquet: there is no column embedding", None);
    // NumPy's own archives: vectors of a system that nobody named, then named, then of the wrong length.
    let python = |script: &str| {
        let output = python_with_numpy().args(["-c", script]).arg(other.path("numpy.npz")).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    python("import numpy, sys; numpy.savez(sys.argv[1], files=['/m/a.mp3'], emb=numpy.eye(1, 128))");
    let numpy = other.path("numpy.npz");
    import(&other, &[&numpy]).assert_error("does not tell which model", Some("--model"));
    let named = other.run(&["import", numpy.to_str().unwrap(), "--model", "built-in"]);
    assert_eq!(named.stdout, "1 added, 0 changed, 0 already there\n", "{named:?}");
    python("import numpy, sys; numpy.savez_compressed(sys.argv[1], files=['/m/b.mp3'], emb=3 * numpy.eye(1, 128))");
    other
        .run(&["import", numpy.to_str().unwrap(), "--model", "built-in"])
        .assert_error("/m/b.mp3: no vector of 128 numbers and length 1", None);
    python("import numpy, sys; numpy.savez(sys.argv[1], files=['/m/c.mp3'], emb=numpy.eye(1, 128), model='another')");
    import(&other, &[&numpy]).assert_error("another", Some("different models"));
    assert_eq!(other.status()["tracks"]["embedded"], 1);
}

/// A Parquet file as others may write it, without vectors.
fn write_paths_only(path: &Path) {
    use parquet::data_type::{ByteArray, ByteArrayType};
    let schema = "message tracks { REQUIRED BYTE_ARRAY path (STRING); }";
    let schema = std::sync::Arc::new(parquet::schema::parser::parse_message_type(schema).unwrap());
    let file = std::fs::File::create(path).unwrap();
    let mut writer = parquet::file::writer::SerializedFileWriter::new(file, schema, Default::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&[ByteArray::from("/m/a.mp3")], None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
}

#[test]
fn what_embed_writes_can_be_imported() {
    let world = World::new();
    write_library(&world.library(), 3, 10.0);
    let file = world.path("vectors.npz");
    let (library, file) = (world.library(), file.to_str().unwrap());
    assert_eq!(world.run(&["embed", library.to_str().unwrap(), "--output", file]).code, Some(0));
    assert_eq!(world.run(&["import", file]).stdout, "3 added, 0 changed, 0 already there\n");
    // Without stamps and hashes, the files themselves are to be looked at.
    let summary = world.ingest(&[]);
    assert_eq!((&summary["changed"], &summary["added"]), (&3.into(), &0.into()));
}
