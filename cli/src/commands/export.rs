//! `similar-tracks export`.

use index::Store;

use crate::Outcome;
use crate::args::ExportArguments;
use crate::exchange::{Exported, target};
use crate::settings::Settings;

/// Writes every track with its vector to a file, which appears whole or not at all.
pub fn run(settings: &Settings, arguments: &ExportArguments) -> anyhow::Result<Outcome> {
    let store = Store::open(&settings.store)?;
    store.catalogue()?.at_one_instant(|catalogue| {
        let exported = Exported::new(catalogue)?;
        let none = || anyhow::anyhow!("the store {} holds no tracks", settings.store.display());
        let exported = exported.ok_or_else(none)?;
        target::write_to(&arguments.output, |file| exported.write(arguments.format, file))
    })?;
    Ok(Outcome::Done)
}
