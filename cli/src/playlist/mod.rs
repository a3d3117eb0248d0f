//! Answers as files that players read.

mod address;
pub mod config;
mod jspf;
mod m3u8;
mod xspf;

use index::TrackRecord;

pub use address::{address_of, path_of};
pub use jspf::jspf;
pub use m3u8::m3u8;
pub use xspf::xspf;

/// A track's artist as it is shown.
pub fn artist_of(record: &TrackRecord) -> &str {
    record.file.artist.as_deref().unwrap_or("–")
}

/// Whole milliseconds, as XSPF counts.
fn milliseconds_of(record: &TrackRecord) -> Option<u64> {
    record.file.duration_seconds.map(|seconds| (1000.0 * seconds).round() as u64)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    use super::*;

    /// What a playlist is made of.
    pub fn record() -> TrackRecord {
        let file = index::NewTrack {
            path: Path::new(std::ffi::OsStr::from_bytes(b"/music/a b/caf\xc3\xa9 & <1>.flac")).into(),
            stamp: index::FileStamp { size_bytes: 1, modified_ns: 1 },
            hash: None,
            artist: Some("R & B\nX".into()),
            title: None,
            album: Some("\"one\"".into()),
            genre: None,
            year: None,
            duration_seconds: Some(61.2345),
        };
        TrackRecord { id: index::TrackId(7), file, state: index::TrackState::Embedded }
    }

    #[test]
    fn playlists_hold_what_is_known_of_a_track() {
        let records = [record()];
        assert_eq!(
            String::from_utf8(m3u8(&records)).unwrap(),
            "#EXTM3U\n#EXTINF:61,R & B X - café & <1>\n/music/a b/café & <1>.flac\n"
        );
        let text = xspf(&records).unwrap();
        let document = roxmltree::Document::parse(&text).unwrap();
        let text_of = |name| document.descendants().find(|node| node.has_tag_name(name)).and_then(|node| node.text());
        let namespaced = |name| text_of(("http://xspf.org/ns/0/", name));
        assert_eq!(namespaced("location"), Some("file:///music/a%20b/caf%C3%A9%20%26%20%3C1%3E.flac"));
        assert_eq!((namespaced("title"), namespaced("duration")), (Some("café & <1>"), Some("61235")));
        assert_eq!((namespaced("creator"), namespaced("album")), (Some("R & B X"), Some("\"one\"")));
        let track = &jspf(&records)["playlist"]["track"][0];
        assert_eq!(track["location"][0], "file:///music/a%20b/caf%C3%A9%20%26%20%3C1%3E.flac");
        assert_eq!((&track["duration"], &track["album"]), (&61235.into(), &"\"one\"".into()));
    }
}
