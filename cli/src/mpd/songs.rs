//! What a daemon calls the library's tracks.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use index::catalogue::Filter;
use index::{Catalogue, TrackId, TrackRecord, TrackSet};
use mpd_client::Client;

use super::address::Address;
use super::connection::{Length, look_up, music_directory};
use crate::failure::hinted;

/// A file that is named alike is another where its length differs by so many seconds.
const LENGTH_SLACK_SECONDS: f64 = 3.0;

/// After so many tracks that the daemon does not know, only those are asked with that lie where it knows some.
const MOST_UNKNOWN: usize = 50;

/// Songs of a daemon are named by their paths below its music folder. Where that folder is may be known or not, and a part
/// of it may be links that lead elsewhere.
pub struct Songs {
    /// The music folder, without links, where it is on this machine.
    folder: Option<PathBuf>,
    /// Folders below which songs are named: the music folder and what its links lead to, as far as that was found out.
    roots: Vec<PathBuf>,
    /// Whether files from anywhere may be played.
    takes_files: bool,
    /// Tracks that the daemon cannot play.
    unknown: HashSet<TrackId>,
}

impl Songs {
    /// With the music folder that the user names, or else the daemon, or else none.
    ///
    /// # Errors
    /// Where the folder that the user names is not there, or the daemon has gone away.
    pub async fn new(client: &Client, address: &Address, given: Option<&Path>) -> anyhow::Result<Self> {
        let folder = match given {
            Some(given) => {
                let folder = given.canonicalize().with_context(|| given.display().to_string());
                let hint = "--music-directory is MPD's music folder as it is found on this machine";
                Some(folder.map_err(|error| hinted(error, hint))?)
            }
            // One that runs in a container may tell a folder that is not here.
            None => music_directory(client).await?.and_then(|folder| Path::new(&folder).canonicalize().ok()),
        };
        let roots = folder.iter().cloned().collect();
        Ok(Self { folder, roots, takes_files: address.is_local(), unknown: HashSet::new() })
    }

    /// Tracks of which the daemon was asked and that it cannot play.
    pub fn unknown(&self) -> &HashSet<TrackId> {
        &self.unknown
    }

    /// Notes that the daemon would not play a track.
    pub fn note_unknown(&mut self, track: TrackId) {
        self.unknown.insert(track);
    }

    /// Asks the daemon anew, whose database has changed.
    pub fn forget_unknown(&mut self) {
        self.unknown.clear();
    }

    /// Which tracks may be asked with, where so many were unknown that it is not worth trying all.
    ///
    /// # Errors
    /// As all that reads the catalogue.
    pub fn playable(&self, catalogue: &Catalogue) -> index::Result<Option<TrackSet>> {
        let knows_where = !self.takes_files && !self.roots.is_empty() && self.unknown.len() > MOST_UNKNOWN;
        let pattern = |root: &PathBuf| {
            let literal = |character| match character {
                '*' | '?' | '[' => format!("[{character}]"),
                other => other.to_string(),
            };
            format!("{}/*", root.to_string_lossy().chars().map(literal).collect::<String>().trim_end_matches('/'))
        };
        let paths = if knows_where { self.roots.iter().map(pattern).collect() } else { Vec::new() };
        catalogue.matching(&Filter { paths, ..Filter::default() })
    }

    /// What the daemon calls a track; `None`: it cannot play it.
    ///
    /// # Errors
    /// Where the daemon has gone away.
    pub async fn address_of(&mut self, client: &Client, track: &TrackRecord) -> anyhow::Result<Option<String>> {
        if self.unknown.contains(&track.id) {
            return Ok(None);
        }
        let path = &track.file.path;
        let under = |root: &PathBuf| path.strip_prefix(root).ok().and_then(Path::to_str).map(str::to_owned);
        for song in self.roots.iter().filter_map(under) {
            if self.is_it(client, &song, track).await? {
                return Ok(Some(song));
            }
        }
        // Ends of the path, the longest first: it may lie behind a link, or in a folder that nobody named.
        let mut end = path.components();
        while end.next().is_some() {
            let Some(song) = end.as_path().to_str().filter(|song| !song.is_empty()) else { break };
            if self.is_it(client, song, track).await? {
                self.note_root(path, Path::new(song));
                return Ok(Some(song.to_owned()));
            }
        }
        // What lies in its music folder the daemon plays only once it stands in its database.
        let is_its_own = self.folder.as_ref().is_some_and(|folder| path.starts_with(folder));
        if let (true, Some(path)) = (self.takes_files && !is_its_own, path.to_str()) {
            // A path as it is: the daemon decodes no percent signs here.
            let file = format!("file://{path}");
            if look_up(client, &file).await?.is_some() {
                return Ok(Some(file));
            }
        }
        self.unknown.insert(track.id);
        Ok(None)
    }

    async fn is_it(&self, client: &Client, song: &str, track: &TrackRecord) -> anyhow::Result<bool> {
        let Some(Length(seconds)) = look_up(client, song).await? else { return Ok(false) };
        Ok(match &self.folder {
            Some(folder) => folder.join(song).canonicalize().is_ok_and(|path| path == track.file.path),
            None => match (seconds, track.file.duration_seconds) {
                (Some(seconds), Some(known)) => (seconds - known).abs() < LENGTH_SLACK_SECONDS,
                _ => true,
            },
        })
    }

    /// The folder that a path is named from by its end.
    fn note_root(&mut self, path: &Path, end: &Path) {
        let root: PathBuf = path.ancestors().nth(end.components().count()).unwrap_or(path).into();
        if path.ends_with(end) && !self.roots.contains(&root) {
            self.roots.push(root);
        }
    }

    /// The library's tracks of songs, in their order; `None`: it holds none of that name.
    ///
    /// # Errors
    /// As all that reads the catalogue.
    pub fn tracks_of(&mut self, catalogue: &Catalogue, songs: &[String]) -> anyhow::Result<Vec<Option<TrackId>>> {
        let mut tracks = Vec::with_capacity(songs.len());
        let mut nowhere = Vec::new();
        for (place, song) in songs.iter().enumerate() {
            let found = self.by_path(catalogue, song)?;
            if found.is_none() && !song.contains("://") && !self.is_another_file(song) {
                nowhere.push((place, Path::new(song)));
            }
            tracks.push(found);
        }
        if nowhere.is_empty() {
            return Ok(tracks);
        }
        let ends = catalogue.find_by_path_ends(nowhere.iter().map(|(_, end)| *end))?;
        for (place, end) in nowhere {
            if let Some(&[track]) = ends.get(end).map(Vec::as_slice) {
                tracks[place] = Some(track);
                if let Some(record) = catalogue.get(track)? {
                    self.note_root(&record.file.path, end);
                }
            }
        }
        Ok(tracks)
    }

    fn by_path(&self, catalogue: &Catalogue, song: &str) -> index::Result<Option<TrackId>> {
        let song = song.strip_prefix("file://").unwrap_or(song);
        if song.contains("://") {
            return Ok(None);
        }
        // Joined to a folder, an absolute path stays what it is.
        let mut places: Vec<PathBuf> = self.roots.iter().map(|root| root.join(song)).collect();
        if self.roots.is_empty() && song.starts_with('/') {
            places.push(song.into());
        }
        let real: Vec<PathBuf> = places.iter().filter_map(|place| place.canonicalize().ok()).collect();
        for place in real.iter().chain(&places) {
            if let Some(record) = catalogue.find_by_path(place)? {
                return Ok(Some(record.id));
            }
        }
        Ok(None)
    }

    /// Whether a song's file is there and is none of the library: one that is named alike is another.
    fn is_another_file(&self, song: &str) -> bool {
        self.folder.as_ref().is_some_and(|folder| folder.join(song).exists())
    }
}
