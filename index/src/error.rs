//! What can go wrong between the store's folder and its users.

use std::path::{Path, PathBuf};

/// The crate's result.
pub type Result<T> = std::result::Result<T, Error>;

/// Situations a caller can tell apart.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no store in this folder.
    #[error("no store at {path}", path = path.display())]
    NoStore {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds something else.
    #[error("{path} is not a store: it holds other files", path = path.display())]
    NotAStore {
        /// The folder.
        path: PathBuf,
    },
    /// FAISS can only name files whose path is UTF-8.
    #[error("the store's path is not UTF-8: {path}", path = path.display())]
    PathNotUtf8 {
        /// The folder.
        path: PathBuf,
    },
    /// Another process writes.
    #[error("the store {path} is in use by {holder}", path = path.display())]
    InUse {
        /// The store.
        path: PathBuf,
        /// Command and process that hold the lock.
        holder: String,
    },
    /// No space, or no quota, left.
    #[error("no space left for {path}", path = path.display())]
    DiskFull {
        /// The file that could not grow.
        path: PathBuf,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Written by a newer version of this program.
    #[error("{path} has format version {found}, this program reads up to {supported}", path = path.display())]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Version found.
        found: i64,
        /// Newest version read.
        supported: i64,
    },
    /// Written by an older version of this program; opening it to write brings it up to date.
    #[error("{path} has the older format {found}", path = path.display())]
    OlderFormat {
        /// The file.
        path: PathBuf,
        /// Version found.
        found: i64,
    },
    /// A file's content contradicts itself.
    #[error("{path} is damaged: {reason}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// A file was written to where nobody was expected to.
    #[error("{path} was changed while it was read from where nothing may be written", path = path.display())]
    ChangedWhileRead {
        /// The file.
        path: PathBuf,
    },
    /// SQLite refused for another reason.
    #[error("{path}: {source}", path = path.display())]
    Sqlite {
        /// The catalogue.
        path: PathBuf,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
    /// A vector of another length than the store's.
    #[error("a vector of {found} dimensions, expected {expected}: it comes from another model")]
    WrongDimension {
        /// The store's.
        expected: usize,
        /// The vector's.
        found: usize,
    },
    /// A query made with another model than the store's.
    #[error("the store's tracks were embedded with model {store}, not with {asked}")]
    OtherModel {
        /// The store's model.
        store: String,
        /// The model asked for.
        asked: String,
    },
    /// The model that answers queries cannot be taken away.
    #[error("model {model} answers queries")]
    Serves {
        /// The model.
        model: String,
    },
    /// No threads could be started.
    #[error("no threads could be started: {0}")]
    Threads(rayon::ThreadPoolBuildError),
    /// The settings in the store's folder have no meaning.
    #[error("{path}: {reason}", path = path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What has none.
        reason: String,
    },
    /// The settings name Milvus, and this program was built without its client.
    #[error("this similar-tracks was built without Milvus")]
    WithoutMilvus,
    /// Milvus did not do what it was asked for.
    #[error("Milvus at {address} failed in {operation}: {reason}")]
    Milvus {
        /// Where it is.
        address: String,
        /// What was being done.
        operation: &'static str,
        /// Its message, or what became of the connection.
        reason: String,
    },
    /// Milvus is to search vectors that it was not given yet, and they are too many to search them without it.
    #[error("the {count} vectors of the library are not in Milvus yet")]
    NotInMilvus {
        /// Vectors.
        count: usize,
    },
    /// FAISS failed.
    #[error("faiss failed in {operation}: {reason}")]
    Faiss {
        /// What was being done.
        operation: &'static str,
        /// Its message.
        reason: String,
    },
}

impl Error {
    /// Whether another process was writing for longer than one waits for it.
    pub fn is_busy(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
        let Self::Sqlite { source, .. } = self else { return matches!(self, Self::InUse { .. }) };
        matches!(source.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked))
    }

    /// An I/O error on a file, told apart from a full disk.
    pub(crate) fn io(path: impl AsRef<Path>, source: std::io::Error) -> Self {
        let path = path.as_ref().to_owned();
        match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Io { path, source },
        }
    }

    /// An error of SQLite on the catalogue at `path`.
    pub(crate) fn sqlite(path: &Path, source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull { path },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged { path, reason: source.to_string() }
            }
            _ => match source {
                // A row that cannot be what was written.
                rusqlite::Error::FromSqlConversionFailure(_, _, reason) => {
                    Self::Damaged { path, reason: reason.to_string() }
                }
                source => Self::Sqlite { path, source },
            },
        }
    }
}
