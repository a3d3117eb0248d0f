//! Apache Parquet.

use std::fs::File;
use std::sync::Arc;

use anyhow::Context;
use index::{ContentHash, FileStamp, NewTrack, Passage, TrackId, TrackState};
use parquet::basic::Compression;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{
    ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, FloatType, Int32Type,
    Int64Type,
};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnDescPtr;

use super::{ExchangedTrack, Exported, Imported, Passages, TAGS, tags_of};

/// A track's passages stand in two lists: where each begins, and their vectors one after the other.
const SCHEMA: &str = "message tracks {
    REQUIRED INT64 track;
    REQUIRED BYTE_ARRAY path (STRING);
    OPTIONAL BYTE_ARRAY artist (STRING);
    OPTIONAL BYTE_ARRAY title (STRING);
    OPTIONAL BYTE_ARRAY album (STRING);
    OPTIONAL BYTE_ARRAY genre (STRING);
    OPTIONAL DOUBLE duration_seconds;
    REQUIRED GROUP embedding (LIST) { REPEATED GROUP list { REQUIRED FLOAT element; } }
    OPTIONAL INT32 year;
    REQUIRED INT64 size_bytes;
    REQUIRED INT64 modified_ns;
    OPTIONAL FIXED_LEN_BYTE_ARRAY (32) content_hash;
    REQUIRED GROUP passage_seconds (LIST) { REPEATED GROUP list { REQUIRED FLOAT element; } }
    REQUIRED GROUP passage_embeddings (LIST) { REPEATED GROUP list { REQUIRED FLOAT element; } }
}";

/// Key of the file's metadata that names the model.
const MODEL: &str = "model";

/// Tracks in a row group: what a writer or reader holds in memory at once.
const ROW_GROUP_TRACKS: usize = 8192;

/// Writes one row a track.
pub fn write(file: File, exported: &Exported<'_>) -> anyhow::Result<()> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let model = KeyValue::new(MODEL.to_owned(), exported.model_id.clone());
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
    let properties = Arc::new(properties.set_key_value_metadata(Some(vec![model])).build());
    let mut writer = SerializedFileWriter::new(file, schema, properties)?;
    let mut tracks = exported.tracks(Passages::Read).peekable();
    while tracks.peek().is_some() {
        let group: Vec<ExchangedTrack> = tracks.by_ref().take(ROW_GROUP_TRACKS).collect::<anyhow::Result<_>>()?;
        let mut row_group = writer.next_row_group()?;
        write_group(&mut row_group, &group)?;
        row_group.close()?;
    }
    writer.close()?;
    Ok(())
}

/// Columns in the order of the schema.
fn write_group(row_group: &mut SerializedRowGroupWriter<'_, File>, tracks: &[ExchangedTrack]) -> anyhow::Result<()> {
    let text = |text: &str| ByteArray::from(text.as_bytes().to_vec());
    let ids: Vec<i64> = tracks.iter().map(|track| track.id.map_or(0, |id| id.0 as i64)).collect();
    column::<Int64Type>(row_group, &ids, None, None)?;
    let paths: Vec<ByteArray> = tracks.iter().map(|track| text(&track.file.path.to_string_lossy())).collect();
    column::<ByteArrayType>(row_group, &paths, None, None)?;
    for place in 0..TAGS.len() {
        optional::<ByteArrayType>(
            row_group,
            tracks.iter().map(|track| tags_of(&track.file)[place].map(|tag| text(tag))),
        )?;
    }
    optional::<DoubleType>(row_group, tracks.iter().map(|track| track.file.duration_seconds))?;
    lists(row_group, tracks.iter().map(|track| track.vector.clone()))?;
    optional::<Int32Type>(row_group, tracks.iter().map(|track| track.file.year.map(i32::from)))?;
    let sizes: Vec<i64> = tracks.iter().map(|track| track.file.stamp.size_bytes as i64).collect();
    column::<Int64Type>(row_group, &sizes, None, None)?;
    let modified: Vec<i64> = tracks.iter().map(|track| track.file.stamp.modified_ns).collect();
    column::<Int64Type>(row_group, &modified, None, None)?;
    let hash = |hash: ContentHash| FixedLenByteArray::from(hash.0.to_vec());
    optional::<FixedLenByteArrayType>(row_group, tracks.iter().map(|track| track.file.hash.map(hash)))?;
    let passages = || tracks.iter().map(|track| track.passages.iter());
    lists(row_group, passages().map(|passages| passages.map(|passage| passage.start_seconds).collect()))?;
    lists(row_group, passages().map(|passages| passages.flat_map(|passage| passage.vector.clone()).collect()))
}

/// A list of numbers a row.
fn lists(
    row_group: &mut SerializedRowGroupWriter<'_, File>,
    rows: impl Iterator<Item = Vec<f32>>,
) -> anyhow::Result<()> {
    let (mut values, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        // A value is there (definition 1), or an empty list is (0); the first of a row starts a list (repetition 0).
        definition.extend(if row.is_empty() { vec![0] } else { vec![1; row.len()] });
        repetition.extend((0..row.len().max(1)).map(|place| i16::from(place > 0)));
        values.extend(row);
    }
    column::<FloatType>(row_group, &values, Some(&definition), Some(&repetition))
}

fn optional<T: DataType>(
    row_group: &mut SerializedRowGroupWriter<'_, File>,
    values: impl Iterator<Item = Option<T::T>>,
) -> anyhow::Result<()> {
    let values: Vec<Option<T::T>> = values.collect();
    let present: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let values: Vec<T::T> = values.into_iter().flatten().collect();
    column::<T>(row_group, &values, Some(&present), None)
}

fn column<T: DataType>(
    row_group: &mut SerializedRowGroupWriter<'_, File>,
    values: &[T::T],
    definition: Option<&[i16]>,
    repetition: Option<&[i16]>,
) -> anyhow::Result<()> {
    let column = row_group.next_column()?;
    let mut column = column.ok_or_else(|| anyhow::anyhow!("the schema has fewer columns than are written"))?;
    column.typed::<T>().write_batch(values, definition, repetition)?;
    Ok(column.close()?)
}

/// How many rows a file has.
pub fn rows(file: File) -> anyhow::Result<i64> {
    Ok(SerializedFileReader::new(file)?.metadata().file_metadata().num_rows())
}

/// Reads what [`write()`] wrote, or another file that has `path` and `embedding` at least. Where `error` is there, it tells
/// why a file has no vector; `is_silent` and `is_transient` tell what kind of reason that is.
pub fn read(file: File) -> anyhow::Result<Imported<'static>> {
    let reader = SerializedFileReader::new(file)?;
    let metadata = reader.metadata().file_metadata();
    let mut entries = metadata.key_value_metadata().into_iter().flatten();
    let model_id = entries.find(|entry| entry.key == MODEL).and_then(|entry| entry.value.clone());
    let groups = 0..reader.num_row_groups();
    let batches = groups.map(move |group| read_group(reader.get_row_group(group)?.as_ref()));
    Ok(Imported { model_id, batches: Box::new(batches) })
}

fn read_group(group: &dyn RowGroupReader) -> anyhow::Result<Vec<ExchangedTrack>> {
    let group = Group { reader: group, rows: usize::try_from(group.metadata().num_rows())? };
    // First of all what has to be there: it tells whether there are as many rows as the file states.
    group.require(&["path", "embedding"])?;
    let (paths, vectors) = (group.texts("path")?, group.floats("embedding")?);
    let tags = TAGS.into_iter().map(|name| group.texts(name)).collect::<anyhow::Result<Vec<_>>>()?;
    let seconds = group.numbers("duration_seconds")?;
    let [years, sizes, modified] =
        [group.integers("year")?, group.integers("size_bytes")?, group.integers("modified_ns")?];
    let hashes = group.bytes("content_hash")?;
    let (errors, silent, transient) = (group.texts("error")?, group.flags("is_silent")?, group.flags("is_transient")?);
    let [starts, passages] = [group.floats("passage_seconds")?, group.floats("passage_embeddings")?];
    let mut tracks = Vec::new();
    for (row, vector) in vectors.into_iter().enumerate() {
        let tag = |place: usize| tags[place][row].clone();
        let state = match &errors[row] {
            None => TrackState::Embedded,
            Some(_) if silent[row] => TrackState::Silent,
            Some(reason) => TrackState::Failed { reason: reason.clone(), transient: transient[row] },
        };
        let path = paths[row].as_ref().with_context(|| format!("row {row} has no path"))?;
        let length = passages[row].len() / starts[row].len().max(1);
        let has_passages = length > 0 && length * starts[row].len() == passages[row].len();
        let passage = |(start, vector): (&f32, &[f32])| Passage { start_seconds: *start, vector: vector.to_vec() };
        let of_track =
            has_passages.then(|| starts[row].iter().zip(passages[row].chunks(length)).map(passage).collect());
        tracks.push(ExchangedTrack {
            id: None::<TrackId>,
            file: NewTrack {
                path: path.into(),
                stamp: FileStamp {
                    size_bytes: sizes[row].unwrap_or(0).max(0) as u64,
                    modified_ns: modified[row].unwrap_or(0),
                },
                hash: hashes[row].as_deref().and_then(|bytes| Some(ContentHash(bytes.try_into().ok()?))),
                artist: tag(0),
                title: tag(1),
                album: tag(2),
                genre: tag(3),
                year: years[row].and_then(|year| u16::try_from(year).ok()).filter(|year| *year > 0),
                duration_seconds: seconds[row].filter(|seconds| seconds.is_finite()),
            },
            state,
            vector,
            passages: of_track.unwrap_or_default(),
        });
    }
    Ok(tracks)
}

/// Columns by their names; one that is missing has nothing in any row.
struct Group<'a> {
    reader: &'a dyn RowGroupReader,
    rows: usize,
}

/// Lists have names of their own below the column's.
fn is_named(column: &ColumnDescPtr, name: &str) -> bool {
    column.path().parts().first().is_some_and(|part| part == name)
}

impl Group<'_> {
    fn require(&self, names: &[&str]) -> anyhow::Result<()> {
        let columns = self.reader.metadata().schema_descr().columns();
        let lacking = names.iter().find(|name| !columns.iter().any(|column| is_named(column, name)));
        lacking.map_or(Ok(()), |name| Err(anyhow::anyhow!("there is no column {name}")))
    }

    fn column(&self, name: &str) -> anyhow::Result<(Option<ColumnReader>, Levels)> {
        let columns = self.reader.metadata().schema_descr().columns();
        let Some(place) = columns.iter().position(|column| is_named(column, name)) else {
            return Ok((None, Levels::default()));
        };
        let levels = Levels {
            rows: self.rows,
            most_defined: columns[place].max_def_level(),
            repeats: columns[place].max_rep_level() > 0,
        };
        Ok((Some(self.reader.get_column_reader(place)?), levels))
    }

    fn bytes(&self, name: &str) -> anyhow::Result<Vec<Option<Vec<u8>>>> {
        let (reader, levels) = self.column(name)?;
        match reader {
            Some(ColumnReader::ByteArrayColumnReader(reader)) => scalars(reader, levels, |value| value.data().to_vec()),
            Some(ColumnReader::FixedLenByteArrayColumnReader(reader)) => {
                scalars(reader, levels, |value| value.data().to_vec())
            }
            None => Ok(vec![None; self.rows]),
            Some(_) => anyhow::bail!("column {name} holds no bytes"),
        }
    }

    fn texts(&self, name: &str) -> anyhow::Result<Vec<Option<String>>> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).with_context(|| format!("column {name} is no text"));
        self.bytes(name)?.into_iter().map(|bytes| bytes.map(text).transpose()).collect()
    }

    fn integers(&self, name: &str) -> anyhow::Result<Vec<Option<i64>>> {
        let (reader, levels) = self.column(name)?;
        match reader {
            Some(ColumnReader::Int64ColumnReader(reader)) => scalars(reader, levels, |value| *value),
            Some(ColumnReader::Int32ColumnReader(reader)) => scalars(reader, levels, |value| i64::from(*value)),
            None => Ok(vec![None; self.rows]),
            Some(_) => anyhow::bail!("column {name} holds no whole numbers"),
        }
    }

    fn flags(&self, name: &str) -> anyhow::Result<Vec<bool>> {
        let (reader, levels) = self.column(name)?;
        let flags = match reader {
            Some(ColumnReader::BoolColumnReader(reader)) => scalars(reader, levels, |value| *value)?,
            None => return Ok(vec![false; self.rows]),
            Some(_) => anyhow::bail!("column {name} holds neither true nor false"),
        };
        Ok(flags.into_iter().map(|flag| flag.unwrap_or(false)).collect())
    }

    fn numbers(&self, name: &str) -> anyhow::Result<Vec<Option<f64>>> {
        let (reader, levels) = self.column(name)?;
        match reader {
            Some(ColumnReader::DoubleColumnReader(reader)) => scalars(reader, levels, |value| *value),
            Some(ColumnReader::FloatColumnReader(reader)) => scalars(reader, levels, |value| f64::from(*value)),
            _ => Ok(self.integers(name)?.into_iter().map(|value| value.map(|value| value as f64)).collect()),
        }
    }

    /// A list of numbers a row.
    fn floats(&self, name: &str) -> anyhow::Result<Vec<Vec<f32>>> {
        let (reader, levels) = self.column(name)?;
        match reader {
            Some(ColumnReader::FloatColumnReader(reader)) => records(reader, levels, |value| *value),
            Some(ColumnReader::DoubleColumnReader(reader)) => records(reader, levels, |value| *value as f32),
            None => Ok(vec![Vec::new(); self.rows]),
            Some(_) => anyhow::bail!("column {name} holds no numbers"),
        }
    }
}

/// What is to be known of a column to tell which values belong to which row.
#[derive(Clone, Copy, Default)]
struct Levels {
    rows: usize,
    /// Definition level of a value that is there.
    most_defined: i16,
    /// Whether a row may have several.
    repeats: bool,
}

fn scalars<T: DataType, V>(
    reader: ColumnReaderImpl<T>,
    levels: Levels,
    value: impl Fn(&T::T) -> V,
) -> anyhow::Result<Vec<Option<V>>> {
    Ok(records(reader, levels, value)?.into_iter().map(|mut values| values.pop()).collect())
}

/// What is there in each row: nothing, a value, or a list of them.
fn records<T: DataType, V>(
    mut reader: ColumnReaderImpl<T>,
    Levels { rows, most_defined, repeats }: Levels,
    value: impl Fn(&T::T) -> V,
) -> anyhow::Result<Vec<Vec<V>>> {
    let (mut values, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
    let mut read = 0;
    while read < rows {
        let (records, _, _) =
            reader.read_records(rows - read, Some(&mut definition), Some(&mut repetition), &mut values)?;
        anyhow::ensure!(records > 0, "a column has {read} rows, not {rows}");
        read += records;
    }
    // Where every value is there, or none repeats, no levels are kept.
    let levels = if most_defined > 0 { definition.len() } else { values.len() };
    let mut values = values.iter();
    let mut of_rows: Vec<Vec<V>> = Vec::new();
    for place in 0..levels {
        if !repeats || repetition[place] == 0 {
            of_rows.push(Vec::new());
        }
        let is_there = most_defined == 0 || definition[place] == most_defined;
        if let (true, Some(row)) = (is_there, of_rows.last_mut()) {
            row.extend(values.next().map(&value));
        }
    }
    anyhow::ensure!(of_rows.len() == rows, "a column has {} rows, not {rows}", of_rows.len());
    Ok(of_rows)
}
