//! Which of the nearest tracks make up an answer.

use std::collections::{HashMap, HashSet};

use crate::catalogue::Catalogue;
use crate::error::Result;
use crate::ranking::Ranking;
use crate::search::Neighbour;
use crate::track::{TrackId, TrackRecord};
use crate::unit_vector::cosine;

/// What an answer is to be.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selection {
    /// Tracks at most.
    pub count: usize,
    /// Tracks that are not to be in it.
    pub excluded: HashSet<TrackId>,
    /// The least cosine.
    pub min_similarity: Option<f32>,
    /// Tracks of one artist at most; those of none are not counted.
    pub per_artist: Option<usize>,
    /// Tracks of one album at most; those of none are not counted.
    pub per_album: Option<usize>,
    /// Whether copies of one recording are answers of their own; else the nearest stands for them.
    pub lists_copies: bool,
}

/// A track of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The track and its score.
    pub neighbour: Neighbour,
    /// Its cosine with the query, from −1 to 1.
    pub similarity: f32,
    /// What the catalogue knows of it.
    pub record: TrackRecord,
    /// Other tracks of the library that hold the same recording, where it stands for them.
    pub copies: Vec<TrackId>,
}

/// Counts names, and says when there are enough of one.
struct Limit {
    most: Option<usize>,
    seen: HashMap<String, usize>,
}

impl Limit {
    fn new(most: Option<usize>) -> Self {
        Self { most, seen: HashMap::new() }
    }

    fn has_room_for(&self, name: Option<&str>) -> bool {
        let seen = name.and_then(|name| self.seen.get(&name.to_lowercase())).copied().unwrap_or(0);
        self.most.is_none_or(|most| seen < most)
    }

    fn count(&mut self, name: Option<&str>) {
        if let (Some(_), Some(name)) = (self.most, name) {
            *self.seen.entry(name.to_lowercase()).or_default() += 1;
        }
    }
}

/// Goes through a ranking of a query's neighbours until the answer has its tracks, or there are no more.
///
/// # Errors
/// What searching and reading report.
pub fn select(
    catalogue: &Catalogue,
    ranking: Ranking<'_>,
    model_id: &str,
    query: &[f32],
    selection: &Selection,
) -> Result<Vec<Answer>> {
    let most_paid = catalogue.hub_weight()?;
    let (mut artists, mut albums) = (Limit::new(selection.per_artist), Limit::new(selection.per_album));
    let mut answers = Vec::new();
    let mut represented = HashSet::new();
    for neighbour in ranking {
        let neighbour = neighbour?;
        // No track pays more than that: from here on all cosines are smaller.
        let is_too_far = selection.min_similarity.is_some_and(|least| neighbour.score + most_paid < least);
        if is_too_far {
            break;
        }
        if selection.excluded.contains(&neighbour.track) || represented.contains(&neighbour.track) {
            continue;
        }
        // A track may have been removed since the index was opened.
        let Some(record) = catalogue.get(neighbour.track)? else { continue };
        let Some(vector) = catalogue.vector(neighbour.track, model_id)? else { continue };
        let similarity = cosine(query, &vector);
        let (artist, album) = (record.file.artist.as_deref(), record.file.album.as_deref());
        let is_near_enough = selection.min_similarity.is_none_or(|least| similarity >= least);
        if is_near_enough && artists.has_room_for(artist) && albums.has_room_for(album) {
            artists.count(artist);
            albums.count(album);
            let copies = if selection.lists_copies { Vec::new() } else { catalogue.copies_of(record.id)? };
            represented.extend(copies.iter().copied());
            answers.push(Answer { neighbour, similarity, record, copies });
            // Here and not above, where the ranking would look for one more.
            if answers.len() == selection.count {
                break;
            }
        }
    }
    Ok(answers)
}
