//! Why the server does not start, or its users cannot be changed.

use std::net::SocketAddr;
use std::path::PathBuf;

/// What can go wrong beside requests.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Everybody could ask who reaches the address.
    #[error("{address} can be reached by others, and there are no users who would have to say who they are")]
    NoUsers {
        /// Where it was to listen.
        address: SocketAddr,
    },
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file of users is not what this program writes.
    #[error("{path}: {reason}", path = path.display())]
    Users {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// A name that is not taken.
    #[error("there is no user {name}")]
    NoSuchUser {
        /// The name.
        name: String,
    },
    /// A name that is taken.
    #[error("there is a user {name} already")]
    UserExists {
        /// The name.
        name: String,
    },
    /// A name that cannot be sent.
    #[error("{name:?} is no name for a user: letters, digits, `.`, `-`, `_` and `@`, 64 at most")]
    UserName {
        /// The name.
        name: String,
    },
    /// A password that is guessed too easily.
    #[error("a password has at least {least} characters")]
    ShortPassword {
        /// How many.
        least: usize,
    },
    /// The password could not be made unreadable.
    #[error("the password cannot be hashed: {reason}")]
    Hash {
        /// Argon2's reason.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// What the store reports.
    #[error(transparent)]
    Index(#[from] index::Error),
}

/// Result of what is not a request.
pub type Result<T> = std::result::Result<T, Error>;
