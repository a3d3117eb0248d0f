//! `similar-tracks export`.

use std::fs::File;

use index::{Catalogue, Store};

use crate::Outcome;
use crate::args::{ExportArguments, ExportFormat};
use crate::export::{ExportedTrack, jsonl, npz, parquet, target};
use crate::settings::Settings;

/// Writes every track with its vector to a file, which appears whole or not at all.
pub fn run(settings: &Settings, arguments: &ExportArguments) -> anyhow::Result<Outcome> {
    let store = Store::open(&settings.store)?;
    let catalogue = store.catalogue()?;
    let tracks = embedded_tracks(&catalogue)?;
    anyhow::ensure!(!tracks.is_empty(), "the store {} holds no tracks", settings.store.display());
    let write: fn(File, &[ExportedTrack]) -> anyhow::Result<()> = match arguments.format {
        ExportFormat::Npz => npz::write,
        ExportFormat::Jsonl => jsonl::write,
        ExportFormat::Parquet => parquet::write,
    };
    target::write_to(&arguments.output, |file| write(file, &tracks))?;
    Ok(Outcome::Done)
}

fn embedded_tracks(catalogue: &Catalogue) -> anyhow::Result<Vec<ExportedTrack>> {
    let Some(model_id) = catalogue.serving_model()? else { return Ok(Vec::new()) };
    let mut vectors = Vec::new();
    catalogue.each_vector(&model_id, |id, vector| vectors.push((id, vector)))?;
    let mut tracks = Vec::with_capacity(vectors.len());
    for (id, vector) in vectors {
        if let Some(record) = catalogue.get(id)? {
            tracks.push(ExportedTrack { record, vector });
        }
    }
    Ok(tracks)
}
