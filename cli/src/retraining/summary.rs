//! What a run came to.

use std::collections::BTreeMap;

use serde::Serialize;
use trainer::evaluate::turnover::Turnover;

use super::judgement::Verdict;

/// What a retraining came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetrainOutcome {
    /// Something went wrong; what served goes on.
    #[default]
    Failed,
    /// Nothing is new since the last time.
    NothingToLearn,
    /// Another run is under way.
    UnderWay,
    /// Another model serves.
    Promoted,
    /// What was learnt is not good enough.
    Refused,
}

impl RetrainOutcome {
    /// What the program ends with.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::NothingToLearn | Self::UnderWay | Self::Promoted => 0,
            Self::Failed => 2,
            Self::Refused => 3,
        }
    }
}

/// What a retraining did.
#[derive(Debug, Default, Serialize)]
pub struct RetrainSummary {
    /// What it came to.
    pub outcome: RetrainOutcome,
    /// The model that served before.
    pub serving: String,
    /// The one that was trained.
    pub candidate: Option<String>,
    /// Digest of what was learnt from.
    pub lesson: String,
    /// Digests of what is known of each genre.
    pub genre_digests: BTreeMap<String, String>,
    /// Tracks in the answers.
    pub tracks: usize,
    /// Tracks that were learnt from.
    pub learnt_tracks: usize,
    /// Tracks that judged.
    pub judging_tracks: usize,
    /// Number of genres.
    pub genres: usize,
    /// What listeners said that was learnt from.
    pub preferences: usize,
    /// Why what was learnt is refused, or nothing was done.
    pub reason: Option<String>,
    /// How the candidate compares.
    pub verdict: Option<Verdict>,
    /// What the change did to neighbours.
    pub turnover: Option<Turnover>,
    /// Time that it took.
    pub seconds: f64,
}

impl RetrainSummary {
    /// Whether another model serves.
    pub fn is_promotion(&self) -> bool {
        self.outcome == RetrainOutcome::Promoted
    }

    /// In words.
    pub fn to_text(&self) -> String {
        let (candidate, reason) = (self.candidate.as_deref(), self.reason.as_deref().unwrap_or_default());
        match self.outcome {
            RetrainOutcome::Failed => "failed\n".into(),
            RetrainOutcome::NothingToLearn => "nothing to learn: no new tracks, labels or feedback\n".into(),
            RetrainOutcome::UnderWay => format!("{reason}: nothing to do\n"),
            RetrainOutcome::Promoted => {
                let better = self.verdict.as_ref().map(|verdict| verdict.decision.reason()).unwrap_or_default();
                let kept = self.turnover.as_ref().map_or(0.0, |turnover| 100.0 * turnover.kept);
                let candidate = candidate.unwrap_or_default();
                format!("{candidate} serves now, {better}\n{kept:.0} % of all neighbours stayed\n")
            }
            RetrainOutcome::Refused => {
                let refused = candidate.unwrap_or("what was learnt");
                format!("{refused} was refused, {reason}; {} goes on\n", self.serving)
            }
        }
    }

    /// Genres of which something is new since the last run that came to its end; all, where somebody insists on learning what is
    /// known. None where there are no two to be told apart.
    pub fn new_genres(&self, last: &serde_json::Value, is_known: bool) -> Vec<String> {
        let known = last.get("genre_digests");
        let is_new = |(genre, digest): &(&String, &String)| {
            known.and_then(|known| known.get(genre.as_str())).and_then(|known| known.as_str()) != Some(digest.as_str())
        };
        let all = || self.genre_digests.iter();
        let new: Vec<String> = all().filter(is_new).map(|(genre, _)| genre.clone()).collect();
        match all().len() {
            0 | 1 => Vec::new(),
            _ if is_known => all().map(|(genre, _)| genre.clone()).collect(),
            _ => new,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn genres_are_new_where_their_tracks_are_others() {
        let digests = |genres: &[(&str, &str)]| {
            let pairs = genres.iter().map(|(genre, digest)| ((*genre).to_owned(), (*digest).to_owned()));
            RetrainSummary { genre_digests: pairs.collect(), ..Default::default() }
        };
        let now = digests(&[("folk", "1"), ("jazz", "2"), ("rock", "3")]);
        let last = |summary: &RetrainSummary| serde_json::to_value(summary).unwrap();
        assert_eq!(now.new_genres(&serde_json::Value::Null, false), ["folk", "jazz", "rock"]);
        assert_eq!(now.new_genres(&last(&digests(&[("folk", "1"), ("jazz", "9")])), false), ["jazz", "rock"]);
        assert!(now.new_genres(&last(&now), false).is_empty(), "feedback is new");
        assert_eq!(now.new_genres(&last(&now), true), ["folk", "jazz", "rock"]);
        assert!(digests(&[("folk", "1")]).new_genres(&serde_json::Value::Null, false).is_empty());
    }
}
