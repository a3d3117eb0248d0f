//! What is heard and seen of a track.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::refusals::Refusals;
use crate::app::App;
use crate::extract::{Parameters, TrackNumber};
use crate::files::{Picture, cover_of, send};
use crate::library::Library;
use crate::problem::Problem;

/// Points of a waveform at most.
const MOST_POINTS: usize = 4000;

/// A track's file as it is, or the range of it that is asked for.
#[utoipa::path(get, path = "/api/v1/tracks/{track}/audio", tag = "media", params(("track" = u64, Path)),
    responses((status = 200, description = "the file", content_type = "audio/*"),
        (status = 206, description = "a range of it", content_type = "audio/*"),
        (status = 304, description = "it has not changed"), (status = 412, description = "it has changed"), Refusals))]
pub(crate) async fn audio(
    State(app): State<App>,
    TrackNumber(track): TrackNumber,
    request: Request,
) -> Result<Response, Problem> {
    let file = app.open(move |library| library.file_of(track)).await?;
    send(file, request).await
}

/// The picture in a track's file, or in its folder.
#[utoipa::path(get, path = "/api/v1/tracks/{track}/cover", tag = "media", params(("track" = u64, Path)),
    responses((status = 200, description = "a picture", content_type = "image/*"), Refusals))]
pub(crate) async fn cover(State(app): State<App>, TrackNumber(track): TrackNumber) -> Result<Picture, Problem> {
    let cover = move |library: &Library| {
        let file = library.file_of(track)?;
        cover_of(&file).ok_or_else(|| Problem::not_found(format!("track {track} has no picture")))
    };
    app.open(cover).await
}

#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WaveformQuery {
    /// Into how many parts the track is divided.
    #[serde(default = "default_points")]
    #[param(minimum = 1, maximum = 4000, default = 800)]
    points: usize,
}

fn default_points() -> usize {
    800
}

/// How loud a track is in its parts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WaveformView {
    /// Length of the track.
    seconds: f64,
    /// The largest sample of each part, beside that of the loudest: 0 to 1.
    peaks: Vec<f32>,
}

/// A track's waveform.
#[utoipa::path(get, path = "/api/v1/tracks/{track}/waveform", tag = "media",
    params(("track" = u64, Path), WaveformQuery),
    responses((status = 200, description = "the waveform", body = WaveformView), Refusals))]
pub(crate) async fn waveform(
    State(app): State<App>,
    TrackNumber(track): TrackNumber,
    Parameters(WaveformQuery { points }): Parameters<WaveformQuery>,
) -> Result<Json<WaveformView>, Problem> {
    if !(1..=MOST_POINTS).contains(&points) {
        return Err(Problem::bad_request(format!("points must be in 1..={MOST_POINTS}")));
    }
    let waveform = move |library: &Library| {
        let file = library.file_of(track)?;
        let unheard = |error: audio_frontend::Error| {
            Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!("track {track} cannot be decoded: {}", error.reason()),
            )
        };
        let waveform = audio_frontend::waveform(&file, points).map_err(unheard)?;
        Ok(Json(WaveformView { seconds: waveform.seconds, peaks: waveform.peaks }))
    };
    app.decode(waveform).await
}
