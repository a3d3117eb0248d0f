//! Which tracks may be copies of one recording, as far as vectors tell.

use crate::catalogue::Catalogue;
use crate::error::Result;
use crate::search::Searcher;
use crate::track::{Passage, TrackId};
use crate::unit_vector::cosine;
use crate::vectors::Among;

/// When two tracks are so alike that it is worth comparing what is heard.
#[derive(Debug, Clone, PartialEq)]
pub struct CopyConfig {
    /// The least cosine of their vectors.
    pub min_similarity: f32,
    /// The least cosine of passages at the same place, on average.
    pub min_passage_similarity: f32,
    /// How much longer one may be than the other, in seconds.
    pub most_longer_seconds: f64,
    /// Of how many of the nearest tracks.
    pub among: usize,
}

impl Default for CopyConfig {
    /// What benches/results/copies.md says of copies and of others.
    fn default() -> Self {
        Self { min_similarity: 0.9, min_passage_similarity: 0.85, most_longer_seconds: 3.0, among: 20 }
    }
}

/// Tracks that may hold the recording of this one, nearest first. Those of the same bytes are not among them: of these,
/// there is nothing to find out.
///
/// # Errors
/// What searching and reading report.
pub fn possible_copies(
    catalogue: &Catalogue,
    searcher: &Searcher,
    track: TrackId,
    config: &CopyConfig,
) -> Result<Vec<TrackId>> {
    let model_id = searcher.model_id();
    let (Some(record), Some(vector)) = (catalogue.get(track)?, catalogue.vector(track, model_id)?) else {
        return Ok(Vec::new());
    };
    let Some(seconds) = record.file.duration_seconds else { return Ok(Vec::new()) };
    let passages = catalogue.passages(track, model_id)?;
    let mut possible = Vec::new();
    for found in searcher.ranking(model_id, &vector, Among::default(), config.among)?.take(config.among) {
        let other = found?.track;
        let Some(other_vector) = catalogue.vector(other, model_id)? else { continue };
        if other == track || cosine(&vector, &other_vector) < config.min_similarity {
            continue;
        }
        let Some(other_record) = catalogue.get(other)? else { continue };
        let longer = other_record.file.duration_seconds.map(|other| (other - seconds).abs());
        let is_as_long = longer.is_some_and(|longer| longer <= config.most_longer_seconds);
        let has_same_bytes = record.file.hash.is_some() && record.file.hash == other_record.file.hash;
        let is_alike = || -> Result<bool> {
            let similarity = passage_similarity(&passages, &catalogue.passages(other, model_id)?);
            Ok(similarity.is_some_and(|similarity| similarity >= config.min_passage_similarity))
        };
        if is_as_long && !has_same_bytes && is_alike()? {
            possible.push(other);
        }
    }
    Ok(possible)
}

/// Mean cosine of the passages of two tracks, each with the nearest in time; `None`: one has none.
pub fn passage_similarity(first: &[Passage], second: &[Passage]) -> Option<f32> {
    let distance = |a: &Passage, b: &Passage| (a.start_seconds - b.start_seconds).abs();
    let similarity = |passage: &Passage| {
        let nearest = second.iter().min_by(|a, b| distance(passage, a).total_cmp(&distance(passage, b)))?;
        Some(cosine(&passage.vector, &nearest.vector))
    };
    let similarities: Vec<f32> = first.iter().map(similarity).collect::<Option<_>>()?;
    (!similarities.is_empty()).then(|| similarities.iter().sum::<f32>() / similarities.len() as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passages_are_compared_with_those_of_the_same_time() {
        let passage = |start_seconds: f32, degrees: f32| Passage {
            start_seconds,
            vector: vec![degrees.to_radians().cos(), degrees.to_radians().sin()],
        };
        let first = [passage(0.0, 0.0), passage(10.0, 90.0)];
        let second = [passage(1.0, 60.0), passage(9.0, 90.0), passage(30.0, 0.0)];
        // cos 60° and cos 0°.
        assert!((passage_similarity(&first, &second).unwrap() - 0.75).abs() < 1e-6);
        assert_eq!(passage_similarity(&first, &[]), None);
        assert_eq!(passage_similarity(&[], &second), None);
    }
}
