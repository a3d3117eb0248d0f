//! What is taken from requests; what does not fit is told as a problem.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum_extra::extract::Query;
use index::TrackId;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// Parameters behind the question mark; one may be given several times.
pub(crate) struct Parameters<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let parameters = Query::from_request_parts(parts, state).await;
        parameters.map(|Query(value)| Self(value)).map_err(|error| Problem::bad_request(error.body_text()))
    }
}

/// A body of JSON.
pub(crate) struct Sent<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let problem = |error: JsonRejection| {
            let status = match error.status() {
                StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
                status => status,
            };
            Problem::new(status, error.body_text())
        };
        Json::from_request(request, state).await.map(|Json(value)| Self(value)).map_err(problem)
    }
}

/// The number of a track in a path.
pub(crate) struct TrackNumber(pub TrackId);

impl<S: Send + Sync> FromRequestParts<S> for TrackNumber {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|error| Problem::bad_request(error.body_text()))?;
        track_number(&text).map(Self)
    }
}

/// A track by its number.
pub(crate) fn track_number(text: &str) -> Result<TrackId, Problem> {
    match text.parse::<u64>() {
        Ok(number) => known_number(number),
        Err(_) => Err(Problem::bad_request("a track is named by its number")),
    }
}

/// A number that the catalogue can have given.
pub(crate) fn known_number(number: u64) -> Result<TrackId, Problem> {
    match i64::try_from(number) {
        Ok(_) => Ok(TrackId(number)),
        Err(_) => Err(no_such_track(number)),
    }
}

/// There is no such track.
pub(crate) fn no_such_track(number: impl std::fmt::Display) -> Problem {
    Problem::not_found(format!("there is no track {number}"))
}
