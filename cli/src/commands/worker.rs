//! `similar-tracks worker`.

use std::ffi::OsStr;
use std::io::{BufRead, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use audio_frontend::Coverage;
use audio_frontend::formats::audio_extensions;
use index::{ContentHash, FileStamp, NewTrack, Passage, Store};
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};
use trainer::Embedder;

use crate::Outcome;
use crate::args::WorkerArguments;
use crate::failure::hinted;
use crate::library::serving::{EmbeddingId, Model};
use crate::library::walk::{ListedFile, stamp_of, walk};
use crate::library::worker::{Heard, hashed, listen};
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
    /// Whether it is audio, of which nothing is to be heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_silent: Option<bool>,
    size_bytes: u64,
    modified_ns: i64,
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
    let mut output = std::io::stdout().lock();
    if !arguments.list.is_empty() {
        return list(&arguments.list, &mut output);
    }
    if let Some(gibibytes) = arguments.memory_gib {
        let limit = Some(gibibytes << 30);
        setrlimit(Resource::As, Rlimit { current: limit, maximum: limit })?;
    }
    let model = match &arguments.model {
        Some(name) => Model::named(name, arguments.coverage.map_or_else(Coverage::default, Coverage::from))?,
        None => model_of_store(settings)?,
    };
    trainer::use_one_thread();
    let embedder = model.embedder()?;
    if arguments.hello {
        let passage_seconds = model.files.parsed_card(Path::new("the model"))?.front_end.window_seconds();
        let model = model.id.to_string();
        let extensions: Vec<&str> = audio_extensions().collect();
        let hello = serde_json::json!({ "model": model, "passage_seconds": passage_seconds, "extensions": extensions });
        write_line(&mut output, &hello)?;
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

fn model_of_store(settings: &Settings) -> anyhow::Result<Model> {
    let store = Store::open(&settings.store)?;
    let model_id = store.catalogue()?.serving_model()?.ok_or_else(|| {
        hinted(anyhow::anyhow!("the store {} holds no tracks", settings.store.display()), "`ingest` some first")
    })?;
    Model::of_store(&store, &model_id)
}

/// Files in the order of their paths; a name that is no text cannot stand in JSON.
fn list(folders: &[PathBuf], output: &mut impl Write) -> anyhow::Result<Outcome> {
    let found = walk(folders)?;
    for (path, stamp) in &found.files {
        match ListedFile::new(path, *stamp) {
            Some(file) => {
                serde_json::to_writer(&mut *output, &file)?;
                output.write_all(b"\n")?;
            }
            None => warn(path, "its name is not UTF-8"),
        }
    }
    for (path, reason) in &found.unreadable {
        warn(path, reason);
    }
    output.flush()?;
    Ok(Outcome::Done)
}

#[allow(clippy::print_stderr, reason = "a file that cannot be listed must not be passed over in silence")]
fn warn(path: &Path, reason: &str) {
    eprintln!("warning: {} is not listed: {reason}", path.display());
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
    // Before its bytes are read, as an ingest has it: what changes meanwhile is found to have changed.
    let stamp = std::fs::metadata(&path).map_or(FileStamp { size_bytes: 0, modified_ns: 0 }, |file| stamp_of(&file));
    let heard = match hashed(&path, stamp) {
        Ok(track) => listen(track, embedder, model.coverage),
        Err(failed) => failed,
    };
    let of = |track| Row::of(track, model);
    match heard {
        Heard::Embedded { track, vector, passages } => {
            let passage = |Passage { start_seconds, vector }| PassageRow { start_seconds, vector };
            Row { vector, passages: passages.into_iter().map(passage).collect(), ..of(track) }
        }
        Heard::Silent { track } => {
            let error = Some(audio_frontend::Error::Silent { path }.reason());
            Row { error, is_transient: Some(false), is_silent: Some(true), ..of(track) }
        }
        Heard::Failed { track, reason, transient } => {
            Row { error: Some(reason), is_transient: Some(transient.0), ..of(track) }
        }
    }
}

impl Row {
    /// What is told of a file, whatever came of it.
    fn of(track: NewTrack, model: &EmbeddingId) -> Self {
        let hex = |ContentHash(hash)| blake3::Hash::from_bytes(hash).to_hex().to_string();
        Self {
            path: track.path.to_string_lossy().into_owned(),
            model: model.to_string(),
            size_bytes: track.stamp.size_bytes,
            modified_ns: track.stamp.modified_ns,
            hash: track.hash.map(hex),
            artist: track.artist,
            title: track.title,
            album: track.album,
            genre: track.genre,
            year: track.year,
            duration_seconds: track.duration_seconds,
            ..Self::default()
        }
    }
}
