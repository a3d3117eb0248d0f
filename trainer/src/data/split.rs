//! Training and validation parts that share no artist.

use std::collections::{BTreeMap, BTreeSet};

use super::Entry;

/// Which entries, by index, belong to which part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Entries to learn from.
    pub training: Vec<usize>,
    /// Entries to judge by.
    pub validation: Vec<usize>,
}

/// Holds out a share of each genre's artists, by seed. An artist stands on one side only; a genre
/// of one artist, and every artist without a genre, is trained on.
pub fn by_artist(entries: &[Entry], validation_share: f64, seed: u64) -> Split {
    let mut artists_of: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for entry in entries {
        if let Some(genre) = &entry.genre {
            artists_of.entry(genre).or_default().insert(&entry.artist);
        }
    }
    // In the order of a seeded hash, so that adding an artist moves no other.
    let rank = |artist: &str| *blake3::hash(format!("{seed} {artist}").as_bytes()).as_bytes();
    let mut held_out = BTreeSet::new();
    // Small genres first: a large one finds others where an artist has several genres.
    let mut genres: Vec<_> = artists_of.values().filter(|artists| artists.len() > 1).collect();
    genres.sort_by_key(|artists| artists.len());
    for artists in genres {
        let wanted = ((artists.len() as f64 * validation_share).round() as usize).clamp(1, artists.len() - 1);
        let mut ranked: Vec<&str> = artists.iter().copied().collect();
        ranked.sort_by_key(|artist| rank(artist));
        let already = artists.iter().filter(|artist| held_out.contains(*artist)).count();
        let fresh: Vec<&str> = ranked.into_iter().filter(|artist| !held_out.contains(artist)).collect();
        held_out.extend(fresh.into_iter().take(wanted.saturating_sub(already)));
    }
    let (validation, training) =
        (0..entries.len()).partition(|&index| held_out.contains(entries[index].artist.as_str()));
    Split { training, validation }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(count: usize) -> Vec<Entry> {
        let entry = |number: usize| Entry {
            path: format!("{number}.wav").into(),
            genre: Some(["rock", "jazz", "folk"][number % 3].to_owned()),
            artist: format!("artist {}", number / 4),
            album: None,
            title: None,
        };
        (0..count).map(entry).collect()
    }

    #[test]
    fn no_artist_stands_on_both_sides_and_every_genre_on_each() {
        let entries = entries(120);
        for seed in 0..20 {
            let split = by_artist(&entries, 0.2, seed);
            let artists = |part: &[usize]| part.iter().map(|&i| entries[i].artist.clone()).collect::<BTreeSet<_>>();
            let genres = |part: &[usize]| part.iter().map(|&i| entries[i].genre.clone()).collect::<BTreeSet<_>>();
            assert!(artists(&split.training).is_disjoint(&artists(&split.validation)));
            assert_eq!(split.training.len() + split.validation.len(), 120);
            assert_eq!((genres(&split.training).len(), genres(&split.validation).len()), (3, 3));
            assert_eq!(split, by_artist(&entries, 0.2, seed));
        }
    }

    #[test]
    fn the_only_artist_of_a_genre_is_trained_on() {
        let mut entries = entries(12);
        entries.push(Entry {
            path: "solo.wav".into(),
            genre: Some("solo".into()),
            artist: "one".into(),
            album: None,
            title: None,
        });
        assert!(by_artist(&entries, 0.5, 1).training.contains(&12));
    }
}
