//! Who uses a cache: files must not vanish under a run.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::embed::unique_name;
use crate::error::{Result, io};

/// A run that uses the cache: a file of its own that it keeps locked.
#[derive(Debug)]
pub(super) struct User {
    path: PathBuf,
    _lock: File,
}

/// Folder of the users' files within the cache.
const USERS: &str = "users";

impl User {
    /// Enters; the file goes when dropped.
    pub fn enter(root: &Path) -> Result<Self> {
        let folder = root.join(USERS);
        std::fs::create_dir_all(&folder).map_err(io(&folder))?;
        let _gate = gate(root)?;
        let path = folder.join(unique_name());
        let lock = File::create(&path).map_err(io(&path))?;
        lock.lock().map_err(io(&path))?;
        Ok(Self { path, _lock: lock })
    }

    /// Whether another run uses the cache. What killed runs have left is removed.
    pub fn others(&self, root: &Path) -> Result<bool> {
        let folder = root.join(USERS);
        for entry in std::fs::read_dir(&folder).map_err(io(&folder))?.flatten() {
            let path = entry.path();
            if path == self.path {
                continue;
            }
            let Ok(file) = File::open(&path) else { continue };
            if file.try_lock().is_err() {
                return Ok(true);
            }
            let _ = std::fs::remove_file(&path); // nobody's: whether it goes does not matter
        }
        Ok(false)
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path); // the lock is what counts, and goes with the file
    }
}

/// Held while somebody enters, or finds out who is there and removes files; given up when dropped.
pub(super) fn gate(root: &Path) -> Result<File> {
    let path = root.join("lock");
    let gate = File::create(&path).map_err(io(&path))?;
    gate.lock().map_err(io(&path))?;
    Ok(gate)
}
