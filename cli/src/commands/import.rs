//! `similar-tracks import`.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use index::catalogue::Transient;
use index::{Catalogue, NewTrack, Passage, Store, TrackState};
use walkdir::WalkDir;

use crate::Outcome;
use crate::args::ImportArguments;
use crate::exchange::{ExchangedTrack, Imported, shards};
use crate::failure::hinted;
use crate::library::serving::{EmbeddingId, Model, serving_with_tracks};
use crate::output;
use crate::progress::Progress;
use crate::settings::Settings;

/// Tracks in a commit.
const COMMIT_TRACKS: usize = 1024;

/// How far a vector's length may lie from 1: that of one in half precision does.
const LENGTH_TOLERANCE: f32 = 0.01;

/// What lies so near to 1 is kept as it is, number by number.
const ROUNDING: f32 = 1e-5;

/// What became of the tracks.
#[derive(Default)]
struct Summary {
    added: usize,
    renewed: usize,
    known: usize,
    /// Files that others could not use, which are kept with the reason.
    failed: usize,
    silent: usize,
}

impl Summary {
    fn to_text(&self) -> String {
        let Self { added, renewed, known, failed, silent } = self;
        let mut text = format!("{added} added, {renewed} changed, {known} already there");
        for (count, what) in [(failed, "failed"), (silent, "silent")] {
            if *count > 0 {
                text.push_str(&format!(", {count} {what}"));
            }
        }
        text
    }
}

/// Takes in tracks with their vectors. Run again, or with files that overlap, nothing is there twice; where the library
/// knows a file already, the state of it that is newer stays.
pub fn run(settings: &Settings, arguments: &ImportArguments) -> anyhow::Result<Outcome> {
    let files = files(&arguments.paths)?;
    if !arguments.partial {
        arguments.paths.iter().try_for_each(|path| shards::check(path))?;
    }
    let store = Store::create(&settings.store)?;
    let lock = store.lock("similar-tracks import")?;
    let mut catalogue = store.catalogue_to_write(&lock)?;
    let mut summary = Summary::default();
    let mut serving = serving_with_tracks(&catalogue)?;
    let progress = Progress::new(settings, "import", files.len() as u64);
    for file in &files {
        let imported = Imported::open(file)?;
        let model = model_of(&store, file, &imported, serving.as_deref(), arguments.model.as_deref())?;
        let embedding = model.id.to_string();
        let dimension = model.files.parsed_card(file)?.architecture.embedding_size() as usize;
        if serving.is_none() {
            model.keep_in(&store)?;
            catalogue.commit(|writer| writer.set_serving_model(&embedding))?;
            serving = Some(embedding.clone());
        }
        for batch in imported.batches {
            let batch = batch.with_context(|| file.display().to_string())?;
            for tracks in batch.chunks(COMMIT_TRACKS) {
                let tracks: Vec<ExchangedTrack> = tracks
                    .iter()
                    .map(|track| checked(track, dimension))
                    .collect::<anyhow::Result<_>>()
                    .with_context(|| file.display().to_string())?;
                put(&mut catalogue, &embedding, &tracks, &mut summary)?;
            }
        }
        progress.advance(1);
    }
    progress.finish();
    if let Some(serving) = &serving {
        store.publish(&mut catalogue, serving, &lock)?;
        store.update_map(&mut catalogue, serving, &lock)?;
    }
    output::print(&(summary.to_text() + "\n"))?;
    Ok(Outcome::Done)
}

/// Those that are named, and those of folders that are named.
fn files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        for entry in WalkDir::new(path).sort_by_file_name() {
            let entry = entry?;
            let extension = entry.path().extension().unwrap_or_default();
            // A single file may be named as it likes.
            if entry.file_type().is_file() && (entry.depth() == 0 || extension == "parquet" || extension == "npz") {
                files.push(entry.into_path());
            }
        }
    }
    anyhow::ensure!(!files.is_empty(), "no .parquet or .npz files there");
    Ok(files)
}

/// The model that made a file's vectors, which has to be the store's.
fn model_of(
    store: &Store,
    file: &Path,
    imported: &Imported<'_>,
    serving: Option<&str>,
    named: Option<&Path>,
) -> anyhow::Result<Model> {
    let coverage = imported.model_id.as_deref().or(serving).map(|id| EmbeddingId::parse(id).coverage);
    let model = match (named, &imported.model_id) {
        (Some(name), _) => Model::named(name, coverage.unwrap_or_default())?,
        (None, Some(id)) if serving.is_none_or(|serving| serving == id) => {
            Model::of_store(store, id).map_err(|_| {
                let error =
                    anyhow::anyhow!("{}: made with the model {id}, which this program does not have", file.display());
                hinted(error, "--model names the folder of that model")
            })?
        }
        (None, Some(id)) => return Err(other_model(serving.unwrap_or_default(), id)),
        (None, None) => {
            let error = anyhow::anyhow!("{}: does not tell which model made the vectors", file.display());
            return Err(hinted(error, "name it with --model: a folder, or `built-in`"));
        }
    };
    let id = model.id.to_string();
    let asked = imported.model_id.as_ref().unwrap_or(&id);
    match serving {
        Some(serving) if serving != id => Err(other_model(serving, &id)),
        _ if *asked != id => Err(other_model(&id, asked)),
        _ => Ok(model),
    }
}

fn other_model(store: &str, asked: &str) -> anyhow::Error {
    let error = index::Error::OtherModel { store: store.into(), asked: asked.into() };
    hinted(
        error,
        "vectors of different models cannot be compared: `ingest` the music itself, or import into another --store",
    )
}

/// With an absolute path and a vector that can be searched.
fn checked(track: &ExchangedTrack, dimension: usize) -> anyhow::Result<ExchangedTrack> {
    let name = track.file.path.display();
    let sound = |vector: &[f32]| {
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        match (length - 1.0).abs() {
            _ if vector.len() != dimension => None,
            off if off <= ROUNDING => Some(vector.to_vec()),
            off if off <= LENGTH_TOLERANCE => index::unit(vector.to_vec()),
            _ => None,
        }
    };
    let no_vector = || {
        let found = track.vector.len();
        anyhow::anyhow!("{name}: no vector of {dimension} numbers and length 1, but of {found} numbers")
    };
    let passage =
        |passage: &Passage| Some(Passage { start_seconds: passage.start_seconds, vector: sound(&passage.vector)? });
    let passages = track.passages.iter().map(passage).collect::<Option<_>>();
    let is_embedded = track.state == TrackState::Embedded;
    let vector = if is_embedded { sound(&track.vector).ok_or_else(no_vector)? } else { Vec::new() };
    Ok(ExchangedTrack {
        id: track.id,
        file: NewTrack { path: absolute(&track.file.path)?, ..track.file.clone() },
        state: track.state.clone(),
        vector,
        passages: passages.ok_or_else(|| anyhow::anyhow!("{name}: passages that are no vectors of the model"))?,
    })
}

/// An address stays what it is: `s3://bucket/song.flac` lies below no folder.
fn absolute(path: &Path) -> std::io::Result<PathBuf> {
    let is_address = path.to_str().is_some_and(|path| path.contains("://")) && path.is_relative();
    if is_address { Ok(path.to_owned()) } else { std::path::absolute(path) }
}

fn put(
    catalogue: &mut Catalogue,
    embedding: &str,
    tracks: &[ExchangedTrack],
    summary: &mut Summary,
) -> index::Result<()> {
    let (mut taken, mut paths) = (Vec::new(), HashSet::new());
    for (place, track) in tracks.iter().enumerate() {
        if !paths.insert(&track.file.path) {
            // Told of twice: what comes later is compared with what was taken.
            put(catalogue, embedding, &tracks[..place], summary)?;
            return put(catalogue, embedding, &tracks[place..], summary);
        }
    }
    for track in tracks {
        let known = catalogue.find_by_path(&track.file.path)?;
        let (is_to_be_taken, count) = match known {
            None => (true, &mut summary.added),
            Some(known) => {
                let has_vector = catalogue.vector(known.id, embedding)?.is_some();
                let (theirs, ours) = (track.file.stamp.modified_ns, known.file.stamp.modified_ns);
                let is_newer = track.file.hash.is_some() && track.file.hash != known.file.hash && theirs > ours;
                // That it failed is told once of a state of a file.
                let is_known = known.state == track.state && known.state != TrackState::Embedded && theirs == ours;
                (is_newer || !has_vector && theirs >= ours && !is_known, &mut summary.renewed)
            }
        };
        let count = match track.state {
            _ if !is_to_be_taken => &mut summary.known,
            TrackState::Embedded => count,
            TrackState::Silent => &mut summary.silent,
            TrackState::Failed { .. } => &mut summary.failed,
        };
        *count += 1;
        if is_to_be_taken {
            taken.push(track);
        }
    }
    catalogue.commit(|writer| {
        for track in &taken {
            match &track.state {
                TrackState::Embedded => {
                    let id = writer.put_embedded(&track.file, embedding, &track.vector)?;
                    writer.put_passages(id, embedding, &track.passages)?;
                }
                TrackState::Silent => {
                    writer.put_silent(&track.file)?;
                }
                TrackState::Failed { reason, transient } => {
                    writer.put_failed(&track.file, reason, Transient(*transient))?;
                }
            }
        }
        Ok(())
    })
}
