//! May a model take the place of the one that serves?
//!
//! Only if it finds more, beyond what chance among artists explains, and is worse at nothing that is watched. Both answer the
//! same queries, so what is hard for both cancels out.

use audio_frontend::OutOfRange;
use serde::{Deserialize, Serialize};

use super::bootstrap::{Bootstrap, CONFIDENCE};
use super::cells::{Cells, Observation};
use super::scores::{Interval, SystemScores};
use super::system::{Judgement, paired_difference};
use crate::error::{Error, Result};

/// By what a model is promoted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PromotionConfig {
    /// What the lower end of a 95 % interval of the gain has to exceed: of mean average precision over all genres, or of one
    /// genre, whose interval is then as wide as so many genres need, or of the share of listeners' preferences that hold.
    pub margin: f64,
    /// Mean average precision that any genre may lose.
    pub genre_bound: f64,
    /// Area under the curve that may be lost, over all genres.
    pub area_bound: f64,
    /// What robustness may lose: the mean over degradations of R@1 of the own original and of the overlap of the top five,
    /// and R@1 of the other half.
    pub robustness_bound: f64,
    /// What the skewness of hubs may gain.
    pub hubness_bound: f64,
    /// Share of preferences that may be lost.
    pub preference_bound: f64,
}

impl Default for PromotionConfig {
    fn default() -> Self {
        Self {
            margin: 0.0,
            genre_bound: 0.05,
            area_bound: 0.05,
            robustness_bound: 0.05,
            hubness_bound: 0.5,
            preference_bound: 0.05,
        }
    }
}

impl PromotionConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn validate(&self) -> std::result::Result<(), OutOfRange> {
        OutOfRange::check(&[
            ((0.0..1.0).contains(&self.margin), "margin must be in [0, 1)"),
            (self.genre_bound >= 0.0, "genre_bound must be at least 0"),
            (self.area_bound >= 0.0, "area_bound must be at least 0"),
            (self.robustness_bound >= 0.0, "robustness_bound must be at least 0"),
            (self.hubness_bound >= 0.0, "hubness_bound must be at least 0"),
            (self.preference_bound >= 0.0, "preference_bound must be at least 0"),
        ])
    }
}

/// A model beside the one that serves, on the same tracks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Tracks that judged.
    pub tracks: usize,
    /// Gain in mean average precision, over all genres.
    pub mean_average_precision: Interval,
    /// Gain in the area under the curve, over all genres.
    pub area_under_curve: Interval,
    /// Genre by genre.
    pub genres: Vec<GenreGain>,
    /// What else is watched.
    pub watched: Vec<Watched>,
    /// Share of preferences of listeners that nothing was learnt from; `None`: there are none.
    pub preferences: Option<PreferenceGain>,
}

/// A genre's part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GenreGain {
    /// The genre.
    pub genre: String,
    /// Artists that asked.
    pub artists: usize,
    /// Mean average precision of the model that serves.
    pub before: f64,
    /// Gain; its interval holds for all genres together with 95 % (Bonferroni).
    pub gain: Interval,
}

/// A figure that must not get much worse.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Watched {
    /// What it is.
    pub name: String,
    /// Of the model that serves.
    pub before: f64,
    /// Of the other.
    pub after: f64,
    /// Whether more is worse.
    pub is_cost: bool,
}

/// Preferences that hold: the nearer track has the larger cosine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreferenceGain {
    /// Number of preferences.
    pub count: usize,
    /// Tracks that they are of.
    pub anchors: usize,
    /// Share that holds by the model that serves.
    pub before: f64,
    /// Gain, with an interval over anchors.
    pub gain: Interval,
}

/// Whether a preference of an anchor holds, before and after.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heeded {
    /// The track that was asked with.
    pub anchor: usize,
    /// By the model that serves.
    pub before: bool,
    /// By the other.
    pub after: bool,
}

impl PreferenceGain {
    /// `None` without preferences.
    pub fn of(heeded: &[Heeded], bootstrap: &Bootstrap) -> Option<Self> {
        let number = |holds: bool| f64::from(u8::from(holds));
        let differences = heeded.iter().map(|heeded| Observation {
            genre: 0,
            artist: heeded.anchor,
            scores: [number(heeded.after) - number(heeded.before)],
        });
        let [gain] = bootstrap.intervals(&Cells::new(differences));
        let anchors: std::collections::BTreeSet<usize> = heeded.iter().map(|heeded| heeded.anchor).collect();
        let before = heeded.iter().filter(|heeded| heeded.before).count() as f64 / heeded.len().max(1) as f64;
        (!heeded.is_empty()).then_some(Self { count: heeded.len(), anchors: anchors.len(), before, gain })
    }
}

impl Comparison {
    /// Of a candidate with the model that serves, on so many tracks; `genres` are the names of the queries' genres.
    ///
    /// # Errors
    /// [`Error::DifferentQueries`].
    pub fn new(
        candidate: &Judgement,
        serving: &Judgement,
        tracks: usize,
        genres: &[String],
        preferences: &[Heeded],
        bootstrap: &Bootstrap,
    ) -> Result<Self> {
        let differ = || Error::DifferentQueries { system: serving.scores.name.clone() };
        let [mean_average_precision, area_under_curve] =
            paired_difference(&candidate.queries, &serving.queries, bootstrap, |query| {
                [query.average_precision, query.area_under_curve]
            })
            .ok_or_else(differ)?;
        let numbers: std::collections::BTreeSet<usize> = serving.queries.iter().map(|query| query.genre).collect();
        // Of so many intervals, all hold together with 95 %.
        let confidence = 1.0 - (1.0 - CONFIDENCE) / numbers.len().max(1) as f64;
        let gain_of = |genre: usize| {
            let pairs = candidate.queries.iter().zip(&serving.queries).filter(|(query, _)| query.genre == genre);
            let pairs: Vec<_> = pairs.collect();
            let differences = pairs.iter().map(|(after, before)| Observation {
                genre: 0,
                artist: after.artist,
                scores: [after.average_precision - before.average_precision],
            });
            let cells = Cells::new(differences);
            let [gain] = bootstrap.intervals_at(&cells, confidence);
            let before = pairs.iter().map(|(_, before)| before.average_precision).sum::<f64>() / pairs.len() as f64;
            let artists = cells.genres().first().map_or(0, |(_, artists)| artists.len());
            GenreGain { genre: genres.get(genre).cloned().unwrap_or_default(), artists, before, gain }
        };
        Ok(Self {
            tracks,
            mean_average_precision,
            area_under_curve,
            genres: numbers.into_iter().map(gain_of).collect(),
            watched: watched(&candidate.scores, &serving.scores),
            preferences: PreferenceGain::of(preferences, bootstrap),
        })
    }
}

const HUBNESS: &str = "skewness of hubs";

fn watched(candidate: &SystemScores, serving: &SystemScores) -> Vec<Watched> {
    let mean = |scores: &SystemScores, value: fn(&super::scores::RobustnessRow) -> f64| {
        let rows = scores.robustness.iter();
        (!scores.robustness.is_empty()).then(|| rows.map(value).sum::<f64>() / scores.robustness.len() as f64)
    };
    let rows = [
        ("R@1 of degraded copies", mean(serving, |row| row.own_first), mean(candidate, |row| row.own_first), false),
        (
            "overlap of degraded copies",
            mean(serving, |row| row.top5_overlap),
            mean(candidate, |row| row.top5_overlap),
            false,
        ),
        ("R@1 of the other half", serving.other_half_recall, candidate.other_half_recall, false),
        (HUBNESS, Some(serving.hubness.skewness), Some(candidate.hubness.skewness), true),
    ];
    let row = |(name, before, after, is_cost): (&str, Option<f64>, Option<f64>, bool)| {
        Some(Watched { name: name.into(), before: before?, after: after?, is_cost })
    };
    rows.into_iter().filter_map(row).collect()
}

/// Whether a model is promoted, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What it is better at.
    pub gains: Vec<String>,
    /// What it must not be worse at, and is.
    pub losses: Vec<String>,
}

impl Decision {
    /// By what was compared.
    pub fn new(comparison: &Comparison, config: &PromotionConfig) -> Self {
        let (mut gains, mut losses) = (Vec::new(), Vec::new());
        let exceeds = |gain: &Interval| gain.low > config.margin;
        let told =
            |what: &str, gain: &Interval| format!("{what} {:+.3} ({:+.3} to {:+.3})", gain.value, gain.low, gain.high);
        if comparison.tracks < LEAST_TRACKS {
            losses.push(format!("{} tracks cannot judge", comparison.tracks));
        }
        if exceeds(&comparison.mean_average_precision) {
            gains.push(told("mAP", &comparison.mean_average_precision));
        }
        // One genre's gain is not to be paid by all others together.
        if is_beyond(-comparison.mean_average_precision.value, 0.0) {
            losses.push(told("mAP", &comparison.mean_average_precision));
        }
        for GenreGain { genre, artists, gain, .. } in &comparison.genres {
            let what = format!("mAP of {genre}");
            if exceeds(gain) && *artists >= LEAST_ARTISTS {
                gains.push(told(&what, gain));
            }
            if is_beyond(-gain.value, config.genre_bound) {
                losses.push(told(&what, gain));
            }
        }
        if is_beyond(-comparison.area_under_curve.value, config.area_bound) {
            losses.push(told("AUC", &comparison.area_under_curve));
        }
        for Watched { name, before, after, is_cost } in &comparison.watched {
            let loss = if *is_cost { after - before } else { before - after };
            let bound = if name == HUBNESS { config.hubness_bound } else { config.robustness_bound };
            if is_beyond(loss, bound) {
                losses.push(format!("{name} {before:.3} to {after:.3}"));
            }
        }
        if let Some(PreferenceGain { gain, anchors, .. }) = &comparison.preferences {
            if exceeds(gain) && *anchors >= LEAST_ANCHORS {
                gains.push(told("preferences that hold", gain));
            }
            // Not by one click: what is lost has to be beyond chance as well.
            if is_beyond(-gain.value, config.preference_bound) && is_beyond(-gain.high, 0.0) {
                losses.push(told("preferences that hold", gain));
            }
        }
        Self { gains, losses }
    }

    /// Whether it may serve.
    pub fn is_promotion(&self) -> bool {
        !self.gains.is_empty() && self.losses.is_empty()
    }

    /// In words.
    pub fn reason(&self) -> String {
        match (self.gains.is_empty(), self.losses.is_empty()) {
            (false, true) => format!("better: {}", self.gains.join(", ")),
            (true, true) => "no better beyond what chance explains".into(),
            (_, false) => format!("worse: {}", self.losses.join(", ")),
        }
    }
}

/// Tracks below which nobody watches over robustness and hubs.
const LEAST_TRACKS: usize = 10;

/// Anchors below which the interval of preferences says nothing.
const LEAST_ANCHORS: usize = 10;

/// Artists below which a genre's interval says nothing: of two, half of all resamples ask but one.
const LEAST_ARTISTS: usize = 5;

/// Whether a loss is larger than it may be; what is no number is worse than any loss.
fn is_beyond(loss: f64, bound: f64) -> bool {
    loss.is_nan() || loss > bound
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(value: f64, half: f64) -> Interval {
        Interval { value, low: value - half, high: value + half }
    }

    fn comparison() -> Comparison {
        let genre = |genre: &str, gain| GenreGain { genre: genre.into(), artists: 5, before: 0.3, gain };
        Comparison {
            tracks: 40,
            mean_average_precision: interval(0.02, 0.03),
            area_under_curve: interval(0.0, 0.01),
            genres: vec![genre("rock", interval(0.05, 0.02)), genre("jazz", interval(-0.01, 0.05))],
            watched: vec![
                Watched { name: "R@1".into(), before: 1.0, after: 0.98, is_cost: false },
                Watched { name: HUBNESS.into(), before: 1.0, after: 1.2, is_cost: true },
            ],
            preferences: None,
        }
    }

    fn decision(comparison: &Comparison) -> Decision {
        Decision::new(comparison, &PromotionConfig::default())
    }

    #[test]
    fn one_genre_may_carry_a_promotion_and_any_loss_prevents_it() {
        let promoted = decision(&comparison());
        assert!(promoted.is_promotion() && promoted.gains.len() == 1, "{promoted:?}");
        let mut worse = comparison();
        worse.genres[1].gain = interval(-0.06, 0.1);
        assert!(!decision(&worse).is_promotion());
        let mut worse = comparison();
        worse.watched[0].after = 0.9;
        assert_eq!(decision(&worse).losses.len(), 1);
        let mut worse = comparison();
        worse.watched[1].after = 1.6;
        assert!(decision(&worse).reason().starts_with("worse: skewness of hubs"), "{:?}", decision(&worse));
    }

    #[test]
    fn one_genres_gain_is_not_paid_by_all_others() {
        let mut paid = comparison();
        paid.mean_average_precision = interval(-0.001, 0.02);
        assert!(decision(&paid).reason().starts_with("worse: mAP -0.001"), "{:?}", decision(&paid));
    }

    #[test]
    fn where_nobody_judges_nothing_is_promoted() {
        let mut unjudged = comparison();
        unjudged.tracks = LEAST_TRACKS - 1;
        assert_eq!(decision(&unjudged).reason(), "worse: 9 tracks cannot judge");
    }

    #[test]
    fn a_genre_of_few_artists_carries_nothing() {
        let mut few = comparison();
        few.genres[0].artists = LEAST_ARTISTS - 1;
        assert!(!decision(&few).is_promotion());
    }

    #[test]
    fn no_gain_beyond_chance_is_no_promotion() {
        let mut same = comparison();
        same.genres.remove(0);
        assert!(!decision(&same).is_promotion());
        assert_eq!(decision(&same).reason(), "no better beyond what chance explains");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for broken in 0..3 {
            let mut comparison = comparison();
            match broken {
                0 => comparison.genres[1].gain = interval(f64::NAN, 0.0),
                1 => comparison.area_under_curve = interval(f64::NAN, 0.0),
                _ => comparison.watched[0].after = f64::NAN,
            }
            assert!(!decision(&comparison).is_promotion());
        }
    }

    #[test]
    fn preferences_count_by_anchor() {
        let heeded = |anchor, before, after| Heeded { anchor, before, after };
        let all = [heeded(1, false, true), heeded(1, true, true), heeded(2, false, false), heeded(3, false, true)];
        let gain = PreferenceGain::of(&all, &Bootstrap::default()).unwrap();
        assert_eq!((gain.count, gain.anchors, gain.before, gain.gain.value), (4, 3, 0.25, 0.5));
        assert!(gain.gain.low < 0.5 && gain.gain.high > 0.5);
        assert!(PreferenceGain::of(&[], &Bootstrap::default()).is_none());
    }
}
