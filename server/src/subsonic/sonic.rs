//! What sounds alike: Subsonic's `getSimilarSongs`, and the extension `sonicSimilarity` of OpenSubsonic, which has
//! similarities from 1, the same, to 0, most different. They are cosines here; what is below 0, as good as nothing is, is 0.

use axum::http::StatusCode;
use index::{TrackId, TrackRecord};
use serde_json::{Value, json};

use super::Call;
use super::browse::tracks_of;
use super::entries::Entries;
use super::failure::Failure;
use super::ids::Id;
use crate::api::{MOST_STOPS, stops};
use crate::library::Asked;
use crate::problem::Problem;
use crate::question::Question;
use crate::wanted::{MOST_ANSWERS, Wanted};

/// Tracks that stand for an artist or an album.
const MOST_SEEDS: usize = 20;

/// `getSimilarSongs`.
pub(super) fn similar_songs(asked: &Asked<'_>, entries: &Entries<'_>, call: &Call) -> Result<Value, Failure> {
    Ok(json!({ "similarSongs": { "song": songs_like(asked, entries, call)? } }))
}

/// `getSimilarSongs2`.
pub(super) fn similar_songs_by_tags(asked: &Asked<'_>, entries: &Entries<'_>, call: &Call) -> Result<Value, Failure> {
    Ok(json!({ "similarSongs2": { "song": songs_like(asked, entries, call)? } }))
}

fn songs_like(asked: &Asked<'_>, entries: &Entries<'_>, call: &Call) -> Result<Vec<Value>, Failure> {
    let count = call.parameters.count("count", 50, MOST_ANSWERS)?;
    let answers = match call.parameters.id()? {
        Id::Track(track) => answers_to(asked, call, track, count)?,
        id => {
            let seeds = spread(&tracks_of(entries, &id)?);
            answers_of(asked, &Question::blend(&questions(asked, &seeds)?)?, count)?
        }
    };
    Ok(entries.songs(answers.iter().map(|(record, _)| record)))
}

/// Tracks from the whole of an artist or album.
fn spread(tracks: &[TrackRecord]) -> Vec<TrackId> {
    let step = tracks.len().div_ceil(MOST_SEEDS).max(1);
    tracks.iter().step_by(step).map(|record| record.id).collect()
}

/// Those of the tracks that can be asked with.
fn questions(asked: &Asked<'_>, seeds: &[TrackId]) -> Result<Vec<(Question, f32)>, Failure> {
    let mut questions = Vec::with_capacity(seeds.len());
    for &seed in seeds {
        match Question::of_track(asked, seed) {
            Ok(question) => questions.push((question, 1.0)),
            Err(Problem { status: StatusCode::NOT_FOUND, .. }) => {}
            Err(problem) => return Err(problem.into()),
        }
    }
    if questions.is_empty() { Err(Failure::not_found("none of these songs is embedded yet")) } else { Ok(questions) }
}

/// `getSonicSimilarTracks`: what the program's `query` answers.
pub(super) fn similar_tracks(asked: &Asked<'_>, entries: &Entries<'_>, call: &Call) -> Result<Value, Failure> {
    let count = call.parameters.count("count", 10, MOST_ANSWERS)?;
    let answers = answers_to(asked, call, call.parameters.track("id")?, count)?;
    let matches = answers.iter().map(|(record, similarity)| sonic_match(entries, record, *similarity));
    Ok(json!({ "sonicMatch": matches.collect::<Vec<_>>() }))
}

/// The answer to a track, which is remembered.
fn answers_to(
    asked: &Asked<'_>,
    call: &Call,
    track: TrackId,
    count: usize,
) -> Result<Vec<(TrackRecord, f32)>, Failure> {
    let answers = answers_of(asked, &Question::of_track(asked, track)?, count)?;
    call.memory.answered.remember(&call.caller, track, answers.iter().map(|(record, _)| record.id));
    Ok(answers)
}

fn answers_of(asked: &Asked<'_>, question: &Question, count: usize) -> Result<Vec<(TrackRecord, f32)>, Failure> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let answers = question.answer(asked, &Wanted::default(), count, false)?.answers;
    let record = |answer: crate::views::AnswerView| {
        let record = asked.catalogue.get(TrackId(answer.track.id));
        record.map(|record| record.map(|record| (record, answer.similarity))).transpose()
    };
    Ok(answers.into_iter().filter_map(record).collect::<index::Result<_>>()?)
}

/// `findSonicPath`: what the program's `path` answers, each track with its similarity to the first.
pub(super) fn path(asked: &Asked<'_>, entries: &Entries<'_>, call: &Call) -> Result<Value, Failure> {
    let (first, last) = (call.parameters.track("startSongId")?, call.parameters.track("endSongId")?);
    let count = call.parameters.count("count", 25, MOST_STOPS)?.max(2);
    let beginning = Question::of_track(asked, first)?.vector;
    let mut matches = Vec::with_capacity(count);
    for (record, _) in stops(asked, first, last, count)? {
        let vector = asked.catalogue.vector(record.id, asked.searcher.model_id())?;
        let similarity = vector.map_or(0.0, |vector| index::cosine(&beginning, &vector));
        matches.push(sonic_match(entries, &record, similarity));
    }
    Ok(json!({ "sonicMatch": matches }))
}

fn sonic_match(entries: &Entries<'_>, record: &TrackRecord, cosine: f32) -> Value {
    json!({ "entry": entries.song(record), "similarity": similarity_of(cosine) })
}

/// From 0 to 1, in the digits that an `f32` has: those of the program's answer.
fn similarity_of(cosine: f32) -> f64 {
    cosine.clamp(0.0, 1.0).to_string().parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similarities_run_from_most_different_to_the_same() {
        let cosines = [-0.5, 0.0, 0.83, 1.0, 1.000_000_1];
        assert_eq!(
            cosines.map(|cosine| json!(similarity_of(cosine)).to_string()),
            ["0.0", "0.0", "0.83", "1.0", "1.0"]
        );
    }
}
