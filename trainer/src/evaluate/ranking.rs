//! Candidates in the order of their similarity to a query. Equal similarities stay together as a
//! tie: no figure may depend on which track happens to stand first in a file.

/// A ranked candidate: the similarity's order in the upper half, the track in the lower, so that
/// ranking is sorting integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(u64);

impl Place {
    fn new(similarity: f32, track: usize) -> Self {
        // −0 becomes 0. Floats in the order of their bits: negative ones run backwards.
        let bits = (similarity + 0.0).to_bits();
        let rising = if bits >> 31 == 1 { !bits } else { bits | 1 << 31 };
        Self(u64::from(!rising) << 32 | track as u64)
    }

    /// The candidate.
    pub fn track(self) -> usize {
        self.0 as u32 as usize
    }

    /// Smaller is more alike; equal for equal similarities.
    pub fn order(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// Candidates, most alike first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranking(Vec<Place>);

impl Ranking {
    /// Ranks the tracks that are candidates; similarities are finite.
    pub fn new(similarities: &[f32], is_candidate: impl Fn(usize) -> bool) -> Self {
        let candidates = similarities.iter().enumerate().filter(|(track, _)| is_candidate(*track));
        let mut places: Vec<Place> = candidates.map(|(track, similarity)| Place::new(*similarity, track)).collect();
        places.sort_unstable();
        Self(places)
    }

    /// Number of candidates.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing to find.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Groups of equally similar candidates, most alike first.
    pub fn ties(&self) -> impl Iterator<Item = &[Place]> {
        self.0.chunk_by(|a, b| a.order() == b.order())
    }

    /// The k most alike, or all where there are fewer.
    pub fn nearest(&self, k: usize) -> Nearest<'_> {
        let k = k.min(self.len());
        let Some(last) = k.checked_sub(1).map(|last| self.0[last].order()) else {
            return Nearest { certain: &[], tied: &[], tied_places: 0 };
        };
        let start = self.0.partition_point(|place| place.order() < last);
        let end = self.0.partition_point(|place| place.order() <= last);
        match end == k {
            true => Nearest { certain: &self.0[..k], tied: &[], tied_places: 0 },
            false => Nearest { certain: &self.0[..start], tied: &self.0[start..end], tied_places: k - start },
        }
    }
}

/// The k most alike of a ranking. Where a tie goes beyond the k-th place, its members share the
/// places that are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nearest<'a> {
    /// Most alike first; each has a place of its own.
    pub certain: &'a [Place],
    /// Equally similar, and more than the places that are left.
    pub tied: &'a [Place],
    /// Places that the tied share.
    pub tied_places: usize,
}

impl Nearest<'_> {
    /// Number of places.
    pub fn places(&self) -> usize {
        self.certain.len() + self.tied_places
    }

    /// Tracks with the share of a place that each has; the shares add up to the number of places.
    pub fn shares(&self) -> impl Iterator<Item = (usize, f64)> {
        let share = self.tied_places as f64 / self.tied.len().max(1) as f64;
        let certain = self.certain.iter().map(|place| (place.track(), 1.0));
        certain.chain(self.tied.iter().map(move |place| (place.track(), share)))
    }

    /// The share of a place that a track has; of the nearest one it is the chance to come first.
    pub fn share_of(&self, track: usize) -> f64 {
        self.shares().find(|(found, _)| *found == track).map_or(0.0, |(_, share)| share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracks(places: &[Place]) -> Vec<usize> {
        places.iter().map(|place| place.track()).collect()
    }

    #[test]
    fn the_most_alike_come_first_and_equals_stay_together() {
        let ranking = Ranking::new(&[-1.0, 0.5, -0.0, 0.0, 2.0, -3.0, 9.0], |track| track != 6);
        let ties: Vec<_> = ranking.ties().map(tracks).collect();
        assert_eq!(ties, [vec![4], vec![1], vec![2, 3], vec![0], vec![5]]);
    }

    #[test]
    fn a_tie_beyond_the_last_place_shares_it() {
        let ranking = Ranking::new(&[0.9, 0.5, 0.5, 0.5, 0.1], |_| true);
        let nearest = ranking.nearest(3);
        assert_eq!((tracks(nearest.certain), tracks(nearest.tied)), (vec![0], vec![1, 2, 3]));
        assert_eq!((nearest.places(), nearest.tied_places), (3, 2));
        let shares: Vec<_> = nearest.shares().collect();
        assert_eq!(shares, [(0, 1.0), (1, 2.0 / 3.0), (2, 2.0 / 3.0), (3, 2.0 / 3.0)]);
        assert_eq!(nearest.share_of(4), 0.0);
        // The tie ends with the fourth place.
        assert_eq!(tracks(ranking.nearest(4).certain), [0, 1, 2, 3]);
        assert_eq!((ranking.nearest(9).places(), ranking.nearest(0).places()), (5, 0));
    }
}
