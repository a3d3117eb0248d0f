//! Whether a baseline is beaten, in words.

use super::html::{Element, element};
use super::numbers::{self, listed};
use crate::evaluate::scores::{Evaluation, Interval, SystemScores};

/// How the judged model stands to another system on one figure with intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Its whole interval lies above the other's.
    Beaten,
    /// Its figure is higher, but the intervals overlap.
    Ahead,
    /// Its figure is not higher, and the intervals overlap.
    NotAhead,
    /// Its whole interval lies below the other's.
    Behind,
    /// Something needed is no number.
    Unknown,
}

impl Verdict {
    /// Compares the judged model's interval with the other system's.
    pub fn of(judged: &Interval, other: &Interval) -> Self {
        let figures = [judged.value, judged.low, judged.high, other.value, other.low, other.high];
        if !figures.iter().all(|figure| figure.is_finite()) {
            Self::Unknown
        } else if judged.low > other.high {
            Self::Beaten
        } else if judged.high < other.low {
            Self::Behind
        } else if judged.value > other.value {
            Self::Ahead
        } else {
            Self::NotAhead
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Beaten => "beaten",
            Self::Ahead => "ahead, intervals overlap",
            Self::NotAhead => "not beaten, intervals overlap",
            Self::Behind => "behind",
            Self::Unknown => "no comparison",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Beaten => "good",
            Self::Ahead | Self::NotAhead | Self::Unknown => "open",
            Self::Behind => "bad",
        }
    }
}

/// The verdict on every other system by AUC with the artist filter on: a sentence and a list. `None`
/// without systems.
pub(super) fn verdict(evaluation: &Evaluation) -> Option<Element> {
    let (judged, others) = evaluation.systems.split_first()?;
    let verdicts: Vec<(&SystemScores, Verdict)> = others
        .iter()
        .map(|other| (other, Verdict::of(&judged.filtered.area_under_curve, &other.filtered.area_under_curve)))
        .collect();
    let list = element("ul").class("verdicts").extend(verdicts.iter().map(|(other, verdict)| {
        element("li")
            .push(element("span").class(format!("pill {}", verdict.class())).text(verdict.words()))
            .push(element("b").text(&other.name))
            .push(element("span").class("soft").text(lead(other)))
    }));
    let sentence = element("p").class("verdict").text(sentence(&judged.name, &verdicts));
    Some(element("div").push(sentence).extend((!others.is_empty()).then_some(list)))
}

fn sentence(judged: &str, verdicts: &[(&SystemScores, Verdict)]) -> String {
    let named = |wanted: Verdict| -> Vec<&str> {
        verdicts.iter().filter(|(_, verdict)| *verdict == wanted).map(|(other, _)| other.name.as_str()).collect()
    };
    let mut sentences = Vec::new();
    let mut say = |wanted, before: &str, after: &str| {
        let names = named(wanted);
        if !names.is_empty() {
            sentences.push(format!("{before} {}{after}", listed(&names)));
        }
    };
    say(Verdict::Beaten, &format!("On AUC, {judged} beats"), " with intervals that do not overlap.");
    say(Verdict::Ahead, "It is ahead of", ", but the intervals overlap.");
    say(Verdict::NotAhead, "It is not ahead of", "; the intervals overlap.");
    say(Verdict::Behind, "It is behind", " with intervals that do not overlap.");
    say(Verdict::Unknown, "Nothing can be said about", ".");
    if verdicts.is_empty() {
        return format!("{judged} was evaluated alone: no baseline stands beside it.");
    }
    if named(Verdict::Beaten).is_empty() {
        sentences.insert(0, format!("On AUC, {judged} beats no other system with intervals that do not overlap."));
    }
    sentences.join(" ")
}

/// The paired lead, which is narrower than the intervals of the two.
fn lead(other: &SystemScores) -> String {
    let Some(lead) = other.area_under_curve_lead.filter(|lead| lead.value.is_finite()) else { return String::new() };
    let value = numbers::difference(lead.value);
    let Some(ends) = numbers::from_to(&lead, numbers::difference) else { return format!("lead {value}") };
    let meaning = if lead.low > 0.0 {
        "above zero"
    } else if lead.high < 0.0 {
        "below zero"
    } else {
        "zero is within"
    };
    format!("paired lead {value}, 95 % {ends}: {meaning}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    fn interval(low: f64, value: f64, high: f64) -> Interval {
        Interval { value, low, high }
    }

    #[test]
    fn intervals_decide() {
        let judged = interval(0.80, 0.85, 0.90);
        for (other, expected) in [
            (interval(0.60, 0.70, 0.79), Verdict::Beaten),
            (interval(0.70, 0.80, 0.80), Verdict::Ahead),
            (interval(0.75, 0.85, 0.92), Verdict::NotAhead),
            (interval(0.91, 0.93, 0.95), Verdict::Behind),
            (interval(f64::NAN, 0.70, 0.79), Verdict::Unknown),
        ] {
            assert_eq!(Verdict::of(&judged, &other), expected);
        }
    }

    #[test]
    fn the_sentence_names_who_is_beaten_and_who_is_not() {
        let evaluation = example::evaluation();
        let systems = &evaluation.systems;
        let verdicts = [
            (&systems[1], Verdict::Beaten),
            (&systems[2], Verdict::Beaten),
            (&systems[3], Verdict::Ahead),
            (&systems[4], Verdict::Behind),
        ];
        assert_eq!(
            sentence("the model", &verdicts),
            "On AUC, the model beats MFCC mean + deviation and random weights with intervals that do not overlap. \
             It is ahead of model 19fe02aa (before), but the intervals overlap. \
             It is behind clap.npz with intervals that do not overlap."
        );
        assert_eq!(
            sentence("the model", &verdicts[3..]),
            "On AUC, the model beats no other system with intervals that do not overlap. \
             It is behind clap.npz with intervals that do not overlap."
        );
    }

    #[test]
    fn a_lead_says_where_zero_is() {
        let mut evaluation = example::evaluation();
        let other = &mut evaluation.systems[1];
        other.area_under_curve_lead = Some(interval(-0.01, 0.02, 0.05));
        assert_eq!(lead(other), "paired lead +0.020, 95 % −0.010 to +0.050: zero is within");
        other.area_under_curve_lead = Some(interval(f64::NAN, 0.02, 0.05));
        assert_eq!(lead(other), "lead +0.020");
        other.area_under_curve_lead = None;
        assert_eq!(lead(other), "");
    }
}
