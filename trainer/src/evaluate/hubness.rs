//! Who is returned how often.

use rayon::prelude::*;

use super::ranking::Ranking;
use super::scores::Hubness;
use super::similarity::Similarities;

/// Length of the neighbour lists.
const LIST: usize = 10;

/// Counts in how many of all tracks' neighbour lists each track stands: labelled or not, the own
/// artist's among them, as a listener would be answered. Tracks that tie for the last place share it.
/// The lists are of ten, or of all others where they are fewer.
pub fn hubness(similarities: &Similarities) -> Hubness {
    hubness_in_lists_of(LIST, similarities)
}

fn hubness_in_lists_of(k: usize, similarities: &Similarities) -> Hubness {
    let tracks = similarities.tracks();
    let k = k.min(tracks.saturating_sub(1));
    let lists = (0..tracks).into_par_iter().map(|query| {
        let ranking = Ranking::new(similarities.row(query), |other| other != query);
        ranking.nearest(k).shares().collect::<Vec<_>>()
    });
    let mut occurrences = vec![0.0_f64; tracks];
    for (track, share) in lists.collect::<Vec<_>>().into_iter().flatten() {
        occurrences[track] += share;
    }
    let never = occurrences.iter().filter(|count| **count == 0.0).count();
    Hubness {
        k,
        skewness: skewness(&occurrences),
        never_returned: never as f64 / tracks.max(1) as f64,
        largest: occurrences.iter().fold(0.0_f64, |a, b| a.max(*b)).round() as usize,
    }
}

/// Third moment about the mean, over the third power of the standard deviation, both of the whole
/// population; 0 where all values are equal.
fn skewness(values: &[f64]) -> f64 {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let moment = |power: i32| values.iter().map(|value| (value - mean).powi(power)).sum::<f64>() / count;
    let variance = moment(2);
    // Shares of ties may differ in their last bits.
    if variance < 1e-18 { 0.0 } else { moment(3) / variance.powf(1.5) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_by_hand() {
        // All find track 0 first, which finds track 1: occurrences 3, 1, 0, 0.
        let distances = vec![
            0.0, 1.0, 2.0, 3.0, //
            1.0, 0.0, 9.0, 9.0, //
            2.0, 9.0, 0.0, 9.0, //
            3.0, 9.0, 9.0, 0.0,
        ];
        let hubness = hubness_in_lists_of(1, &Similarities::from_distances(4, distances).unwrap());
        assert_eq!((hubness.k, hubness.never_returned, hubness.largest), (1, 0.5, 3));
        // About the mean of 1: squares 4 0 1 1, cubes 8 0 −1 −1.
        assert!((hubness.skewness - 1.5 / 1.5_f64.powf(1.5)).abs() < 1e-12);
    }

    #[test]
    fn whom_all_find_alike_is_no_hub() {
        let hubness = hubness(&Similarities::from_distances(20, vec![1.0; 400]).unwrap());
        assert_eq!((hubness.k, hubness.skewness, hubness.never_returned, hubness.largest), (10, 0.0, 0.0, 10));
    }

    #[test]
    fn few_tracks_have_short_lists() {
        let of = |tracks| hubness(&Similarities::from_distances(tracks, vec![1.0; tracks * tracks]).unwrap());
        assert_eq!(of(3), Hubness { k: 2, skewness: 0.0, never_returned: 0.0, largest: 2 });
        assert_eq!(of(0), Hubness { k: 0, skewness: 0.0, never_returned: 0.0, largest: 0 });
    }
}
