//! `similar-tracks remove`.

use std::collections::HashSet;

use index::{Store, TrackId};

use crate::Outcome;
use crate::args::RemoveArguments;
use crate::library::query_vector::Resolver;
use crate::output;
use crate::settings::Settings;

/// Forgets tracks; their files stay.
pub fn run(settings: &Settings, arguments: &RemoveArguments) -> anyhow::Result<Outcome> {
    let store = Store::open(&settings.store)?;
    let lock = store.lock("similar-tracks remove")?;
    let mut catalogue = store.catalogue_to_write(&lock)?;
    let model_id = catalogue.serving_model()?.unwrap_or_default();
    // All are looked up before any goes.
    let resolver = Resolver::new(&store, &catalogue, &model_id);
    let tracks: HashSet<TrackId> =
        arguments.tracks.iter().map(|name| Ok(resolver.record(name)?.id)).collect::<anyhow::Result<_>>()?;
    catalogue.commit(|writer| tracks.iter().try_for_each(|track| writer.remove(*track)))?;
    store.publish(&mut catalogue, &model_id, &lock)?;
    output::print(&format!("{} forgotten; files are untouched\n", output::count(tracks.len(), "track")))?;
    Ok(Outcome::Done)
}
