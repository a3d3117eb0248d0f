//! The file in a store's folder in which its user may write settings.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// Its name.
pub const CONFIG_FILE: &str = "config.toml";

/// What it says; each reader takes its own part. What is told of a fault never shows a line of it: a token may stand there.
#[derive(Debug)]
pub struct ConfigFile {
    path: PathBuf,
    table: toml::Table,
}

impl ConfigFile {
    /// That of a store's folder; where there is none, nothing is said.
    ///
    /// # Errors
    /// [`Error::Config`] where it is no TOML, [`Error::Io`].
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(CONFIG_FILE);
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            text => text.map_err(|error| Error::io(&path, error))?,
        };
        match toml::from_str(&text) {
            Ok(table) => Ok(Self { path, table }),
            Err(error) => {
                let line = error.span().map(|span| 1 + text[..span.start].matches('\n').count());
                let place = line.map_or(String::new(), |line| format!("line {line}: "));
                Err(Error::Config { path, reason: format!("{place}{}", error.message()) })
            }
        }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A part of it; `None`: it says nothing of that.
    ///
    /// # Errors
    /// [`Error::Config`] where the part is not what it should be.
    pub fn part<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let part = self.table.get(name).cloned().map(toml::Value::try_into).transpose();
        part.map_err(|error| self.fault(format!("{name}: {}", error.message())))
    }

    /// Sees to it that it has no other parts than these.
    ///
    /// # Errors
    /// [`Error::Config`] with the first other.
    pub fn has_only(&self, names: &[&str]) -> Result<()> {
        match self.table.keys().find(|key| !names.contains(&key.as_str())) {
            Some(other) => Err(self.fault(format!("{other} is unknown; there are {}", names.join(", ")))),
            None => Ok(()),
        }
    }

    /// That something in it has no meaning.
    pub fn fault(&self, reason: String) -> Error {
        Error::Config { path: self.path.clone(), reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ConfigFile> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(CONFIG_FILE), text).unwrap();
        ConfigFile::read(folder.path())
    }

    #[test]
    fn a_fault_is_told_by_its_line_which_is_not_shown() {
        for text in ["\n[index]\ntoken = 'secret", "\n\ntoken = secret", "\n\n'secret' 1"] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("config.toml: line 3: ") && !error.contains("secret"), "{text}: {error}");
        }
    }

    #[test]
    fn parts_are_read_one_by_one() {
        let config = read("[a]\nb = 1\n[[c]]\n").unwrap();
        assert_eq!(config.part::<toml::Table>("a").unwrap().unwrap()["b"].as_integer(), Some(1));
        assert!(config.part::<Vec<String>>("a").unwrap_err().to_string().contains("config.toml: a: "));
        assert_eq!(config.part::<toml::Table>("d").unwrap(), None);
        config.has_only(&["a", "c"]).unwrap();
        assert!(config.has_only(&["a"]).unwrap_err().to_string().contains("c is unknown"));
        let nowhere = ConfigFile::read(Path::new("/nowhere")).unwrap();
        nowhere.has_only(&[]).unwrap();
    }
}
