//! The API of version 1: routes, and their description in OpenAPI.

mod listening;
mod media;
mod questions;
mod refusals;
mod state;
mod tours;
mod tracks;
mod upload;

use axum::{Json, Router, routing::get};
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::problem::ProblemDetails;

pub(crate) use state::StateView;
pub(crate) use tours::{MOST_STOPS, stops};

/// Where files are sent to.
pub(crate) const UPLOAD_PATH: &str = "/api/v1/similar/upload";

/// What the document says of itself.
#[derive(OpenApi)]
#[openapi(
    components(schemas(ProblemDetails)),
    info(
        title = "similar-tracks",
        description = "Which tracks of a library sound alike. Errors are problem details (RFC 9457). Where there are users, \
                   every request says who sends it: HTTP Basic with name and password, or Bearer with an API key."
    )
)]
struct Description;

/// JSON: answers that are worth compressing.
pub(crate) fn router() -> Router<App> {
    let (router, document) = routes().split_for_parts();
    let document = serde_json::to_value(with_all(document)).unwrap_or_default();
    router.route("/api/openapi.json", get(|| async move { Json(document) }))
}

/// Files, which are compressed already, and events, which are not to be held back.
pub(crate) fn streams() -> Router<App> {
    let (router, _) = stream_routes().split_for_parts();
    router
}

fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(tracks::list))
        .routes(routes!(tracks::one))
        .routes(routes!(tracks::passages))
        .routes(routes!(questions::similar_to_track))
        .routes(routes!(questions::similar_to_several))
        .routes(routes!(upload::similar_to_upload))
        .routes(routes!(tours::radio))
        .routes(routes!(tours::path))
        .routes(routes!(tracks::duplicates))
        .routes(routes!(listening::feedback))
        .routes(routes!(listening::plays))
        .routes(routes!(state::stats))
        .routes(routes!(state::model))
        .routes(routes!(state::map))
}

fn stream_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(media::audio))
        .routes(routes!(media::cover))
        .routes(routes!(media::waveform))
        .routes(routes!(state::events))
}

/// The document of all routes.
fn with_all(mut document: Document) -> Document {
    document.merge(stream_routes().into_openapi());
    document
}
