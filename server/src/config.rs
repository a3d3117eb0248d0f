//! How the server behaves.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

/// Settings of [`crate::serve()`].
#[derive(Debug, Clone, PartialEq)]
pub struct ServeConfig {
    /// Where it listens. Anything but loopback demands that there are users.
    pub address: SocketAddr,
    /// Names that requests may call the host by, beside those of loopback; whoever gives one demands users as well: a
    /// proxy makes the world a neighbour.
    pub hosts: Vec<String>,
    /// Folders beside those of the library whose files may be heard: where its links lead to.
    pub folders: Vec<PathBuf>,
    /// Bytes of an upload at most: an hour of FLAC.
    pub max_upload_bytes: usize,
    /// Time for the bytes of an upload to arrive.
    pub upload_time: Duration,
    /// Time for embedding an upload, after which its worker is killed.
    pub embedding_time: Duration,
    /// Requests a second that one address may make in the long run; `None`: as many as it likes.
    pub requests_per_second: Option<NonZeroU32>,
    /// Connections at most; more are closed at once.
    pub max_connections: usize,
    /// Time for a request's head to arrive, from the connection or the end of the request before on.
    pub head_time: Duration,
    /// Time for any other request until its answer begins.
    pub answer_time: Duration,
    /// Time that requests are given to end when the server is told to.
    pub grace_time: Duration,
    /// Time between looks at whether the store has changed.
    pub renewal_interval: Duration,
    /// What embeds uploads: a program that reads a path a line and writes a row of JSON for each, with its arguments.
    pub worker: (PathBuf, Vec<String>),
}

/// Where the server listens unless told otherwise.
pub const DEFAULT_ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 4747);

impl ServeConfig {
    /// With uploads embedded by `worker`, and everything else by default.
    pub fn new(worker: (PathBuf, Vec<String>)) -> Self {
        Self {
            address: DEFAULT_ADDRESS,
            hosts: Vec::new(),
            folders: Vec::new(),
            max_upload_bytes: 512 << 20,
            upload_time: Duration::from_secs(120),
            embedding_time: Duration::from_secs(60),
            requests_per_second: NonZeroU32::new(200),
            max_connections: 12_000,
            head_time: Duration::from_secs(15),
            answer_time: Duration::from_secs(60),
            grace_time: Duration::from_secs(10),
            renewal_interval: Duration::from_millis(500),
            worker,
        }
    }

    /// Whether only those who are known may ask.
    pub(crate) fn demands_users(&self) -> bool {
        !self.address.ip().is_loopback() || !self.hosts.is_empty()
    }
}
