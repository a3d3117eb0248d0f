//! All routes together, and what holds for every one of them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use crate::app::App;
use crate::problem::Problem;
use crate::{access, api, metrics, page, subsonic};

/// The whole server.
pub(crate) fn router(app: App) -> Router {
    let identified = api::router()
        .route("/", get(page::index))
        .route("/page/{name}", get(page::part))
        .route("/metrics", get(measured))
        .layer(CompressionLayer::new())
        .merge(api::streams())
        .fallback(async || Problem::not_found("there is nothing here; /api/openapi.json lists what there is"))
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this path has no such method")
        })
        .layer(from_fn_with_state(Arc::clone(&app.access), access::identify));
    let open = Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(ready));
    open.merge(identified)
        .merge(subsonic::router())
        .layer(from_fn_with_state(app.clone(), in_time))
        .layer(from_fn_with_state(Arc::clone(&app.access), access::admit))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(with_headers))
        .layer(from_fn_with_state(Arc::clone(&app.metrics), metrics::count))
        .with_state(app)
}

/// Whether questions can be answered.
async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    app.work(|library| library.read(|catalogue| Ok(catalogue.serving_model()?))).await.map(|_| "ready\n")
}

async fn measured(State(app): State<App>) -> Result<Response, Problem> {
    let metrics = Arc::clone(&app.metrics);
    app.work(move |library| metrics.text(library)).await
}

/// A request whose body does not arrive, and an answer that does not come, keep nobody's place; uploads have times of their
/// own.
async fn in_time(State(app): State<App>, request: Request, next: Next) -> Response {
    let config = &app.config;
    let time = config.answer_time.max(match request.uri().path() {
        api::UPLOAD_PATH => config.upload_time + 2 * config.embedding_time,
        _ => Duration::ZERO,
    });
    let answered = tokio::time::timeout(time, next.run(request)).await;
    answered.unwrap_or_else(|_| Problem::busy("this takes too long").into_response())
}

/// Headers of every answer: what a page may do, and that nothing is taken for what it is not.
async fn with_headers(request: Request, next: Next) -> Response {
    const HEADERS: [(HeaderName, HeaderValue); 5] = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(page::POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
        (HeaderName::from_static("permissions-policy"), HeaderValue::from_static("camera=(), microphone=()")),
    ];
    let mut response = next.run(request).await;
    response.headers_mut().extend(HEADERS);
    // What is in the library is nobody's business who uses the machine later.
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    Problem::internal(&text.unwrap_or("a handler panicked")).into_response()
}
