//! What listeners said about pairs of tracks, as triplets to learn from.

use std::collections::HashMap;

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom};

/// To a listener, one track is more like the anchor than another is. Tracks are places in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Preference {
    /// Who is compared with.
    pub anchor: usize,
    /// The one that is more like it; `None`: only the anchor itself is known to be.
    pub nearer: Option<usize>,
    /// The one that is less like it; `None`: whatever else there is.
    pub farther: Option<usize>,
}

/// Preferences by anchor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preferences {
    by_anchor: Vec<Vec<Preference>>,
}

impl Preferences {
    /// Groups them; what is said twice counts once.
    pub fn new(preferences: impl IntoIterator<Item = Preference>) -> Self {
        let mut by_anchor: HashMap<usize, Vec<Preference>> = HashMap::new();
        for preference in preferences {
            by_anchor.entry(preference.anchor).or_default().push(preference);
        }
        let mut by_anchor: Vec<Vec<Preference>> = by_anchor.into_values().collect();
        by_anchor.iter_mut().for_each(|of_anchor| {
            of_anchor.sort_unstable();
            of_anchor.dedup();
        });
        by_anchor.sort_unstable();
        Self { by_anchor }
    }

    /// The same with other numbers for the tracks; those of a track that has none are left out.
    pub fn renumbered(&self, number: impl Fn(usize) -> Option<usize>) -> Self {
        let of = |track: Option<usize>| match track {
            None => Some(None),
            Some(track) => number(track).map(Some),
        };
        let renumbered = |said: &Preference| {
            Some(Preference { anchor: number(said.anchor)?, nearer: of(said.nearer)?, farther: of(said.farther)? })
        };
        Self::new(self.iter().filter_map(renumbered))
    }

    /// Number of preferences.
    pub fn len(&self) -> usize {
        self.by_anchor.iter().map(Vec::len).sum()
    }

    /// Number of tracks that something was said of.
    pub fn anchors(&self) -> usize {
        self.by_anchor.len()
    }

    /// Whether nobody said anything.
    pub fn is_empty(&self) -> bool {
        self.by_anchor.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Preference> {
        self.by_anchor.iter().flatten()
    }

    /// One each of at most `count` anchors: ten thousand clicks on one track count as one.
    pub fn draw(&self, count: usize, random: &mut StdRng) -> Vec<Preference> {
        let anchors = self.by_anchor.iter().sample(random, count.min(self.by_anchor.len()));
        anchors.into_iter().filter_map(|of_anchor| of_anchor.choose(random).copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn many_clicks_on_one_track_are_drawn_as_one() {
        let clicks = (0..1000).map(|farther| Preference { anchor: 7, nearer: None, farther: Some(8 + farther) });
        let other = Preference { anchor: 3, nearer: Some(4), farther: None };
        let preferences = Preferences::new(clicks.chain([other, other]));
        assert_eq!(preferences.len(), 1001);
        let mut random = StdRng::seed_from_u64(1);
        for _ in 0..20 {
            let mut anchors: Vec<usize> = preferences.draw(5, &mut random).iter().map(|drawn| drawn.anchor).collect();
            anchors.sort_unstable();
            assert_eq!(anchors, [3, 7]);
        }
        assert!(Preferences::default().draw(5, &mut random).is_empty());
    }
}
