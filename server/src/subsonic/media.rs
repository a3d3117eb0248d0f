//! Files and pictures.

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Method, Request};
use axum::response::{IntoResponse, Response};
use index::TrackId;

use super::Call;
use super::browse::tracks_of;
use super::entries::Entries;
use super::failure::Failure;
use super::ids::Id;
use super::settled;
use crate::app::App;
use crate::files::{cover_of, send};
use crate::library::Library;

/// Files that are looked at for a picture at most: an album that has one has it in its first.
const MOST_TRIED: usize = 8;

/// `stream` and `download`: the file as it is, or a range of it. What a player would rather have, `maxBitRate` and
/// `format`, is not heeded: nothing is converted.
pub(super) async fn file(app: &App, call: Call, head: &Parts) -> Result<Response, Failure> {
    let track = call.parameters.track("id")?;
    let file = app.open(move |library| library.file_of(track)).await?;
    // A form asks for the same.
    let mut request = Request::new(Body::empty());
    *request.method_mut() = if head.method == Method::HEAD { Method::HEAD } else { Method::GET };
    *request.headers_mut() = head.headers.clone();
    Ok(send(file, request).await?)
}

/// `getCoverArt`, by the id of a song, an album, an artist or a playlist. It has the size that it has.
pub(super) async fn cover(app: &App, call: Call) -> Result<Response, Failure> {
    let picture = move |library: &Library| {
        let tracks = library.read(|catalogue| {
            settled(Entries::new(catalogue, &call.caller).and_then(|entries| covered(&entries, &call)))
        })?;
        let picture = tracks.map(|tracks| {
            let files = tracks.into_iter().take(MOST_TRIED).filter_map(|track| library.file_of(track).ok());
            files.map(|file| cover_of(&file)).find(Option::is_some).flatten()
        });
        Ok(picture)
    };
    let picture = app.decode(picture).await??;
    Ok(picture.ok_or_else(|| Failure::not_found("there is no picture of it"))?.into_response())
}

/// Tracks whose picture would do.
fn covered(entries: &Entries<'_>, call: &Call) -> Result<Vec<TrackId>, Failure> {
    match call.parameters.id()? {
        Id::Playlist(number) => {
            let playlist = entries.catalogue.playlist(number)?;
            Ok(playlist.ok_or_else(|| Failure::not_found("there is no such playlist"))?.tracks)
        }
        id => Ok(tracks_of(entries, &id)?.iter().map(|record| record.id).collect()),
    }
}
