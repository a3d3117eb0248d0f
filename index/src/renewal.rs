//! How who goes on asking keeps up with a store.

use std::sync::Arc;

use crate::catalogue::Catalogue;
use crate::error::Result;
use crate::generation::Access;
use crate::search::Searcher;
use crate::store::Store;

/// What became of a searcher's vectors.
pub enum Renewal {
    /// Nothing: it answers as one that is opened now.
    Unchanged,
    /// Some changed: this one searches the same generation, which it shares with the one before, and what changed beside it.
    Beside(Searcher),
    /// Another generation or another model serves: it was opened anew, as by [`Store::resident_searcher`]. `None`: there
    /// are no vectors any more.
    Anew(Option<Searcher>),
}

impl Store {
    /// What to ask from now on instead of a searcher that was opened before. Asking whether anything changed takes less than
    /// a millisecond; the searcher that is handed in goes on as it was.
    ///
    /// # Errors
    /// As [`Store::searcher`].
    pub fn renewed(&self, catalogue: &Catalogue, searcher: &Searcher) -> Result<Renewal> {
        let anew = || self.searcher_with(catalogue, Access::Stay).map(Renewal::Anew);
        let base = searcher.base();
        let Some(model_id) = catalogue.serving_model()? else { return Ok(Renewal::Anew(None)) };
        let source = self.source(catalogue, &model_id)?;
        let newest = self.newest_of(&source)?;
        // One that could not be opened then cannot be opened now.
        if source != base.source || newest.as_ref().map(|(number, _)| *number) != searcher.sought() {
            return anew();
        }
        // Milvus takes changes into the generation that serves.
        let revision = newest.map(|(_, manifest)| manifest.revision);
        if base.generation.is_some() && revision != Some(base.revision) {
            return anew();
        }
        if catalogue.revision(&model_id)? == searcher.revision() {
            return Ok(Renewal::Unchanged);
        }
        if base.generation.is_none() {
            return anew();
        }
        // `None`: what was there before was forgotten, as another generation comes to serve at this moment.
        match catalogue.changes(&model_id, base.revision)? {
            Some(changes) => Searcher::new(Arc::clone(base), &changes).map(Renewal::Beside),
            None => anew(),
        }
    }
}
