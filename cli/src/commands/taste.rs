//! `similar-tracks taste`.

use std::collections::{HashMap, HashSet};

use index::catalogue::Play;
use index::selection::select;
use index::{Catalogue, Selection, TrackId};
use jiff::Timestamp;

use crate::Outcome;
use crate::args::TasteArguments;
use crate::library::naming::tracks_of;
use crate::library::opened::Opened;
use crate::library::plays::read_log;
use crate::listing::{self, Listed};
use crate::output;
use crate::settings::Settings;

/// What a skipped play counts, beside 1 of one that was heard to its end.
const SKIPPED: f64 = -0.5;

const DAY_SECONDS: f64 = 24.0 * 3600.0;

/// Lists tracks that a listener may like, by what was heard: the mean of its vectors, later plays counting more.
pub fn run(settings: &Settings, arguments: &TasteArguments) -> anyhow::Result<Outcome> {
    let Opened { catalogue, searcher, .. } = match Opened::open(settings)? {
        Ok(opened) => opened,
        Err(outcome) => return Ok(outcome),
    };
    let plays = plays(&catalogue, arguments)?;
    let model_id = searcher.model_id();
    let now = Timestamp::now().as_second();
    let mut weights: HashMap<TrackId, f64> = HashMap::new();
    for play in &plays {
        *weights.entry(play.track).or_default() += weight(play, now, arguments.half_life);
    }
    let mut sum: Vec<f32> = Vec::new();
    let mut order: Vec<(&TrackId, &f64)> = weights.iter().collect();
    // Sums are rounded in one order, whatever the table's.
    order.sort_by_key(|(track, _)| **track);
    for (track, weight) in order {
        let Some(vector) = catalogue.vector(*track, model_id)? else { continue };
        sum.resize(vector.len(), 0.0);
        sum.iter_mut().zip(&vector).for_each(|(sum, value)| *sum += *weight as f32 * value);
    }
    let Some(taste) = index::unit(sum) else {
        return Ok(output::nothing("no play of a track of the library is known, or they cancel each other out"));
    };
    let mut excluded = HashSet::new();
    if !arguments.heard {
        for track in weights.keys() {
            excluded.insert(*track);
            excluded.extend(catalogue.copies_of(*track)?);
        }
    }
    let selection = Selection { count: arguments.count as usize, excluded, ..Selection::default() };
    let among = searcher.among(&catalogue, &arguments.filter.to_filter())?;
    let ranking = searcher.ranking(model_id, &taste, among, selection.count + selection.excluded.len())?;
    let answers = select(&catalogue, ranking, model_id, &taste, &selection)?;
    if answers.is_empty() {
        return Ok(output::nothing("there is no track that was not heard"));
    }
    let rows: Vec<Listed> = answers.into_iter().map(Listed::of).collect();
    listing::print(&rows, arguments.format)?;
    Ok(Outcome::Done)
}

fn plays(catalogue: &Catalogue, arguments: &TasteArguments) -> anyhow::Result<Vec<Play>> {
    if arguments.logs.is_empty() {
        return Ok(catalogue.plays()?);
    }
    let mut logged = Vec::new();
    for log in &arguments.logs {
        logged.extend(read_log(log)?);
    }
    let tracks = tracks_of(catalogue, logged.iter().map(|play| play.track.as_path()))?;
    let play = |logged: &crate::library::plays::LoggedPlay| match tracks.get(logged.track.as_path())?.as_slice() {
        &[track] => Some(Play { track, at: logged.at, skipped: logged.skipped }),
        _ => None,
    };
    Ok(logged.iter().filter_map(play).collect())
}

/// A play of the future, by a clock that was wrong, counts as one of now.
fn weight(play: &Play, now: i64, half_life_days: f64) -> f64 {
    let days = (now - play.at).max(0) as f64 / DAY_SECONDS;
    0.5_f64.powf(days / half_life_days) * if play.skipped { SKIPPED } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_plays_count_more_and_skipped_ones_against() {
        let play = |at, skipped| Play { track: TrackId(1), at, skipped };
        let day = DAY_SECONDS as i64;
        assert_eq!(weight(&play(10 * day, false), 10 * day, 30.0), 1.0);
        assert!((weight(&play(10 * day, false), 40 * day, 30.0) - 0.5).abs() < 1e-12);
        assert_eq!(weight(&play(10 * day, true), 9 * day, 30.0), SKIPPED);
    }
}
