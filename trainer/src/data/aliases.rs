//! Artists with several names.

use std::path::Path;

use super::spellings::{Spellings, fold};
use crate::error::Result;

/// Which names mean the same person or group, so that they stay on one side of a split.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aliases(Spellings);

impl Aliases {
    /// Reads a TOML file in which each artist has a list of other names:
    ///
    /// ```toml
    /// [artists]
    /// "Joseph Toscano" = ["ZhayTee", "Joe Toscano"]
    /// ```
    ///
    /// Upper and lower case are the same.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io), [`Error::Names`](crate::Error::Names); an artist under two
    /// others, or listed and with a list, is [`Error::NameTwice`](crate::Error::NameTwice) or
    /// [`Error::NameChain`](crate::Error::NameChain).
    pub fn read(path: &Path) -> Result<Self> {
        Spellings::read(path, "artists").map(Self)
    }

    /// The one name, lower-cased, that an artist goes by.
    pub fn artist(&self, name: &str) -> String {
        fold(self.0.name_of(name).unwrap_or(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_names_lead_to_the_artist_and_unlisted_ones_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("aliases.toml");
        std::fs::write(&path, "[artists]\n\"Joseph Toscano\" = [\"ZhayTee\"]\n").unwrap();
        let aliases = Aliases::read(&path).unwrap();
        assert_eq!(aliases.artist("zhaytee"), "joseph toscano");
        assert_eq!(aliases.artist("Joseph  Toscano"), "joseph toscano");
        assert_eq!(aliases.artist("Maxstack"), "maxstack");
        assert_eq!(Aliases::default().artist("ZhayTee"), "zhaytee");
    }
}
