//! A player of music that speaks OpenSubsonic: a client that nobody here wrote.

use opensubsonic::data::Child;
use opensubsonic::{Auth, Client, Error, Search3Options};
use rusqlite::Connection;
use serde_json::Value;

use super::music::write_library;
use super::program::World;
use super::served::Served;

/// What begins a picture.
pub const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n of nothing";

/// A piece's artist, album, genre and year.
type PieceTags = (u64, Option<&'static str>, Option<&'static str>, Option<&'static str>, Option<u16>);

const TAGS: [PieceTags; 7] = [
    (0, Some("The Beatles"), Some("One & \"Two\""), Some("Rock"), Some(1969)),
    (1, Some("the beatles"), Some("One & \"Two\""), Some("Rock"), Some(1969)),
    (2, Some("The Beatles"), Some("Three"), Some("Rock"), Some(1970)),
    (3, Some("Tom & <Jerry>"), Some("Three"), Some("Jazz & Blues"), Some(2001)),
    (4, Some("Tom & <Jerry>"), Some("Three"), Some("Jazz & Blues"), Some(2002)),
    (5, Some("2 Mello"), None, None, None),
    (6, None, Some("Nobody's"), None, None),
];

pub fn catalogue(world: &World) -> Connection {
    Connection::open(world.store().join("catalogue.sqlite")).unwrap()
}

/// Eight pieces, the last one without tags.
pub fn world() -> World {
    let world = World::new();
    write_library(&world.library(), 8, 12.0);
    std::fs::write(world.library().join("cover.png"), PICTURE).unwrap();
    world.ingest(&[]);
    let catalogue = catalogue(&world);
    for (piece, artist, album, genre, year) in TAGS {
        let sql = "UPDATE tracks SET artist = ?2, album = ?3, genre = ?4, year = ?5 WHERE path LIKE ?1";
        let written =
            catalogue.execute(sql, rusqlite::params![format!("%piece-{piece}.wav"), artist, album, genre, year]);
        assert_eq!(written.unwrap(), 1);
    }
    world
}

/// A client that waits for its answers.
pub struct Player {
    pub client: Client,
    pub runtime: tokio::runtime::Runtime,
}

impl Player {
    pub fn new(served: &Served, auth: Auth) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { client: Client::new(&served.url(""), auth).unwrap(), runtime }
    }

    /// The answer to what goes well.
    pub fn get<'a, T, F: Future<Output = Result<T, Error>>>(&'a self, ask: impl FnOnce(&'a Client) -> F) -> T {
        self.runtime.block_on(ask(&self.client)).unwrap()
    }

    /// The code of what does not.
    pub fn code<'a, T: std::fmt::Debug, F: Future<Output = Result<T, Error>>>(
        &'a self,
        ask: impl FnOnce(&'a Client) -> F,
    ) -> i32 {
        match self.runtime.block_on(ask(&self.client)) {
            Err(Error::Api(error)) => error.code,
            other => panic!("{other:?}"),
        }
    }

    /// The id of a piece.
    pub fn id(&self, piece: u64) -> String {
        let name = format!("piece-{piece}");
        let found = self.get(async |client| client.search3(&name, &Search3Options::new()).await);
        found.song.into_iter().find(|song| song.title == name).unwrap().id
    }
}

/// Whoever it is.
pub fn anybody(served: &Served) -> Player {
    Player::new(served, Auth::token("somebody", "anything"))
}

pub fn titles(songs: &[Child]) -> Vec<&str> {
    songs.iter().map(|song| song.title.as_str()).collect()
}

pub fn named(mut titles: Vec<&str>) -> Vec<&str> {
    titles.sort_unstable();
    titles
}

/// The answer in JSON, without its envelope.
pub fn json_of(served: &Served, method: &str) -> Value {
    let separator = if method.contains('?') { '&' } else { '?' };
    served.json(&format!("/rest/{method}{separator}f=json"))["subsonic-response"].clone()
}
