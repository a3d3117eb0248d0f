//! `similar-tracks query`.

use std::collections::HashSet;

use index::{Neighbour, Store, TrackRecord};

use crate::Outcome;
use crate::args::{QueryArguments, QueryFormat};
use crate::failure::hinted;
use crate::library::query_vector::{QueryTrack, Resolver, blend};
use crate::library::serving::{EmbeddingId, Model};
use crate::output;
use crate::settings::Settings;

/// A line of the answer.
struct Row {
    rank: usize,
    neighbour: Neighbour,
    /// Cosine, from −1 to 1; 1 is the same direction. Answers are ranked by score, in which hubs lose a little.
    similarity: f32,
    record: TrackRecord,
}

/// Lists the tracks nearest to the given ones.
pub fn run(settings: &Settings, arguments: &QueryArguments) -> anyhow::Result<Outcome> {
    let store = Store::open(&settings.store)?;
    let catalogue = store.catalogue()?;
    let Some(searcher) = store.searcher(&catalogue)? else {
        return nothing(&format!("the store {} holds no tracks", settings.store.display()));
    };
    if let Some(name) = &arguments.model {
        let store = EmbeddingId::parse(searcher.model_id());
        let asked = Model::named(name, store.coverage)?.id;
        if asked != store {
            return Err(hinted(
                index::Error::OtherModel { store: store.to_string(), asked: asked.to_string() },
                "leave --model out, or embed the library again with `similar-tracks ingest --model … --reembed`",
            ));
        }
    }
    let model_id = searcher.model_id().to_owned();
    let mut resolver = Resolver::new(&store, &catalogue, &model_id);
    let tracks: Vec<QueryTrack> =
        arguments.tracks.iter().map(|name| resolver.resolve(name)).collect::<anyhow::Result<_>>()?;
    let itself: HashSet<_> = tracks.iter().flat_map(|track| track.itself.iter().copied()).collect();
    let query = blend(&tracks)?;
    let neighbours = searcher.nearest(&model_id, &query, arguments.count as usize, &itself)?;
    let mut rows = Vec::with_capacity(neighbours.len());
    for neighbour in neighbours {
        // A track removed since the index was opened.
        let Some(record) = catalogue.get(neighbour.track)? else { continue };
        let Some(vector) = catalogue.vector(neighbour.track, &model_id)? else { continue };
        let cosine: f32 = query.iter().zip(&vector).map(|(a, b)| a * b).sum();
        rows.push(Row { rank: rows.len() + 1, neighbour, similarity: cosine.clamp(-1.0, 1.0), record });
    }
    if rows.is_empty() {
        return nothing("the library holds no other track");
    }
    match if arguments.json { QueryFormat::Json } else { arguments.format } {
        QueryFormat::Table => output::print(&table(&rows))?,
        QueryFormat::Json => output::print_json(&rows.iter().map(Row::to_json).collect::<Vec<_>>())?,
        QueryFormat::Paths => output::print_paths(rows.iter().map(|row| row.record.file.path.as_path()))?,
        QueryFormat::M3u8 => output::print_bytes(&playlist(&rows))?,
    }
    Ok(Outcome::Done)
}

#[allow(clippy::print_stderr, reason = "finding nothing is no failure, but must not look like an empty answer")]
fn nothing(reason: &str) -> anyhow::Result<Outcome> {
    eprintln!("{reason}");
    Ok(Outcome::NothingFound)
}

impl Row {
    fn artist(&self) -> &str {
        self.record.file.artist.as_deref().unwrap_or("–")
    }

    /// The title, or the file's name.
    fn title(&self) -> String {
        let name = || self.record.file.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        self.record.file.title.clone().unwrap_or_else(name)
    }

    fn to_json(&self) -> serde_json::Value {
        let file = &self.record.file;
        serde_json::json!({
            "rank": self.rank,
            "similarity": self.similarity,
            "score": self.neighbour.score,
            "track": self.neighbour.track,
            "artist": file.artist,
            "title": file.title,
            "album": file.album,
            "genre": file.genre,
            "duration_seconds": file.duration_seconds,
            "path": file.path.to_string_lossy(),
        })
    }
}

fn table(rows: &[Row]) -> String {
    let mut table = output::Table::new(&["", "similarity", "artist", "title", "path"]);
    for row in rows {
        table.row(vec![
            row.rank.to_string(),
            format!("{:.3}", row.similarity),
            row.artist().to_owned(),
            row.title(),
            row.record.file.path.display().to_string(),
        ]);
    }
    table.to_text()
}

/// Paths byte for byte; one that holds a line break cannot stand in a playlist and is left out.
fn playlist(rows: &[Row]) -> Vec<u8> {
    let mut playlist = b"#EXTM3U\n".to_vec();
    for row in rows {
        let path = row.record.file.path.as_os_str().as_encoded_bytes();
        if path.contains(&b'\n') || path.contains(&b'\r') {
            continue;
        }
        let seconds = row.record.file.duration_seconds.map_or(-1, |seconds| seconds.round() as i64);
        let title = output::one_line(&format!("{} - {}", row.artist(), row.title()));
        playlist.extend(format!("#EXTINF:{seconds},{title}\n").into_bytes());
        playlist.extend_from_slice(path);
        playlist.push(b'\n');
    }
    playlist
}
