//! NumPy's archive format.

use std::fs::File;

use npyz::npz::NpzWriter;
use npyz::{DType, WriterBuilder};

use super::ExportedTrack;

/// Writes `files`, text of shape N, and `emb`, float32 of shape N × dimensions.
pub fn write(file: File, tracks: &[ExportedTrack]) -> anyhow::Result<()> {
    let paths: Vec<String> = tracks.iter().map(|track| track.record.file.path.to_string_lossy().into_owned()).collect();
    let longest = paths.iter().map(|path| path.chars().count()).max().unwrap_or(0).max(1);
    let dimensions = tracks.first().map_or(0, |track| track.vector.len());
    let count = tracks.len() as u64;
    let mut archive = NpzWriter::new(file);
    let text = DType::Plain(format!("<U{longest}").parse()?);
    let mut files = archive.array::<str>("files", Default::default())?.dtype(text).shape(&[count]).begin_nd()?;
    for path in &paths {
        files.push(path)?;
    }
    files.finish()?;
    let shape = [count, dimensions as u64];
    let mut vectors = archive.array("emb", Default::default())?.default_dtype().shape(&shape).begin_nd()?;
    vectors.extend(tracks.iter().flat_map(|track| track.vector.iter().copied()))?;
    Ok(vectors.finish()?)
}
