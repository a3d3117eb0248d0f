//! Playlists that keep themselves up to date, as the store's `config.toml` describes them.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use index::ConfigFile;
use index::catalogue::{Bounds, Filter};
use serde::Deserialize;

use crate::args::{durations, years};
use crate::failure::hinted;
use crate::moment::moment_or_ago;

/// A `[[playlist]]` of a store's `config.toml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaylistConfig {
    /// The file: a path below the store's folder `playlists/`, or an absolute one. Its extension says in which format it is:
    /// m3u8 or m3u (both UTF-8), xspf, jspf.
    pub file: PathBuf,
    /// The tracks that it is to be like: numbers, paths in the library or ends of these. None of them is in it.
    pub seeds: Vec<TrackName>,
    /// Tracks that it is not to be like, named in the same way.
    #[serde(default)]
    pub unlike: Vec<TrackName>,
    /// Nearest tracks first, or one after the other as a radio plays.
    #[serde(default)]
    pub kind: PlaylistKind,
    /// Tracks at most, 1 to 100,000; without `minutes` 50, what one listens to in an afternoon.
    pub length: Option<u32>,
    /// Length in minutes at least, 1 to 100,000, as long as there are tracks.
    pub minutes: Option<u32>,
    /// Tracks of one artist at most; of the kind `similar`.
    pub per_artist: Option<NonZeroUsize>,
    /// Tracks of one album at most; of the kind `similar`.
    pub per_album: Option<NonZeroUsize>,
    /// The least similarity, from −1 to 1; of the kind `similar`.
    pub min_similarity: Option<f32>,
    /// How far each track leads away from the beginning, from 0 to 1; of the kind `radio`, 0.3 by default as that of
    /// `similar-tracks radio`.
    pub drift: Option<f32>,
    /// Of the kind `radio`: the same seed plays the same, as long as the library is the same; 1 by default, so that the list
    /// changes only where the library does.
    pub seed: Option<u64>,
    /// Only of these artists.
    #[serde(default)]
    pub artist: Names,
    /// Only of these albums.
    #[serde(default)]
    pub album: Names,
    /// Only with these genre tags.
    #[serde(default)]
    pub genre: Names,
    /// Only paths that match one of these patterns.
    #[serde(default)]
    pub path: Names,
    /// Only of these years: `1994`, `"1990..1999"`, `"..1969"`.
    #[serde(alias = "year")]
    pub years: Option<TrackName>,
    /// Only so long: `"2:00..5:00"`, `"..4:30"`.
    pub duration: Option<String>,
    /// Only what was not heard since: `"2026-11-24"`, `"30d"`.
    pub not_heard_since: Option<String>,
}

/// In which order a playlist's tracks come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlaylistKind {
    /// As `query` lists them.
    #[default]
    Similar,
    /// As `radio` plays them.
    Radio,
}

/// A number, or a text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum TrackName {
    /// A track's number, or a year.
    Number(u64),
    /// A path, or years.
    Text(String),
}

impl TrackName {
    /// As it is written on a command line.
    pub fn to_text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// One name, or several of which one has to hold.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Names {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Default for Names {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl Names {
    fn to_vec(&self) -> Vec<String> {
        match self {
            Self::One(name) => vec![name.clone()],
            Self::Several(names) => names.clone(),
        }
    }
}

/// What a store's `config.toml` may have: what is searched is the store's to read, who embeds is `retrain`'s.
const PARTS: [&str; 3] = ["playlist", "index", "embedding"];

/// Formats by the extensions of their files.
const EXTENSIONS: [&str; 4] = ["m3u8", "m3u", "xspf", "jspf"];

/// Tracks of a playlist that says nothing of its length.
pub const DEFAULT_LENGTH: u32 = 50;

const MOST: u32 = 100_000;

impl PlaylistConfig {
    /// All playlists of the `config.toml` in a store's folder; none where there is no such file.
    ///
    /// # Errors
    /// Where it cannot be read, or something in it is unknown or out of range: with the file, the playlist and a hint.
    pub fn read(folder: &Path) -> anyhow::Result<Vec<Self>> {
        let config = ConfigFile::read(folder)?;
        config.has_only(&PARTS)?;
        let tables: Vec<toml::Table> = config.part("playlist")?.unwrap_or_default();
        let mut playlists: Vec<Self> = Vec::new();
        for (table, number) in tables.into_iter().zip(1..) {
            let name = table.get("file").and_then(|file| file.as_str()).unwrap_or("no file").to_owned();
            let place = || format!("{}: playlist {number} ({name})", config.path().display());
            let hint = "mend the playlist or take it out: README, \"Playlists that keep themselves up to date\"";
            let playlist: Self = table
                .try_into()
                .map_err(anyhow::Error::from)
                .and_then(|playlist: Self| playlist.validate().map(|()| playlist))
                .with_context(place)
                .map_err(|error| hinted(error, hint))?;
            if playlists.iter().any(|other| other.file == playlist.file) {
                let error = anyhow::anyhow!("two playlists have this file").context(place());
                return Err(hinted(error, "give each a file of its own"));
            }
            playlists.push(playlist);
        }
        Ok(playlists)
    }

    /// Whether all of it has a meaning.
    ///
    /// # Errors
    /// The first that has none.
    pub fn validate(&self) -> anyhow::Result<()> {
        let extension = self.extension();
        ensure!(
            extension.as_deref().is_some_and(|extension| EXTENSIONS.contains(&extension)),
            "file must end in .{}",
            EXTENSIONS.join(", .")
        );
        ensure!(!self.seeds.is_empty(), "seeds must name a track at least");
        ensure!(self.length.is_none() || self.minutes.is_none(), "length and minutes exclude each other");
        for (name, number) in [("length", self.length), ("minutes", self.minutes)] {
            ensure!(number.is_none_or(|number| (1..=MOST).contains(&number)), "{name} must be in 1..={MOST}");
        }
        let of_similar = [
            ("per_artist", self.per_artist.is_some()),
            ("per_album", self.per_album.is_some()),
            ("min_similarity", self.min_similarity.is_some()),
        ];
        let of_radio = [("drift", self.drift.is_some()), ("seed", self.seed.is_some())];
        let (others, other) = match self.kind {
            PlaylistKind::Similar => (of_radio.as_slice(), "radio"),
            PlaylistKind::Radio => (of_similar.as_slice(), "similar"),
        };
        for (name, is_set) in others {
            ensure!(!is_set, "{name} is of playlists of the kind {other:?}");
        }
        ensure!(
            self.min_similarity.is_none_or(|least| (-1.0..=1.0).contains(&least)),
            "min_similarity must be in -1..=1"
        );
        ensure!(self.drift.is_none_or(|drift| (0.0..=1.0).contains(&drift)), "drift must be in 0..=1");
        self.to_filter().map(|_| ())
    }

    /// The file's extension in small letters.
    pub fn extension(&self) -> Option<String> {
        Some(self.file.extension()?.to_str()?.to_ascii_lowercase())
    }

    /// Which tracks may be in it.
    ///
    /// # Errors
    /// Where bounds are none, or a time is none.
    pub fn to_filter(&self) -> anyhow::Result<Filter> {
        let bounds = |name: &str, bounds: Result<Option<Bounds>, String>| {
            bounds.map(Option::unwrap_or_default).map_err(|reason| anyhow::anyhow!("{name}: {reason}"))
        };
        let since = self.not_heard_since.as_deref().map(moment_or_ago).transpose();
        Ok(Filter {
            artists: self.artist.to_vec(),
            albums: self.album.to_vec(),
            genres: self.genre.to_vec(),
            paths: self.path.to_vec(),
            years: bounds("years", self.years.as_ref().map(|text| years(&text.to_text())).transpose())?,
            seconds: bounds("duration", self.duration.as_deref().map(durations).transpose())?,
            not_heard_since: since.map_err(|reason| anyhow::anyhow!("not_heard_since: {reason}"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> anyhow::Result<Vec<PlaylistConfig>> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.toml"), text).unwrap();
        PlaylistConfig::read(folder.path())
    }

    #[test]
    fn the_readme_shows_playlists_that_are_read() {
        let readme = include_str!("../../../README.md");
        let example = readme.lines().skip_while(|line| *line != "    [[playlist]]");
        let example: Vec<&str> =
            example.take_while(|line| line.is_empty() || line.starts_with("    ")).map(str::trim_start).collect();
        let playlists = read(&example.join("\n")).unwrap();
        assert!(playlists.len() >= 2, "{playlists:?}");
        assert!(playlists.iter().any(|playlist| playlist.kind == PlaylistKind::Radio));
    }

    #[test]
    fn what_is_left_out_has_its_default_and_filters_are_those_of_a_query() {
        let playlists = read(
            "[[playlist]]\nfile = 'a.M3U8'\nseeds = [17, 'b/c.ogg']\nartist = 'X'\ngenre = ['rock', 'pop']\nyears = 1994\n\
             duration = '2:00..'\n",
        );
        let [playlist] = playlists.unwrap().try_into().unwrap();
        assert_eq!((playlist.kind, playlist.length, playlist.minutes), (PlaylistKind::Similar, None, None));
        assert_eq!(playlist.seeds.iter().map(TrackName::to_text).collect::<Vec<_>>(), ["17", "b/c.ogg"]);
        let filter = playlist.to_filter().unwrap();
        assert_eq!((filter.artists.len(), filter.genres.len()), (1, 2));
        assert_eq!((filter.years.least, filter.years.most), (Some(1994.0), Some(1994.0)));
        assert_eq!((filter.seconds.least, filter.seconds.most), (Some(120.0), None));
        assert!(PlaylistConfig::read(Path::new("/nowhere")).unwrap().is_empty());
        assert!(read("").unwrap().is_empty());
    }

    #[test]
    fn what_has_no_meaning_is_told_with_its_place() {
        for (lines, told) in [
            ("seeds = [1]", "playlist 1 (no file): missing field `file`"),
            ("file = 'a.m3u8'", "missing field `seeds`"),
            ("file = 'a.pls'\nseeds = [1]", "playlist 1 (a.pls): file must end in .m3u8, .m3u"),
            ("file = 'a.m3u8'\nseeds = []", "seeds must name"),
            ("file = 'a.m3u8'\nseeds = [1]\nlenght = 3", "unknown field `lenght`"),
            ("file = 'a.m3u8'\nseeds = [1]\nlength = 3\nminutes = 3", "exclude each other"),
            ("file = 'a.m3u8'\nseeds = [1]\nlength = 0", "length must be in"),
            ("file = 'a.m3u8'\nseeds = [1]\ndrift = 0.5", "drift is of playlists of the kind \"radio\""),
            ("file = 'a.m3u8'\nseeds = [1]\nkind = 'radio'\nper_artist = 1", "of the kind \"similar\""),
            ("file = 'a.m3u8'\nseeds = [1]\nkind = 'radio'\ndrift = 2.0", "drift must be in"),
            ("file = 'a.m3u8'\nseeds = [1]\nyears = '5..4'", "years: the first bound is above"),
            (
                "file = 'a.m3u8'\nseeds = [1]\n[[playlist]]\nfile = 'a.m3u8'\nseeds = [2]",
                "playlist 2 (a.m3u8): two playlists",
            ),
            ("file = ", "config.toml"),
        ] {
            let error = crate::failure::told(&read(&format!("[[playlist]]\n{lines}\n")).unwrap_err());
            assert!(error.contains(told), "{lines}: {error}");
        }
        assert!(read("[[playlists]]\nfile = 'a.m3u8'\nseeds = [1]").is_err());
    }
}
