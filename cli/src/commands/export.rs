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
    let tracks = embedded_tracks(&catalogue)?;
    anyhow::ensure!(!tracks.is_empty(), "the store {} holds no tracks", settings.store.display());
    let write: fn(File, &[ExportedTrack]) -> anyhow::Result<()> = match arguments.format {
        ExportFormat::Npz => npz::write,
        ExportFormat::Jsonl => jsonl::write,
        ExportFormat::Parquet => parquet::write,
    };
    let target = &arguments.output;
    let in_place = target == Path::new("-") || std::fs::metadata(target).is_ok_and(|metadata| !metadata.is_file());
    let folder = match target.parent() {
        _ if in_place => std::env::temp_dir(),
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => ".".into(),
    };
    let file = tempfile::NamedTempFile::new_in(&folder).with_context(|| folder.display().to_string())?;
    write(file.reopen()?, &tracks).with_context(|| target.display().to_string())?;
    if target == Path::new("-") {
        output::print_bytes(&std::fs::read(file.path())?)?;
    } else if in_place {
        // A device or pipe is written to, never replaced.
        std::fs::write(target, std::fs::read(file.path())?).with_context(|| target.display().to_string())?;
    } else {
        let path = file.into_temp_path();
        make_readable(&path)?;
        path.persist(target).with_context(|| target.display().to_string())?;
    }
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

/// Temporary files are the user's alone; an export is a file like any other.
fn make_readable(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))?)
}
