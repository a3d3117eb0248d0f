//! How a collection is filled from the catalogue, brought up to date, and comes to serve.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use super::Milvus;
use super::collections::{Nearest, Put, ROWS_IN_MESSAGE};
use super::leftovers::partial_folders;
use super::served::Served;
use crate::catalogue::{Catalogue, Changes};
use crate::choose::Layout;
use crate::contents::{BATCH, Survey};
use crate::error::{Error, Result};
use crate::exam::{Exam, FOUND_FOR_RECALL};
use crate::generation::{self, Collection, GenerationManifest, Source};
use crate::hubs::{self, Neighbourhoods};
use crate::store::Store;
use crate::track::{TrackId, TrackRecord};

/// Characters of a catalogue's identity in the names of its collections.
const IDENTITY: usize = 8;

/// A generation whose collection is filled: its folder comes to its name when all is there.
struct Filling {
    folder: PathBuf,
    manifest: GenerationManifest,
    collection: Collection,
    neighbourhoods: Neighbourhoods,
    put: Put,
}

impl Milvus {
    /// A generation as what is searched. Nothing is asked of the server yet.
    pub fn open(
        self: &Arc<Self>,
        folder: &Path,
        manifest: &GenerationManifest,
        collection: &Collection,
    ) -> Result<Served> {
        Ok(Served {
            milvus: Arc::clone(self),
            folder: folder.into(),
            is_own: OnceLock::new(),
            collection: collection.name.clone(),
            neighbourhoods: generation::read_neighbourhoods(folder, manifest)?,
            end: manifest.end,
            layout: manifest.layout.clone(),
            count: manifest.count,
            shares: Mutex::default(),
        })
    }

    /// Whether a generation's tracks are all there.
    ///
    /// # Errors
    /// [`Error::Damaged`] where they are not.
    pub fn verify(&self, folder: &Path, manifest: &GenerationManifest, collection: &Collection) -> Result<()> {
        let damaged = |reason: String| Err(Error::Damaged { path: folder.into(), reason });
        generation::read_neighbourhoods(folder, manifest)?;
        if !self.is_own(collection)? {
            return damaged(format!("the collection {} is gone, or another store has changed it", collection.name));
        }
        self.load(&collection.name)?;
        match self.count(&collection.name)? {
            count if count == manifest.count => Ok(()),
            count => damaged(format!("Milvus has {count} of its {} tracks", manifest.count)),
        }
    }

    /// A generation of a model's vectors in their present state: the one that there is with what changed since, or one
    /// that is filled anew. `None`: there are no vectors.
    pub fn prepare(self: &Arc<Self>, store: &Store, catalogue: &Catalogue, model_id: &str) -> Result<Option<u64>> {
        self.sweep(store, catalogue)?;
        if let Some((number, manifest)) = store.newest_of(&store.source(catalogue, model_id)?)?
            && self.brought_up_to_date(&store.generation_folder(number), manifest, catalogue)?
        {
            return Ok(Some(number));
        }
        self.build_anew(store, catalogue, model_id)
    }

    /// Puts into a generation's collection what changed since. Says no where it is better filled anew, or something of it
    /// is gone.
    fn brought_up_to_date(
        &self,
        folder: &Path,
        mut manifest: GenerationManifest,
        catalogue: &Catalogue,
    ) -> Result<bool> {
        let Some(collection) = manifest.collection.clone() else { return Ok(false) };
        let Some(changes) = catalogue.changes(&manifest.model_id, manifest.revision)? else { return Ok(false) };
        let has_changed = changes.revision != manifest.revision;
        let neighbourhoods = match generation::read_neighbourhoods(folder, &manifest) {
            Err(Error::Damaged { .. } | Error::Io { .. }) => return Ok(false),
            neighbourhoods => neighbourhoods?,
        };
        if has_changed && !manifest.may_take(&changes) || !self.is_own(&collection)? {
            return Ok(false);
        }
        self.load(&collection.name)?;
        if has_changed {
            self.mark_anew(folder, &mut manifest)?;
        }
        self.change(&collection.name, &neighbourhoods, catalogue, &changes)?;
        // Whoever asks from now on finds it: the count waits until all is there.
        if self.count(&collection.name)? != catalogue.vector_count(&manifest.model_id)? {
            return Ok(false);
        }
        if has_changed {
            manifest.note(&changes);
            manifest.count = catalogue.vector_count(&manifest.model_id)?;
            end_at!("collection-changed");
            generation::write_manifest(folder, &manifest)?;
        }
        Ok(true)
    }

    /// Takes out what is gone and puts in what is new; what is done twice is as if it were done once.
    fn change(
        &self,
        name: &str,
        neighbourhoods: &Neighbourhoods,
        catalogue: &Catalogue,
        changes: &Changes,
    ) -> Result<()> {
        self.delete(name, &changes.removed)?;
        for part in changes.written.chunks(ROWS_IN_MESSAGE) {
            let tracks: Vec<TrackId> = part.iter().map(|(track, _)| *track).collect();
            let vectors: Vec<f32> = part.iter().flat_map(|(_, vector)| vector).copied().collect();
            let rows = neighbourhoods.rows(&tracks, &vectors)?;
            self.put(name, &records(catalogue, &tracks)?, &rows, Put::Replacing)?;
            end_at!("collection-part-changed");
        }
        Ok(())
    }

    /// A generation that is filled from the catalogue alone; one that was begun and ended early is gone on with.
    pub fn build_anew(self: &Arc<Self>, store: &Store, catalogue: &Catalogue, model_id: &str) -> Result<Option<u64>> {
        let (count, config) = (catalogue.vector_count(model_id)?, catalogue.index_config()?);
        if count == 0 {
            return Ok(None);
        }
        let source = store.source(catalogue, model_id)?;
        let begun = self.begun(store, catalogue, &source)?;
        // It may have its index already, and can have but one.
        let begun_layout = begun.as_ref().map(|filling| filling.manifest.layout.clone());
        let mut layout = begun_layout.unwrap_or_else(|| Layout::of_collection(count, &config));
        let is_exact = layout.lists == 0;
        let survey = Survey::new(catalogue, model_id, &layout, if is_exact { 0 } else { config.queries })?;
        let filling = match begun {
            Some(filling) => filling,
            None => self.begin(store, catalogue, source, (layout.clone(), survey.neighbourhoods))?,
        };
        let mut exam = survey.exam;
        let Filling { folder, mut manifest, collection, neighbourhoods, .. } =
            self.fill(filling, catalogue, &mut exam)?;
        let name = &collection.name;
        if !is_exact {
            self.flush(name)?;
            self.build_index(name, &layout)?;
            self.load(name)?;
        }
        let gone = || Error::Damaged { path: folder.clone(), reason: "the catalogue does not know its state".into() };
        let changes = catalogue.changes(model_id, manifest.revision)?.ok_or_else(gone)?;
        self.change(name, &neighbourhoods, catalogue, &changes)?;
        let found = self.count(name)?;
        if found != count {
            let reason = format!("of {count} tracks that were put into {name} it has {found}");
            // Filled anew, the next time.
            std::fs::remove_dir_all(&folder).map_err(|error| Error::io(&folder, error))?;
            return Err(self.failed("filling a collection", &reason));
        }
        if !is_exact {
            let find = |rows: &[f32], probes: usize, _: usize| {
                let queries = rows.chunks(hubs::row_length(manifest.dimension)).map(<[f32]>::to_vec).collect();
                let expression = String::new();
                self.nearest(name, Nearest { queries, expression, count: FOUND_FOR_RECALL, probes })
            };
            exam.settle(find, &mut layout, config.target_recall)?;
        }
        manifest.note(&changes);
        (manifest.count, manifest.layout) = (count, layout);
        manifest.collection = Some(Collection { filled_below: None, ..collection });
        generation::write_manifest(&folder, &manifest)?;
        end_at!("collection-filled");
        let number = store.newest_generation()? + 1;
        generation::complete(&folder, &store.generation_folder(number))?;
        Ok(Some(number))
    }

    /// What was begun of these vectors and can be gone on with; all else that was begun is forgotten.
    fn begun(&self, store: &Store, catalogue: &Catalogue, source: &Source) -> Result<Option<Filling>> {
        let mut found = None;
        for folder in partial_folders(store)? {
            let begun = self.begun_in(&folder, catalogue, source);
            match begun {
                Ok(Some(filling)) if found.is_none() => found = Some(filling),
                Err(error @ Error::Milvus { .. }) => return Err(error),
                _ => std::fs::remove_dir_all(&folder).map_err(|error| Error::io(&folder, error))?,
            }
        }
        Ok(found)
    }

    fn begun_in(&self, folder: &Path, catalogue: &Catalogue, source: &Source) -> Result<Option<Filling>> {
        let mut manifest = generation::manifest(folder)?;
        let is_known = catalogue.count_changes(source.model_id(), manifest.revision)?.is_some();
        let Some(collection) = &manifest.collection else { return Ok(None) };
        if !manifest.is_of(source) || !is_known || !self.is_own(collection)? {
            return Ok(None);
        }
        let neighbourhoods = generation::read_neighbourhoods(folder, &manifest)?;
        self.mark_anew(folder, &mut manifest)?;
        let Some(collection) = manifest.collection.clone() else { return Ok(None) };
        // What was sent last may have come through or not, and it is not known which tracks that were.
        Ok(Some(Filling { folder: folder.into(), manifest, collection, neighbourhoods, put: Put::Replacing }))
    }

    fn begin(
        &self,
        store: &Store,
        catalogue: &Catalogue,
        source: Source,
        (layout, neighbourhoods): (Layout, Neighbourhoods),
    ) -> Result<Filling> {
        let prefix = self.prefix(catalogue)?;
        let taken = self.collections()?;
        if taken.contains(&self.config.collection) {
            let reason = format!("a collection has the name {}, which is to be an alias", self.config.collection);
            return Err(self.failed("creating a collection", &reason));
        }
        let taken = taken.iter().filter_map(|name| name.strip_prefix(&prefix)?.parse::<u64>().ok()).max();
        let number = 1 + store.newest_generation()?.max(taken.unwrap_or(0));
        let name = format!("{prefix}{number}");
        self.create(&name, hubs::row_length(neighbourhoods.dimension()))?;
        if layout.lists == 0 {
            // There is nothing to build: what is put in is found at once.
            self.build_index(&name, &layout)?;
            self.load(&name)?;
        }
        let collection = Collection { mark: self.mark(&name)?, name, filled_below: Some(0) };
        let folder = store.generation_folder(number).with_extension("partial");
        let revision = catalogue.revision(source.model_id())?;
        let manifest = generation::begin(&folder, source, revision, (layout, &neighbourhoods, collection.clone()))?;
        end_at!("collection-begun");
        Ok(Filling { folder, manifest, collection, neighbourhoods, put: Put::New })
    }

    /// Puts all tracks in that are not there yet.
    fn fill(&self, mut filling: Filling, catalogue: &Catalogue, exam: &mut Exam) -> Result<Filling> {
        let begun_below = filling.collection.filled_below.unwrap_or(u64::MAX);
        let model_id = filling.manifest.model_id.clone();
        catalogue.each_batch(&model_id, BATCH, |tracks, vectors| {
            let rows = filling.neighbourhoods.rows(tracks, vectors)?;
            exam.add(tracks, &rows)?;
            let Some(last) = tracks.last().filter(|last| last.0 >= begun_below) else { return Ok(()) };
            self.put(&filling.collection.name, &records(catalogue, tracks)?, &rows, filling.put)?;
            filling.collection.filled_below = Some(last.0 + 1);
            filling.manifest.collection = Some(filling.collection.clone());
            filling.manifest.end = filling.manifest.end.max(last.0 + 1);
            generation::write_manifest(&filling.folder, &filling.manifest)?;
            end_at!("collection-part-filled");
            Ok(())
        })?;
        Ok(filling)
    }

    /// Tells the server which collection serves now, for whoever asks it by the alias, and lets go of others.
    pub fn name_serving(&self, store: &Store, catalogue: &Catalogue, manifest: &GenerationManifest) -> Result<()> {
        if let Some(collection) = &manifest.collection {
            self.set_alias(&collection.name)?;
        }
        self.sweep(store, catalogue)
    }

    /// What the names of a catalogue's collections begin with.
    pub fn prefix(&self, catalogue: &Catalogue) -> Result<String> {
        let identity: String = catalogue.identity()?.chars().take(IDENTITY).collect();
        Ok(format!("{}_{identity}_", self.config.collection))
    }
}

impl GenerationManifest {
    /// Notes that changes were put in.
    fn note(&mut self, changes: &Changes) {
        self.revision = changes.revision;
        self.end = changes.written.iter().map(|(track, _)| track.0 + 1).fold(self.end, u64::max);
    }
}

/// What the catalogue knows of tracks, all of which it has.
fn records(catalogue: &Catalogue, tracks: &[TrackId]) -> Result<Vec<TrackRecord>> {
    let mut records = Vec::with_capacity(tracks.len());
    for track in tracks {
        records.extend(catalogue.get(*track)?);
    }
    Ok(records)
}
