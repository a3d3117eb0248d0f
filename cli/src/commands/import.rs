//! `similar-tracks import`.

use std::collections::BTreeSet;
use std::path::Path;

use index::Store;

use crate::Outcome;
use crate::args::ImportArguments;
use crate::exchange::intake::{Intake, Summary, files};
use crate::exchange::{Imported, shards};
use crate::failure::hinted;
use crate::library::serving::{EmbeddingId, Model, serving_with_tracks};
use crate::output;
use crate::progress::Progress;
use crate::settings::Settings;

/// Takes in tracks with their vectors. Run again, or with files that overlap, nothing is there twice; where the library
/// knows a file already, the state of it that is newer stays.
pub fn run(settings: &Settings, arguments: &ImportArguments) -> anyhow::Result<Outcome> {
    let files = files(&arguments.paths)?;
    if !arguments.partial {
        let folders: BTreeSet<&Path> = files.iter().filter_map(|file| file.parent()).collect();
        folders.into_iter().try_for_each(shards::check)?;
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
        Intake { embedding: &embedding, dimension, among: None }.take(&mut catalogue, file, imported, &mut summary)?;
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
