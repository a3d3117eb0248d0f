//! What is taken from requests; what does not fit is told as a problem.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum_extra::extract::Query;
use index::TrackId;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::problem::Problem;

/// Numbers that may be left out: an empty one would be taken for one that is.
const OPTIONAL: [&str; 9] =
    ["from", "to", "year_from", "year_to", "seconds_from", "seconds_to", "per_artist", "per_album", "min_similarity"];

/// Parameters behind the question mark; one may be given several times.
pub(crate) struct Parameters<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let pairs = parts.uri.query().unwrap_or_default().split('&');
        if let Some(name) = pairs.filter_map(|pair| pair.strip_suffix('=')).find(|name| OPTIONAL.contains(name)) {
            return Err(Problem::bad_request(format!("{name} has no value")));
        }
        let parameters = Query::from_request_parts(parts, state).await;
        parameters.map(|Query(value)| Self(value)).map_err(|error| Problem::bad_request(error.body_text()))
    }
}

/// A body of JSON.
pub(crate) struct Sent<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let problem = |error: JsonRejection| Problem::new(error.status(), error.body_text());
        let Json(value) = Json::<Value>::from_request(request, state).await.map_err(problem)?;
        let unfit = |error: serde_json::Error| Problem::bad_request(error.to_string());
        serde_json::from_value(with_whole_numbers(value)).map(Self).map_err(unfit)
    }
}

/// Up to here, every whole number is one of double precision.
const LAST_EXACT: f64 = 9_007_199_254_740_992.0;

/// JSON knows one kind of number: 3.0 is 3.
fn with_whole_numbers(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(real) if number.is_f64() && real.fract() == 0.0 && real.abs() <= LAST_EXACT => {
                if real < 0.0 {
                    Value::from(real as i64)
                } else {
                    Value::from(real as u64)
                }
            }
            _ => Value::Number(number),
        },
        Value::Array(values) => values.into_iter().map(with_whole_numbers).collect(),
        Value::Object(object) => object.into_iter().map(|(name, value)| (name, with_whole_numbers(value))).collect(),
        value => value,
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn three_point_nothing_is_three() {
        let found = with_whole_numbers(json!({ "a": [3.0, -2.0, 0.5, 1e300], "b": { "c": 7 } }));
        assert_eq!(found.to_string(), r#"{"a":[3,-2,0.5,1e+300],"b":{"c":7}}"#);
    }
}
