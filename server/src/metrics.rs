//! What Prometheus is told.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::library::Library;
use crate::problem::Problem;

/// What happened since the server began.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    tracks: Gauge<i64, AtomicI64>,
    generation: Gauge<i64, AtomicI64>,
    /// Connections that are open.
    pub connections: Gauge<i64, AtomicI64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    status: u16,
}

/// From a fifth of a millisecond to ten seconds.
fn histogram() -> Histogram {
    Histogram::new([0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0])
}

impl Metrics {
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("similar_tracks");
        let (requests, seconds) = (Family::default(), Family::new_with_constructor(histogram as fn() -> Histogram));
        let (tracks, generation, connections) = (Gauge::default(), Gauge::default(), Gauge::default());
        registry.register("requests", "Requests by route and status", Family::clone(&requests));
        registry.register("request_seconds", "Time to the head of the answer by route", Family::clone(&seconds));
        registry.register("tracks", "Tracks with a vector of the model that serves", Gauge::clone(&tracks));
        registry.register("generation", "Generation of the index that serves", Gauge::clone(&generation));
        registry.register("connections", "Open connections", Gauge::clone(&connections));
        Self { registry, requests, seconds, tracks, generation, connections }
    }

    /// All of them, in the text format.
    ///
    /// # Errors
    /// What the catalogue reports.
    pub fn text(&self, library: &Library) -> Result<Response, Problem> {
        let searcher = library.searcher();
        self.tracks.set(library.counts()?.embedded as i64);
        self.generation.set(searcher.and_then(|searcher| searcher.generation()).map_or(0, |number| number as i64));
        let mut text = String::new();
        encode(&mut text, &self.registry).map_err(|error| Problem::internal(&error))?;
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
    }
}

/// Counts a request and the time that it takes. Paths that are no route are counted together: anybody can make some up.
pub(crate) async fn count(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.map_or("none", MatchedPath::as_str).to_owned();
    let started = Instant::now();
    let response = next.run(request).await;
    metrics.seconds.get_or_create(&RouteLabels { route: route.clone() }).observe(started.elapsed().as_secs_f64());
    metrics.requests.get_or_create(&RequestLabels { route, status: response.status().as_u16() }).inc();
    response
}
