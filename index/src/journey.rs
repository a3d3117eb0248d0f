//! A way from one track to another by small steps.

use std::collections::{BTreeSet, HashSet};

use crate::catalogue::Catalogue;
use crate::error::Result;
use crate::search::Searcher;
use crate::track::TrackId;
use crate::unit_vector::{cosine, unit};
use crate::vectors::Among;

/// Tracks that may be stops, about: looking at all pairs of them takes a fraction of a second.
const CANDIDATES: usize = 1000;

/// Of a place on the arc between the ends, so many of the nearest at least and at most.
const PER_PLACE: std::ops::RangeInclusive<usize> = 2..=60;

/// A track that may be a stop.
struct Candidate {
    track: TrackId,
    vector: Vec<f32>,
    /// How much nearer to the end than to the beginning; it grows on the way.
    progress: f32,
}

/// From one track to another, `stops` in all, both ends included: of the ways over tracks near the arc between the ends on
/// which every stop is nearer to the end, and less to the beginning, than the one before, the one whose squared steps
/// add up to least, no recording twice. Shorter where the library has too few tracks.
///
/// # Errors
/// What searching and reading report.
pub fn journey(
    catalogue: &Catalogue,
    searcher: &Searcher,
    ends: [(TrackId, &[f32]); 2],
    stops: usize,
) -> Result<Vec<TrackId>> {
    let [(first, from), (last, to)] = ends;
    if first == last || stops < 3 {
        return Ok(if first == last { vec![first] } else { vec![first, last] });
    }
    let candidates = candidates(catalogue, searcher, ends, stops - 2)?;
    let between = (stops - 2).min(candidates.len());
    let mut way = vec![first];
    way.extend(cheapest(&candidates, from, to, between).into_iter().map(|place| candidates[place].track));
    way.push(last);
    Ok(way)
}

/// Places of `between` candidates, in their order, over which the squared steps add up to least.
fn cheapest(candidates: &[Candidate], from: &[f32], to: &[f32], between: usize) -> Vec<usize> {
    let Some(rounds) = between.checked_sub(1) else { return Vec::new() };
    let steps: Vec<Vec<f32>> = candidates
        .iter()
        .enumerate()
        .map(|(place, there)| candidates[..place].iter().map(|here| step(&here.vector, &there.vector)).collect())
        .collect();
    // What the cheapest way costs that has reached each candidate, and over which candidate it came.
    let mut costs: Vec<f32> = candidates.iter().map(|candidate| step(from, &candidate.vector)).collect();
    let mut origins: Vec<Vec<usize>> = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let reach = |steps: &Vec<f32>| {
            let ways = steps.iter().zip(&costs).map(|(step, cost)| step + cost).enumerate();
            ways.min_by(|a, b| a.1.total_cmp(&b.1)).map_or((0, f32::INFINITY), |(place, cost)| (place, cost))
        };
        let (came_over, cost): (Vec<usize>, Vec<f32>) = steps.iter().map(reach).unzip();
        origins.push(came_over);
        costs = cost;
    }
    let arrivals = candidates.iter().zip(&costs).map(|(candidate, cost)| cost + step(&candidate.vector, to));
    let arrival = arrivals.enumerate().min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(place, _)| place);
    let mut places = vec![arrival];
    for came_over in origins.iter().rev() {
        places.push(came_over[places[places.len() - 1]]);
    }
    places.reverse();
    places
}

/// What a step costs: small ones little, a large one more than several small ones.
fn step(a: &[f32], b: &[f32]) -> f32 {
    cosine(a, b).acos().powi(2)
}

/// The tracks that lie nearest to the arc between the ends, in the order of their progress.
fn candidates(
    catalogue: &Catalogue,
    searcher: &Searcher,
    ends: [(TrackId, &[f32]); 2],
    stops: usize,
) -> Result<Vec<Candidate>> {
    let [(first, from), (last, to)] = ends;
    let per_place = (CANDIDATES / stops).clamp(*PER_PLACE.start(), *PER_PLACE.end());
    let mut near = BTreeSet::new();
    for stop in 1..=stops {
        let place = on_arc(ends, stop as f32 / (stops + 1) as f32);
        // Those of other places are passed over: every place has some of its own.
        let mut own = 0;
        for found in searcher.ranking(searcher.model_id(), &place, Among::default(), per_place + 2)? {
            let track = found?.track;
            own += usize::from(track != first && track != last && near.insert(track));
            if own == per_place {
                break;
            }
        }
    }
    let mut candidates = Vec::with_capacity(near.len());
    let mut represented: HashSet<TrackId> = HashSet::new();
    for end in [first, last] {
        represented.extend(catalogue.copies_of(end)?);
    }
    for track in near {
        if represented.contains(&track) {
            continue;
        }
        // A track may have been removed since the index was opened.
        let Some(vector) = catalogue.vector(track, searcher.model_id())? else { continue };
        let progress = cosine(&vector, to) - cosine(&vector, from);
        represented.extend(catalogue.copies_of(track)?);
        candidates.push(Candidate { track, vector, progress });
    }
    candidates.sort_by(|a, b| a.progress.total_cmp(&b.progress).then(a.track.cmp(&b.track)));
    Ok(candidates)
}

/// The point of the great arc between the ends at this share of the way (Shoemake 1985); of opposite ends, of which there
/// is no one arc, a mean.
fn on_arc(ends: [(TrackId, &[f32]); 2], share: f32) -> Vec<f32> {
    let [(_, from), (_, to)] = ends;
    let angle = cosine(from, to).acos();
    let [first, second] = match angle.sin() {
        sine if sine > 1e-3 => [((1.0 - share) * angle).sin() / sine, (share * angle).sin() / sine],
        _ => [1.0 - share, share],
    };
    // In the middle between opposite ends there is nothing: either end is as near as the other.
    unit(from.iter().zip(to).map(|(from, to)| first * from + second * to).collect()).unwrap_or_else(|| from.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_is_the_cheapest_of_all() {
        let candidates: Vec<Candidate> = (1..=9)
            .map(|number| {
                let angle = (number * number) as f32 * 0.02;
                let vector =
                    unit(vec![angle.cos(), angle.sin() * 0.8, angle.sin() * 0.6 * (number % 2) as f32]).unwrap();
                Candidate { track: TrackId(number), vector, progress: angle }
            })
            .collect();
        let (from, to) = ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]);
        let cost = |places: &[usize]| {
            let vectors: Vec<&[f32]> = std::iter::once(from.as_slice())
                .chain(places.iter().map(|place| candidates[*place].vector.as_slice()))
                .chain([to.as_slice()])
                .collect();
            vectors.windows(2).map(|pair| step(pair[0], pair[1])).sum::<f32>()
        };
        for between in 0..=9 {
            let found = cheapest(&candidates, &from, &to, between);
            assert_eq!(found.len(), between);
            assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "{found:?}");
            // All subsets of so many, in order.
            let subsets = (0..1_u32 << 9).filter(|set| set.count_ones() as usize == between);
            let least = subsets
                .map(|set| cost(&(0..9).filter(|place| set >> place & 1 == 1).collect::<Vec<_>>()))
                .fold(f32::INFINITY, f32::min);
            assert!((cost(&found) - least).abs() < 1e-5, "{between}: {found:?}");
        }
    }

    #[test]
    fn the_arc_is_walked_evenly() {
        let (from, to) = ([1.0, 0.0], [0.0, 1.0]);
        let ends = [(TrackId(1), from.as_slice()), (TrackId(2), to.as_slice())];
        for share in [0.0, 0.25, 1.0 / 3.0, 1.0] {
            let angle = share * std::f32::consts::FRAC_PI_2;
            let point = on_arc(ends, share);
            assert!((point[0] - angle.cos()).abs() < 1e-6 && (point[1] - angle.sin()).abs() < 1e-6);
        }
        let opposite = [(TrackId(1), [1.0, 0.0].as_slice()), (TrackId(2), [-1.0, 0.0].as_slice())];
        assert!((on_arc(opposite, 0.25)[0] - 1.0).abs() < 1e-6);
    }
}
