//! `similar-tracks embed`.

use std::path::{Path, PathBuf};

use audio_frontend::Coverage;
use rayon::prelude::*;
use trainer::Embedder;
use trainer::model::pool::LayerPooling;

use crate::Outcome;
use crate::args::{EmbedArguments, LayerPoolingArgument};
use crate::exchange::{target, write_table};
use crate::failure::hinted;
use crate::library::serving::Model;
use crate::library::walk::walk;
use crate::progress::Progress;
use crate::settings::Settings;

/// Writes the vectors of files, without a store.
pub fn run(settings: &Settings, arguments: &EmbedArguments) -> anyhow::Result<Outcome> {
    let name = arguments.model.as_deref().unwrap_or(Path::new("built-in"));
    let model = Model::named(name, Coverage::default())?;
    let embedder = || -> anyhow::Result<Embedder> {
        let embedder = model.embedder()?;
        let Some(layer) = &arguments.layer else { return Ok(embedder) };
        let pooling = match arguments.pooling {
            LayerPoolingArgument::Mean => LayerPooling::Mean,
            LayerPoolingArgument::Max => LayerPooling::Max,
            LayerPoolingArgument::Both => LayerPooling::Both,
        };
        embedder.with_layer(layer, pooling).map_err(|error| hinted(error, "name one of these with --layer"))
    };
    embedder()?;
    let files: Vec<PathBuf> = walk(&arguments.paths)?.files.into_keys().collect();
    let progress = Progress::new(settings, "embedding", files.len() as u64);
    let embed = |embedder: &mut anyhow::Result<Embedder>, file: &PathBuf| {
        let embedder = embedder.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"));
        let vector = embedder.and_then(|embedder| Ok(embedder.embed_file(file, Coverage::default())?.vector));
        progress.advance(1);
        match vector {
            Ok(vector) => Some((file.clone(), vector)),
            Err(error) => {
                progress.println(&format!("left out: {error:#}"));
                None
            }
        }
    };
    let pool = settings.thread_pool(arguments.jobs)?;
    let rows: Vec<(PathBuf, Vec<f32>)> =
        pool.install(|| files.par_iter().map_init(embedder, embed).flatten().collect());
    progress.finish();
    if rows.is_empty() {
        progress.println("there is nothing to embed");
        return Ok(Outcome::NothingFound);
    }
    // Activations of a layer are no vectors of the model.
    let model_id = model.id.to_string();
    let model_id = arguments.layer.is_none().then_some(model_id.as_str());
    target::write_to(&arguments.output, |file| write_table(file, &rows, model_id))?;
    Ok(Outcome::Done)
}
