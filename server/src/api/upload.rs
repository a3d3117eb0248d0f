//! What resembles a file that is sent.

use axum::Json;
use axum::body::{Body, BodyDataStream};
use axum::extract::State;
use axum::http::StatusCode;
use futures_util::StreamExt;
use index::{ContentHash, TrackId};
use serde::{Deserialize, Serialize};
use tempfile::TempPath;
use tokio::io::AsyncWriteExt;
use utoipa::{IntoParams, ToSchema};

use super::questions::AskQuery;
use super::refusals::Refusals;
use crate::app::App;
use crate::extract::Parameters;
use crate::library::Asked;
use crate::listener::Heard;
use crate::problem::Problem;
use crate::question::{Part, Question, with_copies};
use crate::views::{AnswersView, numbers};
use crate::wanted::Wanted;

/// Models may change places while a file is listened to: so often it is listened to anew.
const TRIES: usize = 5;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UploadQuery {
    /// The file's name: its ending says what it may be, where its bytes do not.
    #[serde(default)]
    name: String,
}

/// What was heard in the file that was sent.
#[derive(Debug, Serialize, ToSchema)]
struct UploadView {
    /// Artist tag.
    artist: Option<String>,
    /// Title tag.
    title: Option<String>,
    /// Album tag.
    album: Option<String>,
    /// Length in seconds.
    duration_seconds: Option<f64>,
    /// Tracks of the library that hold these very bytes, and their copies.
    itself: Vec<u64>,
}

/// Answers to a file that was sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UploadAnswersView {
    /// The file.
    query: UploadView,
    #[serde(flatten)]
    answers: AnswersView,
}

/// The tracks that sound most like an audio file, whose bytes are the body. The file is not kept.
#[utoipa::path(post, path = "/api/v1/similar/upload", tag = "similar", params(UploadQuery, AskQuery, Wanted),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, description = "the tracks, best first", body = UploadAnswersView), Refusals))]
pub(crate) async fn similar_to_upload(
    State(app): State<App>,
    Parameters(UploadQuery { name }): Parameters<UploadQuery>,
    Parameters(query): Parameters<AskQuery>,
    Parameters(wanted): Parameters<Wanted>,
    body: Body,
) -> Result<Json<UploadAnswersView>, Problem> {
    wanted.selection(query.count, Default::default())?;
    wanted.filter()?;
    query.check()?;
    let _place = app.listener.place()?;
    let received = receive(body.into_data_stream(), &name, app.config.max_upload_bytes);
    let slow = || Problem::new(StatusCode::REQUEST_TIMEOUT, "the file takes too long to arrive");
    let file = tokio::time::timeout(app.config.upload_time, received).await.map_err(|_| slow())??;
    for _ in 0..TRIES {
        let heard = app.listener.hear(&file, &app.model()?).await?;
        let part = query.part(&app, &heard.model).await?;
        let wanted = wanted.clone();
        if let Some(answers) = app.ask(move |asked| answer(asked, &heard, &wanted, query, part)).await? {
            return Ok(Json(answers));
        }
    }
    Err(Problem::busy("models change places faster than this can be listened to"))
}

/// What was heard, compared with the library; `None`: another model has come to serve since, which has to hear it as well.
fn answer(
    asked: &Asked<'_>,
    heard: &Heard,
    wanted: &Wanted,
    query: AskQuery,
    part: Option<Part>,
) -> Result<Option<UploadAnswersView>, Problem> {
    if heard.model != asked.searcher.model_id() {
        return Ok(None);
    }
    let itself = known_as(asked, heard)?;
    let Heard { artist, title, album, duration_seconds, .. } = heard.clone();
    let (vector, passages) = heard.clone().into_vectors();
    let question = Question { vector, itself: itself.iter().copied().collect(), passages };
    let question = match part {
        Some(part) => question.cut(part)?,
        None => question,
    };
    let answers = question.answer(asked, wanted, query.count, query.explain)?;
    let query = UploadView { artist, title, album, duration_seconds, itself: numbers(&itself) };
    Ok(Some(UploadAnswersView { query, answers }))
}

/// Tracks of the library that hold the bytes that were heard, and their copies, by number.
fn known_as(asked: &Asked<'_>, heard: &Heard) -> Result<Vec<TrackId>, Problem> {
    let bytes = heard.hash.as_deref().and_then(|hash| data_encoding::HEXLOWER.decode(hash.as_bytes()).ok());
    let Some(hash) = bytes.and_then(|bytes| bytes.try_into().ok()) else { return Ok(Vec::new()) };
    let same = asked.catalogue.find_by_hash(&ContentHash(hash))?;
    let mut tracks: Vec<TrackId> = with_copies(asked, same.iter().map(|record| record.id))?.into_iter().collect();
    tracks.sort();
    Ok(tracks)
}

/// Letters of an ending at most.
const MOST_ENDING: usize = 8;

/// Writes what is sent to a file that goes when it is no longer needed.
async fn receive(mut body: BodyDataStream, name: &str, most_bytes: usize) -> Result<TempPath, Problem> {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending).unwrap_or_default();
    let is_plain = ending.len() <= MOST_ENDING && ending.bytes().all(|letter| letter.is_ascii_alphanumeric());
    let suffix = if is_plain { format!(".{ending}") } else { String::new() };
    let file = tempfile::Builder::new().prefix("similar-tracks-").suffix(&suffix).tempfile();
    let (file, path) = file.map_err(unwritten)?.into_parts();
    let (mut file, mut bytes) = (tokio::fs::File::from_std(file), 0);
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| Problem::bad_request("the file did not arrive as a whole"))?;
        bytes += chunk.len();
        if bytes > most_bytes {
            let detail = format!("a file may have {} MiB", most_bytes >> 20);
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
        }
        file.write_all(&chunk).await.map_err(unwritten)?;
    }
    if bytes == 0 {
        return Err(Problem::bad_request("the body is to be the bytes of an audio file"));
    }
    file.flush().await.map_err(unwritten)?;
    Ok(path)
}

fn unwritten(error: std::io::Error) -> Problem {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            Problem::new(StatusCode::INSUFFICIENT_STORAGE, "there is no room for the file")
        }
        _ => Problem::internal(&error),
    }
}
