//! What a file says about itself.

use std::path::Path;
use std::time::Duration;

use lofty::config::{ParseOptions, ParsingMode};
use lofty::file::{AudioFile, TaggedFileExt};
use lofty::probe::Probe;
use lofty::tag::{Accessor, Tag};
use serde::{Deserialize, Serialize};

use crate::guard::guard;

/// Artist, title, album and genre, where the file has them.
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
    let options = ParseOptions::new().parsing_mode(ParsingMode::Relaxed).read_cover_art(false);
    let file = Probe::open(path).and_then(|probe| probe.options(options).guess_file_type()?.read());
    let Ok(file) = file else { return TrackInfo::default() };
    let tags = file.primary_tag().or_else(|| file.first_tag()).map(tags_of).unwrap_or_default();
    let duration = file.properties().duration();
    TrackInfo { tags, duration_seconds: (duration > Duration::ZERO).then_some(duration.as_secs_f64()) }
}

fn tags_of(tag: &Tag) -> Tags {
    let text = |value: Option<std::borrow::Cow<'_, str>>| {
        value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    Tags { artist: text(tag.artist()), title: text(tag.title()), album: text(tag.album()), genre: text(tag.genre()) }
}
