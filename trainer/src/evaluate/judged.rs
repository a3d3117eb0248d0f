//! What is known of the tracks that a system is judged by.

use std::collections::BTreeSet;

/// What is known of an evaluated track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged<'a> {
    /// Genre. A track without one is neither right nor wrong: it never asks for its genre, and it is
    /// taken out of every ranking that is judged by genre.
    pub genre: Option<&'a str>,
    /// Artist, or what stands for it where it is unknown: who is kept together.
    pub artist: &'a str,
}

/// Genres and artists as numbers, each in the order of their names, so that nothing depends on the
/// order of tracks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    genre_names: Vec<String>,
    artist_count: usize,
    of_track: Vec<Label>,
}

/// A track's genre and artist by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// Index in [`Labels::genre_names`].
    pub genre: Option<usize>,
    /// Number of the artist.
    pub artist: usize,
}

impl Labels {
    /// Numbers what stands at the tracks.
    pub fn new(tracks: &[Judged<'_>]) -> Self {
        let genres: Vec<&str> = sorted(tracks.iter().filter_map(|track| track.genre));
        let artists: Vec<&str> = sorted(tracks.iter().map(|track| track.artist));
        let label = |track: &Judged<'_>| Label {
            genre: track.genre.and_then(|genre| genres.binary_search(&genre).ok()),
            artist: artists.partition_point(|artist| *artist < track.artist),
        };
        Self {
            of_track: tracks.iter().map(label).collect(),
            artist_count: artists.len(),
            genre_names: genres.into_iter().map(str::to_owned).collect(),
        }
    }

    /// The labels of some tracks, by the same names and numbers as before; `None` where there is no such track.
    pub fn at(&self, tracks: &[usize]) -> Option<Self> {
        let of_track = tracks.iter().map(|&track| self.of_track.get(track).copied()).collect::<Option<_>>()?;
        Some(Self { of_track, ..self.clone() })
    }

    /// Genres by name.
    pub fn genre_names(&self) -> &[String] {
        &self.genre_names
    }

    /// Number of artists that are numbered.
    pub fn artist_count(&self) -> usize {
        self.artist_count
    }

    /// One label a track, in the order of tracks.
    pub fn of_tracks(&self) -> &[Label] {
        &self.of_track
    }
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_names() {
        let labels = Labels::new(&[
            Judged { genre: Some("rock"), artist: "b" },
            Judged { genre: None, artist: "c" },
            Judged { genre: Some("jazz"), artist: "a" },
        ]);
        assert_eq!(labels.genre_names(), ["jazz", "rock"]);
        assert_eq!(labels.artist_count(), 3);
        let expected = [(Some(1), 1), (None, 2), (Some(0), 0)];
        assert_eq!(labels.of_tracks(), expected.map(|(genre, artist)| Label { genre, artist }));
        let some = labels.at(&[2, 0]).unwrap();
        assert_eq!(some.of_tracks(), [labels.of_tracks()[2], labels.of_tracks()[0]]);
        assert_eq!((some.genre_names(), labels.at(&[3])), (labels.genre_names(), None));
    }
}
