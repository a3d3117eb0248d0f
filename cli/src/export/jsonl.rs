//! One JSON object a line.

use std::fs::File;
use std::io::{BufWriter, Write};

use super::ExportedTrack;

/// Writes `track`, `path`, the tags, `duration_seconds` and `embedding` of each track.
pub fn write(file: File, tracks: &[ExportedTrack]) -> anyhow::Result<()> {
    let mut file = BufWriter::new(file);
    for track in tracks {
        let of_file = &track.record.file;
        let object = serde_json::json!({
            "track": track.record.id,
            "path": of_file.path.to_string_lossy(),
            "artist": of_file.artist,
            "title": of_file.title,
            "album": of_file.album,
            "genre": of_file.genre,
            "duration_seconds": of_file.duration_seconds,
            "embedding": track.vector,
        });
        writeln!(file, "{object}")?;
    }
    Ok(file.flush()?)
}
