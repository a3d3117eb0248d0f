//! Who may ask, in a file that only its owner reads.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::error::{Error, Result};

/// Version of the file that this program writes, and the newest that it reads.
const FORMAT_VERSION: u32 = 1;

/// Characters of a password at least.
const LEAST_PASSWORD: usize = 8;

/// The users of a store.
#[derive(Debug, Clone, PartialEq)]
pub struct Users {
    path: PathBuf,
    users: Vec<User>,
}

/// One who may ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    name: String,
    /// Argon2id of what the user chose, as a PHC string.
    password: String,
    /// BLAKE3 of the API key: of so many random bits, a plain hash gives nothing away.
    api_key: String,
    /// What OpenSubsonic's tokens are made of, as it is: who checks MD5(password + salt) has to know the password. It is
    /// random and opens nothing else.
    player_password: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UsersFile {
    format_version: u32,
    #[serde(default)]
    user: Vec<User>,
}

/// What a new user is told, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets {
    /// For programs, and for players that know API keys.
    pub api_key: String,
    /// For players that do not.
    pub player_password: String,
}

/// How somebody says who they are.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Credential {
    /// Name and password: the user's own, or the one for players.
    Password { name: String, password: String },
    /// An API key.
    ApiKey(String),
    /// OpenSubsonic's token, the MD5 of password and salt.
    Token { name: String, token: String, salt: String },
}

impl Users {
    /// Those of a store; none where there is no file.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Users`].
    pub fn of_store(store: &index::Store) -> Result<Self> {
        let path = store.folder().join("users.toml");
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { path, users: Vec::new() });
            }
            text => text.map_err(|source| Error::Io { path: path.clone(), source })?,
        };
        // TOML's errors show the line, which may be a secret.
        let unreadable = |error: toml::de::Error| Error::Users { path: path.clone(), reason: error.message().into() };
        let file: UsersFile = toml::from_str(&text).map_err(unreadable)?;
        if file.format_version > FORMAT_VERSION {
            let reason = format!("format {} is of a newer program", file.format_version);
            return Err(Error::Users { path, reason });
        }
        Ok(Self { path, users: file.user })
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Their names, in the order in which they came.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.users.iter().map(|user| user.name.as_str())
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// Takes in a user, who chose a password.
    ///
    /// # Errors
    /// [`Error::UserExists`], [`Error::UserName`], [`Error::ShortPassword`], [`Error::Hash`], [`Error::Io`].
    pub fn add(&mut self, name: &str, password: &str) -> Result<Secrets> {
        let is_plain = |letter: char| letter.is_alphanumeric() || ".-_@".contains(letter);
        if !(1..=64).contains(&name.chars().count()) || !name.chars().all(is_plain) {
            return Err(Error::UserName { name: name.into() });
        }
        if self.names().any(|known| known == name) {
            return Err(Error::UserExists { name: name.into() });
        }
        if password.chars().count() < LEAST_PASSWORD {
            return Err(Error::ShortPassword { least: LEAST_PASSWORD });
        }
        let hashed = Argon2::default().hash_password(password.as_bytes());
        let hashed = hashed.map_err(|error| Error::Hash { reason: error.to_string() })?;
        let secrets = Secrets { api_key: random_text::<32>(), player_password: random_text::<20>() };
        self.users.push(User {
            name: name.into(),
            password: hashed.to_string(),
            api_key: hash_of(&secrets.api_key),
            player_password: secrets.player_password.clone(),
        });
        self.write()?;
        Ok(secrets)
    }

    /// Forgets a user, whose keys open nothing from then on.
    ///
    /// # Errors
    /// [`Error::NoSuchUser`], [`Error::Io`].
    pub fn remove(&mut self, name: &str) -> Result<()> {
        let before = self.users.len();
        self.users.retain(|user| user.name != name);
        if self.users.len() == before {
            return Err(Error::NoSuchUser { name: name.into() });
        }
        self.write()
    }

    /// As a whole or not at all, readable by its owner alone.
    fn write(&self) -> Result<()> {
        let io = |source| Error::Io { path: self.path.clone(), source };
        let file = UsersFile { format_version: FORMAT_VERSION, user: self.users.clone() };
        let text = toml::to_string(&file)
            .map_err(|error| Error::Users { path: self.path.clone(), reason: error.to_string() })?;
        let partial = self.path.with_extension(format!("{}.partial", std::process::id()));
        let mut file =
            std::fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(&partial).map_err(io)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
        std::fs::rename(&partial, &self.path).map_err(io)
    }

    /// Whose API key, token or password for players this is. Passwords that users chose are looked at by
    /// [`Users::has_password`], which takes its time.
    pub(crate) fn recognise(&self, credential: &Credential) -> Option<&str> {
        let is_of = |user: &&User| match credential {
            Credential::ApiKey(key) => is_same(&user.api_key, &hash_of(key)),
            Credential::Token { name, token, salt } => {
                let expected = md5_hex(&format!("{}{salt}", user.player_password));
                user.name == *name && is_same(&expected, &token.to_ascii_lowercase())
            }
            Credential::Password { name, password } => user.name == *name && is_same(&user.player_password, password),
        };
        self.users.iter().find(is_of).map(|user| user.name.as_str())
    }

    /// Whether a user chose this password. For a name that is not known it takes as long.
    pub(crate) fn has_password(&self, name: &str, password: &str) -> bool {
        let user = self.users.iter().find(|user| user.name == name);
        let hash = user.or(self.users.first()).and_then(|user| PasswordHash::new(&user.password).ok());
        let fits = hash.is_some_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
        fits && user.is_some()
    }
}

fn is_same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

fn hash_of(key: &str) -> String {
    blake3::hash(key.as_bytes()).to_hex().to_string()
}

fn md5_hex(text: &str) -> String {
    use md5::Digest;
    data_encoding::HEXLOWER.encode(&md5::Md5::digest(text.as_bytes()))
}

/// Letters and digits for so many random bytes.
fn random_text<const BYTES: usize>() -> String {
    data_encoding::BASE32_NOPAD.encode(&rand::random::<[u8; BYTES]>()).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn users_are_recognised_by_each_of_their_secrets_and_nobody_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let store = index::Store::create(folder.path()).unwrap();
        let mut users = Users::of_store(&store).unwrap();
        assert!(users.is_empty());
        let secrets = users.add("anna", "correct horse").unwrap();
        let other = users.add("bert", "battery staple").unwrap();
        let users = Users::of_store(&store).unwrap();
        assert_eq!(users.names().collect::<Vec<_>>(), ["anna", "bert"]);
        let text = std::fs::read_to_string(users.path()).unwrap();
        assert!(!text.contains("correct horse") && !text.contains(&secrets.api_key));
        assert_eq!(std::fs::metadata(users.path()).unwrap().permissions().mode() & 0o777, 0o600);

        let key = |key: &str| Credential::ApiKey(key.into());
        assert_eq!(users.recognise(&key(&secrets.api_key)), Some("anna"));
        assert_eq!(users.recognise(&key(&other.api_key)), Some("bert"));
        assert_eq!(users.recognise(&key("")), None);
        let token = |name: &str, password: &str, salt: &str| Credential::Token {
            name: name.into(),
            token: md5_hex(&format!("{password}{salt}")),
            salt: salt.into(),
        };
        assert_eq!(users.recognise(&token("anna", &secrets.player_password, "c19b2d")), Some("anna"));
        assert_eq!(users.recognise(&token("bert", &secrets.player_password, "c19b2d")), None);
        assert_eq!(users.recognise(&token("anna", "correct horse", "c19b2d")), None, "it is not known");
        assert!(users.has_password("anna", "correct horse"));
        for (name, password) in [("anna", "battery staple"), ("bert", "correct horse"), ("carl", "correct horse")] {
            assert!(!users.has_password(name, password), "{name}");
        }
    }

    #[test]
    fn md5_is_that_of_the_subsonic_api() {
        // The example of its documentation: password `sesame`, salt `c19b2d`.
        assert_eq!(md5_hex("sesamec19b2d"), "26719a1196d2a940705a59634eb18eab");
    }

    #[test]
    fn names_and_passwords_have_to_be_good_enough() {
        let folder = tempfile::tempdir().unwrap();
        let store = index::Store::create(folder.path()).unwrap();
        let mut users = Users::of_store(&store).unwrap();
        assert!(matches!(users.add("a:b", "long enough"), Err(Error::UserName { .. })));
        assert!(matches!(users.add("", "long enough"), Err(Error::UserName { .. })));
        assert!(matches!(users.add("anna", "short"), Err(Error::ShortPassword { .. })));
        users.add("anna", "long enough").unwrap();
        assert!(matches!(users.add("anna", "long enough"), Err(Error::UserExists { .. })));
        users.remove("anna").unwrap();
        assert!(matches!(users.remove("anna"), Err(Error::NoSuchUser { .. })));
    }
}
