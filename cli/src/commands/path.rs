//! `similar-tracks path`.

use std::path::Path;

use index::journey::journey;
use index::{TrackId, TrackRecord};

use crate::Outcome;
use crate::args::PathArguments;
use crate::failure::hinted;
use crate::library::opened::Opened;
use crate::library::query_vector::Resolver;
use crate::listing::{self, Listed};
use crate::settings::Settings;

/// Lists tracks that lead from one to another.
pub fn run(settings: &Settings, arguments: &PathArguments) -> anyhow::Result<Outcome> {
    let Opened { store, catalogue, searcher } = match Opened::open(settings)? {
        Ok(opened) => opened,
        Err(outcome) => return Ok(outcome),
    };
    let mut resolver = Resolver::new(&store, &catalogue, searcher.model_id());
    let mut end = |name: &Path| -> anyhow::Result<(TrackId, Vec<f32>)> {
        let track = resolver.resolve(name)?;
        // Of the copies of a file that is not in the library, any will do.
        match track.named.or(track.itself.iter().min().copied()) {
            Some(itself) => Ok((itself, track.vector)),
            None => Err(hinted(
                anyhow::anyhow!("{} is not in the library", name.display()),
                "`similar-tracks ingest` takes it in",
            )),
        }
    };
    let ((first, from), (last, to)) = (end(&arguments.from)?, end(&arguments.to)?);
    let stops = arguments.count as usize;
    let way = journey(&catalogue, &searcher, [(first, &from), (last, &to)], stops)?;
    let mut rows: Vec<Listed> = Vec::with_capacity(way.len());
    let mut before: Option<Vec<f32>> = None;
    for stop in way {
        let Some(record): Option<TrackRecord> = catalogue.get(stop)? else { continue };
        let vector = catalogue.vector(stop, searcher.model_id())?;
        let similarity = before.as_ref().zip(vector.as_ref()).map(|(before, vector)| index::cosine(before, vector));
        before = vector;
        rows.push(Listed { record, similarity, score: None, passages: None, copies: Vec::new() });
    }
    listing::print(&rows, arguments.format)?;
    Ok(Outcome::Done)
}
