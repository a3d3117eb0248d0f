//! What the library is at the moment.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;

use super::refusals::Refusals;
use crate::app::App;
use crate::library::{Asked, Library};
use crate::problem::Problem;
use crate::written::Written;

/// What the library holds.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatsView {
    /// Tracks that can be found.
    tracks: usize,
    /// Files of which nothing is to be heard.
    silent: usize,
    /// Files that could not be used.
    failed: usize,
    /// Artists of the tracks.
    artists: usize,
    /// Length of the tracks together.
    seconds: f64,
    /// Times at which a track was heard.
    plays: usize,
    /// Opinions of answers.
    opinions: usize,
}

/// Counts what the library holds.
#[utoipa::path(get, path = "/api/v1/stats", tag = "state",
    responses((status = 200, description = "the counts", body = StatsView), Refusals))]
pub(crate) async fn stats(State(app): State<App>) -> Result<Json<StatsView>, Problem> {
    let stats = |library: &Library| {
        let counts = library.counts()?;
        let (plays, opinions) = library.read(|catalogue| Ok((catalogue.play_count()?, catalogue.opinions()?.len())))?;
        Ok(Json(StatsView {
            tracks: counts.embedded,
            silent: counts.silent,
            failed: counts.failed,
            artists: counts.artists,
            seconds: counts.seconds,
            plays,
            opinions,
        }))
    };
    app.work(stats).await
}

/// The model that serves.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelView {
    /// Its id, with `+full` where all of each track was listened to.
    model: String,
    /// Generation of the index; none where it was read from the catalogue.
    generation: Option<u64>,
    /// Length of a vector.
    dimension: usize,
    /// Tracks that can be found.
    tracks: usize,
}

/// The model and the generation that serve.
#[utoipa::path(get, path = "/api/v1/model", tag = "state",
    responses((status = 200, description = "the model", body = ModelView), Refusals))]
pub(crate) async fn model(State(app): State<App>) -> Result<Json<ModelView>, Problem> {
    let model = |library: &Library| {
        let tracks = library.counts()?.embedded;
        let view = |asked: Asked<'_>| ModelView {
            model: asked.searcher.model_id().into(),
            generation: asked.searcher.generation(),
            dimension: asked.searcher.dimension(),
            tracks,
        };
        library.ask(|asked| Ok(Json(view(asked))))
    };
    app.work(model).await
}

/// Where tracks lie on a map on which neighbours sound alike; one track at each place of the lists.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MapView {
    /// The model whose vectors were laid out.
    model: String,
    /// Numbers of the tracks.
    ids: Vec<u64>,
    /// From left to right, -1 to 1.
    x: Vec<f32>,
    /// From below to above, -1 to 1.
    y: Vec<f32>,
    /// Places in `genres`; -1: it has no genre tag.
    genre: Vec<i64>,
    /// Genre tags.
    genres: Vec<String>,
}

/// The map of the library.
#[utoipa::path(get, path = "/api/v1/map", tag = "state",
    responses((status = 200, description = "all tracks that have a place", body = MapView), Refusals))]
pub(crate) async fn map(State(app): State<App>) -> Result<Written, Problem> {
    app.ask(|asked| Written::of(&MapView::of(asked)?)).await
}

impl MapView {
    fn of(asked: &Asked<'_>) -> Result<Self, Problem> {
        let model = asked.searcher.model_id();
        let (places, genres) = (asked.catalogue.places(model)?, asked.catalogue.genres_of_tracks()?);
        let mut names: Vec<&str> = genres.values().map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        let genre = |track: &index::TrackId| {
            let place = genres.get(track).and_then(|genre| names.binary_search(&genre.as_str()).ok());
            place.map_or(-1, |place| place as i64)
        };
        Ok(Self {
            model: model.into(),
            ids: places.iter().map(|place| place.track.0).collect(),
            x: places.iter().map(|place| rounded(place.x)).collect(),
            y: places.iter().map(|place| rounded(place.y)).collect(),
            genre: places.iter().map(|place| genre(&place.track)).collect(),
            genres: names.into_iter().map(str::to_owned).collect(),
        })
    }
}

/// To what can be seen on a screen.
fn rounded(place: f32) -> f32 {
    (place * 1e4).round() / 1e4
}

/// What a command does or did.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
struct RunView {
    /// The command.
    command: String,
    /// Seconds since 1970.
    started_at: i64,
    /// Seconds since 1970; none where it is still going, or ended early.
    finished_at: Option<i64>,
    /// What it consists of.
    steps: Vec<StepView>,
}

/// A step of a run.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
struct StepView {
    /// Its name.
    name: String,
    /// Seconds since 1970.
    started_at: i64,
    /// Seconds since 1970; none where it is still going, or ended early.
    finished_at: Option<i64>,
    /// What came of it, in words.
    outcome: Option<String>,
}

/// What changes while tracks are taken in and models are trained.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct StateView {
    /// The model that serves; none before the first track.
    model: Option<String>,
    /// Generation of the index.
    generation: Option<u64>,
    /// Tracks that can be found.
    tracks: usize,
    /// Files that could not be used.
    failed: usize,
    /// The latest run of a command.
    run: Option<RunView>,
}

impl StateView {
    /// As it is now.
    ///
    /// # Errors
    /// What reading reports.
    pub fn of(library: &Library) -> Result<Self, Problem> {
        let searcher = library.searcher();
        let model = searcher.as_ref().map(|searcher| searcher.model_id().to_owned());
        let counts = library.counts()?;
        library.read(|catalogue| {
            let run = catalogue.last_run()?;
            let steps = run.as_ref().map(|run| catalogue.run_steps(run.id)).transpose()?.unwrap_or_default();
            let step = |step: index::catalogue::RunStep| StepView {
                name: step.name,
                started_at: step.started_at,
                finished_at: step.finished_at,
                outcome: step.outcome,
            };
            Ok(Self {
                model,
                generation: searcher.and_then(|searcher| searcher.generation()),
                tracks: counts.embedded,
                failed: counts.failed,
                run: run.map(|run| RunView {
                    command: run.command,
                    started_at: run.started_at,
                    finished_at: run.finished_at,
                    steps: steps.into_iter().map(step).collect(),
                }),
            })
        })
    }
}

/// Tells what the library is, and again whenever that changes: events `state`, whose data is a state.
#[utoipa::path(get, path = "/api/v1/events", tag = "state",
    responses((status = 200, description = "events without end", body = StateView,
        content_type = "text/event-stream"), Refusals))]
pub(crate) async fn events(State(app): State<App>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut state = app.state.clone();
    state.mark_changed();
    Sse::new(unfold(state, next_state)).keep_alive(KeepAlive::default())
}

/// Ends when the server does.
async fn next_state(
    mut state: watch::Receiver<Arc<str>>,
) -> Option<(Result<Event, Infallible>, watch::Receiver<Arc<str>>)> {
    state.changed().await.ok()?;
    let data = Arc::clone(&state.borrow_and_update());
    Some((Ok(Event::default().event("state").data(&*data)), state))
}
