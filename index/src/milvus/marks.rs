//! What tells a collection that is as a store left it from one that another has changed since: a copy of the store, or the
//! store itself before a backup of it was put back.
//!
//! A generation's manifest names an alias of its collection. Before rows change, the collection gets another alias, the
//! manifest names that, and the one before goes: whoever has an earlier manifest finds that its alias is gone.

use std::path::Path;

use super::Milvus;
use crate::error::{Error, Result};
use crate::generation::{self, Collection, GenerationManifest};

impl Milvus {
    /// A new alias of a collection.
    pub(super) fn mark(&self, name: &str) -> Result<String> {
        let mark = format!("{name}_{:016x}", rand::random::<u64>());
        self.add_alias(name, &mark)?;
        Ok(mark)
    }

    /// Has a collection known by this manifest alone, since its rows are to change.
    pub(super) fn mark_anew(&self, folder: &Path, manifest: &mut GenerationManifest) -> Result<()> {
        let Some(collection) = &mut manifest.collection else { return Ok(()) };
        collection.mark = self.mark(&collection.name)?;
        let collection = collection.clone();
        generation::write_manifest(folder, manifest)?;
        end_at!("collection-marked");
        let begin = format!("{}_", collection.name);
        let before = self.aliases(&collection.name)?.into_iter();
        for alias in before.filter(|alias| alias.starts_with(&begin) && *alias != collection.mark) {
            self.drop_alias(&alias)?;
        }
        Ok(())
    }

    /// Whether a collection is there, and nobody else has changed it.
    pub(super) fn is_own(&self, collection: &Collection) -> Result<bool> {
        Ok(self.aliases(&collection.name)?.contains(&collection.mark))
    }

    /// The same for who only asks, while the writer may be renewing the mark.
    ///
    /// # Errors
    /// [`Error::Damaged`] where it is not.
    pub(super) fn see_to_own(&self, folder: &Path) -> Result<()> {
        let mut collection = None;
        loop {
            let found = match generation::manifest(folder) {
                // Others have come to serve since it was opened; the collection goes as well, or stays as it was.
                Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => return Ok(()),
                manifest => manifest?.collection,
            };
            let Some(known) = &found else { return Ok(()) };
            if self.is_own(known)? {
                return Ok(());
            }
            if collection == found {
                let reason = format!("the collection {} is gone, or another store has changed it", known.name);
                return Err(Error::Damaged { path: folder.into(), reason });
            }
            collection = found;
        }
    }
}
