//! Sets of tracks, a bit each.

use std::borrow::Cow;

use crate::track::TrackId;

/// A set of tracks. It takes an eighth of a byte for every number up to its largest: at most 1.25 MB where ten million
/// tracks were ever taken in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrackSet {
    bits: Vec<u8>,
}

impl TrackSet {
    /// All tracks with numbers below `end`.
    pub fn below(end: u64) -> Self {
        let mut bits = vec![u8::MAX; end.div_ceil(8) as usize];
        if let (Some(last), 1..) = (bits.last_mut(), end % 8) {
            *last = (1 << (end % 8)) - 1;
        }
        Self { bits }
    }

    /// Whether the track is in it.
    pub fn contains(&self, track: TrackId) -> bool {
        self.bits.get(place(track)).is_some_and(|byte| byte & bit(track) != 0)
    }

    /// Adds a track.
    pub fn insert(&mut self, track: TrackId) {
        let place = place(track);
        if place >= self.bits.len() {
            self.bits.resize(place + 1, 0);
        }
        self.bits[place] |= bit(track);
    }

    /// Takes a track out.
    pub fn remove(&mut self, track: TrackId) {
        if let Some(byte) = self.bits.get_mut(place(track)) {
            *byte &= !bit(track);
        }
    }

    /// Its tracks, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = TrackId> {
        let of_byte = |(place, byte): (usize, &u8)| {
            let byte = *byte;
            (0..8).filter(move |bit| byte >> bit & 1 == 1).map(move |bit| TrackId(8 * place as u64 + bit))
        };
        self.bits.iter().enumerate().flat_map(of_byte)
    }

    /// Number of tracks.
    pub fn len(&self) -> usize {
        self.bits.iter().map(|byte| byte.count_ones() as usize).sum()
    }

    /// Whether there is no track in it.
    pub fn is_empty(&self) -> bool {
        self.bits.iter().all(|byte| *byte == 0)
    }

    /// The tracks that are in both.
    pub fn and(mut self, other: &Self) -> Self {
        self.bits.truncate(other.bits.len());
        self.bits.iter_mut().zip(&other.bits).for_each(|(own, other)| *own &= other);
        self
    }

    /// The tracks that are not in the other.
    pub fn without(mut self, other: &Self) -> Self {
        self.bits.iter_mut().zip(&other.bits).for_each(|(own, other)| *own &= !other);
        self
    }

    /// Track `n` is bit `n` modulo 8 of byte `n` / 8, as FAISS reads it.
    pub(crate) fn bits(&self) -> &[u8] {
        &self.bits
    }
}

impl FromIterator<TrackId> for TrackSet {
    fn from_iter<I: IntoIterator<Item = TrackId>>(tracks: I) -> Self {
        let mut set = Self::default();
        tracks.into_iter().for_each(|track| set.insert(track));
        set
    }
}

/// The tracks that are in both; `None` are all.
pub(crate) fn both<'a>(one: Option<&'a TrackSet>, other: Option<&'a TrackSet>) -> Option<Cow<'a, TrackSet>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(Cow::Owned(one.clone().and(other))),
        (one, other) => one.or(other).map(Cow::Borrowed),
    }
}

fn place(track: TrackId) -> usize {
    (track.0 / 8) as usize
}

fn bit(track: TrackId) -> u8 {
    1 << (track.0 % 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(set: &TrackSet) -> Vec<u64> {
        let members: Vec<u64> = (0..100).filter(|number| set.contains(TrackId(*number))).collect();
        assert_eq!(members, set.iter().map(|track| track.0).collect::<Vec<_>>());
        members
    }

    #[test]
    fn tracks_come_and_go() {
        let mut set: TrackSet = [3, 8, 64].map(TrackId).into_iter().collect();
        assert_eq!((members(&set), set.len(), set.is_empty()), (vec![3, 8, 64], 3, false));
        set.remove(TrackId(8));
        set.remove(TrackId(1000));
        assert_eq!(members(&set), [3, 64]);
        assert_eq!(members(&set.clone().and(&TrackSet::below(64))), [3]);
        assert_eq!(members(&TrackSet::below(6).without(&set)), [0, 1, 2, 4, 5]);
    }

    #[test]
    fn all_below_an_end_are_there_and_no_others() {
        for end in [0, 1, 7, 8, 9, 17] {
            let set = TrackSet::below(end);
            assert_eq!(members(&set), (0..end).collect::<Vec<_>>());
            assert_eq!(set.len() as u64, end);
        }
    }
}
