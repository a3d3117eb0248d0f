//! `similar-tracks export`.

use std::fs::File;
use std::path::Path;

use anyhow::Context;
use index::{Catalogue, Store};

use crate::Outcome;
use crate::args::{ExportArguments, ExportFormat};
use crate::export::{ExportedTrack, jsonl, npz, parquet};
use crate::output;
use crate::settings::Settings;

/// Writes every track with its vector to a file, which appears whole or not at all.
pub fn run(settings: &Settings, arguments: &ExportArguments) -> anyhow::Result<Outcome> {
    let store = Store::open(&settings.store)?;
    let catalogue = store.catalogue()?;
    let tracks = embedded_tracks(&store, &catalogue)?;
    anyhow::ensure!(!tracks.is_empty(), "the store {} holds no tracks", settings.store.display());
    let to_stdout = arguments.output == Path::new("-");
    let folder = match arguments.output.parent() {
        Some(parent) if !to_stdout && parent != Path::new("") => parent.to_owned(),
        Some(_) if !to_stdout => ".".into(),
        _ => std::env::temp_dir(),
    };
    let file = tempfile::NamedTempFile::new_in(&folder).with_context(|| folder.display().to_string())?;
    let write: fn(File, &[ExportedTrack]) -> anyhow::Result<()> = match arguments.format {
        ExportFormat::Npz => npz::write,
        ExportFormat::Jsonl => jsonl::write,
        ExportFormat::Parquet => parquet::write,
    };
    write(file.reopen()?, &tracks).with_context(|| arguments.output.display().to_string())?;
    if to_stdout {
        output::print_bytes(&std::fs::read(file.path())?)?;
    } else {
        let path = file.into_temp_path();
        make_readable(&path)?;
        path.persist(&arguments.output).with_context(|| arguments.output.display().to_string())?;
    }
    Ok(Outcome::Done)
}

fn embedded_tracks(store: &Store, catalogue: &Catalogue) -> anyhow::Result<Vec<ExportedTrack>> {
    let Some(model_id) = store.serving_model(catalogue)? else { return Ok(Vec::new()) };
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

/// Temporary files are the user's alone; an export is a file like any other.
fn make_readable(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))?)
}
