//! Vectors that were made elsewhere: what `worker` says of files, and shards with what came to nothing.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, FloatType, Int64Type};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use serde_json::Value;

use super::music::{write_library, write_wav};
use super::program::{Run, World};

/// The lines that a worker answers with.
fn worker(world: &World, arguments: &[&str], input: &str) -> Vec<Value> {
    let mut command = world.command(&[&["worker"], arguments].concat());
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    write!(process.stdin.take().unwrap(), "{input}").unwrap();
    let run = Run::of(process.wait_with_output().unwrap());
    assert_eq!(run.code, Some(0), "{run:?}");
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_worker_needs_no_store_and_hears_what_an_ingest_hears() {
    let world = World::new();
    write_library(&world.library(), 3, 10.0);
    write_wav(&world.library().join("silent.wav"), &[0.0; 50_000], 1, 22_050, 16);
    std::fs::write(world.library().join("text.mp3"), "no audio at all").unwrap();
    std::fs::write(world.library().join("cover.jpg"), "not listed").unwrap();
    let listed = worker(&world, &["--list", world.library().to_str().unwrap()], "");
    let paths: Vec<&str> = listed.iter().map(|row| row["path"].as_str().unwrap()).collect();
    let lines: Vec<String> = listed.iter().map(Value::to_string).collect();
    let rows = worker(&world, &["--model", "built-in", "--hello"], &(lines.join("\n") + "\n"));
    assert!(!world.store().exists());
    let (hello, rows) = rows.split_first().unwrap();
    assert!(hello["extensions"].as_array().unwrap().contains(&"flac".into()), "{hello}");
    assert_eq!(rows.len(), 5);
    for (listed, row) in listed.iter().zip(rows) {
        for name in ["path", "size_bytes", "modified_ns"] {
            assert_eq!(listed[name], row[name]);
        }
        assert_eq!(hello["model"], row["model"]);
    }
    let full = worker(&world, &["--model", "built-in", "--coverage", "full", "--hello"], "");
    assert_eq!(full[0]["model"].as_str().unwrap(), format!("{}+full", hello["model"].as_str().unwrap()));
    world.ingest(&[]);
    let exported = world.run(&["export", "--format", "jsonl", "--output", "-"]).stdout;
    let of_ingest = |path: &str| -> Option<Value> {
        let tracks = exported.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        tracks.into_iter().find(|track| track["path"] == path).map(|track| track["embedding"].clone())
    };
    for (path, row) in paths.iter().zip(rows) {
        match of_ingest(path) {
            Some(vector) => assert_eq!((bits(&row["vector"]), row.get("error")), (bits(&vector), None)),
            None => assert_eq!(row["is_silent"] == true, path.ends_with("silent.wav"), "{row}"),
        }
    }
    let failed = rows.iter().find(|row| row["path"].as_str().unwrap().ends_with("text.mp3")).unwrap();
    assert!(failed["is_transient"] == false && failed.get("is_silent").is_none(), "{failed}");
    assert!(failed["error"].is_string(), "{failed}");
    world.run(&["worker", "--model", "/nowhere"]).assert_error("/nowhere", Some("built-in"));
}

/// Single precision, however many digits it is written with.
fn bits(vector: &Value) -> Vec<u32> {
    vector.as_array().unwrap().iter().map(|value| (value.as_f64().unwrap() as f32).to_bits()).collect()
}

/// A row of a shard.
#[derive(Clone)]
struct Row {
    path: PathBuf,
    modified_ns: i64,
    /// A vector of this direction, or why there is none.
    heard: Result<usize, (&'static str, bool, bool)>,
}

/// Writes a shard as others may: values that are not known are left out.
fn write_shard(path: &Path, rows: &[Row]) {
    let schema = "message tracks {
        REQUIRED BYTE_ARRAY path (STRING);
        OPTIONAL INT64 modified_ns;
        OPTIONAL GROUP embedding (LIST) { REPEATED GROUP list { OPTIONAL FLOAT element; } }
        OPTIONAL BYTE_ARRAY error (STRING);
        OPTIONAL BOOLEAN is_transient;
        OPTIONAL BOOLEAN is_silent;
    }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let file = std::fs::File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Default::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let text = |text: &str| ByteArray::from(text.as_bytes().to_vec());
    let failures: Vec<_> = rows.iter().map(|row| row.heard.err()).collect();
    let levels: Vec<i16> = failures.iter().map(|failure| i16::from(failure.is_some())).collect();
    let failed = || failures.iter().flatten();
    let paths: Vec<ByteArray> = rows.iter().map(|row| text(row.path.to_str().unwrap())).collect();
    column::<ByteArrayType>(&mut group, &paths, None, None);
    let modified: Vec<i64> = rows.iter().map(|row| row.modified_ns).collect();
    column::<Int64Type>(&mut group, &modified, Some(&vec![1; rows.len()]), None);
    let (mut values, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let vector: Vec<f32> = match row.heard {
            Ok(direction) => (0..128).map(|place| if place == direction { 1.0 } else { 0.0 }).collect(),
            Err(_) => Vec::new(),
        };
        definition.extend(if vector.is_empty() { vec![1] } else { vec![3; vector.len()] });
        repetition.extend((0..vector.len().max(1)).map(|place| i16::from(place > 0)));
        values.extend(vector);
    }
    column::<FloatType>(&mut group, &values, Some(&definition), Some(&repetition));
    let reasons: Vec<ByteArray> = failed().map(|(reason, ..)| text(reason)).collect();
    column::<ByteArrayType>(&mut group, &reasons, Some(&levels), None);
    let transient: Vec<bool> = failed().map(|(_, transient, _)| *transient).collect();
    column::<BoolType>(&mut group, &transient, Some(&levels), None);
    let silent: Vec<bool> = failed().map(|(.., silent)| *silent).collect();
    column::<BoolType>(&mut group, &silent, Some(&levels), None);
    group.close().unwrap();
    writer.close().unwrap();
}

fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, std::fs::File>,
    values: &[T::T],
    definition: Option<&[i16]>,
    repetition: Option<&[i16]>,
) {
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<T>().write_batch(values, definition, repetition).unwrap();
    column.close().unwrap();
}

#[test]
fn what_could_not_be_heard_elsewhere_is_kept_with_its_reason() {
    let world = World::new();
    let row = |name: &str, heard| Row { path: Path::new("/m").join(name), modified_ns: 5, heard };
    let mut rows = vec![
        row("a.wav", Ok(1)),
        row("silent.wav", Err(("nothing is to be heard", false, true))),
        row("broken.wav", Err(("not audio", false, false))),
        row("late.wav", Err(("No such file", true, false))),
        row("b.wav", Ok(2)),
    ];
    rows[4].path = "s3://bucket/b.wav".into();
    let shards = world.path("shards");
    std::fs::create_dir(&shards).unwrap();
    write_shard(&shards.join("1.parquet"), &rows);
    let import =
        |more: &[&str]| world.run(&[&["import", shards.to_str().unwrap(), "--model", "built-in"], more].concat());
    let listing = |done: usize, shards_of: &str| {
        let listing = format!(r#"{{"format_version": 1, "files": 7, "done": {done}, "shards": {shards_of}}}"#);
        std::fs::write(shards.join("listing.json"), listing).unwrap();
    };
    listing(5, r#"{"1.parquet": 5}"#);
    import(&[]).assert_error("2 of 7 files of the listing are in no shard", Some("run ray_embed.py again"));
    let one = shards.join("1.parquet").display().to_string();
    world.run(&["import", &one, "--model", "built-in"]).assert_error("2 of 7 files of the listing", Some("--partial"));
    listing(7, r#"{"1.parquet": 5, "2.parquet": 2}"#);
    import(&[]).assert_error("2.parquet", Some("run ray_embed.py again"));
    listing(7, r#"{"1.parquet": 7}"#);
    import(&[]).assert_error("1.parquet: 5 rows of 7", Some("--partial"));
    assert!(!world.store().exists(), "nothing is taken in of what is not whole");
    let partial = import(&["--partial"]);
    assert_eq!(partial.stdout, "2 added, 0 changed, 0 already there, 2 failed, 1 silent\n", "{partial:?}");
    listing(7, r#"{"1.parquet": 5}"#);
    assert_eq!(import(&[]).stdout, "0 added, 0 changed, 5 already there\n");
    let failed = world.run(&["status", "--failed"]).stdout;
    assert!(failed.contains("/m/broken.wav") && failed.contains("not audio"), "{failed}");
    let counts = world.status()["tracks"].clone();
    assert_eq!((&counts["embedded"], &counts["silent"], &counts["failed"]), (&2.into(), &1.into(), &2.into()));
    let exported = world.run(&["export", "--format", "jsonl", "--output", "-"]).stdout;
    assert!(exported.contains("\"s3://bucket/b.wav\""), "an address is no relative path: {exported}");
    // What is heard later is taken in; what failed later takes nothing away.
    rows[3].heard = Ok(3);
    rows[0].heard = Err(("not audio", false, false));
    write_shard(&shards.join("2.parquet"), &rows[..4]);
    assert_eq!(import(&[]).stdout, "0 added, 1 changed, 8 already there\n");
    assert_eq!(world.status()["tracks"]["embedded"], 3);
}
