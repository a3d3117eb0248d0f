//! Tracks that follow one another.

use axum::Json;
use axum::extract::State;
use index::journey::journey;
use index::radio::{Radio, RadioConfig};
use index::{TrackId, TrackRecord};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::questions::{MOST_SEEDS, default_count};
use super::refusals::Refusals;
use crate::app::App;
use crate::extract::{Parameters, Sent, known_number};
use crate::library::Asked;
use crate::problem::Problem;
use crate::question::{Question, record, with_copies};
use crate::views::{StopView, TrackView};
use crate::wanted::Wanted;

/// Tracks that a station has played at most.
const MOST_PLAYED: usize = 10_000;

/// Tracks of a station at once, and stops of a way, at most: each is a search of its own.
pub(crate) const MOST_STOPS: usize = 100;

/// Where a station has come to.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct StationView {
    /// Tracks that it is to be like: those that it began with, or the last ones that were heard.
    #[schema(min_items = 1, max_items = 100)]
    seeds: Vec<u64>,
    /// Tracks that are not to come (again), the last one last.
    #[serde(default)]
    #[schema(max_items = 10000)]
    played: Vec<u64>,
    /// Tracks to list.
    #[serde(default = "default_count")]
    #[schema(minimum = 1, maximum = 100, default = 10)]
    count: usize,
    /// How far each track leads away from the beginning: 0 not at all, 1 wherever it is.
    #[serde(default = "default_drift")]
    #[schema(minimum = 0, maximum = 1, default = 0.3)]
    drift: f32,
    /// The same seed plays the same; left out, another one every time.
    #[schema(nullable = false)]
    seed: Option<u64>,
    #[serde(flatten)]
    wanted: Wanted,
}

fn default_drift() -> f32 {
    RadioConfig::default().drift
}

/// Tracks that follow one another, by one model and one generation of the index.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TourView {
    /// The model.
    model: String,
    /// The generation; none where the index was read from the catalogue.
    generation: Option<u64>,
    /// The tracks; similarities are cosines with the beginning, or with the track before.
    tracks: Vec<StopView>,
}

impl TourView {
    fn new(asked: &Asked<'_>, tracks: Vec<StopView>) -> Self {
        Self { model: asked.searcher.model_id().into(), generation: asked.searcher.generation(), tracks }
    }
}

/// What a station plays next: each track like the ones before, no recording twice, no artist twice in a row.
#[utoipa::path(post, path = "/api/v1/radio", tag = "tours", request_body = StationView,
    responses((status = 200, description = "the tracks, in their order", body = TourView), Refusals))]
pub(crate) async fn radio(State(app): State<App>, Sent(station): Sent<StationView>) -> Result<Json<TourView>, Problem> {
    if !(1..=MOST_STOPS).contains(&station.count) {
        return Err(Problem::bad_request(format!("count must be in 1..={MOST_STOPS}")));
    }
    if !(1..=MOST_SEEDS).contains(&station.seeds.len()) || station.played.len() > MOST_PLAYED {
        let detail = format!("seeds must be 1..={MOST_SEEDS} tracks, played {MOST_PLAYED} at most");
        return Err(Problem::bad_request(detail));
    }
    if !(0.0..=1.0).contains(&station.drift) {
        return Err(Problem::bad_request("drift must be in 0..=1"));
    }
    let seed = station.seed.unwrap_or_else(rand::random);
    app.ask(move |asked| play(asked, &station, seed).map(Json)).await
}

fn play(asked: &Asked<'_>, station: &StationView, seed: u64) -> Result<TourView, Problem> {
    let question = |seed: &u64| Ok((Question::of_track(asked, known_number(*seed)?)?, 1.0));
    let questions = station.seeds.iter().map(question).collect::<Result<Vec<_>, Problem>>()?;
    let beginning = Question::blend(&questions)?;
    let played = station.played.iter().map(|&number| known_number(number)).collect::<Result<Vec<_>, Problem>>()?;
    let last = played.last().copied().or(station.seeds.last().map(|&number| TrackId(number)));
    let last_artist = match last {
        Some(last) => asked.catalogue.get(last)?.and_then(|record| record.file.artist),
        None => None,
    };
    let mut begun = with_copies(asked, played)?;
    begun.extend(beginning.itself);
    let among = asked.searcher.among(asked.catalogue, &station.wanted.filter()?)?;
    let config = RadioConfig { drift: station.drift, seed, ..RadioConfig::default() };
    let place = (beginning.vector.clone(), begun, last_artist);
    let radio = Radio::new(asked.catalogue, asked.searcher, config, among, place);
    let stop = |record: index::Result<TrackRecord>| {
        let record = record?;
        let vector = asked.catalogue.vector(record.id, asked.searcher.model_id())?;
        let similarity = vector.map(|vector| index::cosine(&beginning.vector, &vector));
        Ok(StopView { track: TrackView::from(&record), similarity })
    };
    let tracks = radio.take(station.count).map(stop).collect::<Result<_, Problem>>()?;
    Ok(TourView::new(asked, tracks))
}

#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PathQuery {
    /// The track to begin with.
    from: u64,
    /// The one to end with.
    to: u64,
    /// Tracks in all, both ends included.
    #[serde(default = "default_count")]
    #[param(minimum = 2, maximum = 100, default = 10)]
    count: usize,
}

/// Tracks that lead from one to another by small steps.
#[utoipa::path(get, path = "/api/v1/path", tag = "tours", params(PathQuery),
    responses((status = 200, description = "the tracks, in their order", body = TourView), Refusals))]
pub(crate) async fn path(
    State(app): State<App>,
    Parameters(PathQuery { from, to, count }): Parameters<PathQuery>,
) -> Result<Json<TourView>, Problem> {
    if !(2..=MOST_STOPS).contains(&count) {
        return Err(Problem::bad_request(format!("count must be in 2..={MOST_STOPS}")));
    }
    let (from, to) = (known_number(from)?, known_number(to)?);
    app.ask(move |asked| way(asked, from, to, count).map(Json)).await
}

fn way(asked: &Asked<'_>, from: TrackId, to: TrackId, count: usize) -> Result<TourView, Problem> {
    let stops = stops(asked, from, to, count)?;
    let view = |(record, similarity): &(TrackRecord, Option<f32>)| StopView {
        track: TrackView::from(record),
        similarity: *similarity,
    };
    Ok(TourView::new(asked, stops.iter().map(view).collect()))
}

/// The stops of a way, each with its cosine with the one before.
///
/// # Errors
/// Where an end is not in the library; what searching and reading report.
pub(crate) fn stops(
    asked: &Asked<'_>,
    from: TrackId,
    to: TrackId,
    count: usize,
) -> Result<Vec<(TrackRecord, Option<f32>)>, Problem> {
    let (first, last) = (Question::of_track(asked, from)?, Question::of_track(asked, to)?);
    let way = journey(asked.catalogue, asked.searcher, [(from, &first.vector), (to, &last.vector)], count)?;
    let mut before: Option<Vec<f32>> = None;
    let mut stops = Vec::with_capacity(way.len());
    for track in way {
        let vector = asked.catalogue.vector(track, asked.searcher.model_id())?;
        let similarity = before.as_ref().zip(vector.as_ref()).map(|(before, vector)| index::cosine(before, vector));
        before = vector;
        stops.push((record(asked, track)?, similarity));
    }
    Ok(stops)
}
