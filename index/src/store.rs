//! The store's folder: its lock, and which generation serves.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::backend::Backend;
use crate::catalogue::Catalogue;
use crate::config_file::{CONFIG_FILE, ConfigFile};
use crate::error::{Error, Result};
use crate::generation::{self, GenerationManifest, Source};
use crate::milvus::Milvus;

/// Tries to open what CURRENT names while a writer replaces it.
pub(crate) const OPEN_TRIES: usize = 3;

/// A store's folder.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
    milvus: Option<Arc<Milvus>>,
}

impl Store {
    /// Opens an existing store.
    ///
    /// # Errors
    /// [`Error::NoStore`], [`Error::PathNotUtf8`], [`Error::Config`].
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
    /// [`Error::NotAStore`], [`Error::Io`], [`Error::PathNotUtf8`], [`Error::Config`].
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
        if folder.to_str().is_none() {
            return Err(Error::PathNotUtf8 { path: folder.into() });
        }
        let milvus = match Backend::read(&ConfigFile::read(folder)?)? {
            Backend::Faiss => None,
            Backend::Milvus(config) => Some(Arc::new(Milvus::new(config)?)),
        };
        Ok(Self { folder: folder.into(), milvus })
    }

    /// The server that searches its vectors; `None`: FAISS does.
    pub(crate) fn milvus(&self) -> Option<&Arc<Milvus>> {
        self.milvus.as_ref()
    }

    /// A model's vectors, as they are ranked and searched now.
    pub(crate) fn source(&self, catalogue: &Catalogue, model_id: &str) -> Result<Source> {
        let collections = self.milvus.as_ref().map(|milvus| milvus.prefix(catalogue)).transpose()?;
        Source::new(catalogue, model_id, collections)
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

    /// Opens what CURRENT names. A generation that disappears in between was replaced: try again.
    pub(crate) fn with_current<T>(&self, open: impl Fn(u64, &Path) -> Result<T>) -> Result<Option<T>> {
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
