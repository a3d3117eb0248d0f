//! NumPy's archive format.

use std::fs::File;
use std::path::Path;

use npyz::npz::NpzWriter;
use npyz::{DType, WriterBuilder};

use super::ExportedTrack;

/// Writes tracks of a library.
pub fn write(file: File, tracks: &[ExportedTrack]) -> anyhow::Result<()> {
    write_table(file, tracks.iter().map(|track| (track.record.file.path.as_path(), track.vector.as_slice())))
}

/// Writes `files`, text of shape N, and `emb`, float32 of shape N × dimensions.
pub fn write_table<'a>(file: File, rows: impl Iterator<Item = (&'a Path, &'a [f32])>) -> anyhow::Result<()> {
    let (paths, vectors): (Vec<String>, Vec<&[f32]>) =
        rows.map(|(path, vector)| (path.to_string_lossy().into_owned(), vector)).unzip();
    let longest = paths.iter().map(|path| path.chars().count()).max().unwrap_or(0).max(1);
    let dimensions = vectors.first().map_or(0, |vector| vector.len());
    let count = vectors.len() as u64;
    let mut archive = NpzWriter::new(file);
    let text = DType::Plain(format!("<U{longest}").parse()?);
    let mut files = archive.array::<str>("files", Default::default())?.dtype(text).shape(&[count]).begin_nd()?;
    for path in &paths {
        files.push(path)?;
    }
    files.finish()?;
    let shape = [count, dimensions as u64];
    let mut array = archive.array("emb", Default::default())?.default_dtype().shape(&shape).begin_nd()?;
    array.extend(vectors.into_iter().flatten().copied())?;
    Ok(array.finish()?)
}
