//! One JSON object a line.

use std::fs::File;
use std::io::{BufWriter, Write};

use super::{Exported, Passages};

/// Writes `track`, `path`, the tags, `duration_seconds` and `embedding` of each track.
pub fn write(file: File, exported: &Exported<'_>) -> anyhow::Result<()> {
    let mut writer = BufWriter::new(file);
    for track in exported.tracks(Passages::PassOver) {
        let track = track?;
        let file = &track.file;
        let object = serde_json::json!({
            "track": track.id,
            "path": file.path.to_string_lossy(),
            "artist": file.artist,
            "title": file.title,
            "album": file.album,
            "genre": file.genre,
            "year": file.year,
            "duration_seconds": file.duration_seconds,
            "embedding": track.vector,
        });
        writeln!(writer, "{object}")?;
    }
    Ok(writer.flush()?)
}
