//! From tracks to a vector, and from there to an answer: as the program's `query` does it.

use std::collections::HashSet;

use index::resemblance::resemblances;
use index::selection::select;
use index::{Passage, TrackId, TrackRecord, TrackState};

use crate::extract::no_such_track;
use crate::library::Asked;
use crate::problem::Problem;
use crate::views::{AnswerView, AnswersView, TrackView, numbers};
use crate::wanted::Wanted;

/// Pairs of passages that are told of an answer.
const PAIRS: usize = 3;

/// What is asked with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Question {
    /// A unit vector.
    pub vector: Vec<f32>,
    /// Tracks that are this very recording: never an answer.
    pub itself: HashSet<TrackId>,
    /// What the vector is made of; none of a blend.
    pub passages: Vec<Passage>,
}

/// Seconds of a track, from the one to the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Part {
    pub from_seconds: f64,
    pub to_seconds: f64,
    /// Length of a passage.
    pub passage_seconds: f64,
}

impl Question {
    /// A track of the library.
    ///
    /// # Errors
    /// Where there is none, or it has no vector.
    pub fn of_track(asked: &Asked<'_>, track: TrackId) -> Result<Self, Problem> {
        let record = record(asked, track)?;
        let model_id = asked.searcher.model_id();
        let Some(vector) = asked.catalogue.vector(track, model_id)? else {
            return Err(Problem::not_found(match record.state {
                TrackState::Silent => format!("track {track} is silent: nothing resembles it"),
                TrackState::Failed { reason, .. } => format!("track {track} could not be embedded: {reason}"),
                TrackState::Embedded => format!("track {track} is not embedded yet"),
            }));
        };
        let itself = with_copies(asked, [track])?;
        Ok(Self { vector, itself, passages: asked.catalogue.passages(track, model_id)? })
    }

    /// Several questions, each with its weight; one below 0 leads away.
    ///
    /// # Errors
    /// Where they cancel each other out.
    pub fn blend(questions: &[(Self, f32)]) -> Result<Self, Problem> {
        let vectors = questions.iter().map(|(question, weight)| (question.vector.as_slice(), *weight));
        let cancelled = || Problem::contradiction("these tracks cancel each other out: nothing resembles all of them");
        let vector = index::blend(vectors).ok_or_else(cancelled)?;
        let itself = questions.iter().flat_map(|(question, _)| question.itself.iter().copied()).collect();
        let passages = match questions {
            [(question, _)] => question.passages.clone(),
            _ => Vec::new(),
        };
        Ok(Self { vector, itself, passages })
    }

    /// A part of it in its place: the passages that lie in it, wholly or partly.
    ///
    /// # Errors
    /// Where there are none.
    pub fn cut(self, part: Part) -> Result<Self, Problem> {
        let Part { from_seconds, to_seconds, passage_seconds } = part;
        if to_seconds <= from_seconds {
            return Err(Problem::contradiction("a part ends after it begins"));
        }
        let lies_in_it = |passage: &Passage| passage.lies_in(from_seconds..to_seconds, passage_seconds);
        let passages: Vec<Passage> = self.passages.into_iter().filter(lies_in_it).collect();
        let unheard = "nothing of this part was heard: it lies between the passages, or behind the end";
        let vector = index::blend(passages.iter().map(|passage| (passage.vector.as_slice(), 1.0)));
        let vector = vector.ok_or_else(|| Problem::contradiction(unheard))?;
        Ok(Self { vector, passages, ..self })
    }

    /// The tracks that resemble it most.
    ///
    /// # Errors
    /// What `wanted` has out of range; what searching and reading report.
    pub fn answer(
        &self,
        asked: &Asked<'_>,
        wanted: &Wanted,
        count: usize,
        explain: bool,
    ) -> Result<AnswersView, Problem> {
        let Asked { catalogue, searcher } = *asked;
        let model_id = searcher.model_id();
        let selection = wanted.selection(count, self.itself.clone())?;
        let among = searcher.among(catalogue, &wanted.filter()?)?;
        let expected = selection.count + selection.excluded.len();
        let ranking = searcher.ranking(model_id, &self.vector, among, expected)?;
        let answers = select(catalogue, ranking, model_id, &self.vector, &selection)?;
        let view = |answer: index::Answer| {
            let pairs = |passages: Vec<Passage>| resemblances(&self.passages, &passages, PAIRS);
            let passages = match explain {
                true => Some(pairs(catalogue.passages(answer.neighbour.track, model_id)?)),
                false => None,
            };
            Ok(AnswerView {
                track: TrackView::from(&answer.record),
                similarity: answer.similarity,
                score: answer.neighbour.score,
                copies: numbers(&answer.copies),
                passages: passages.map(|pairs| pairs.into_iter().map(Into::into).collect()),
            })
        };
        Ok(AnswersView {
            model: model_id.into(),
            generation: searcher.generation(),
            answers: answers.into_iter().map(view).collect::<Result<_, Problem>>()?,
        })
    }
}

/// A track of the library.
///
/// # Errors
/// Where there is none.
pub(crate) fn record(asked: &Asked<'_>, track: TrackId) -> Result<TrackRecord, Problem> {
    asked.catalogue.get(track)?.ok_or_else(|| no_such_track(track))
}

/// Tracks and all that hold the same recordings.
///
/// # Errors
/// What reading reports.
pub(crate) fn with_copies(
    asked: &Asked<'_>,
    tracks: impl IntoIterator<Item = TrackId>,
) -> Result<HashSet<TrackId>, Problem> {
    let mut all = HashSet::new();
    for track in tracks {
        all.insert(track);
        all.extend(asked.catalogue.copies_of(track)?);
    }
    Ok(all)
}
