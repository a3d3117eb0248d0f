//! What resembles tracks of the library.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::refusals::Refusals;
use crate::app::App;
use crate::extract::{Parameters, Sent, TrackNumber, known_number};
use crate::library::Asked;
use crate::problem::Problem;
use crate::question::{Part, Question};
use crate::views::AnswersView;
use crate::wanted::{Wanted, checked_count};

/// Tracks that one may ask with at once.
pub(super) const MOST_SEEDS: usize = 100;

/// What a track may count at most.
const MOST_WEIGHT: f32 = 1000.0;

/// How an answer is to be given.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AskQuery {
    /// Tracks to list.
    #[serde(default = "default_count")]
    #[param(minimum = 1, maximum = 1000, default = 10)]
    pub count: usize,
    /// Whether to tell which passages resemble each other most.
    #[serde(default)]
    pub explain: bool,
    /// Ask with a part only: where it begins, in seconds.
    #[param(minimum = 0)]
    from: Option<f64>,
    /// Where it ends.
    #[param(minimum = 0)]
    to: Option<f64>,
}

pub(super) fn default_count() -> usize {
    10
}

impl AskQuery {
    /// Whether it is in range.
    pub fn check(&self) -> Result<(), Problem> {
        if [self.from, self.to].iter().flatten().any(|seconds| !(0.0..=f64::MAX).contains(seconds)) {
            return Err(Problem::bad_request("from and to must be at least 0"));
        }
        checked_count(self.count).map(|_| ())
    }

    /// The part that is asked with; `None`: all of it. A bound that is left out is the end of the track.
    pub async fn part(&self, app: &App, model: &str) -> Result<Option<Part>, Problem> {
        if self.from.is_none() && self.to.is_none() {
            return Ok(None);
        }
        let passage_seconds = app.listener.introduction(model).await?.passage_seconds;
        let (from_seconds, to_seconds) = (self.from.unwrap_or(0.0), self.to.unwrap_or(f64::from(u32::MAX)));
        Ok(Some(Part { from_seconds, to_seconds, passage_seconds }))
    }
}

/// The tracks that sound most like a track of the library, or like a part of it.
#[utoipa::path(get, path = "/api/v1/tracks/{track}/similar", tag = "similar",
    params(("track" = u64, Path), AskQuery, Wanted),
    responses((status = 200, description = "the tracks, best first", body = AnswersView), Refusals))]
pub(crate) async fn similar_to_track(
    State(app): State<App>,
    TrackNumber(track): TrackNumber,
    Parameters(query): Parameters<AskQuery>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Json<AnswersView>, Problem> {
    query.check()?;
    let model = app.model()?;
    let part = query.part(&app, &model).await?;
    let answer = move |asked: &Asked<'_>| {
        let question = Question::of_track(asked, track)?;
        let question = match part {
            Some(part) => question.cut(part)?,
            None => question,
        };
        question.answer(asked, &wanted, query.count, query.explain).map(Json)
    };
    app.ask(answer).await
}

/// A track, and what it counts.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
pub(crate) struct SeedView {
    /// Its number.
    track: u64,
    /// What it counts beside the others; below 0, answers are not to be like it.
    #[serde(default = "default_weight")]
    #[schema(minimum = -1000, maximum = 1000, default = 1.0)]
    weight: f32,
}

fn default_weight() -> f32 {
    1.0
}

/// Several tracks to ask with.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SeveralView {
    /// The tracks, one at least of a weight above 0.
    #[schema(min_items = 1, max_items = 100)]
    seeds: Vec<SeedView>,
    /// Tracks to list.
    #[serde(default = "default_count")]
    #[schema(minimum = 1, maximum = 1000, default = 10)]
    count: usize,
    #[serde(flatten)]
    wanted: Wanted,
}

/// The tracks that sound most like several, and unlike those of weights below 0.
#[utoipa::path(post, path = "/api/v1/similar", tag = "similar", request_body = SeveralView,
    responses((status = 200, description = "the tracks, best first", body = AnswersView), Refusals))]
pub(crate) async fn similar_to_several(
    State(app): State<App>,
    Sent(SeveralView { seeds, count, wanted }): Sent<SeveralView>,
) -> Result<Json<AnswersView>, Problem> {
    if !(1..=MOST_SEEDS).contains(&seeds.len()) {
        return Err(Problem::bad_request(format!("seeds must be 1..={MOST_SEEDS} tracks")));
    }
    if seeds.iter().any(|seed| !(-MOST_WEIGHT..=MOST_WEIGHT).contains(&seed.weight)) {
        return Err(Problem::bad_request(format!("weights must be in -{MOST_WEIGHT}..={MOST_WEIGHT}")));
    }
    let answer = move |asked: &Asked<'_>| {
        let question = |seed: &SeedView| Ok((Question::of_track(asked, known_number(seed.track)?)?, seed.weight));
        let questions = seeds.iter().map(question).collect::<Result<Vec<_>, Problem>>()?;
        Question::blend(&questions)?.answer(asked, &wanted, count, false).map(Json)
    };
    app.ask(answer).await
}
