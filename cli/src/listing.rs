//! Tracks of the library as an answer, in the shape that was asked for.

use index::resemblance::Resemblance;
use index::{Answer, TrackRecord};

use crate::args::QueryFormat;
use crate::output;
use crate::playlist::{artist_of, jspf, m3u8, xspf};

/// A track of an answer.
pub struct Listed {
    /// The track.
    pub record: TrackRecord,
    /// Its cosine with what was asked with; `None`: it was not compared.
    pub similarity: Option<f32>,
    /// What it is ranked by; `None`: it is not ranked.
    pub score: Option<f32>,
    /// Passages of what was asked with that it resembles most; `None`: nobody asked.
    pub passages: Option<Vec<Resemblance>>,
    /// Other tracks with the same recording, for which it stands.
    pub copies: Vec<TrackRecord>,
}

impl Listed {
    /// An answer without its copies.
    pub fn of(answer: Answer) -> Self {
        let Answer { neighbour, similarity, record, .. } = answer;
        Self { record, similarity: Some(similarity), score: Some(neighbour.score), passages: None, copies: Vec::new() }
    }
}

/// Prints tracks.
pub fn print(rows: &[Listed], format: QueryFormat) -> anyhow::Result<()> {
    let records = || rows.iter().map(|row| &row.record);
    match format {
        QueryFormat::Table => output::print(&table(rows)),
        QueryFormat::Json => output::print_json(&rows.iter().zip(1..).map(to_json).collect::<Vec<_>>()),
        QueryFormat::Paths => output::print_paths(records().map(|record| record.file.path.as_path())),
        QueryFormat::M3u8 => output::print_bytes(&m3u8(records())),
        QueryFormat::Xspf => output::print(&xspf(records())?),
        QueryFormat::Jspf => output::print_json(&jspf(records())),
    }
}

fn to_json((row, rank): (&Listed, usize)) -> serde_json::Value {
    let file = &row.record.file;
    let mut object = serde_json::json!({
        "rank": rank,
        "similarity": row.similarity,
        "track": row.record.id,
        "artist": file.artist,
        "title": file.title,
        "album": file.album,
        "genre": file.genre,
        "year": file.year,
        "duration_seconds": file.duration_seconds,
        "path": file.path.to_string_lossy(),
    });
    if let Some(score) = row.score {
        object["score"] = score.into();
    }
    if !row.copies.is_empty() {
        let copy =
            |copy: &TrackRecord| serde_json::json!({ "track": copy.id, "path": copy.file.path.to_string_lossy() });
        object["copies"] = row.copies.iter().map(copy).collect();
    }
    if let Some(passages) = &row.passages {
        object["passages"] = serde_json::json!(passages);
    }
    object
}

fn table(rows: &[Listed]) -> String {
    let has_passages = rows.iter().any(|row| row.passages.is_some());
    let mut header = vec!["", "similarity", "artist", "title", "path"];
    if has_passages {
        header.insert(4, "passages");
    }
    let has_copies = rows.iter().any(|row| !row.copies.is_empty());
    if has_copies {
        header.insert(4, "copies");
    }
    let mut table = output::Table::new(&header);
    for (row, rank) in rows.iter().zip(1..) {
        let mut cells = vec![
            rank.to_string(),
            row.similarity.map_or("–".into(), |similarity| format!("{similarity:.3}")),
            artist_of(&row.record).to_owned(),
            row.record.title(),
            row.record.file.path.display().to_string(),
        ];
        if has_passages {
            cells.insert(4, row.passages.iter().flatten().next().map_or("–".into(), best_passages));
        }
        if has_copies {
            cells.insert(4, (1 + row.copies.len()).to_string());
        }
        table.row(cells);
    }
    table.to_text()
}

fn best_passages(pair: &Resemblance) -> String {
    let [first, second] = [pair.first_seconds, pair.second_seconds].map(|seconds| output::clock(f64::from(seconds)));
    format!("{first} like {second} ({:.3})", pair.similarity)
}
