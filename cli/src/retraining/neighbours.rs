//! Which tracks got other neighbours by a change of models.

use index::{Catalogue, TrackId};
use trainer::evaluate::turnover::{Change, Turnover, kept_neighbours, nearest};

/// Neighbours that are looked at.
const NEIGHBOURS: usize = 10;

/// Neighbours that are named, and tracks.
const NAMED: usize = 3;
const MOST: usize = 20;

/// Tracks that are compared with each other at most: of more, such as lie evenly among them.
const MOST_TRACKS: usize = 5000;

/// Compares two models by the vectors that the catalogue has of both.
///
/// # Errors
/// As all that reads the catalogue.
pub fn turnover(catalogue: &Catalogue, before: &str, after: &str) -> anyhow::Result<Turnover> {
    let shared: std::collections::HashSet<TrackId> = catalogue.embedded_tracks(before)?.into_iter().collect();
    let mut tracks: Vec<TrackId> = catalogue.embedded_tracks(after)?;
    tracks.retain(|track| shared.contains(track));
    let count = tracks.len().min(MOST_TRACKS);
    let tracks: Vec<TrackId> = (0..count).map(|number| tracks[number * tracks.len() / count]).collect();
    let vectors = |model: &str| -> anyhow::Result<Vec<Vec<f32>>> {
        let of = |track: &TrackId| Ok(catalogue.vector(*track, model)?.unwrap_or_default());
        tracks.iter().map(of).collect()
    };
    let (before, after) = (vectors(before)?, vectors(after)?);
    let kept = kept_neighbours(&before, &after, NEIGHBOURS)?;
    let mut order: Vec<usize> = (0..kept.len()).collect();
    order.sort_by(|a, b| kept[*a].total_cmp(&kept[*b]));
    let name = |place: usize| -> anyhow::Result<String> {
        let record = catalogue.get(tracks[place])?;
        Ok(record.map_or_else(String::new, |record| {
            let file = record.file.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let title = record.file.title.unwrap_or(file);
            record.file.artist.map_or_else(|| title.clone(), |artist| format!("{artist} – {title}"))
        }))
    };
    let names = |vectors: &[Vec<f32>], place: usize| {
        nearest(vectors, place, NAMED).into_iter().map(name).collect::<anyhow::Result<Vec<_>>>()
    };
    let change = |place: usize| {
        let (before, after) = (names(&before, place)?, names(&after, place)?);
        Ok(Change { track: tracks[place].0, name: name(place)?, kept: kept[place], before, after })
    };
    let most = order.iter().copied().filter(|&place| kept[place] < 1.0).take(MOST).map(change);
    Ok(Turnover {
        tracks: tracks.len(),
        kept: kept.iter().sum::<f64>() / kept.len().max(1) as f64,
        most: most.collect::<anyhow::Result<_>>()?,
    })
}
