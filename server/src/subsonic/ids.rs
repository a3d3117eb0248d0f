//! What clients call things by: a track by its number; an artist and an album by their names, so that no table is needed.

use data_encoding::BASE32_DNSSEC;
use index::TrackId;

/// What an id names. Names are in the small ASCII letters by which the catalogue compares them, so that everything has one
/// id however its tracks spell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Id {
    Track(TrackId),
    Artist(String),
    Album { artist: Option<String>, name: String },
    Playlist(i64),
}

impl Id {
    /// What was given out under this id; `None`: nothing was.
    pub fn parse(text: &str) -> Option<Self> {
        let name = |text: &str| String::from_utf8(BASE32_DNSSEC.decode(text.as_bytes()).ok()?).ok();
        if let Some(artist) = text.strip_prefix("ar-") {
            return Some(Self::Artist(name(artist)?));
        }
        if let Some(number) = text.strip_prefix("pl-") {
            return number.parse().ok().map(Self::Playlist);
        }
        if let Some(album) = text.strip_prefix("al-") {
            return Some(match album.split_once('-') {
                Some((artist, album)) => Self::Album { artist: Some(name(artist)?), name: name(album)? },
                None => Self::Album { artist: None, name: name(album)? },
            });
        }
        // SQLite counts no further.
        text.parse::<i64>()
            .ok()
            .and_then(|number| u64::try_from(number).ok())
            .map(|number| Self::Track(TrackId(number)))
    }
}

fn encoded(name: &str) -> String {
    BASE32_DNSSEC.encode(name.to_ascii_lowercase().as_bytes())
}

/// An artist's id.
pub(super) fn artist_id(name: &str) -> String {
    format!("ar-{}", encoded(name))
}

/// An album's id; without an artist, that of the one whose tracks name none.
pub(super) fn album_id(artist: Option<&str>, name: &str) -> String {
    match artist {
        Some(artist) => format!("al-{}-{}", encoded(artist), encoded(name)),
        None => format!("al-{}", encoded(name)),
    }
}

/// A playlist's id.
pub(super) fn playlist_id(number: i64) -> String {
    format!("pl-{number}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_is_what_it_was_given_for() {
        // RFC 4648, section 10, in small letters: "foobar" in base32hex is CPNMUOJ1E8.
        assert_eq!(artist_id("FooBar"), "ar-cpnmuoj1e8");
        assert_eq!(album_id(None, "foobar"), "al-cpnmuoj1e8");
        assert_eq!(Id::parse("17"), Some(Id::Track(TrackId(17))));
        assert_eq!(Id::parse(&playlist_id(3)), Some(Id::Playlist(3)));
        for nothing in ["", "-1", "9223372036854775808", "ar-!", "al-a-b-c", "pl-x", "xx-1", "1.5"] {
            assert_eq!(Id::parse(nothing), None, "{nothing}");
        }
    }

    proptest! {
        #[test]
        fn names_come_back_from_their_ids(artist in ".*", name in ".*") {
            let (small_artist, small_name) = (artist.to_ascii_lowercase(), name.to_ascii_lowercase());
            prop_assert_eq!(Id::parse(&artist_id(&artist)), Some(Id::Artist(small_artist.clone())));
            let album = Id::Album { artist: Some(small_artist), name: small_name.clone() };
            prop_assert_eq!(Id::parse(&album_id(Some(&artist), &name)), Some(album));
            prop_assert_eq!(Id::parse(&album_id(None, &name)), Some(Id::Album { artist: None, name: small_name }));
        }
    }
}
