//! Who is alike and who differs.

/// What is known of a crop in a batch. Tracks and artists are numbered by the sampler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crop {
    /// The track it was cut from.
    pub track: usize,
    /// Its artist.
    pub artist: usize,
    /// Its genre; `None`: unlabelled.
    pub genre: Option<usize>,
}

/// The crops of a batch and how they stand to each other.
#[derive(Debug, Clone, Copy)]
pub struct Relations<'a>(pub &'a [Crop]);

impl Relations<'_> {
    /// Number of crops.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether two crops are of one track.
    pub fn same_track(&self, a: usize, b: usize) -> bool {
        self.0[a].track == self.0[b].track
    }

    /// Whether `other` is a positive of `anchor`: another crop of its track, always; or a track of
    /// its genre.
    pub fn positive(&self, anchor: usize, other: usize) -> bool {
        let same_genre = self.0[anchor].genre.is_some() && self.0[anchor].genre == self.0[other].genre;
        anchor != other && (self.same_track(anchor, other) || same_genre)
    }

    /// Whether `other` is a negative of `anchor`: a track of another genre. What has no genre may be
    /// of any, so it is nobody's negative, and has only other artists' tracks as its own.
    pub fn negative(&self, anchor: usize, other: usize) -> bool {
        if self.same_track(anchor, other) {
            return false;
        }
        match (self.0[anchor].genre, self.0[other].genre) {
            (Some(anchor), Some(other)) => anchor != other,
            (Some(_), None) => false,
            (None, _) => self.0[anchor].artist != self.0[other].artist,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_crops_of_a_track_are_always_positive_and_unlabelled_tracks_are_nobodys_negative() {
        let crop = |track, artist, genre| Crop { track, artist, genre };
        let crops = [
            crop(0, 0, Some(0)),
            crop(0, 0, Some(0)),
            crop(1, 1, Some(0)),
            crop(2, 2, Some(1)),
            crop(3, 3, None),
            crop(3, 3, None),
            crop(4, 3, None),
        ];
        let relations = Relations(&crops);
        let of = |anchor, holds: &dyn Fn(usize, usize) -> bool| {
            (0..crops.len()).filter(|&other| holds(anchor, other)).collect::<Vec<_>>()
        };
        assert_eq!(of(0, &|a, b| relations.positive(a, b)), [1, 2]);
        assert_eq!(of(0, &|a, b| relations.negative(a, b)), [3]);
        assert_eq!(of(4, &|a, b| relations.positive(a, b)), [5]);
        assert_eq!(of(4, &|a, b| relations.negative(a, b)), [0, 1, 2, 3], "not its own artist's");
    }
}
