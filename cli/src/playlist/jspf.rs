//! XSPF's elements in JSON, as ListenBrainz and others read them.

use index::TrackRecord;
use serde_json::{Value, json};

use super::{address_of, milliseconds_of};

/// A playlist as a JSON object.
pub fn jspf<'a>(records: impl IntoIterator<Item = &'a TrackRecord>) -> Value {
    let track = |record: &TrackRecord| {
        let file = &record.file;
        let mut track = json!({ "location": [address_of(&file.path)], "title": record.title() });
        let known = [
            ("creator", file.artist.clone().map(Value::from)),
            ("album", file.album.clone().map(Value::from)),
            ("duration", milliseconds_of(record).map(Value::from)),
        ];
        for (name, value) in known.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            track[name] = value;
        }
        track
    };
    json!({ "playlist": { "track": records.into_iter().map(track).collect::<Vec<_>>() } })
}
