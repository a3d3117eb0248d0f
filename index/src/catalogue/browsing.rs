//! The library as one browses it: artists, their albums, genres, and the tracks of each. All of them are of embedded tracks;
//! names are compared without regard to the case of ASCII letters.

use std::collections::HashMap;

use rusqlite::{Row, ToSql, params};

use super::Catalogue;
use super::columns::{COLUMNS, record_of};
use crate::error::Result;
use crate::track::{TrackId, TrackRecord};

/// An artist of the library.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ArtistEntry {
    /// The name, as one of the tracks spells it.
    pub name: String,
    /// Number of albums.
    pub albums: usize,
    /// Number of tracks, on albums or not.
    pub tracks: usize,
}

/// An album of one artist: of one with several artists, what each of them has on it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct AlbumEntry {
    /// The name, as one of the tracks spells it.
    pub name: String,
    /// The artist; `None`: the tracks name none.
    pub artist: Option<String>,
    /// Number of tracks.
    pub tracks: usize,
    /// Length of all in seconds.
    pub seconds: f64,
    /// The earliest of its tracks' years.
    pub year: Option<u16>,
    /// A genre of its tracks.
    pub genre: Option<String>,
    /// A track, whose cover is the album's.
    pub cover: TrackId,
}

/// A genre of the library.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct GenreEntry {
    /// The name, as one of the tracks spells it.
    pub name: String,
    /// Number of tracks.
    pub tracks: usize,
    /// Number of albums that have some of them, each counted once an artist.
    pub albums: usize,
}

/// How tracks of one album come: there are no track numbers, but file names begin with them.
const BY_PATH: &str = "path, title COLLATE NOCASE, id";

fn album_of(row: &Row<'_>) -> rusqlite::Result<AlbumEntry> {
    Ok(AlbumEntry {
        name: row.get(0)?,
        artist: row.get(1)?,
        tracks: row.get::<_, i64>(2)? as usize,
        seconds: row.get(3)?,
        year: row.get(4)?,
        genre: row.get(5)?,
        cover: row.get(6)?,
    })
}

impl Catalogue {
    /// The genre tag of every track that has one.
    ///
    /// # Errors
    /// As all that reads.
    pub fn genres_of_tracks(&self) -> Result<HashMap<TrackId, String>> {
        let sql = "SELECT id, genre FROM tracks WHERE genre IS NOT NULL";
        let genre = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        self.read(|connection| connection.prepare_cached(sql)?.query_map([], genre)?.collect())
    }

    /// All artists, by name.
    ///
    /// # Errors
    /// As all that reads.
    pub fn artists(&self) -> Result<Vec<ArtistEntry>> {
        // Artists' albums one after the other, as the index has them: counting different albums at once takes five times as
        // long.
        let sql = "SELECT min(artist), min(album), count(*) FROM tracks INDEXED BY tracks_as_listed
                   WHERE failure IS NULL AND artist IS NOT NULL
                   GROUP BY artist IS NULL, artist COLLATE NOCASE, album IS NULL, album COLLATE NOCASE
                   ORDER BY artist IS NULL, artist COLLATE NOCASE, album IS NULL, album COLLATE NOCASE";
        self.read(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query([])?;
            let mut artists: Vec<ArtistEntry> = Vec::new();
            while let Some(row) = rows.next()? {
                let name: String = row.get(0)?;
                let (albums, tracks) =
                    (usize::from(row.get_ref(1)? != rusqlite::types::ValueRef::Null), row.get::<_, i64>(2)?);
                match artists.last_mut().filter(|last| last.name.eq_ignore_ascii_case(&name)) {
                    Some(last) => {
                        if name < last.name {
                            last.name = name;
                        }
                        last.albums += albums;
                        last.tracks += tracks as usize;
                    }
                    None => artists.push(ArtistEntry { name, albums, tracks: tracks as usize }),
                }
            }
            Ok(artists)
        })
    }

    /// All albums, by artist, then by name; those of no artist last.
    ///
    /// # Errors
    /// As all that reads.
    pub fn albums(&self) -> Result<Vec<AlbumEntry>> {
        self.albums_where("INDEXED BY tracks_as_listed", "TRUE", &[])
    }

    /// An artist's albums, by name.
    ///
    /// # Errors
    /// As all that reads.
    pub fn albums_of(&self, artist: &str) -> Result<Vec<AlbumEntry>> {
        self.albums_where("", "artist = ?1 COLLATE NOCASE", &[&artist])
    }

    fn albums_where(&self, index: &str, condition: &str, values: &[&dyn ToSql]) -> Result<Vec<AlbumEntry>> {
        let sql = format!(
            "SELECT min(album), min(artist), count(*), total(duration_seconds), min(year), min(genre), min(id)
             FROM tracks {index} WHERE failure IS NULL AND album IS NOT NULL AND {condition}
             GROUP BY artist IS NULL, artist COLLATE NOCASE, album IS NULL, album COLLATE NOCASE
             ORDER BY artist IS NULL, artist COLLATE NOCASE, album IS NULL, album COLLATE NOCASE"
        );
        self.read(|connection| connection.prepare_cached(&sql)?.query_map(values, album_of)?.collect())
    }

    /// The tracks of an album, by path; of every artist's of this name where none is given, as of one with several artists.
    ///
    /// # Errors
    /// As all that reads.
    pub fn album(&self, artist: Option<&str>, name: &str) -> Result<Vec<TrackRecord>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM tracks WHERE failure IS NULL AND album = ?1 COLLATE NOCASE
                 AND (?2 IS NULL OR artist = ?2 COLLATE NOCASE) ORDER BY {BY_PATH}"
        );
        let parameters = params![name, artist];
        self.read(|connection| connection.prepare_cached(&sql)?.query_map(parameters, record_of)?.collect())
    }

    /// The tracks of an artist, by album, then by path; those of no album last.
    ///
    /// # Errors
    /// As all that reads.
    pub fn tracks_of_artist(&self, artist: &str) -> Result<Vec<TrackRecord>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM tracks WHERE failure IS NULL AND artist = ?1 COLLATE NOCASE
             ORDER BY album IS NULL, album COLLATE NOCASE, {BY_PATH}"
        );
        self.read(|connection| connection.prepare_cached(&sql)?.query_map([artist], record_of)?.collect())
    }

    /// All genres, by name.
    ///
    /// # Errors
    /// As all that reads.
    pub fn genres(&self) -> Result<Vec<GenreEntry>> {
        // No name has a control character in it.
        let sql = "SELECT min(genre), count(*), count(DISTINCT lower(ifnull(artist, '') || char(31) || album))
                   FROM tracks WHERE failure IS NULL AND genre IS NOT NULL
                   GROUP BY genre COLLATE NOCASE ORDER BY genre COLLATE NOCASE";
        let genre = |row: &Row<'_>| {
            let [tracks, albums] = [1, 2].map(|column| row.get::<_, i64>(column));
            Ok(GenreEntry { name: row.get(0)?, tracks: tracks? as usize, albums: albums? as usize })
        };
        self.read(|connection| connection.prepare_cached(sql)?.query_map([], genre)?.collect())
    }
}
