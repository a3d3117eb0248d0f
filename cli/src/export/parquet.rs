//! Apache Parquet.

use std::fs::File;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::ExportedTrack;

const SCHEMA: &str = "message tracks {
    REQUIRED INT64 track;
    REQUIRED BYTE_ARRAY path (STRING);
    OPTIONAL BYTE_ARRAY artist (STRING);
    OPTIONAL BYTE_ARRAY title (STRING);
    OPTIONAL BYTE_ARRAY album (STRING);
    OPTIONAL BYTE_ARRAY genre (STRING);
    OPTIONAL DOUBLE duration_seconds;
    REQUIRED GROUP embedding (LIST) { REPEATED GROUP list { REQUIRED FLOAT element; } }
}";

/// Tracks in a row group: what a reader holds in memory at once.
const ROW_GROUP_TRACKS: usize = 65_536;

/// Writes one row a track; `embedding` is a list of floats.
pub fn write(file: File, tracks: &[ExportedTrack]) -> anyhow::Result<()> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let properties = Arc::new(WriterProperties::builder().set_compression(Compression::SNAPPY).build());
    let mut writer = SerializedFileWriter::new(file, schema, properties)?;
    for group in tracks.chunks(ROW_GROUP_TRACKS) {
        let mut row_group = writer.next_row_group()?;
        write_group(&mut row_group, group)?;
        row_group.close()?;
    }
    writer.close()?;
    Ok(())
}

/// Columns in the order of the schema.
fn write_group(row_group: &mut SerializedRowGroupWriter<'_, File>, tracks: &[ExportedTrack]) -> anyhow::Result<()> {
    let text = |text: &str| ByteArray::from(text.as_bytes().to_vec());
    let ids: Vec<i64> = tracks.iter().map(|track| track.record.id.0 as i64).collect();
    column::<Int64Type>(row_group, &ids, None, None)?;
    let paths: Vec<ByteArray> = tracks.iter().map(|track| text(&track.record.file.path.to_string_lossy())).collect();
    column::<ByteArrayType>(row_group, &paths, None, None)?;
    let tags: [fn(&ExportedTrack) -> Option<&String>; 4] = [
        |track| track.record.file.artist.as_ref(),
        |track| track.record.file.title.as_ref(),
        |track| track.record.file.album.as_ref(),
        |track| track.record.file.genre.as_ref(),
    ];
    for tag in tags {
        optional::<ByteArrayType>(row_group, tracks.iter().map(|track| tag(track).map(|tag| text(tag))))?;
    }
    optional::<DoubleType>(row_group, tracks.iter().map(|track| track.record.file.duration_seconds))?;
    let values: Vec<f32> = tracks.iter().flat_map(|track| track.vector.iter().copied()).collect();
    // A value is there (definition 1); the first of a track starts a list (repetition 0).
    let repetition: Vec<i16> =
        tracks.iter().flat_map(|track| (0..track.vector.len()).map(|position| i16::from(position > 0))).collect();
    column::<FloatType>(row_group, &values, Some(&vec![1; values.len()]), Some(&repetition))
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
