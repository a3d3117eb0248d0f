//! What a server has and nobody needs.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use super::Milvus;
use crate::catalogue::Catalogue;
use crate::error::{Error, Result};
use crate::generation::{self, GenerationManifest};
use crate::store::{Store, derived};

impl Milvus {
    /// Drops collections of this catalogue that no generation has, and after some time takes those out of the server's
    /// memory that do not serve any more.
    pub fn sweep(&self, store: &Store, catalogue: &Catalogue) -> Result<()> {
        let prefix = self.prefix(catalogue)?;
        let is_own = |name: &String| name.strip_prefix(&prefix).is_some_and(|number| number.parse::<u64>().is_ok());
        let there: HashSet<String> = self.collections()?.into_iter().filter(is_own).collect();
        let begun = partial_folders(store)?.into_iter().filter_map(|folder| generation::manifest(&folder).ok());
        let begun: Vec<GenerationManifest> = begun.collect();
        let generations = store.manifests()?;
        let all = generations.iter().map(|(_, manifest)| manifest).chain(&begun);
        let kept: HashSet<&str> =
            all.filter_map(|manifest| Some(manifest.collection.as_ref()?.name.as_str())).collect();
        for name in there.iter().filter(|name| !kept.contains(name.as_str())) {
            self.drop_collection(name)?;
        }
        let changed = std::fs::metadata(store.current_path()).and_then(|file| file.modified()).ok();
        let Some(age) = changed.and_then(|changed| changed.elapsed().ok()) else { return Ok(()) };
        if age < Duration::from_secs(self.config.grace_seconds) {
            return Ok(());
        }
        // Where a change of models was interrupted, the catalogue's word counts.
        let serving = catalogue.serving_model()?.map(|model| store.source(catalogue, &model)).transpose()?;
        let serving = serving.map(|source| store.newest_of(&source)).transpose()?.flatten().map(|(number, _)| number);
        let asked = [derived(store.current_number())?, serving];
        for (_, manifest) in generations.iter().filter(|(number, _)| !asked.contains(&Some(*number))) {
            if let Some(collection) = manifest.collection.as_ref().filter(|own| there.contains(&own.name)) {
                self.release(&collection.name)?;
            }
        }
        Ok(())
    }
}

/// Folders of generations that are not whole.
pub(super) fn partial_folders(store: &Store) -> Result<Vec<PathBuf>> {
    let path = store.generations_path();
    let entries = match std::fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io(&path, error)),
    };
    let folders = entries.filter_map(|entry| Some(entry.ok()?.path()));
    Ok(folders.filter(|path| path.is_dir() && path.extension().is_some_and(|end| end == "partial")).collect())
}
