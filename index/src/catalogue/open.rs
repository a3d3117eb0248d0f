//! How a catalogue is opened: to write, to read, and from where nothing may be written.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{Catalogue, SCHEMA_VERSION, schema};
use crate::error::{Error, Result};

/// A writer's commit may make another connection wait.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// Length and time of a file.
pub(super) type FileState = (u64, Option<SystemTime>);

fn state_of(path: &Path) -> FileState {
    std::fs::metadata(path).map_or((0, None), |metadata| (metadata.len(), metadata.modified().ok()))
}

/// Whether a catalogue is there, all of it in its file, but for SQLite may write nothing beside it.
fn needs_to_write_beside(error: &rusqlite::Error, path: &Path) -> bool {
    let log = PathBuf::from(format!("{}-wal", path.display()));
    let is_refused = matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly));
    is_refused && state_of(path).0 > 0 && state_of(&log).0 == 0
}

impl Catalogue {
    /// Opens the catalogue, creating it where there is none; one of an older format is brought up to date.
    ///
    /// # Errors
    /// [`Error::NewerFormat`], [`Error::Damaged`], [`Error::DiskFull`], [`Error::Sqlite`].
    pub fn open(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let (catalogue, version) = Self::open_with(path, flags)?;
        if version < SCHEMA_VERSION {
            catalogue.read(|connection| schema::bring_up_to_date(connection, version))?;
        }
        // FULL: what was committed survives a power cut, not only a kill.
        catalogue.read(|connection| connection.pragma_update(None, "synchronous", "full"))?;
        Ok(catalogue)
    }

    /// Opens an existing catalogue for reading, also where nothing may be written.
    ///
    /// # Errors
    /// As [`Catalogue::open`]; [`Error::NoStore`] where its creation was cut short, [`Error::OlderFormat`].
    pub fn open_to_read(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = match Self::open_with(path, flags) {
            Err(Error::Sqlite { source, .. }) if needs_to_write_beside(&source, path) => Self::open_unchanging(path)?,
            opened => opened?,
        };
        match opened {
            (_, 0) => Err(Error::NoStore { path: path.parent().unwrap_or(path).into() }),
            (_, found) if found < SCHEMA_VERSION => Err(Error::OlderFormat { path: path.into(), found }),
            (catalogue, _) => Ok(catalogue),
        }
    }

    /// One beside which SQLite cannot keep its readers' marks: it is taken not to change.
    fn open_unchanging(path: &Path) -> Result<(Self, i64)> {
        let mut address = "file:".to_owned();
        for &byte in path.as_os_str().as_encoded_bytes() {
            match byte {
                b'?' | b'#' | b'%' | 0x80.. => address.push_str(&format!("%{byte:02X}")),
                _ => address.push(byte.into()),
            }
        }
        let state = state_of(path);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let (catalogue, version) = Self::open_with(Path::new(&(address + "?immutable=1")), flags)?;
        Ok((Self { path: path.into(), unchanging: Some(state), ..catalogue }, version))
    }

    /// Whether somebody else has written to a file that was taken not to change: what is read of it may contradict itself.
    pub(super) fn has_changed_unseen(&self) -> bool {
        self.unchanging.is_some_and(|state| state != state_of(&self.path))
    }

    /// The catalogue and the version of its schema, 0 where there is none yet.
    fn open_with(path: &Path, flags: OpenFlags) -> Result<(Self, i64)> {
        let open = || {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            connection.pragma_update(None, "foreign_keys", true)?;
            let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            Ok((connection, version))
        };
        let (connection, version) = open().map_err(|error| Error::sqlite(path, error))?;
        if version > SCHEMA_VERSION {
            return Err(Error::NewerFormat { path: path.into(), found: version, supported: SCHEMA_VERSION });
        }
        Ok((Self { path: path.into(), connection, unchanging: None }, version))
    }
}
