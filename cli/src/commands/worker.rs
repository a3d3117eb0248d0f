//! `similar-tracks worker`.

use std::ffi::OsStr;
use std::io::{BufRead, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use audio_frontend::content::hash_file;
use audio_frontend::tags;
use index::Store;
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};
use trainer::Embedder;

use crate::Outcome;
use crate::args::WorkerArguments;
use crate::failure::hinted;
use crate::library::serving::{EmbeddingId, Model};
use crate::settings::Settings;

/// A line that is an object.
#[derive(Deserialize)]
struct Task {
    path: PathBuf,
}

/// What came of a file.
#[derive(Default, Serialize)]
struct Row {
    path: String,
    /// What the vector is kept under.
    model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Whether it may work another time.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_transient: Option<bool>,
    hash: Option<String>,
    artist: Option<String>,
    title: Option<String>,
    album: Option<String>,
    genre: Option<String>,
    year: Option<u16>,
    duration_seconds: Option<f64>,
    vector: Vec<f32>,
    passages: Vec<PassageRow>,
}

#[derive(Serialize)]
struct PassageRow {
    start_seconds: f32,
    vector: Vec<f32>,
}

/// Embeds the files that standard input names, one a line, and writes a line for each, in their order.
pub fn run(settings: &Settings, arguments: &WorkerArguments) -> anyhow::Result<Outcome> {
    if let Some(gibibytes) = arguments.memory_gib {
        let limit = Some(gibibytes << 30);
        setrlimit(Resource::As, Rlimit { current: limit, maximum: limit })?;
    }
    let store = Store::open(&settings.store)?;
    let model_id = store.catalogue()?.serving_model()?.ok_or_else(|| {
        hinted(anyhow::anyhow!("the store {} holds no tracks", settings.store.display()), "`ingest` some first")
    })?;
    let model = Model::of_store(&store, &model_id)?;
    trainer::use_one_thread();
    let embedder = model.embedder()?;
    let mut output = std::io::stdout().lock();
    if arguments.hello {
        let passage_seconds = model.files.parsed_card(Path::new("the model"))?.front_end.window_seconds();
        write_line(&mut output, &serde_json::json!({ "model": model_id, "passage_seconds": passage_seconds }))?;
    }
    let mut input = std::io::stdin().lock();
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        write_line(&mut output, &row_of(text, &embedder, &model.id))?;
        line.clear();
    }
    Ok(Outcome::Done)
}

/// Whoever reads waits for this very line.
fn write_line(output: &mut impl Write, value: &impl Serialize) -> anyhow::Result<()> {
    serde_json::to_writer(&mut *output, value)?;
    output.write_all(b"\n")?;
    Ok(output.flush()?)
}

/// A path, or an object with one.
fn row_of(line: &[u8], embedder: &Embedder, model: &EmbeddingId) -> Row {
    let path = match serde_json::from_slice(line) {
        Ok(Task { path }) => path,
        Err(_) => OsStr::from_bytes(line).into(),
    };
    let row = Row { path: path.to_string_lossy().into_owned(), model: model.to_string(), ..Row::default() };
    let failed = |row: Row, reason: String, is_transient: bool| Row {
        error: Some(reason),
        is_transient: Some(is_transient),
        ..row
    };
    let hash = match hash_file(&path) {
        Ok(hash) => blake3::Hash::from_bytes(hash).to_hex().to_string(),
        Err(source) => return failed(row, audio_frontend::Error::Io { path, source }.reason(), true),
    };
    let info = tags::read(&path);
    let row = Row {
        hash: Some(hash),
        artist: info.tags.artist,
        title: info.tags.title,
        album: info.tags.album,
        genre: info.tags.genre,
        year: info.tags.year,
        duration_seconds: info.duration_seconds,
        ..row
    };
    match embedder.embed_file(&path, model.coverage) {
        Ok(embedding) => {
            let passages = embedding.passages.into_iter();
            let passage = |passage: trainer::embed::PassageVector| PassageRow {
                start_seconds: passage.start_seconds,
                vector: passage.vector,
            };
            Row { vector: embedding.vector, passages: passages.map(passage).collect(), ..row }
        }
        Err(trainer::Error::Audio(error)) => {
            let is_transient = error.is_transient();
            failed(row, error.reason(), is_transient)
        }
        Err(error) => failed(row, error.to_string(), true),
    }
}
