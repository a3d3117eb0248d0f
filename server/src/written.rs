//! Answers that take a while to write.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::problem::Problem;

/// JSON that was written where blocking is allowed.
pub(crate) struct Written(Vec<u8>);

impl Written {
    /// Of a value.
    ///
    /// # Errors
    /// Where it cannot be written as JSON.
    pub fn of(value: &impl Serialize) -> Result<Self, Problem> {
        serde_json::to_vec(value).map(Self).map_err(|error| Problem::internal(&error))
    }
}

impl IntoResponse for Written {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}
