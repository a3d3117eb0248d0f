//! The store's folder: its lock, and which generation serves.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::catalogue::Catalogue;
use crate::error::{Error, Result};
use crate::generation::{self, Access, GenerationManifest, Source};
use crate::search::{Base, Searcher};

/// Tries to open what CURRENT names while a writer replaces it.
const OPEN_TRIES: usize = 3;

/// Name of the file in a store's folder in which its user may write settings; it need not be there.
pub const CONFIG_FILE: &str = "config.toml";

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
            let entries = std::fs::read_dir(folder).map_err(|error| Error::io(folder, error))?;
            // Settings may be there before anything else is.
            let is_settings = |entry: &std::io::Result<std::fs::DirEntry>| {
                entry.as_ref().is_ok_and(|entry| entry.file_name() == CONFIG_FILE)
            };
            let mut others = entries.filter(|entry| !is_settings(entry));
            if others.next().is_some() {
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

    /// What tells the catalogue's file from one that has taken its place, as a repair or a backup does: whoever keeps a
    /// catalogue open has to open it anew then.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn catalogue_file(&self) -> Result<(u64, u64)> {
        let path = self.catalogue_path();
        let metadata = std::fs::metadata(&path).map_err(|error| Error::io(&path, error))?;
        Ok((metadata.dev(), metadata.ino()))
    }

    /// Becomes the one who changes who may ask a server.
    ///
    /// # Errors
    /// As [`Store::lock`].
    pub fn lock_users(&self, command: &str) -> Result<WriteLock> {
        self.lock_file(self.folder.join("users.lock"), command).map(|file| WriteLock { _file: file })
    }

    fn lock_path(&self) -> PathBuf {
        self.folder.join("lock")
    }

    pub(crate) fn current_path(&self) -> PathBuf {
        self.folder.join("CURRENT")
    }

    pub(crate) fn generations_path(&self) -> PathBuf {
        self.folder.join("generations")
    }

    pub(crate) fn generation_folder(&self, number: u64) -> PathBuf {
        generation::folder(&self.generations_path(), number)
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
        self.lock_file(self.lock_path(), command).map(|file| WriteLock { _file: file })
    }

    /// Becomes the one who retrains. Others may write meanwhile: whoever retrains takes the other lock when that has to.
    ///
    /// # Errors
    /// As [`Store::lock`].
    pub fn lock_retraining(&self, command: &str) -> Result<RetrainingLock> {
        self.lock_file(self.folder.join("retraining.lock"), command).map(|file| RetrainingLock { _file: file })
    }

    /// A file that nobody else has locked, which tells others who has.
    fn lock_file(&self, path: PathBuf, command: &str) -> Result<File> {
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
        Ok(file)
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
            let manifest = generation::manifest(&self.generation_folder(number));
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

    /// Opens the catalogue to note what is said and done, which may happen while another writes: no tracks, no vectors.
    ///
    /// # Errors
    /// As [`Store::catalogue`].
    pub fn catalogue_to_note(&self) -> Result<Catalogue> {
        drop(self.catalogue()?);
        Catalogue::open(&self.catalogue_path())
    }

    /// What a generation is.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::NewerFormat`], [`Error::Io`].
    pub fn generation(&self, number: u64) -> Result<GenerationManifest> {
        generation::manifest(&self.generation_folder(number))
    }

    /// Folder of what a retraining works on.
    pub fn retraining_folder(&self) -> PathBuf {
        self.folder.join("retraining")
    }

    /// Bytes of the catalogue and the generations.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn bytes(&self) -> Result<u64> {
        let mut files = vec![self.catalogue_path(), self.folder.join("catalogue.sqlite-wal")];
        for number in self.generation_numbers()? {
            let folder = self.generation_folder(number);
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
            match open(number, &self.generation_folder(number)) {
                Err(Error::Io { source, .. })
                    if source.kind() == std::io::ErrorKind::NotFound && tries < OPEN_TRIES => {}
                result => return result.map(Some),
            }
        }
    }

    pub(crate) fn current_number(&self) -> Result<Option<u64>> {
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

    /// The same for a process that goes on asking: it takes longer to open and answers faster.
    ///
    /// # Errors
    /// As [`Store::searcher`].
    pub fn resident_searcher(&self, catalogue: &Catalogue) -> Result<Option<Searcher>> {
        self.searcher_with(catalogue, Access::Stay)
    }

    pub(crate) fn searcher_with(&self, catalogue: &Catalogue, access: Access) -> Result<Option<Searcher>> {
        let Some(model_id) = catalogue.serving_model()? else { return Ok(None) };
        let source = Source::new(catalogue, &model_id)?;
        let read = |number, folder: &Path| {
            let manifest = generation::manifest(folder)?;
            if !manifest.is_of(&source) {
                return Ok(None);
            }
            let contents = generation::read(folder, &manifest, access)?;
            Ok(Some(Base { source: source.clone(), generation: Some(number), revision: manifest.revision, contents }))
        };
        let (mut sought, mut fault) = (None, None);
        for _ in 0..OPEN_TRIES {
            // Before it is opened: what comes in between is noticed by a renewal.
            sought = self.newest_of(&source)?.map(|(number, _)| number);
            let current = self.with_current(read);
            fault = current.as_ref().err().map(ToString::to_string);
            let found = match derived(current)? {
                // A change of models is under way: what served before is still there.
                Some(None) => {
                    sought.map_or(Ok(None), |number| derived(read(number, &self.generation_folder(number))))?
                }
                found => found.flatten(),
            };
            let Some(base) = found else { break };
            // Where a writer has put newer generations in its place and forgotten what was before, the newest is opened.
            if let Some(changes) = catalogue.changes(&model_id, base.revision)? {
                return Searcher::new(Arc::new(base), &changes).map(Some);
            }
        }
        Ok(Searcher::from_catalogue(catalogue, &model_id)?.map(|searcher| searcher.instead_of(sought, fault)))
    }

    /// Opens a generation that [`Store::prepare`] made, whether it serves or not.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`], [`Error::Faiss`]; what reading the catalogue reports.
    pub fn searcher_of(&self, catalogue: &Catalogue, generation: u64) -> Result<Searcher> {
        let folder = self.generation_folder(generation);
        let manifest = generation::manifest(&folder)?;
        let contents = generation::read(&folder, &manifest, Access::Search)?;
        let unknown =
            || Error::Damaged { path: folder.clone(), reason: "the catalogue does not know its state".into() };
        let changes = catalogue.changes(&manifest.model_id, manifest.revision)?.ok_or_else(unknown)?;
        let (source, revision) = (manifest.source(), manifest.revision);
        Searcher::new(Arc::new(Base { source, generation: Some(generation), revision, contents }), &changes)
    }

    /// The generation of these vectors that serves, or else the newest.
    pub(crate) fn newest_of(&self, source: &Source) -> Result<Option<(u64, GenerationManifest)>> {
        let current = derived(self.current())?.filter(|(_, manifest)| manifest.is_of(source));
        if current.is_some() {
            return Ok(current);
        }
        let all = self.manifests()?.into_iter();
        Ok(all.filter(|(_, manifest)| manifest.is_of(source)).max_by_key(|(number, _)| *number))
    }

    /// All generations whose manifests can be read.
    pub(crate) fn manifests(&self) -> Result<Vec<(u64, GenerationManifest)>> {
        let manifest = |number| Some((number, generation::manifest(&self.generation_folder(number)).ok()?));
        Ok(self.generation_numbers()?.into_iter().filter_map(manifest).collect())
    }

    /// The revision that the oldest kept generation of a model's vectors was built at.
    pub(crate) fn oldest_revision(&self, model_id: &str) -> Result<Option<u64>> {
        let manifests = self.manifests()?.into_iter().map(|(_, manifest)| manifest);
        Ok(manifests.filter(|manifest| manifest.model_id == model_id).map(|manifest| manifest.revision).min())
    }

    pub(crate) fn generation_numbers(&self) -> Result<Vec<u64>> {
        let path = self.generations_path();
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io(&path, error)),
        };
        let number = |entry: std::io::Result<std::fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse().ok();
        Ok(entries.filter_map(number).collect())
    }
}

/// Derived data that is damaged or gone counts as absent: the catalogue has all of it.
pub(crate) fn derived<T>(read: Result<Option<T>>) -> Result<Option<T>> {
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

/// Held by the one who retrains.
#[derive(Debug)]
pub struct RetrainingLock {
    _file: File,
}
