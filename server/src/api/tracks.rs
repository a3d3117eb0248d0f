//! Tracks of the library.

use axum::Json;
use axum::extract::State;
use index::{Catalogue, TrackRecord};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::refusals::Refusals;
use crate::app::App;
use crate::extract::{Parameters, TrackNumber, no_such_track};
use crate::files::below_root;
use crate::problem::Problem;
use crate::views::{TrackView, numbers};
use crate::written::Written;

/// Tracks of a page at most.
const MOST_LISTED: usize = 500;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Beginnings of words of artist, title, album, genre or path, all of which have to occur; empty: all tracks.
    #[serde(default)]
    q: String,
    /// Tracks to pass over.
    #[serde(default)]
    #[param(maximum = 2147483647)]
    offset: u32,
    /// Tracks to list.
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: usize,
}

fn default_limit() -> usize {
    50
}

/// A page of tracks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TracksView {
    /// Tracks that there are in all.
    total: usize,
    /// Tracks that were passed over.
    offset: u32,
    /// The tracks.
    tracks: Vec<TrackView>,
}

/// Searches tracks by text, the best first, or lists all by artist and album.
#[utoipa::path(get, path = "/api/v1/tracks", tag = "tracks", params(ListQuery),
    responses((status = 200, description = "a page of them", body = TracksView), Refusals))]
pub(crate) async fn list(
    State(app): State<App>,
    Parameters(ListQuery { q, offset, limit }): Parameters<ListQuery>,
) -> Result<Json<TracksView>, Problem> {
    if !(1..=MOST_LISTED).contains(&limit) {
        return Err(Problem::bad_request(format!("limit must be in 1..={MOST_LISTED}")));
    }
    if i32::try_from(offset).is_err() {
        return Err(Problem::bad_request(format!("offset must be at most {}", i32::MAX)));
    }
    let page = move |catalogue: &Catalogue| {
        let (total, records) = catalogue.search_text(&q, offset as usize, limit)?;
        Ok(Json(TracksView { total, offset, tracks: records.iter().map(TrackView::from).collect() }))
    };
    app.work(move |library| library.read(page)).await
}

/// What a listener said of an answer.
#[derive(Debug, Serialize, ToSchema)]
struct OpinionView {
    /// The track that was the answer.
    result: u64,
    /// Whether it was a good one.
    is_liked: bool,
}

/// All that is known of a track.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WholeTrackView {
    #[serde(flatten)]
    track: TrackView,
    /// Its file, below the library's folder.
    path: Option<String>,
    /// Other tracks that hold the same recording.
    copies: Vec<u64>,
    /// What was said of answers to it.
    opinions: Vec<OpinionView>,
}

/// A track with all that is known of it.
#[utoipa::path(get, path = "/api/v1/tracks/{track}", tag = "tracks", params(("track" = u64, Path)),
    responses((status = 200, description = "the track", body = WholeTrackView), Refusals))]
pub(crate) async fn one(
    State(app): State<App>,
    TrackNumber(track): TrackNumber,
) -> Result<Json<WholeTrackView>, Problem> {
    let whole = move |catalogue: &Catalogue| {
        let record = catalogue.get(track)?.ok_or_else(|| no_such_track(track))?;
        let opinions = catalogue.opinions_of(track)?;
        let opinion =
            |opinion: index::catalogue::Opinion| OpinionView { result: opinion.result.0, is_liked: opinion.is_liked };
        Ok(Json(WholeTrackView {
            track: TrackView::from(&record),
            path: below_root(&record.file.path, &catalogue.roots()?),
            copies: numbers(&catalogue.copies_of(track)?),
            opinions: opinions.into_iter().map(opinion).collect(),
        }))
    };
    app.work(move |library| library.read(whole)).await
}

/// Where a track was listened to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PassageStartsView {
    /// Length of a passage.
    seconds: f64,
    /// Where each begins.
    starts: Vec<f32>,
}

/// The passages that a track's vector is made of.
#[utoipa::path(get, path = "/api/v1/tracks/{track}/passages", tag = "tracks", params(("track" = u64, Path)),
    responses((status = 200, description = "the passages", body = PassageStartsView), Refusals))]
pub(crate) async fn passages(
    State(app): State<App>,
    TrackNumber(track): TrackNumber,
) -> Result<Json<PassageStartsView>, Problem> {
    let passages = move |asked: &crate::library::Asked<'_>| {
        crate::question::record(asked, track)?;
        let model = asked.searcher.model_id().to_owned();
        Ok((asked.catalogue.passages(track, &model)?, model))
    };
    let (passages, model) = app.ask(passages).await?;
    let seconds = app.listener.introduction(&model).await?.passage_seconds;
    let starts = passages.iter().map(|passage| passage.start_seconds).collect();
    Ok(Json(PassageStartsView { seconds, starts }))
}

/// Recordings that there are several tracks of.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DuplicatesView {
    /// The tracks of each.
    recordings: Vec<Vec<TrackView>>,
}

/// Lists the recordings that the library holds several times.
#[utoipa::path(get, path = "/api/v1/duplicates", tag = "tracks",
    responses((status = 200, description = "the recordings", body = DuplicatesView), Refusals))]
pub(crate) async fn duplicates(State(app): State<App>) -> Result<Written, Problem> {
    let recordings = |catalogue: &Catalogue| {
        let view = |tracks: Vec<index::TrackId>| {
            let records = tracks.into_iter().filter_map(|track| catalogue.get(track).transpose());
            let records = records.collect::<index::Result<Vec<TrackRecord>>>()?;
            Ok(records.iter().map(TrackView::from).collect())
        };
        let recordings = catalogue.recordings_with_copies()?.into_iter().map(view);
        Written::of(&DuplicatesView { recordings: recordings.collect::<Result<_, Problem>>()? })
    };
    app.work(move |library| library.read(recordings)).await
}
