//! How songs, albums and artists are told, with what a listener marked.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::path::PathBuf;

use index::catalogue::{AlbumEntry, ArtistEntry, Mark};
use index::{Catalogue, TrackId, TrackRecord, TrackState};
use serde_json::{Value, json};

use super::failure::Failure;
use super::ids::{album_id, artist_id};
use crate::access::Caller;
use crate::files::below_root;

/// The catalogue as one listener sees it.
pub(super) struct Entries<'a> {
    pub catalogue: &'a Catalogue,
    roots: Vec<PathBuf>,
    marks: HashMap<TrackId, Mark>,
    groups: OnceCell<HashMap<String, Marked>>,
}

/// The marked tracks of an album or an artist.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Marked {
    pub starred: usize,
    pub starred_at: i64,
    pub rated: usize,
    pub points: usize,
}

impl Marked {
    fn add(&mut self, mark: &Mark) {
        self.starred += usize::from(mark.starred_at.is_some());
        self.starred_at = self.starred_at.max(mark.starred_at.unwrap_or_default());
        self.rated += usize::from(mark.rating.is_some());
        self.points += usize::from(mark.rating.unwrap_or_default());
    }

    /// When all of so many tracks had a star.
    fn all_starred_at(&self, tracks: usize) -> Option<i64> {
        (self.starred > 0 && self.starred >= tracks).then_some(self.starred_at)
    }

    /// The mean rating, of the tracks that have one.
    pub fn rating(&self) -> Option<f64> {
        (self.rated > 0).then(|| self.points as f64 / self.rated as f64)
    }
}

impl<'a> Entries<'a> {
    /// As a listener marked them.
    ///
    /// # Errors
    /// What reading reports.
    pub fn new(catalogue: &'a Catalogue, caller: &Caller) -> Result<Self, Failure> {
        let marks = catalogue.marks(&caller.0)?.into_iter().map(|mark| (mark.track, mark)).collect();
        Ok(Self { catalogue, roots: catalogue.roots()?, marks, groups: OnceCell::new() })
    }

    /// A track that can be found.
    ///
    /// # Errors
    /// Where there is none.
    pub fn record(&self, track: TrackId) -> Result<TrackRecord, Failure> {
        self.catalogue.get(track)?.ok_or_else(|| Failure::not_found("there is no such song"))
    }

    /// Tracks with a star that can be found, the latest first.
    ///
    /// # Errors
    /// What reading reports.
    pub fn starred(&self) -> Result<Vec<TrackRecord>, Failure> {
        let starred = self.marks.values().filter_map(|mark| Some((mark.starred_at?, mark.track)));
        let mut starred: Vec<(i64, TrackId)> = starred.collect();
        starred.sort_by_key(|(at, track)| (std::cmp::Reverse(*at), *track));
        let records = starred.into_iter().filter_map(|(_, track)| self.catalogue.get(track).transpose());
        let mut records = records.collect::<index::Result<Vec<TrackRecord>>>()?;
        records.retain(|record| record.state == TrackState::Embedded);
        Ok(records)
    }

    /// What is marked of an album's or an artist's tracks.
    ///
    /// # Errors
    /// What reading reports.
    pub fn marked(&self, id: &str) -> Result<Marked, Failure> {
        let groups = match self.groups.get() {
            Some(groups) => groups,
            None => {
                let groups = self.grouped()?;
                self.groups.get_or_init(|| groups)
            }
        };
        Ok(groups.get(id).copied().unwrap_or_default())
    }

    fn grouped(&self) -> Result<HashMap<String, Marked>, Failure> {
        let mut groups: HashMap<String, Marked> = HashMap::new();
        for mark in self.marks.values() {
            let Some(TrackRecord { file, state: TrackState::Embedded, .. }) = self.catalogue.get(mark.track)? else {
                continue;
            };
            let album = file.album.as_deref().map(|album| album_id(file.artist.as_deref(), album));
            for id in album.into_iter().chain(file.artist.as_deref().map(artist_id)) {
                groups.entry(id).or_default().add(mark);
            }
        }
        Ok(groups)
    }

    fn star_of(&self, id: &str, tracks: usize) -> Result<Option<String>, Failure> {
        Ok(self.marked(id)?.all_starred_at(tracks).and_then(moment))
    }

    /// A track as a `Child`.
    pub fn song(&self, record: &TrackRecord) -> Value {
        let file = &record.file;
        let mark = self.marks.get(&record.id);
        let suffix = file.path.extension().and_then(|suffix| suffix.to_str()).map(str::to_ascii_lowercase);
        let album = file.album.as_deref().map(|album| album_id(file.artist.as_deref(), album));
        let artist = file.artist.as_deref().map(artist_id);
        json!({
            "id": record.id.to_string(),
            "parent": album.as_ref().or(artist.as_ref()),
            "isDir": false,
            "title": record.title(),
            "album": file.album,
            "artist": file.artist,
            "year": file.year,
            "genre": file.genre,
            "coverArt": record.id.to_string(),
            "size": file.stamp.size_bytes,
            "contentType": suffix.as_deref().and_then(content_type),
            "suffix": suffix,
            "duration": file.duration_seconds.map(whole_seconds),
            "path": below_root(&file.path, &self.roots),
            "isVideo": false,
            "userRating": mark.and_then(|mark| mark.rating),
            "created": moment(file.stamp.modified_ns.div_euclid(1_000_000_000)),
            "starred": mark.and_then(|mark| mark.starred_at).and_then(moment),
            "albumId": album,
            "artistId": artist,
            "type": "music",
            "mediaType": "song",
        })
    }

    /// Several tracks.
    pub fn songs<'r>(&self, records: impl IntoIterator<Item = &'r TrackRecord>) -> Vec<Value> {
        records.into_iter().map(|record| self.song(record)).collect()
    }

    /// An album as an `AlbumID3`. When it was taken in is not known: in its place stands when the file was written whose
    /// cover it has.
    ///
    /// # Errors
    /// What reading reports.
    pub fn album(&self, album: &AlbumEntry) -> Result<Value, Failure> {
        let id = album_id(album.artist.as_deref(), &album.name);
        let written = self.catalogue.get(album.cover)?.map(|record| record.file.stamp.modified_ns);
        Ok(json!({
            "id": id,
            "name": album.name,
            "artist": album.artist,
            "artistId": album.artist.as_deref().map(artist_id),
            "coverArt": id,
            "songCount": album.tracks,
            "duration": whole_seconds(album.seconds),
            "created": written.and_then(|written| moment(written.div_euclid(1_000_000_000))),
            "starred": self.star_of(&id, album.tracks)?,
            "year": album.year,
            "genre": album.genre,
        }))
    }

    /// The same as a folder, a `Child`.
    ///
    /// # Errors
    /// What reading reports.
    pub fn album_folder(&self, album: &AlbumEntry) -> Result<Value, Failure> {
        let mut folder = self.album(album)?;
        let artist = folder["artistId"].clone();
        let more = [
            ("parent", artist),
            ("isDir", true.into()),
            ("title", album.name.clone().into()),
            ("album", album.name.clone().into()),
            ("mediaType", "album".into()),
        ];
        more.into_iter().for_each(|(key, value)| folder[key] = value);
        Ok(folder)
    }

    /// An artist as an `ArtistID3`, and as an `Artist`.
    ///
    /// # Errors
    /// What reading reports.
    pub fn artist(&self, artist: &ArtistEntry) -> Result<Value, Failure> {
        let id = artist_id(&artist.name);
        Ok(json!({
            "id": id,
            "name": artist.name,
            "coverArt": id,
            "albumCount": artist.albums,
            "starred": self.star_of(&id, artist.tracks)?,
        }))
    }
}

/// The album of these tracks, which are all of it; `None`: there are none.
pub(super) fn album_of(records: &[TrackRecord]) -> Option<AlbumEntry> {
    let files = || records.iter().map(|record| &record.file);
    Some(AlbumEntry {
        name: files().filter_map(|file| file.album.clone()).min()?,
        artist: files().filter_map(|file| file.artist.clone()).min(),
        tracks: records.len(),
        seconds: files().filter_map(|file| file.duration_seconds).sum(),
        year: files().filter_map(|file| file.year).min(),
        genre: files().filter_map(|file| file.genre.clone()).min(),
        cover: records.iter().map(|record| record.id).min()?,
    })
}

/// A moment in seconds since 1970, as ISO 8601 has it.
pub(super) fn moment(seconds: i64) -> Option<String> {
    jiff::Timestamp::from_second(seconds).ok().map(|moment| moment.to_string())
}

/// Lengths are told in whole seconds.
pub(super) fn whole_seconds(seconds: f64) -> u64 {
    seconds.round() as u64
}

/// What a file of this ending is, in small letters; `None`: it depends, or nobody has agreed upon a name.
fn content_type(suffix: &str) -> Option<&'static str> {
    Some(match suffix {
        "flac" => "audio/flac",
        "mp1" | "mp2" | "mp3" => "audio/mpeg",
        "oga" | "ogg" | "opus" | "spx" => "audio/ogg",
        "m4a" | "m4b" | "mp4" => "audio/mp4",
        "aac" => "audio/aac",
        "wav" | "wave" | "bwf" | "rf64" | "w64" => "audio/wav",
        "aif" | "aiff" | "aifc" => "audio/aiff",
        "caf" => "audio/x-caf",
        "mka" => "audio/x-matroska",
        "webm" => "audio/webm",
        "wma" | "asf" => "audio/x-ms-wma",
        "wv" => "audio/x-wavpack",
        "ape" => "audio/x-ape",
        "mpc" | "mp+" | "mpp" => "audio/x-musepack",
        "ac3" => "audio/ac3",
        "dsf" => "audio/x-dsf",
        "dff" => "audio/x-dff",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_clock_of_the_world() {
        assert_eq!(moment(0).as_deref(), Some("1970-01-01T00:00:00Z"));
        assert_eq!(moment(1_679_449_866).as_deref(), Some("2023-03-22T01:51:06Z"));
        assert_eq!(moment(i64::MAX), None);
    }

    #[test]
    fn a_group_has_a_star_where_all_its_tracks_do() {
        let mut marked = Marked::default();
        assert_eq!((marked.all_starred_at(0), marked.rating()), (None, None));
        marked.add(&Mark { track: TrackId(1), starred_at: Some(7), rating: Some(5) });
        marked.add(&Mark { track: TrackId(2), starred_at: Some(5), rating: Some(2) });
        marked.add(&Mark { track: TrackId(3), starred_at: None, rating: None });
        assert_eq!((marked.all_starred_at(3), marked.all_starred_at(2)), (None, Some(7)));
        assert_eq!(marked.rating(), Some(3.5));
    }
}
