//! What listeners do and say, which retraining learns from.

use axum::extract::State;
use axum::http::StatusCode;
use index::catalogue::{Opinion, Play};
use serde::Deserialize;
use utoipa::ToSchema;

use super::refusals::Refusals;
use crate::app::App;
use crate::clock::now;
use crate::extract::{Sent, known_number, no_such_track};
use crate::library::Library;
use crate::problem::Problem;

/// What is said of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum OpinionKind {
    /// It was a good one.
    Like,
    /// It was not.
    Dislike,
    /// Nothing any more.
    Forget,
}

/// An opinion of a track as an answer to another.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
pub(crate) struct FeedbackView {
    /// The track that was asked with.
    query: u64,
    /// The track that was the answer.
    result: u64,
    /// What is said.
    opinion: OpinionKind,
}

/// Says whether an answer was good: the next retraining learns from it.
#[utoipa::path(post, path = "/api/v1/feedback", tag = "listening", request_body = FeedbackView,
    responses((status = 204, description = "noted"), Refusals))]
pub(crate) async fn feedback(
    State(app): State<App>,
    Sent(FeedbackView { query, result, opinion }): Sent<FeedbackView>,
) -> Result<StatusCode, Problem> {
    let (query, result) = (known_number(query)?, known_number(result)?);
    if query == result {
        return Err(Problem::contradiction(format!("track {query} is no answer to itself")));
    }
    let note = move |library: &Library| {
        for track in [query, result] {
            library.read(|catalogue| catalogue.get(track)?.ok_or_else(|| no_such_track(track)))?;
        }
        library.note(|writer| match opinion {
            OpinionKind::Forget => writer.remove_opinion(query, result).map(|_| ()),
            kind => writer.put_opinion(Opinion { query, result, is_liked: kind == OpinionKind::Like }),
        })
    };
    app.note(note).await.map(|()| StatusCode::NO_CONTENT)
}

/// A track that was heard.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
pub(crate) struct PlayView {
    /// Its number.
    track: u64,
    /// Whether it was not heard to its end.
    #[serde(default)]
    skipped: bool,
    /// When, in seconds since 1970; left out: now.
    #[schema(minimum = 0, maximum = 253402300799_i64, nullable = false)]
    at: Option<i64>,
}

/// The last second of the year 9999.
const LAST_MOMENT: i64 = 253_402_300_799;

/// Notes that a track was heard.
#[utoipa::path(post, path = "/api/v1/plays", tag = "listening", request_body = PlayView,
    responses((status = 204, description = "noted"), Refusals))]
pub(crate) async fn plays(
    State(app): State<App>,
    Sent(PlayView { track, skipped, at }): Sent<PlayView>,
) -> Result<StatusCode, Problem> {
    let track = known_number(track)?;
    let at = at.unwrap_or_else(now);
    if !(0..=LAST_MOMENT).contains(&at) {
        return Err(Problem::bad_request("at is in seconds since 1970"));
    }
    let note = move |library: &Library| {
        library.read(|catalogue| catalogue.get(track)?.ok_or_else(|| no_such_track(track)))?;
        library.note(|writer| writer.put_play(Play { track, at, skipped }).map(|_| ()))
    };
    app.note(note).await.map(|()| StatusCode::NO_CONTENT)
}
