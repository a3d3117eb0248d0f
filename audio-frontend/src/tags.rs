//! What a file says about itself.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use lofty::config::{ParseOptions, ParsingMode};
use lofty::file::{AudioFile, FileType, TaggedFile, TaggedFileExt};
use lofty::picture::{Picture, PictureType};
use lofty::probe::Probe;
use lofty::tag::{Accessor, Tag};
use serde::{Deserialize, Serialize};

use crate::decode::AudioStream;
use crate::guard::guard;

/// Artist, title, album, genre and year, where the file has them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tags {
    /// Track artist.
    pub artist: Option<String>,
    /// Track title.
    pub title: Option<String>,
    /// Album title.
    pub album: Option<String>,
    /// Genre as written in the file.
    pub genre: Option<String>,
    /// Year of the recording or release.
    pub year: Option<u16>,
}

/// Tags and length of a track.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrackInfo {
    /// The tags.
    pub tags: Tags,
    /// Length in seconds; `None` where the file does not tell.
    pub duration_seconds: Option<f64>,
}

/// Reads tags and length. A file without them, or with damaged ones, has none: tags never decide
/// whether a track can be used.
pub fn read(path: &Path) -> TrackInfo {
    guard(|| unguarded_read(path)).unwrap_or_default()
}

fn unguarded_read(path: &Path) -> TrackInfo {
    let mut info = read_with_lofty(path).unwrap_or_default();
    if info.duration_seconds.is_none() {
        info.duration_seconds = stated_seconds(path);
    }
    info
}

/// Length as the decoder sees it, for what lofty does not know.
fn stated_seconds(path: &Path) -> Option<f64> {
    let stream = AudioStream::open(path).ok()?;
    Some(stream.length()?.samples as f64 / f64::from(stream.sample_rate_hz()))
}

/// The picture that a file has in its tags, the front cover where there are several.
pub fn picture(path: &Path) -> Option<Vec<u8>> {
    guard(|| {
        let file = tagged_file(path, ParseOptions::new().read_cover_art(true))?;
        let pictures: Vec<&Picture> = file.tags().iter().flat_map(Tag::pictures).collect();
        let front = pictures.iter().find(|picture| picture.pic_type() == PictureType::CoverFront);
        front.or(pictures.first()).map(|picture| picture.data().to_vec())
    })
    .ok()?
}

fn read_with_lofty(path: &Path) -> Option<TrackInfo> {
    let file = tagged_file(path, ParseOptions::new().read_cover_art(false))?;
    let tags = file.primary_tag().or_else(|| file.first_tag()).map(tags_of).unwrap_or_default();
    let duration = file.properties().duration();
    Some(TrackInfo { tags, duration_seconds: (duration > Duration::ZERO).then_some(duration.as_secs_f64()) })
}

fn tagged_file(path: &Path, mut options: ParseOptions) -> Option<TaggedFile> {
    let metadata = std::fs::metadata(path).ok()?;
    let file = Limited { file: File::open(path).ok().filter(|_| metadata.is_file())?, bytes_left: MAX_BYTES };
    let options = options.parsing_mode(ParsingMode::Relaxed);
    let probe = Probe::new(BufReader::new(file)).options(options);
    // What the content does not tell, the name may.
    let named = FileType::from_path(path);
    let mut probe = probe.guess_file_type().ok()?;
    if let (None, Some(named)) = (probe.file_type(), named) {
        probe = probe.set_file_type(named);
    }
    probe.read().ok()
}

/// Bytes read in search of tags at most: where there are none, a file of gigabytes would be read
/// to its end.
const MAX_BYTES: u64 = 64 << 20;

/// A file of which only so much can be read.
struct Limited {
    file: File,
    bytes_left: u64,
}

impl Read for Limited {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.bytes_left = self
            .bytes_left
            .checked_sub(count as u64)
            .ok_or_else(|| std::io::Error::other("tags were looked for in vain"))?;
        Ok(count)
    }
}

impl Seek for Limited {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.file.seek(to)
    }
}

fn tags_of(tag: &Tag) -> Tags {
    let text = |value: Option<std::borrow::Cow<'_, str>>| {
        value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    Tags {
        artist: text(tag.artist()),
        title: text(tag.title()),
        album: text(tag.album()),
        genre: text(tag.genre()),
        year: tag.date().map(|date| date.year).filter(|&year| year > 0),
    }
}
