//! How far a figure could be off, had other artists been asked.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use super::cells::{Cell, Cells, mean_over_genres, total};
use super::scores::Interval;

/// Percentile bootstrap (Efron & Tibshirani 1993, chapter 13) over artists: tracks of one artist are
/// alike, so resampling tracks would make intervals too narrow.
///
/// Within each genre as many artists as it has are drawn with replacement, each with all queries
/// they have in this genre, so no genre ever vanishes; an artist of several genres is drawn in each
/// on its own. Scores are not computed again: an interval tells how the figure varies with who
/// asks, not with what there is to be found. A genre of a single artist never varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bootstrap {
    /// Number of resamples.
    pub resamples: usize,
    /// Seed of the draws.
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { resamples: 2000, seed: 0 }
    }
}

/// Share of all resamples that an interval holds.
pub const CONFIDENCE: f64 = 0.95;

impl Bootstrap {
    /// The macro-average of each score with its interval. All scores share the draws.
    pub fn intervals<const M: usize>(&self, cells: &Cells<M>) -> [Interval; M] {
        self.intervals_at(cells, CONFIDENCE)
    }

    /// The same with intervals that hold this share of all resamples.
    pub fn intervals_at<const M: usize>(&self, cells: &Cells<M>, confidence: f64) -> [Interval; M] {
        let bounds = [0.5 - 0.5 * confidence, 0.5 + 0.5 * confidence];
        let mut random = StdRng::seed_from_u64(self.seed);
        let mut draw = |cells: &[Cell<M>]| total((0..cells.len()).map(|_| &cells[random.random_range(0..cells.len())]));
        let mut averages: [Vec<f64>; M] = std::array::from_fn(|_| Vec::with_capacity(self.resamples));
        for _ in 0..self.resamples {
            let resample = mean_over_genres(cells.genres().iter().map(|(_, cells)| draw(cells)));
            for (averages, average) in averages.iter_mut().zip(resample) {
                averages.push(average);
            }
        }
        let values = cells.macro_average();
        std::array::from_fn(|score| {
            averages[score].sort_by(f64::total_cmp);
            let [low, high] = bounds.map(|share| quantile(&averages[score], share).unwrap_or(values[score]));
            Interval { value: values[score], low, high }
        })
    }
}

/// Between the two nearest of ascending values; `None` without values.
fn quantile(ascending: &[f64], share: f64) -> Option<f64> {
    let place = share * ascending.len().checked_sub(1)? as f64;
    let (below, above) = (ascending[place.floor() as usize], ascending[place.ceil() as usize]);
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::cells::Observation;
    use super::*;

    fn cells(scores: &[(usize, usize, f64)]) -> Cells<1> {
        Cells::new(scores.iter().map(|&(genre, artist, score)| Observation { genre, artist, scores: [score] }))
    }

    fn interval(scores: &[(usize, usize, f64)]) -> Interval {
        Bootstrap::default().intervals(&cells(scores))[0]
    }

    #[test]
    fn quantiles_by_hand() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.5), Some(2.0));
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), Some(3.0));
        assert_eq!(quantile(&[5.0], 0.025), Some(5.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn two_artists_give_both_extremes() {
        // A quarter of the resamples draws the first twice, a quarter the second twice.
        assert_eq!(interval(&[(0, 0, 0.2), (0, 1, 0.8)]), Interval { value: 0.5, low: 0.2, high: 0.8 });
        // More tracks of the same artists make nothing surer.
        let many: Vec<_> = (0..100).map(|i| (0, i % 2, if i % 2 == 0 { 0.0 } else { 1.0 })).collect();
        assert_eq!(interval(&many), Interval { value: 0.5, low: 0.0, high: 1.0 });
    }

    #[test]
    fn a_genre_of_one_artist_does_not_vary_and_none_is_zero() {
        assert_eq!(interval(&[(0, 0, 0.25), (0, 0, 0.75)]), Interval { value: 0.5, low: 0.5, high: 0.5 });
        assert_eq!(interval(&[]), Interval { value: 0.0, low: 0.0, high: 0.0 });
    }

    #[test]
    fn the_width_is_that_of_the_normal_law() {
        // 200 artists, half 0 and half 1: the mean has a standard error of 0.5 / √200.
        let scores: Vec<_> = (0..200).map(|artist| (0, artist, (artist % 2) as f64)).collect();
        let Interval { value, low, high } = interval(&scores);
        let expected = 2.0 * 1.96 * 0.5 / 200.0_f64.sqrt();
        assert_eq!(value, 0.5);
        assert!(((high - low) / expected - 1.0).abs() < 0.1, "{low} to {high}");
    }

    #[test]
    fn a_seed_repeats_the_interval() {
        let scores: Vec<_> = (0..40).map(|i| (i % 3, i % 11, (i as f64).sin())).collect();
        let with = |seed| Bootstrap { resamples: 200, seed }.intervals(&cells(&scores))[0];
        assert_eq!(with(1), with(1));
        assert_ne!((with(1).low, with(1).high), (with(2).low, with(2).high));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn more_artists_make_it_narrower(scores in prop::collection::vec((0_usize..3, 0.0..1.0_f64), 30..60)) {
            // Every artist four times, as four people.
            let few: Vec<_> = scores.iter().enumerate().map(|(artist, &(genre, score))| (genre, artist, score)).collect();
            let many: Vec<_> = (0..4).flat_map(|copy| few.iter().map(move |&(g, a, s)| (g, 100 * copy + a, s))).collect();
            let (few, many) = (interval(&few), interval(&many));
            prop_assert!((few.value - many.value).abs() < 1e-9);
            prop_assert!(few.low <= few.value && few.value <= few.high);
            let ratio = (many.high - many.low) / (few.high - few.low);
            prop_assert!((0.3..0.85).contains(&ratio), "about half as wide, but {}", ratio);
        }
    }
}
