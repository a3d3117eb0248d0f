//! Exports are read by others.

use super::music::write_library;
use super::program::{World, python_with_numpy};

fn exported(format: &str) -> (World, std::path::PathBuf) {
    let world = World::new();
    write_library(&world.library(), 3, 5.0);
    world.ingest(&[]);
    let file = world.path(&format!("vectors.{format}"));
    let run = world.run(&["export", "--format", format, "--output", file.to_str().unwrap()]);
    assert_eq!(run.code, Some(0), "{run:?}");
    (world, file)
}

#[test]
fn jsonl_has_a_line_and_a_unit_vector_a_track() {
    let (world, file) = exported("jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text.lines().count(), 3);
    for line in text.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        let vector: Vec<f64> = serde_json::from_value(object["embedding"].clone()).unwrap();
        assert!((vector.iter().map(|value| value * value).sum::<f64>() - 1.0).abs() < 1e-5);
        assert_eq!(vector.len(), 128);
    }
    let stdout = world.run(&["export", "--format", "jsonl", "--output", "-"]).stdout;
    assert_eq!(stdout, text);
}

#[test]
fn npz_has_the_arrays_files_and_emb() {
    let (world, file) = exported("npz");
    let mut archive = npyz::npz::NpzArchive::open(&file).unwrap();
    let files = archive.by_name("files").unwrap().unwrap();
    assert_eq!(files.shape(), [3]);
    let files: Vec<String> =
        files.into_vec::<Vec<char>>().unwrap().into_iter().map(|name| name.into_iter().collect()).collect();
    assert!(files.contains(&world.library().join("piece-0.wav").display().to_string()), "{files:?}");
    let vectors = archive.by_name("emb").unwrap().unwrap();
    assert_eq!(vectors.shape(), [3, 128]);
    assert_eq!(vectors.dtype().descr(), "'<f4'");
    let script = "import numpy, sys; a = numpy.load(sys.argv[1]); \
                  assert a['files'].shape == (3,) and a['emb'].shape == (3, 128) and a['emb'].dtype == numpy.float32; \
                  assert sorted(a['files'])[0].endswith('piece-0.wav')";
    let status = python_with_numpy().args(["-c", script]).arg(&file).status().unwrap();
    assert!(status.success());
}

#[test]
fn parquet_has_a_row_a_track() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::{Field, ListAccessor, RowAccessor};
    let (world, file) = exported("parquet");
    let reader = SerializedFileReader::new(std::fs::File::open(&file).unwrap()).unwrap();
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 3);
    let names: Vec<&String> = rows[0].get_column_iter().map(|(name, _)| name).collect();
    assert_eq!(names[..3], ["track", "path", "artist"]);
    let expected = world.library().join("piece-0.wav").display().to_string();
    assert!(rows.iter().any(|row| *row.get_string(1).unwrap() == expected), "{rows:?}");
    assert_eq!(rows[0].get_column_iter().nth(2).unwrap().1, &Field::Null);
    assert!((rows[0].get_double(6).unwrap() - 5.0).abs() < 0.1);
    let vector = rows[2].get_list(7).unwrap();
    assert_eq!(vector.len(), 128);
    assert!((0..128).map(|n| vector.get_float(n).unwrap().powi(2)).sum::<f32>() > 0.999);
}

#[test]
fn a_device_is_written_to_and_not_replaced() {
    use std::os::unix::fs::FileTypeExt;
    let (world, _) = exported("jsonl");
    let run = world.run(&["export", "--format", "jsonl", "--output", "/dev/null"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(std::fs::metadata("/dev/null").unwrap().file_type().is_char_device());
}

#[test]
fn a_failed_export_leaves_the_old_file() {
    let (world, file) = exported("npz");
    let before = std::fs::read(&file).unwrap();
    let run = world.run(&["export", "--format", "npz", "--output", "/no/such/folder/x.npz"]);
    run.assert_error("/no/such/folder", None);
    assert_eq!(std::fs::read(&file).unwrap(), before);
}
