//! `search2` and `search3`: songs by the index of words, artists and albums by theirs.

use index::catalogue::{AlbumEntry, ArtistEntry};
use serde_json::{Value, json};

use super::Call;
use super::entries::Entries;
use super::failure::Failure;

/// Things of one kind in an answer at most.
const MOST: usize = 500;

/// Beginnings of words, all of which have to occur.
struct Words(Vec<String>);

fn words(text: &str) -> impl Iterator<Item = String> {
    let parts = text.split(|character: char| !character.is_alphanumeric()).filter(|part| !part.is_empty());
    parts.map(str::to_lowercase)
}

impl Words {
    /// Of a text; without a word in it, as in `""`, everything has them.
    fn of(text: &str) -> Self {
        Self(words(text).collect())
    }

    fn begin_words_of(&self, texts: &[&str]) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let known: Vec<String> = texts.iter().flat_map(|text| words(text)).collect();
        self.0.iter().all(|begin| known.iter().any(|word| word.starts_with(begin)))
    }
}

/// Where a page begins, and how long it is.
struct Page {
    offset: usize,
    count: usize,
}

impl Page {
    fn of(call: &Call, kind: &str) -> Result<Self, Failure> {
        let offset = call.parameters.number(&format!("{kind}Offset"))?.unwrap_or(0);
        Ok(Self { offset, count: call.parameters.count(&format!("{kind}Count"), 20, MOST)? })
    }

    fn cut<T>(&self, all: impl Iterator<Item = T>) -> Vec<T> {
        all.skip(self.offset).take(self.count).collect()
    }
}

/// What was found.
struct Found {
    artists: Vec<ArtistEntry>,
    albums: Vec<AlbumEntry>,
    songs: Vec<Value>,
}

fn find(entries: &Entries<'_>, call: &Call) -> Result<Found, Failure> {
    let query = call.parameters.needed("query")?;
    let words = Words::of(query);
    let (artist_page, album_page, song_page) =
        (Page::of(call, "artist")?, Page::of(call, "album")?, Page::of(call, "song")?);
    // Whoever pages through the songs asks for none of the others.
    let artists = if artist_page.count > 0 { entries.catalogue.artists()? } else { Vec::new() };
    let albums = if album_page.count > 0 { entries.catalogue.albums()? } else { Vec::new() };
    let artists = artists.into_iter().filter(|artist| words.begin_words_of(&[&artist.name]));
    let is_album =
        |album: &AlbumEntry| words.begin_words_of(&[&album.name, album.artist.as_deref().unwrap_or_default()]);
    let (_, songs) = entries.catalogue.search_text(query, song_page.offset, song_page.count)?;
    Ok(Found {
        artists: artist_page.cut(artists),
        albums: album_page.cut(albums.into_iter().filter(is_album)),
        songs: entries.songs(&songs),
    })
}

/// `search3`.
pub(super) fn by_tags(entries: &Entries<'_>, call: &Call) -> Result<Value, Failure> {
    let Found { artists, albums, songs } = find(entries, call)?;
    let artists = artists.iter().map(|artist| entries.artist(artist)).collect::<Result<Vec<_>, Failure>>()?;
    let albums = albums.iter().map(|album| entries.album(album)).collect::<Result<Vec<_>, Failure>>()?;
    Ok(json!({ "searchResult3": { "artist": artists, "album": albums, "song": songs } }))
}

/// `search2`, where albums are folders.
pub(super) fn by_folders(entries: &Entries<'_>, call: &Call) -> Result<Value, Failure> {
    let Found { artists, albums, songs } = find(entries, call)?;
    let artists = artists.iter().map(|artist| entries.artist(artist)).collect::<Result<Vec<_>, Failure>>()?;
    let albums = albums.iter().map(|album| entries.album_folder(album)).collect::<Result<Vec<_>, Failure>>()?;
    Ok(json!({ "searchResult2": { "artist": artists, "album": albums, "song": songs } }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_words_have_to_begin_one() {
        let of = |query: &str, texts: &[&str]| Words::of(query).begin_words_of(texts);
        assert!(of("\"\"", &["anything"]) && of("", &[""]) && of(" - ", &["x"]));
        assert!(of("beat abb", &["Abbey Road", "The Beatles"]) && of("ac/dc", &["AC-DC"]) && of("ÉL", &["Élan"]));
        assert!(!of("eat", &["The Beatles"]) && !of("beat x", &["The Beatles"]));
    }
}
