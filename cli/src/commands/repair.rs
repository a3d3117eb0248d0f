//! `similar-tracks repair`.

use index::Store;

use crate::Outcome;
use crate::output;
use crate::settings::Settings;

/// Verifies a store, and makes good what is damaged.
pub fn run(settings: &Settings) -> anyhow::Result<Outcome> {
    let store = Store::open(&settings.store)?;
    let lock = store.lock("similar-tracks repair")?;
    let repair = store.repair(&lock)?;
    let mut text = String::new();
    for fault in &repair.faults {
        text.push_str(&format!("catalogue   {}\n", output::one_line(fault)));
    }
    if let Some(salvaged) = &repair.salvaged {
        let [tracks, vectors] =
            [(salvaged.tracks, "track"), (salvaged.vectors, "vector")].map(|(count, noun)| output::count(count, noun));
        text.push_str(&format!("            {tracks} and {vectors} are in a new one\n"));
        text.push_str(&format!("            the damaged file is {}\n", salvaged.damaged.display()));
    }
    if !repair.vectors.is_empty() {
        let vectors = output::count(repair.vectors.len(), "damaged vector");
        text.push_str(&format!("vectors     {vectors} removed\n"));
    }
    if let Some(reason) = &repair.generation {
        text.push_str(&format!("generation  built anew: {reason}\n"));
    }
    if repair.is_needless() {
        text.push_str("nothing is damaged\n");
    } else if repair.salvaged.is_some() || !repair.vectors.is_empty() {
        text.push_str("`similar-tracks ingest` of the library's folders brings back what is missing\n");
    }
    output::print(&text)?;
    Ok(Outcome::Done)
}
