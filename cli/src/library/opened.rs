//! A store as those open it who ask.

use index::{Catalogue, Searcher, Store};

use crate::Outcome;
use crate::output;
use crate::progress::Progress;
use crate::settings::Settings;

/// What is asked.
pub struct Opened {
    /// The store.
    pub store: Store,
    /// Its catalogue.
    pub catalogue: Catalogue,
    /// Its index.
    pub searcher: Searcher,
}

impl Opened {
    /// `Err` within `Ok`: there is nothing to ask, and the user was told.
    pub fn open(settings: &Settings) -> anyhow::Result<Result<Self, Outcome>> {
        let store = Store::open(&settings.store)?;
        let catalogue = store.catalogue()?;
        Ok(match store.searcher(&catalogue)? {
            Some(searcher) => {
                if let Some(fault) = searcher.fault() {
                    let warning = format!("warning: {fault}: searched without it, `similar-tracks repair` renews it");
                    Progress::new(settings, "", 0).println(&warning);
                }
                Ok(Self { store, catalogue, searcher })
            }
            None => Err(output::nothing(&format!("the store {} holds no tracks", settings.store.display()))),
        })
    }
}
