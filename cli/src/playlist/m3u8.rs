//! M3U in UTF-8, with lengths and titles.

use index::TrackRecord;

use super::artist_of;
use crate::output;

/// Paths byte for byte; one that holds a line break cannot stand in a playlist and is left out.
pub fn m3u8<'a>(records: impl IntoIterator<Item = &'a TrackRecord>) -> Vec<u8> {
    let mut playlist = b"#EXTM3U\n".to_vec();
    for record in records {
        let path = record.file.path.as_os_str().as_encoded_bytes();
        if path.contains(&b'\n') || path.contains(&b'\r') {
            continue;
        }
        let seconds = record.file.duration_seconds.map_or(-1, |seconds| seconds.round() as i64);
        let title = output::one_line(&format!("{} - {}", artist_of(record), record.title()));
        playlist.extend(format!("#EXTINF:{seconds},{title}\n").into_bytes());
        playlist.extend_from_slice(path);
        playlist.push(b'\n');
    }
    playlist
}
