//! `similar-tracks compact`.

use index::Store;

use crate::Outcome;
use crate::output;
use crate::settings::Settings;

/// Builds the index anew and gives back the space of what is gone.
pub fn run(settings: &Settings) -> anyhow::Result<Outcome> {
    let store = Store::open(&settings.store)?;
    let lock = store.lock("similar-tracks compact")?;
    let mut catalogue = store.catalogue_to_write(&lock)?;
    let Some(model_id) = catalogue.serving_model()? else {
        return Ok(output::nothing(&format!("the store {} holds no tracks", settings.store.display())));
    };
    let before = store.bytes()?;
    store.rebuild(&mut catalogue, &model_id, &lock)?;
    catalogue.compact()?;
    drop(catalogue);
    let [before, after] = [before, store.bytes()?].map(|bytes| bytes as f64 / f64::from(1 << 20));
    output::print(&format!("{before:.1} MiB before, {after:.1} MiB now\n"))?;
    Ok(Outcome::Done)
}
