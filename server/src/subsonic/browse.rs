//! The library as one walks through it. It is one folder of artists, whose folders are their albums: where files lie is not
//! what their tags say.

use std::collections::BTreeMap;

use index::catalogue::{AlbumEntry, ArtistEntry};
use index::{TrackRecord, TrackState};
use serde_json::{Value, json};

use super::Call;
use super::entries::{Entries, album_of};
use super::failure::Failure;
use super::ids::{Id, album_id, artist_id};
use crate::clock::now;

/// Words that do not count where a name begins with them.
const IGNORED_ARTICLES: &str = "The El La Los Las Le Les";

/// The one folder.
pub(super) const FOLDER: u32 = 1;

/// `getMusicFolders`.
pub(super) fn music_folders(_: &Call) -> Result<Value, Failure> {
    Ok(json!({ "musicFolders": { "musicFolder": [{ "id": FOLDER, "name": "Music" }] } }))
}

/// `getArtists`.
pub(super) fn artists(entries: &Entries<'_>, _: &Call) -> Result<Value, Failure> {
    Ok(json!({ "artists": { "ignoredArticles": IGNORED_ARTICLES, "index": indexed(entries)? } }))
}

/// `getIndexes`. When the library changed last is not known: it has always just done so.
pub(super) fn indexes(entries: &Entries<'_>, _: &Call) -> Result<Value, Failure> {
    let index = indexed(entries)?;
    let modified_ms = 1000 * now();
    Ok(json!({ "indexes": {
        "ignoredArticles": IGNORED_ARTICLES, "lastModified": modified_ms, "index": index,
    } }))
}

fn indexed(entries: &Entries<'_>) -> Result<Vec<Value>, Failure> {
    let mut letters: BTreeMap<String, Vec<(String, ArtistEntry)>> = BTreeMap::new();
    for artist in entries.catalogue.artists()? {
        let name = without_article(&artist.name).to_lowercase();
        letters.entry(letter_of(&name)).or_default().push((name, artist));
    }
    let index = |(letter, mut artists): (String, Vec<(String, ArtistEntry)>)| {
        artists.sort_by(|(one, _), (other, _)| one.cmp(other));
        let artists = artists.iter().map(|(_, artist)| entries.artist(artist));
        Ok(json!({ "name": letter, "artist": artists.collect::<Result<Vec<_>, Failure>>()? }))
    };
    letters.into_iter().map(index).collect()
}

fn without_article(name: &str) -> &str {
    let rest = |article: &str| match name.split_at_checked(article.len())? {
        (begin, rest) if begin.eq_ignore_ascii_case(article) => rest.strip_prefix(' '),
        _ => None,
    };
    IGNORED_ARTICLES.split(' ').find_map(rest).filter(|rest| !rest.is_empty()).unwrap_or(name)
}

fn letter_of(name: &str) -> String {
    match name.chars().next() {
        Some(letter) if letter.is_alphabetic() => letter.to_uppercase().collect(),
        _ => "#".into(),
    }
}

/// An artist with albums and tracks.
struct Artist {
    entry: ArtistEntry,
    albums: Vec<AlbumEntry>,
    tracks: Vec<TrackRecord>,
}

fn artist_named(entries: &Entries<'_>, name: &str) -> Result<Artist, Failure> {
    let tracks = entries.catalogue.tracks_of_artist(name)?;
    let albums = entries.catalogue.albums_of(name)?;
    let spelled = tracks.iter().filter_map(|record| record.file.artist.clone()).min();
    let name = spelled.ok_or_else(|| Failure::not_found("there is no such artist"))?;
    Ok(Artist { entry: ArtistEntry { name, albums: albums.len(), tracks: tracks.len() }, albums, tracks })
}

/// An artist by name.
///
/// # Errors
/// Where there is none.
pub(super) fn artist_entry(entries: &Entries<'_>, name: &str) -> Result<Value, Failure> {
    entries.artist(&artist_named(entries, name)?.entry)
}

/// The tracks of an album.
///
/// # Errors
/// Where there are none.
pub(super) fn album_tracks(
    entries: &Entries<'_>,
    artist: Option<&str>,
    name: &str,
) -> Result<Vec<TrackRecord>, Failure> {
    let mut tracks = entries.catalogue.album(artist, name)?;
    if artist.is_none() {
        tracks.retain(|record| record.file.artist.is_none());
    }
    if tracks.is_empty() { Err(Failure::not_found("there is no such album")) } else { Ok(tracks) }
}

/// The tracks of a song, an album or an artist.
///
/// # Errors
/// Where there are none.
pub(super) fn tracks_of(entries: &Entries<'_>, id: &Id) -> Result<Vec<TrackRecord>, Failure> {
    match id {
        Id::Track(track) => Ok(vec![entries.record(*track)?]),
        Id::Album { artist, name } => album_tracks(entries, artist.as_deref(), name),
        Id::Artist(name) => match entries.catalogue.tracks_of_artist(name)? {
            tracks if tracks.is_empty() => Err(Failure::not_found("there is no such artist")),
            tracks => Ok(tracks),
        },
        Id::Playlist(_) => Err(Failure::not_found("this is the id of a playlist")),
    }
}

/// `getArtist`.
pub(super) fn artist(entries: &Entries<'_>, call: &Call) -> Result<Value, Failure> {
    let Id::Artist(name) = call.parameters.id()? else {
        return Err(Failure::not_found("this id is no artist's"));
    };
    let artist = artist_named(entries, &name)?;
    let mut told = entries.artist(&artist.entry)?;
    told["album"] = artist.albums.iter().map(|album| entries.album(album)).collect::<Result<Vec<_>, Failure>>()?.into();
    Ok(json!({ "artist": told }))
}

/// `getAlbum`.
pub(super) fn album(entries: &Entries<'_>, call: &Call) -> Result<Value, Failure> {
    let Id::Album { artist, name } = call.parameters.id()? else {
        return Err(Failure::not_found("this id is no album's"));
    };
    let tracks = album_tracks(entries, artist.as_deref(), &name)?;
    let album = album_of(&tracks).ok_or_else(|| Failure::not_found("there is no such album"))?;
    let mut told = entries.album(&album)?;
    told["song"] = entries.songs(&tracks).into();
    Ok(json!({ "album": told }))
}

/// `getSong`.
pub(super) fn song(entries: &Entries<'_>, call: &Call) -> Result<Value, Failure> {
    let record = entries.record(call.parameters.track("id")?)?;
    match record.state {
        TrackState::Failed { .. } => Err(Failure::not_found("the file of this song cannot be used")),
        _ => Ok(json!({ "song": entries.song(&record) })),
    }
}

/// `getMusicDirectory`: an artist's albums, and what is on none; an album's songs.
pub(super) fn music_directory(entries: &Entries<'_>, call: &Call) -> Result<Value, Failure> {
    let directory = match call.parameters.id()? {
        Id::Artist(name) => {
            let Artist { entry, albums, tracks } = artist_named(entries, &name)?;
            let mut children =
                albums.iter().map(|album| entries.album_folder(album)).collect::<Result<Vec<_>, Failure>>()?;
            children.extend(entries.songs(tracks.iter().filter(|record| record.file.album.is_none())));
            json!({ "id": artist_id(&entry.name), "parent": FOLDER.to_string(), "name": entry.name, "child": children })
        }
        Id::Album { artist, name } => {
            let tracks = album_tracks(entries, artist.as_deref(), &name)?;
            let spelled = album_of(&tracks).map(|album| album.name);
            json!({
                "id": album_id(artist.as_deref(), &name),
                "parent": artist.as_deref().map(artist_id),
                "name": spelled,
                "child": entries.songs(&tracks),
            })
        }
        _ => return Err(Failure::not_found("this id is no folder's")),
    };
    Ok(json!({ "directory": directory }))
}

/// `getGenres`.
pub(super) fn genres(entries: &Entries<'_>, _: &Call) -> Result<Value, Failure> {
    let genre = |genre: index::catalogue::GenreEntry| json!({ "value": genre.name, "songCount": genre.tracks, "albumCount": genre.albums });
    let genres: Vec<Value> = entries.catalogue.genres()?.into_iter().map(genre).collect();
    Ok(json!({ "genres": { "genre": genres } }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_under_the_letter_that_counts() {
        for (name, letter) in [
            ("The Beatles", "B"),
            ("los Lobos", "L"),
            ("Therapy?", "T"),
            ("The The", "T"),
            ("The ", "T"),
            ("Élan", "É"),
            ("2 Mello", "#"),
            ("", "#"),
        ] {
            assert_eq!(letter_of(&without_article(name).to_lowercase()), letter, "{name}");
        }
    }
}
