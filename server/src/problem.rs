//! Why a request is not answered, as RFC 9457 has it told.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// What a client is told of a request that went wrong.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ProblemDetails {
    /// Always `about:blank`: the status says it all.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The status.
    pub status: u16,
    /// What is wrong with this very request.
    pub detail: String,
}

/// A request that is not answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Problem {
    pub status: StatusCode,
    pub detail: String,
    /// After so many seconds it may go well.
    pub retry_after: Option<u64>,
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), retry_after: None }
    }

    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// Each part of the request fits, and all of them do not.
    pub fn contradiction(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// Too much at once.
    pub fn busy(detail: impl Into<String>) -> Self {
        Self { retry_after: Some(1), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }

    /// Something of ours: the log has the reason.
    pub fn internal(reason: &dyn std::fmt::Display) -> Self {
        tracing::error!("{reason}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "something went wrong here; the server's log has the reason")
    }

    pub fn details(&self) -> ProblemDetails {
        ProblemDetails {
            kind: "about:blank".into(),
            title: self.status.canonical_reason().unwrap_or_default().into(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.details())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<index::Error> for Problem {
    fn from(error: index::Error) -> Self {
        match error {
            error if error.is_busy() => Self::busy("the library is being changed: try again"),
            index::Error::DiskFull { .. } => {
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "no space is left where the library is kept")
            }
            error @ index::Error::Milvus { .. } => {
                tracing::warn!("{error}");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "what searches the library does not answer: try again")
            }
            error => Self::internal(&error),
        }
    }
}
