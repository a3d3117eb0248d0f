//! The server and the one who asks.

use serde_json::{Value, json};

use super::Call;
use super::browse::FOLDER;
use super::entries::Entries;
use super::failure::{Code, Failure};

/// Extensions of OpenSubsonic that are here, with their versions.
const EXTENSIONS: [(&str, &[u32]); 3] = [("apiKeyAuthentication", &[1]), ("formPost", &[1]), ("sonicSimilarity", &[1])];

/// `getOpenSubsonicExtensions`, which whoever asks is told.
pub(super) fn extensions() -> Value {
    let told = EXTENSIONS.map(|(name, versions)| json!({ "name": name, "versions": versions }));
    json!({ "openSubsonicExtensions": told })
}

/// `ping`, and what there is nothing to say to.
pub(super) fn nothing(_: &Call) -> Result<Value, Failure> {
    Ok(json!({}))
}

/// `getLicense`.
pub(super) fn license(_: &Call) -> Result<Value, Failure> {
    Ok(json!({ "license": { "valid": true } }))
}

/// `tokenInfo`.
pub(super) fn token_info(call: &Call) -> Result<Value, Failure> {
    Ok(json!({ "tokenInfo": { "username": call.caller.0 } }))
}

/// `getUser`, of oneself.
pub(super) fn user(call: &Call) -> Result<Value, Failure> {
    let name = call.parameters.text("username").unwrap_or(&call.caller.0);
    if call.asks_who && name != call.caller.0 {
        return Err(Failure::new(Code::NotAllowed, "of other users nothing is told"));
    }
    Ok(json!({ "user": {
        "username": name, "scrobblingEnabled": true, "folder": [FOLDER],
        "streamRole": true, "downloadRole": true, "playlistRole": true,
        "adminRole": false, "settingsRole": false, "uploadRole": false, "coverArtRole": false, "commentRole": false,
        "podcastRole": false, "jukeboxRole": false, "shareRole": false, "videoConversionRole": false,
    } }))
}

/// `getScanStatus`: ingesting is no business of players.
pub(super) fn scan_status(entries: &Entries<'_>, _: &Call) -> Result<Value, Failure> {
    let (count, _) = entries.catalogue.search_text("", 0, 0)?;
    Ok(json!({ "scanStatus": { "scanning": false, "count": count } }))
}
