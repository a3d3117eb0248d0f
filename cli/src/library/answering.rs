//! What is asked with, and how it is answered: the same for whoever asks.

use index::radio::{Radio, RadioConfig};
use index::selection::select;
use index::{Among, Answer, Catalogue, Searcher, Selection};

use super::query_vector::{QueryTrack, blend};

/// The tracks most like those of positive weight, and away from those of negative weight; none of them is an answer.
///
/// # Errors
/// Where the tracks cancel each other out; what searching reports.
pub fn answers(
    catalogue: &Catalogue,
    searcher: &Searcher,
    tracks: &[(QueryTrack, f32)],
    among: Among,
    mut selection: Selection,
) -> anyhow::Result<Vec<Answer>> {
    let query = blend(tracks)?;
    selection.excluded.extend(tracks.iter().flat_map(|(track, _)| &track.itself));
    let model_id = searcher.model_id();
    let ranking = searcher.ranking(model_id, &query, among, selection.count + selection.excluded.len())?;
    Ok(select(catalogue, ranking, model_id, &query, &selection)?)
}

/// A radio that begins like these tracks and plays none of them.
///
/// # Errors
/// Where the tracks cancel each other out; what reading reports.
pub fn radio<'a>(
    catalogue: &'a Catalogue,
    searcher: &'a Searcher,
    tracks: &[(QueryTrack, f32)],
    among: Among,
    config: RadioConfig,
) -> anyhow::Result<Radio<'a>> {
    let begun = tracks.iter().flat_map(|(track, _)| track.itself.iter().copied()).collect();
    let last = tracks.iter().rev().find(|(_, weight)| *weight > 0.0);
    let last = last.and_then(|(track, _)| track.named.or(track.itself.iter().min().copied()));
    let last_artist = last.map(|last| catalogue.get(last)).transpose()?.flatten().and_then(|last| last.file.artist);
    Ok(Radio::new(catalogue, searcher, config, among, (blend(tracks)?, begun, last_artist)))
}
