//! What listeners were answered lately: a player says that a track is good, and not as an answer to what.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use index::TrackId;
use index::catalogue::Opinion;

use crate::access::Caller;

/// Answers of one listener that are remembered.
const MOST_ANSWERS: usize = 50;

/// Opinions of one listener of which it is remembered that they were noted.
const MOST_OPINIONS: usize = 1000;

/// Answers and opinions by listener, until the server ends.
#[derive(Default)]
pub(super) struct Answered(Mutex<HashMap<String, Listener>>);

#[derive(Default)]
struct Listener {
    /// Tracks that were asked with, each with the answer; the latest last.
    answers: VecDeque<(TrackId, HashSet<TrackId>)>,
    /// Query and result of opinions that were noted; the latest last.
    noted: VecDeque<(TrackId, TrackId)>,
}

/// What a mark makes of the opinion of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Put(Opinion),
    Remove { query: TrackId, result: TrackId },
}

impl Change {
    /// The track that was asked with.
    pub fn query(self) -> TrackId {
        match self {
            Self::Put(opinion) => opinion.query,
            Self::Remove { query, .. } => query,
        }
    }
}

/// What a mark says of an answer: a rating says more than a star, one in the middle nothing.
pub(super) fn is_liked(is_starred: bool, rating: Option<u8>) -> Option<bool> {
    match rating {
        Some(..=2) => Some(false),
        Some(4..) => Some(true),
        _ => is_starred.then_some(true),
    }
}

impl Answered {
    /// Remembers what was answered to a track.
    pub fn remember(&self, caller: &Caller, query: TrackId, answer: impl IntoIterator<Item = TrackId>) {
        self.with(caller, |listener| {
            listener.answers.push_back((query, answer.into_iter().collect()));
            if listener.answers.len() > MOST_ANSWERS {
                listener.answers.pop_front();
            }
        });
    }

    /// What becomes of the opinion of a track that a listener has marked: of the pair that was noted before, or else of the
    /// latest answer that it stood in. `None`: it was no answer, or there is nothing to say.
    pub fn judge(&self, caller: &Caller, result: TrackId, is_liked: Option<bool>) -> Option<Change> {
        self.with(caller, |listener| {
            let noted = listener.noted.iter().position(|(_, known)| *known == result);
            let noted = noted.and_then(|place| listener.noted.remove(place)).map(|(query, _)| query);
            let latest = || listener.answers.iter().rev().find(|(_, answer)| answer.contains(&result));
            let query = noted.or_else(|| latest().map(|(query, _)| *query))?;
            let Some(is_liked) = is_liked else { return Some(Change::Remove { query, result }) };
            listener.noted.push_back((query, result));
            if listener.noted.len() > MOST_OPINIONS {
                listener.noted.pop_front();
            }
            Some(Change::Put(Opinion { query, result, is_liked }))
        })
    }

    fn with<T>(&self, caller: &Caller, work: impl FnOnce(&mut Listener) -> T) -> T {
        let mut listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        work(listeners.entry(caller.0.clone()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: TrackId = TrackId(1);
    const TWO: TrackId = TrackId(2);
    const THREE: TrackId = TrackId(3);

    fn put(query: TrackId, result: TrackId, is_liked: bool) -> Option<Change> {
        Some(Change::Put(Opinion { query, result, is_liked }))
    }

    #[test]
    fn a_rating_says_more_than_a_star() {
        let cases =
            [(false, None, None), (true, None, Some(true)), (true, Some(1), Some(false)), (true, Some(3), Some(true))];
        for (is_starred, rating, expected) in cases {
            assert_eq!(is_liked(is_starred, rating), expected, "{is_starred} {rating:?}");
        }
        assert_eq!(
            [0, 2, 3, 4, 5].map(|rating| is_liked(false, Some(rating))),
            [Some(false), Some(false), None, Some(true), Some(true)]
        );
    }

    #[test]
    fn an_opinion_is_of_the_latest_answer_and_is_withdrawn_where_it_was_noted() {
        let (answered, anna, bert) = (Answered::default(), Caller("anna".into()), Caller("bert".into()));
        assert_eq!(answered.judge(&anna, THREE, Some(true)), None, "it was no answer");
        answered.remember(&anna, ONE, [THREE]);
        answered.remember(&anna, TWO, [ONE, THREE]);
        assert_eq!(answered.judge(&bert, THREE, Some(true)), None, "it was another's answer");
        assert_eq!(answered.judge(&anna, THREE, Some(true)), put(TWO, THREE, true));
        answered.remember(&anna, ONE, [TWO, THREE]);
        assert_eq!(answered.judge(&anna, THREE, Some(false)), put(TWO, THREE, false), "the opinion is the same pair's");
        assert_eq!(answered.judge(&anna, THREE, None), Some(Change::Remove { query: TWO, result: THREE }));
        assert_eq!(answered.judge(&anna, THREE, Some(true)), put(ONE, THREE, true));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (answered, anna) = (Answered::default(), Caller("anna".into()));
        for number in 0..2 * MOST_ANSWERS as u64 {
            answered.remember(&anna, TrackId(1000 + number), [TrackId(number)]);
        }
        assert_eq!(answered.judge(&anna, TrackId(MOST_ANSWERS as u64 - 1), Some(true)), None);
        let first = TrackId(MOST_ANSWERS as u64);
        assert_eq!(answered.judge(&anna, first, Some(true)), put(TrackId(1000 + first.0), first, true));
    }
}
