//! What searches a store's vectors, as the table `[index]` of its configuration says.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::config_file::ConfigFile;
use crate::error::Result;

/// Environment variable whose value is the token, so that it need not stand in a file.
pub const TOKEN_VARIABLE: &str = "SIMILAR_TRACKS_MILVUS_TOKEN";

/// What searches vectors.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Backend {
    /// FAISS, in this process, with files in the store.
    #[default]
    Faiss,
    /// A server.
    Milvus(MilvusConfig),
}

/// Which Milvus serves, and how it is asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MilvusConfig {
    /// `http://` or `https://`, host and port.
    pub address: String,
    /// `user:password`, or a key.
    pub token: Option<Token>,
    /// The database in it.
    pub database: String,
    /// What the names of its collections begin with, and the alias of the one that serves.
    pub collection: String,
    /// File of the certificates that a server's is signed with; `None`: the system's.
    pub ca_certificate: Option<PathBuf>,
    /// The name that the server's certificate has to be for, where that is not the address's.
    pub server_name: Option<String>,
    /// How old an answer may be.
    pub consistency: Consistency,
    /// Seconds that a collection stays in the server's memory after another has come to serve.
    pub grace_seconds: u64,
}

/// How much of what was written before a question its answer knows of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Consistency {
    /// All; each question waits for it.
    Strong,
    /// All but the last seconds.
    #[default]
    Bounded,
    /// What there is.
    Eventually,
}

/// A secret that is not shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(pub String);

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token(…)")
    }
}

/// `[index]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default)]
    backend: Name,
    address: Option<String>,
    token: Option<toml::Value>,
    database: Option<String>,
    collection: Option<String>,
    ca_certificate: Option<PathBuf>,
    server_name: Option<String>,
    consistency: Option<Consistency>,
    grace_seconds: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Name {
    #[default]
    Faiss,
    Milvus,
}

impl Backend {
    /// As a store's configuration says; a token of the environment counts first.
    ///
    /// # Errors
    /// [`crate::Error::Config`].
    pub fn read(config: &ConfigFile) -> Result<Self> {
        let token = std::env::var(TOKEN_VARIABLE).ok().filter(|token| !token.is_empty());
        let Some(table) = config.part("index")? else { return Ok(Self::default()) };
        let folder = config.path().parent().unwrap_or(Path::new(""));
        Self::of(table, token, folder).map_err(|reason| config.fault(format!("index: {reason}")))
    }

    fn of(table: Table, token: Option<String>, folder: &Path) -> std::result::Result<Self, String> {
        if table.backend == Name::Faiss {
            let is_of_milvus = table.address.is_some() || table.token.is_some() || table.collection.is_some();
            return if is_of_milvus {
                Err("address, token and collection are of backend = \"milvus\"".into())
            } else {
                Ok(Self::Faiss)
            };
        }
        let address = table.address.ok_or("milvus needs an address, such as \"http://localhost:19530\"")?;
        if !["http://", "https://"].iter().any(|scheme| address.starts_with(scheme)) {
            return Err(format!("the address {address:?} begins with neither http:// nor https://"));
        }
        if (table.ca_certificate.is_some() || table.server_name.is_some()) && !address.starts_with("https://") {
            return Err("ca_certificate and server_name are of addresses that begin with https://".into());
        }
        let own_token = match table.token {
            Some(toml::Value::String(token)) => Some(token),
            // Not what it is instead.
            Some(_) => return Err("token must be a text".into()),
            None => None,
        };
        let collection = table.collection.unwrap_or_else(|| "tracks".into());
        let is_name = |name: &str| {
            name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
                && name.len() <= LONGEST_COLLECTION
        };
        if !is_name(&collection) {
            return Err(format!("{collection:?} is no name of a collection: letters, digits and _"));
        }
        Ok(Self::Milvus(MilvusConfig {
            address,
            token: token.or(own_token).map(Token),
            database: table.database.unwrap_or_else(|| "default".into()),
            collection,
            // A nightly run has another working directory.
            ca_certificate: table.ca_certificate.map(|path| folder.join(path)),
            server_name: table.server_name,
            consistency: table.consistency.unwrap_or_default(),
            grace_seconds: table.grace_seconds.unwrap_or(GRACE_SECONDS),
        }))
    }
}

/// Milvus takes names of 255 bytes; the catalogue and a number come behind it.
const LONGEST_COLLECTION: usize = 200;

/// Whoever goes on asking has noticed the change by then.
const GRACE_SECONDS: u64 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, token: Option<&str>) -> std::result::Result<Backend, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.toml"), text).unwrap();
        let config = ConfigFile::read(folder.path()).unwrap();
        let Some(table) = config.part("index").map_err(|error| error.to_string())? else {
            return Ok(Backend::default());
        };
        Backend::of(table, token.map(Into::into), Path::new("/store"))
    }

    #[test]
    fn faiss_is_what_searches_where_nothing_is_said() {
        for text in ["", "[[playlist]]\nfile = 'a.m3u8'", "[index]", "[index]\nbackend = 'faiss'"] {
            assert_eq!(read(text, None).unwrap(), Backend::Faiss, "{text}");
        }
    }

    #[test]
    fn milvus_has_defaults_and_the_environments_token_counts() {
        let text = "[index]\nbackend = 'milvus'\naddress = 'https://milvus:19530'\ntoken = 'a:b'\nserver_name = 'm'\n\
                    ca_certificate = 'ca.pem'";
        let Backend::Milvus(config) = read(text, None).unwrap() else { panic!("milvus") };
        assert_eq!((config.collection.as_str(), config.database.as_str()), ("tracks", "default"));
        assert_eq!((config.consistency, config.token.clone()), (Consistency::Bounded, Some(Token("a:b".into()))));
        assert_eq!(config.ca_certificate.as_deref(), Some(Path::new("/store/ca.pem")));
        assert!(!format!("{config:?}").contains("a:b"));
        let Backend::Milvus(config) = read(text, Some("key")).unwrap() else { panic!("milvus") };
        assert_eq!(config.token, Some(Token("key".into())));
    }

    #[test]
    fn what_has_no_meaning_is_told() {
        for (lines, told) in [
            ("backend = 'milvus'", "needs an address"),
            ("backend = 'milvus'\naddress = 'localhost:19530'", "neither http:// nor https://"),
            ("backend = 'milvus'\naddress = 'http://m'\ncollection = 'a-b'", "no name of a collection"),
            ("backend = 'milvus'\naddress = 'http://m'\nca_certificate = 'ca.pem'", "https://"),
            ("backend = 'milvus'\naddress = 'http://m'\nserver_name = 'm'", "https://"),
            ("backend = 'milvus'\naddress = 'http://m'\nconsistency = 'never'", "unknown variant `never`"),
            ("backend = 'milvus'\naddress = 'http://m'\ntoken = 1234", "token must be a text"),
            ("backend = 'qdrant'", "unknown variant `qdrant`"),
            ("adress = 'http://m'", "unknown field `adress`"),
            ("address = 'http://m'", "are of backend"),
        ] {
            let error = read(&format!("[index]\n{lines}\n"), None).unwrap_err();
            assert!(error.contains(told) && !error.contains("1234"), "{lines}: {error}");
        }
    }
}
