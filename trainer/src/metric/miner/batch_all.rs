//! Every triplet of a batch (Hermans et al. 2017, eq. 6): steady, but soon most of them teach nothing.

use super::{Relations, Triplet};

/// All anchors × positives × negatives.
pub fn mine(relations: Relations<'_>) -> Vec<Triplet> {
    let all = || 0..relations.count();
    let mut triplets = Vec::new();
    for anchor in all() {
        for positive in all().filter(|&other| relations.positive(anchor, other)) {
            let negatives = all().filter(|&other| relations.negative(anchor, other));
            triplets.extend(negatives.map(|negative| Triplet { anchor, positive, negative }));
        }
    }
    triplets
}

#[cfg(test)]
mod tests {
    use super::super::example::{CROPS, triplet};
    use super::*;

    #[test]
    fn all_triplets_are_there_once() {
        let triplets = mine(Relations(&CROPS));
        // Three anchors with two positives and two negatives, two with one and three.
        assert_eq!(triplets.len(), 3 * 2 * 2 + 2 * 3);
        assert_eq!(triplets[..4], [triplet(0, 1, 3), triplet(0, 1, 4), triplet(0, 2, 3), triplet(0, 2, 4)]);
    }
}
