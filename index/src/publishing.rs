//! How a generation comes to serve, and how it goes.

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::catalogue::Catalogue;
use crate::contents::Contents;
use crate::error::{Error, Result};
use crate::generation::{self, Access, GenerationManifest};
use crate::store::{Store, WriteLock, derived};

impl Store {
    /// Makes a model's vectors serve, and a generation of them where searching the changes beside the one that there is
    /// would take too long, or that one is damaged. Does nothing where the model has no vectors and another serves.
    /// Afterwards removes generations that serve no more. Killed in between, the catalogue's word counts.
    ///
    /// # Errors
    /// [`Error::DiskFull`], [`Error::Io`], [`Error::Faiss`]; what served before then goes on.
    pub fn publish(&self, catalogue: &mut Catalogue, model_id: &str, lock: &WriteLock) -> Result<()> {
        match self.prepare(catalogue, model_id, lock)? {
            Some(generation) => self.switch(catalogue, model_id, generation, lock),
            None => self.retire(catalogue, model_id),
        }
    }

    /// A generation of a model's vectors beside the one that serves, which goes on: made anew, or one that is there and
    /// beside which few changes have to be searched. `None`: there are no vectors.
    ///
    /// # Errors
    /// As [`Store::publish`].
    pub fn prepare(&self, catalogue: &Catalogue, model_id: &str, _lock: &WriteLock) -> Result<Option<u64>> {
        if let Some(milvus) = self.milvus() {
            return milvus.prepare(self, catalogue, model_id);
        }
        self.remove_partial_rows()?;
        let source = self.source(catalogue, model_id)?;
        if let Some((number, manifest)) = self.newest_of(&source)?
            && let Some(changes) = catalogue.count_changes(model_id, manifest.revision)?
        {
            let folder = self.generation_folder(number);
            if manifest.may_wait(changes) && self.verify(&folder, &manifest).is_ok() {
                return Ok(Some(number));
            }
            if let Some(contents) = self.updated(catalogue, &folder, &manifest)? {
                return self.write(catalogue, model_id, &contents).map(Some);
            }
        }
        self.build_anew(catalogue, model_id)
    }

    /// Puts a prepared generation in the place of the one that serves.
    ///
    /// # Errors
    /// As [`Store::publish`].
    pub fn switch(&self, catalogue: &mut Catalogue, model_id: &str, generation: u64, _lock: &WriteLock) -> Result<()> {
        let before = derived(self.current_number())?;
        if before != Some(generation) {
            self.set_current(generation)?;
        }
        self.remove_superseded(catalogue, &[Some(generation), before])?;
        end_at!("generations-removed");
        self.serve(catalogue, model_id)?;
        if let Some(milvus) = self.milvus() {
            // It serves by now: what does not succeed here changes no answer, and is done by the next who publishes.
            let _ = milvus.name_serving(self, catalogue, &self.generation(generation)?);
        }
        Ok(())
    }

    /// Makes a model's vectors serve, and a generation of them from the catalogue alone; it is the only one of them then.
    ///
    /// # Errors
    /// As [`Store::publish`].
    pub fn rebuild(&self, catalogue: &mut Catalogue, model_id: &str, lock: &WriteLock) -> Result<()> {
        self.remove_partial_rows()?;
        match self.build_anew(catalogue, model_id)? {
            Some(generation) => {
                self.switch(catalogue, model_id, generation, lock)?;
                self.remove_superseded(catalogue, &[Some(generation)])
            }
            None => self.retire(catalogue, model_id),
        }
    }

    /// Forgets a model that does not serve: its vectors, its generations and its files.
    ///
    /// # Errors
    /// [`Error::Serves`]; [`Error::Io`], [`Error::Sqlite`].
    pub fn forget_model(
        &self,
        catalogue: &mut Catalogue,
        model_id: &str,
        files: &Path,
        _lock: &WriteLock,
    ) -> Result<()> {
        if catalogue.serving_model()?.as_deref() == Some(model_id) {
            return Err(Error::Serves { model: model_id.into() });
        }
        // Before the vectors: a generation of a revision that the catalogue has not would be taken for one of its future.
        let of_model = self.manifests()?.into_iter().filter(|(_, manifest)| manifest.model_id == model_id);
        for (number, _) in of_model {
            self.remove_generation(number)?;
        }
        catalogue.commit(|writer| writer.remove_model(model_id))?;
        if let Err(error) = std::fs::remove_dir_all(files)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(Error::io(files, error));
        }
        self.sweep_milvus(catalogue);
        Ok(())
    }

    fn build_anew(&self, catalogue: &Catalogue, model_id: &str) -> Result<Option<u64>> {
        if let Some(milvus) = self.milvus() {
            return milvus.build_anew(self, catalogue, model_id);
        }
        let contents = Contents::of_catalogue(catalogue, model_id, &catalogue.index_config()?, &self.rows_path())?;
        contents.map(|contents| self.write(catalogue, model_id, &contents)).transpose()
    }

    /// The generation in a folder with what changed since, where it need not learn anew where vectors lie.
    fn updated(&self, catalogue: &Catalogue, folder: &Path, manifest: &GenerationManifest) -> Result<Option<Contents>> {
        let changes = catalogue.changes(&manifest.model_id, manifest.revision)?;
        let Some(changes) = changes.filter(|changes| manifest.may_take(changes)) else { return Ok(None) };
        let Some(mut contents) = derived(generation::read(folder, manifest, Access::Change).map(Some))? else {
            return Ok(None);
        };
        contents.update(&changes, &self.rows_path())?;
        Ok(Some(contents))
    }

    /// Writes a generation of the catalogue's present state.
    fn write(&self, catalogue: &Catalogue, model_id: &str, contents: &Contents) -> Result<u64> {
        let (source, revision) = (self.source(catalogue, model_id)?, catalogue.revision(model_id)?);
        let number = self.newest_generation()? + 1;
        generation::write(&self.generation_folder(number), contents, source, revision)?;
        Ok(number)
    }

    /// Makes a model's vectors answer queries, and forgets removals that no generation needs to be told of.
    fn serve(&self, catalogue: &mut Catalogue, model_id: &str) -> Result<()> {
        let is_serving = catalogue.serving_model()?.as_deref() == Some(model_id);
        let revision = catalogue.revision(model_id)?;
        let kept = self.oldest_revision(model_id)?.unwrap_or(revision);
        catalogue.commit(|writer| {
            writer.forget_removals(model_id, kept)?;
            if is_serving { Ok(()) } else { writer.set_serving_model(model_id) }
        })
    }

    /// Where the model that serves has no vectors left, nothing serves.
    fn retire(&self, catalogue: &Catalogue, model_id: &str) -> Result<()> {
        if catalogue.serving_model()?.as_deref() != Some(model_id) {
            return Ok(());
        }
        let path = self.current_path();
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(&path, error)),
            _ => self.remove_superseded(catalogue, &[]),
        }?;
        self.sweep_milvus(catalogue);
        Ok(())
    }

    /// Lets go of what Milvus has and nobody needs; what does not succeed is done by the next who publishes.
    fn sweep_milvus(&self, catalogue: &Catalogue) {
        if let Some(milvus) = self.milvus() {
            let _ = milvus.sweep(self, catalogue);
        }
    }

    fn set_current(&self, number: u64) -> Result<()> {
        let path = self.current_path();
        let io = |error| Error::io(&path, error);
        let mut file = tempfile::NamedTempFile::new_in(self.folder()).map_err(io)?;
        writeln!(file, "{number}").and_then(|()| file.as_file().sync_all()).map_err(io)?;
        end_at!("current-written");
        file.persist(&path).map_err(|error| io(error.error))?;
        end_at!("current-replaced");
        generation::sync(self.folder())
    }

    /// Where rows lie until their generation is there.
    fn rows_path(&self) -> PathBuf {
        self.generations_path().join("rows.partial")
    }

    /// Those that a killed process left.
    fn remove_partial_rows(&self) -> Result<()> {
        let path = self.rows_path();
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(&path, error)),
            _ => Ok(()),
        }
    }

    pub(crate) fn newest_generation(&self) -> Result<u64> {
        Ok(self.generation_numbers()?.into_iter().max().unwrap_or(0))
    }

    /// Removes all generations but these and the newest one of each model that still has vectors.
    fn remove_superseded(&self, catalogue: &Catalogue, kept: &[Option<u64>]) -> Result<()> {
        let mut kept: HashSet<u64> = kept.iter().copied().flatten().collect();
        let (manifests, models) = (self.manifests()?, catalogue.models_with_vectors()?);
        for model in models {
            let of_model =
                manifests.iter().filter(|(_, manifest)| manifest.model_id == model).map(|(number, _)| *number);
            let has_kept = of_model.clone().any(|number| kept.contains(&number));
            kept.extend(of_model.max().filter(|_| !has_kept));
        }
        for number in self.generation_numbers()?.into_iter().filter(|number| !kept.contains(number)) {
            self.remove_generation(number)?;
        }
        Ok(())
    }

    fn remove_generation(&self, number: u64) -> Result<()> {
        let folder = self.generation_folder(number);
        std::fs::remove_dir_all(&folder).map_err(|error| Error::io(&folder, error))
    }
}
