//! Where a Music Player Daemon is, as MPD_HOST has it.

use std::fmt::{Display, Formatter};
use std::path::PathBuf;

/// Where a daemon is, and the word that it wants to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Its password.
    pub password: Option<String>,
    /// Where it is.
    pub place: Place,
}

/// Where a daemon listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// TCP.
    Network {
        /// Name or number of the host.
        host: String,
        /// Port.
        port: u16,
    },
    /// A socket in the file system.
    Socket(PathBuf),
    /// A socket in Linux's abstract name space.
    Abstract(String),
}

impl Address {
    /// Of `host`, `password@host`, `/socket` or `@name`; empty is localhost.
    pub fn new(host: &str, port: u16) -> Self {
        // What begins with @ is a name, with no password before it.
        let (password, place) = match host.split_once('@') {
            Some((password, place)) if !password.is_empty() && !host.starts_with('/') => (Some(password), place),
            _ => (None, host),
        };
        let place = match place.strip_prefix('@') {
            Some(name) => Place::Abstract(name.to_owned()),
            None if place.starts_with('/') => Place::Socket(place.into()),
            None => Place::Network { host: if place.is_empty() { "localhost" } else { place }.to_owned(), port },
        };
        Self { password: password.map(str::to_owned), place }
    }

    /// Whether the daemon knows which user asks, and lets local users play files from outside of its music folder.
    pub fn is_local(&self) -> bool {
        !matches!(self.place, Place::Network { .. })
    }
}

/// Without the password.
impl Display for Address {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        match &self.place {
            Place::Network { host, port } if host.contains(':') => write!(formatter, "[{host}]:{port}"),
            Place::Network { host, port } => write!(formatter, "{host}:{port}"),
            Place::Socket(path) => write!(formatter, "{}", path.display()),
            Place::Abstract(name) => write!(formatter, "@{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_as_other_clients_do() {
        let is = |host: &str, password: Option<&str>, told: &str, local: bool| {
            let address = Address::new(host, 6600);
            assert_eq!((address.password.as_deref(), address.to_string().as_str()), (password, told), "{host}");
            assert_eq!(address.is_local(), local, "{host}");
        };
        is("localhost", None, "localhost:6600", false);
        is("", None, "localhost:6600", false);
        is("secret@nas", Some("secret"), "nas:6600", false);
        is("::1", None, "[::1]:6600", false);
        is("/run/mpd/socket", None, "/run/mpd/socket", true);
        is("/run/m@d/socket", None, "/run/m@d/socket", true);
        is("secret@/run/mpd/socket", Some("secret"), "/run/mpd/socket", true);
        is("@mpd", None, "@mpd", true);
        is("secret@@mpd", Some("secret"), "@mpd", true);
    }
}
