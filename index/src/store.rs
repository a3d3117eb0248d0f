//! The store's folder: its lock, and which generation serves.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::catalogue::Catalogue;
use crate::contents::Contents;
use crate::error::{Error, Result};
use crate::generation::{self, Access, GenerationManifest, Source};
use crate::search::Searcher;

/// Generations kept besides the one that serves, for readers that are just opening it.
const OLD_GENERATIONS_KEPT: u64 = 1;

/// Tries to open what CURRENT names while a writer replaces it.
const OPEN_TRIES: usize = 3;

/// A store's folder.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// Opens an existing store.
    ///
    /// # Errors
    /// [`Error::NoStore`], [`Error::PathNotUtf8`].
    pub fn open(folder: &Path) -> Result<Self> {
        let store = Self::at(folder)?;
        Catalogue::finish_salvage(&store.catalogue_path())?;
        if !store.catalogue_path().exists() {
            return Err(Error::NoStore { path: folder.into() });
        }
        Ok(store)
    }

    /// Opens a store, creating its folder where there is none. A folder with other files in it is
    /// not taken over.
    ///
    /// # Errors
    /// [`Error::NotAStore`], [`Error::Io`], [`Error::PathNotUtf8`].
    pub fn create(folder: &Path) -> Result<Self> {
        let store = Self::at(folder)?;
        std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
        Catalogue::finish_salvage(&store.catalogue_path())?;
        if !store.lock_path().exists() {
            let mut entries = std::fs::read_dir(folder).map_err(|error| Error::io(folder, error))?;
            if entries.next().is_some() {
                return Err(Error::NotAStore { path: folder.into() });
            }
        }
        Ok(store)
    }

    fn at(folder: &Path) -> Result<Self> {
        match folder.to_str() {
            Some(_) => Ok(Self { folder: folder.into() }),
            None => Err(Error::PathNotUtf8 { path: folder.into() }),
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn catalogue_path(&self) -> PathBuf {
        self.folder.join("catalogue.sqlite")
    }

    fn lock_path(&self) -> PathBuf {
        self.folder.join("lock")
    }

    fn current_path(&self) -> PathBuf {
        self.folder.join("CURRENT")
    }

    fn generations_path(&self) -> PathBuf {
        self.folder.join("generations")
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

    /// Where a model's files lie.
    pub fn model_folder(&self, model_id: &str) -> PathBuf {
        self.folder.join("models").join(model_id)
    }

    /// Becomes the one writer; `command` is told to others who try.
    ///
    /// # Errors
    /// [`Error::InUse`] with the holder, [`Error::Io`].
    pub fn lock(&self, command: &str) -> Result<WriteLock> {
        let path = self.lock_path();
        let io = |error| Error::io(&path, error);
        let mut file = File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Told for information only: the holder may be writing this very line.
                let _ = file.read_to_string(&mut holder);
                let holder = if holder.trim().is_empty() { "another process".into() } else { holder.trim().into() };
                return Err(Error::InUse { path: self.folder.clone(), holder });
            }
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(io)?;
        writeln!(file, "`{command}` (process {})", std::process::id()).map_err(io)?;
        Ok(WriteLock { _file: file })
    }

    /// Opens the catalogue for writing; the caller holds the lock. One that is older than a generation of it, as a backup
    /// that was put back, becomes another catalogue: what changes from now on is not what changed then.
    ///
    /// # Errors
    /// As [`Catalogue::open`].
    pub fn catalogue_to_write(&self, _lock: &WriteLock) -> Result<Catalogue> {
        let mut catalogue = Catalogue::open(&self.catalogue_path())?;
        let identity = catalogue.identity()?;
        for number in self.generation_numbers()? {
            let manifest = generation::manifest(&generation::folder(&self.generations_path(), number));
            let Ok(manifest) = manifest else { continue };
            if manifest.catalogue == identity && manifest.revision > catalogue.revision(&manifest.model_id)? {
                catalogue.commit(|writer| writer.renew_identity())?;
                break;
            }
        }
        Ok(catalogue)
    }

    /// Opens the catalogue for reading; one of an older format is brought up to date first.
    ///
    /// # Errors
    /// As [`Catalogue::open_to_read`]; [`Error::InUse`] where an older program is writing to it.
    pub fn catalogue(&self) -> Result<Catalogue> {
        let path = self.catalogue_path();
        match Catalogue::open_to_read(&path) {
            Err(Error::OlderFormat { .. }) => {
                let lock = self.lock("bringing the catalogue up to date")?;
                drop(self.catalogue_to_write(&lock)?);
                Catalogue::open_to_read(&path)
            }
            result => result,
        }
    }

    /// Bytes of the catalogue and the generations.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn bytes(&self) -> Result<u64> {
        let mut files = vec![self.catalogue_path(), self.folder.join("catalogue.sqlite-wal")];
        for number in self.generation_numbers()? {
            let folder = generation::folder(&self.generations_path(), number);
            let entries = std::fs::read_dir(&folder).map_err(|error| Error::io(&folder, error))?;
            files.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
        }
        // What is gone meanwhile takes no space.
        Ok(files.iter().filter_map(|file| std::fs::metadata(file).ok()).map(|metadata| metadata.len()).sum())
    }

    /// Number and manifest of the generation that serves.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::NewerFormat`], [`Error::Io`].
    pub fn current(&self) -> Result<Option<(u64, GenerationManifest)>> {
        self.with_current(|number, folder| Ok((number, generation::manifest(folder)?)))
    }

    /// Verifies the files of the generation that serves, if one does.
    pub(crate) fn verify_current(&self) -> Result<()> {
        let verify = |_, folder: &Path| generation::verify(folder, &generation::manifest(folder)?);
        self.with_current(verify).map(|_| ())
    }

    /// Opens what CURRENT names. A generation that disappears in between was replaced: try again.
    fn with_current<T>(&self, open: impl Fn(u64, &Path) -> Result<T>) -> Result<Option<T>> {
        let mut tries = 0;
        loop {
            let Some(number) = self.current_number()? else { return Ok(None) };
            tries += 1;
            match open(number, &generation::folder(&self.generations_path(), number)) {
                Err(Error::Io { source, .. })
                    if source.kind() == std::io::ErrorKind::NotFound && tries < OPEN_TRIES => {}
                result => return result.map(Some),
            }
        }
    }

    fn current_number(&self) -> Result<Option<u64>> {
        let path = self.current_path();
        match std::fs::read_to_string(&path) {
            Ok(text) => match text.trim().parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(Error::Damaged { path, reason: format!("{:?} is no generation", text.trim()) }),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(&path, error)),
        }
    }

    /// How many changes of the catalogue's vectors the generation that serves does not know of: they are searched beside
    /// it. `None`: no generation serves, or what changed is not known.
    ///
    /// # Errors
    /// What reading the catalogue reports.
    pub fn changes_since_current(&self, catalogue: &Catalogue) -> Result<Option<usize>> {
        let Some(model_id) = catalogue.serving_model()? else { return Ok(None) };
        let source = Source::new(catalogue, &model_id)?;
        match derived(self.current())? {
            Some((_, manifest)) if manifest.is_of(&source) => catalogue.count_changes(&model_id, manifest.revision),
            _ => Ok(None),
        }
    }

    /// Opens the index that serves, and searches what the catalogue has gained and lost since beside it. Where the
    /// generation is damaged ([`Searcher::fault`]) or of other vectors, all are taken from the catalogue itself: the answer
    /// is the same, it takes longer. `None`: there are no vectors.
    ///
    /// # Errors
    /// What reading the catalogue reports.
    pub fn searcher(&self, catalogue: &Catalogue) -> Result<Option<Searcher>> {
        self.searcher_with(catalogue, Access::Search)
    }

    /// The same for a process that goes on asking: it takes longer to open, has all of the index in memory, and answers
    /// faster.
    ///
    /// # Errors
    /// As [`Store::searcher`].
    pub fn resident_searcher(&self, catalogue: &Catalogue) -> Result<Option<Searcher>> {
        self.searcher_with(catalogue, Access::Stay)
    }

    fn searcher_with(&self, catalogue: &Catalogue, access: Access) -> Result<Option<Searcher>> {
        let Some(model_id) = catalogue.serving_model()? else { return Ok(None) };
        let source = Source::new(catalogue, &model_id)?;
        let mut fault = None;
        for _ in 0..OPEN_TRIES {
            let current = self.with_current(|_, folder| {
                let manifest = generation::manifest(folder)?;
                let is_of_source = manifest.is_of(&source);
                let contents = is_of_source.then(|| generation::read(folder, &manifest, access)).transpose()?;
                Ok(contents.map(|contents| (manifest.revision, contents)))
            });
            fault = current.as_ref().err().map(ToString::to_string);
            let Some((revision, contents)) = derived(current)?.flatten() else { break };
            // Where a writer has put newer generations in its place and forgotten what was before, the newest is opened.
            if let Some(changes) = catalogue.changes(&model_id, revision)? {
                return Searcher::new(model_id, contents, &changes).map(Some);
            }
        }
        Ok(Searcher::from_catalogue(catalogue, &model_id)?.map(|searcher| searcher.with_fault(fault)))
    }

    /// Makes a model's vectors serve, and a generation of them where searching the changes beside the one that there is
    /// would take too long, or that one is damaged. Does nothing where the model has no vectors and another serves.
    /// Afterwards removes generations that serve no more. Killed in between, the catalogue's word counts.
    ///
    /// # Errors
    /// [`Error::DiskFull`], [`Error::Io`], [`Error::Faiss`]; what served before then goes on.
    pub fn publish(&self, catalogue: &mut Catalogue, model_id: &str, _lock: &WriteLock) -> Result<()> {
        self.remove_partial_rows()?;
        let source = Source::new(catalogue, model_id)?;
        let current = derived(self.current())?.filter(|(_, manifest)| manifest.is_of(&source));
        if let Some((number, manifest)) = &current
            && let Some(changes) = catalogue.count_changes(model_id, manifest.revision)?
        {
            let folder = generation::folder(&self.generations_path(), *number);
            if manifest.may_wait(changes) && generation::verify(&folder, manifest).is_ok() {
                return self.serve(catalogue, model_id);
            }
            if let Some(contents) = self.updated(catalogue, &folder, manifest)? {
                return self.replace(catalogue, model_id, &contents);
            }
        }
        self.build_anew(catalogue, model_id)
    }

    /// Makes a model's vectors serve, and a generation of them from the catalogue alone; it is the only one then.
    ///
    /// # Errors
    /// As [`Store::publish`].
    pub fn rebuild(&self, catalogue: &mut Catalogue, model_id: &str, _lock: &WriteLock) -> Result<()> {
        self.remove_partial_rows()?;
        self.build_anew(catalogue, model_id)?;
        self.remove_generations_before(self.newest_generation()?)
    }

    fn build_anew(&self, catalogue: &mut Catalogue, model_id: &str) -> Result<()> {
        match Contents::of_catalogue(catalogue, model_id, &catalogue.index_config()?, &self.rows_path())? {
            Some(contents) => self.replace(catalogue, model_id, &contents),
            None if catalogue.serving_model()?.as_deref() == Some(model_id) => self.retire_all(),
            None => Ok(()),
        }
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

    /// Puts a generation of the catalogue's present state in the place of the one that serves.
    fn replace(&self, catalogue: &mut Catalogue, model_id: &str, contents: &Contents) -> Result<()> {
        let (source, revision) = (Source::new(catalogue, model_id)?, catalogue.revision(model_id)?);
        let number = self.newest_generation()? + 1;
        generation::write(&generation::folder(&self.generations_path(), number), contents, source, revision)?;
        self.set_current(number)?;
        self.remove_generations_before(number.saturating_sub(OLD_GENERATIONS_KEPT))?;
        end_at!("generations-removed");
        self.serve(catalogue, model_id)
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

    /// The revision that the oldest kept generation of a model's vectors was built at.
    fn oldest_revision(&self, model_id: &str) -> Result<Option<u64>> {
        let manifest = |number| generation::manifest(&generation::folder(&self.generations_path(), number)).ok();
        let manifests = self.generation_numbers()?.into_iter().filter_map(manifest);
        Ok(manifests.filter(|manifest| manifest.model_id == model_id).map(|manifest| manifest.revision).min())
    }

    /// With no vectors left, nothing serves.
    fn retire_all(&self) -> Result<()> {
        let path = self.current_path();
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(&path, error)),
            _ => self.remove_generations_before(u64::MAX),
        }
    }

    fn set_current(&self, number: u64) -> Result<()> {
        let path = self.current_path();
        let io = |error| Error::io(&path, error);
        let mut file = tempfile::NamedTempFile::new_in(&self.folder).map_err(io)?;
        writeln!(file, "{number}").and_then(|()| file.as_file().sync_all()).map_err(io)?;
        end_at!("current-written");
        file.persist(&path).map_err(|error| io(error.error))?;
        end_at!("current-replaced");
        generation::sync(&self.folder)
    }

    fn generation_numbers(&self) -> Result<Vec<u64>> {
        let path = self.generations_path();
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io(&path, error)),
        };
        let number = |entry: std::io::Result<std::fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse().ok();
        Ok(entries.filter_map(number).collect())
    }

    fn newest_generation(&self) -> Result<u64> {
        Ok(self.generation_numbers()?.into_iter().max().unwrap_or(0))
    }

    fn remove_generations_before(&self, oldest_kept: u64) -> Result<()> {
        for number in self.generation_numbers()?.into_iter().filter(|&number| number < oldest_kept) {
            let folder = generation::folder(&self.generations_path(), number);
            std::fs::remove_dir_all(&folder).map_err(|error| Error::io(&folder, error))?;
        }
        Ok(())
    }
}

/// Derived data that is damaged or gone counts as absent: the catalogue has all of it.
fn derived<T>(read: Result<Option<T>>) -> Result<Option<T>> {
    match read {
        Err(Error::Damaged { .. } | Error::Faiss { .. } | Error::Io { .. }) => Ok(None),
        other => other,
    }
}

/// Held by the one writer; ends with the process at the latest.
#[derive(Debug)]
pub struct WriteLock {
    _file: File,
}
