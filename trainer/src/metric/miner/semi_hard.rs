//! Semi-hard negatives (Schroff et al. 2015, FaceNet, eq. 4): farther than the positive, but within
//! the margin. The hardest ones are often wrong labels and can make everything collapse.

use super::{Distances, Relations, Triplet};

/// For each anchor and positive the nearest negative that is farther than the positive by less than
/// `margin`; a pair that has none takes no part.
pub fn mine(distances: &Distances, relations: Relations<'_>, margin: f32) -> Vec<Triplet> {
    let all = || 0..relations.count();
    let mut triplets = Vec::new();
    for anchor in all() {
        for positive in all().filter(|&other| relations.positive(anchor, other)) {
            let near = distances.between(anchor, positive);
            let semi_hard = |&other: &usize| {
                let far = distances.between(anchor, other);
                relations.negative(anchor, other) && far > near && far < near + margin
            };
            let nearest = all()
                .filter(semi_hard)
                .min_by(|&a, &b| distances.between(anchor, a).total_cmp(&distances.between(anchor, b)));
            triplets.extend(nearest.map(|negative| Triplet { anchor, positive, negative }));
        }
    }
    triplets
}

#[cfg(test)]
mod tests {
    use super::super::example::{CROPS, line, triplet};
    use super::*;

    #[test]
    fn negatives_lie_between_the_positive_and_the_margin() {
        // From 0: positives at 0.1 and 0.5 (squared 0.01, 0.25), negatives at 0.4 and 0.6 (0.16, 0.36).
        let distances = line([0.0, 0.1, 0.5, 0.4, 0.6]);
        let of_first: Vec<_> =
            mine(&distances, Relations(&CROPS), 0.2).into_iter().filter(|triplet| triplet.anchor == 0).collect();
        assert_eq!(of_first, [triplet(0, 1, 3), triplet(0, 2, 4)]);
        // With a smaller margin, the first pair's nearest negative is too far already.
        let narrow: Vec<_> =
            mine(&distances, Relations(&CROPS), 0.12).into_iter().filter(|triplet| triplet.anchor == 0).collect();
        assert_eq!(narrow, [triplet(0, 2, 4)]);
    }
}
