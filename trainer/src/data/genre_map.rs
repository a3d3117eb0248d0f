//! Which genre a genre tag means.

use std::path::Path;

use super::spellings::Spellings;
use crate::error::Result;

/// Between genres of a tag that names several.
const BETWEEN_GENRES: &[char] = &[';', '|', '\0'];

/// Between genres, or inside of the name of one (`R&B/Soul`, `Folk, World & Country`).
const PERHAPS_BETWEEN_GENRES: &[char] = &['/', ','];

/// Folds the spellings of genre tags into the genres that are learnt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenreMap(Spellings);

impl GenreMap {
    /// Reads a TOML file in which each genre has a list of the tags that mean it, besides its own
    /// name:
    ///
    /// ```toml
    /// [genres]
    /// rock = ["hard rock", "classic rock"]
    /// jazz = []
    /// ```
    ///
    /// Upper and lower case are the same.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io), [`Error::Names`](crate::Error::Names); a tag under two
    /// genres is [`Error::NameTwice`](crate::Error::NameTwice) or
    /// [`Error::NameChain`](crate::Error::NameChain).
    pub fn read(path: &Path) -> Result<Self> {
        Spellings::read(path, "genres").map(Self)
    }

    /// The genre of a tag: of the whole where the map has it, else of the first part that it has
    /// (`Rock; Metal`, `Rock/Pop`). `None`: no part stands in the map.
    pub fn genre(&self, tag: &str) -> Option<&str> {
        let of = |text| self.0.name_of(text);
        let parts = tag.split(BETWEEN_GENRES);
        of(tag).or_else(|| {
            parts.into_iter().find_map(|part| of(part).or_else(|| part.split(PERHAPS_BETWEEN_GENRES).find_map(of)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_of_several_genres_is_the_first_that_the_map_has() {
        let text = "[genres]\nRock = [\"hard rock\"]\nsoul = [\"R&B/Soul\"]\npop = []\n";
        let map = GenreMap(Spellings::parse(text, "genres", Path::new("genres.toml")).unwrap());
        for (tag, genre) in [
            ("Hard Rock", Some("Rock")),
            ("Metal; ROCK; Pop", Some("Rock")),
            ("Pop/Rock", Some("pop")),
            ("Synthwave, Pop", Some("pop")),
            ("Metal\0Rock", Some("Rock")),
            ("r&b/soul", Some("soul")), // the whole before its parts
            ("Metal; R&B/Soul; Pop", Some("soul")),
            ("Polka", None),
            ("Poprock", None),
            ("", None),
        ] {
            assert_eq!(map.genre(tag), genre, "{tag}");
        }
    }
}
