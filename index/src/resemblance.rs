//! Which passages of two tracks resemble each other most.

use crate::track::Passage;
use crate::unit_vector::cosine;

/// A passage of one track and one of another.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Resemblance {
    /// Where the passage of the first track begins.
    pub first_seconds: f32,
    /// Where that of the second does.
    pub second_seconds: f32,
    /// Their cosine.
    pub similarity: f32,
}

/// The `count` pairs that are most alike, best first; no passage stands in two.
pub fn resemblances(first: &[Passage], second: &[Passage], count: usize) -> Vec<Resemblance> {
    let pair = |a: &Passage, b: &Passage| Resemblance {
        first_seconds: a.start_seconds,
        second_seconds: b.start_seconds,
        similarity: cosine(&a.vector, &b.vector),
    };
    let mut pairs: Vec<Resemblance> = first.iter().flat_map(|a| second.iter().map(move |b| pair(a, b))).collect();
    pairs.sort_by(|a, b| b.similarity.total_cmp(&a.similarity));
    let mut best: Vec<Resemblance> = Vec::new();
    for pair in pairs {
        let is_new = |other: &Resemblance| {
            other.first_seconds != pair.first_seconds && other.second_seconds != pair.second_seconds
        };
        if best.len() < count && best.iter().all(is_new) {
            best.push(pair);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_alike_come_first_and_none_twice() {
        let passage = |start_seconds: f32, degrees: f32| Passage {
            start_seconds,
            vector: vec![degrees.to_radians().cos(), degrees.to_radians().sin()],
        };
        let first = [passage(0.0, 0.0), passage(5.0, 50.0)];
        let second = [passage(1.0, 10.0), passage(2.0, 95.0), passage(3.0, 20.0)];
        let found = resemblances(&first, &second, 5);
        let places: Vec<_> = found.iter().map(|pair| (pair.first_seconds, pair.second_seconds)).collect();
        // 10°, then, of what is left, 30°.
        assert_eq!(places, [(0.0, 1.0), (5.0, 3.0)]);
        assert!((found[1].similarity - 30.0_f32.to_radians().cos()).abs() < 1e-6);
        assert_eq!(resemblances(&first, &second, 1).len(), 1);
        assert!(resemblances(&first, &[], 3).is_empty());
    }
}
