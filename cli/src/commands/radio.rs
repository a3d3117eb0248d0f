//! `similar-tracks radio`.

use index::radio::RadioConfig;

use crate::Outcome;
use crate::args::RadioArguments;
use crate::library::answering::radio;
use crate::library::opened::Opened;
use crate::library::query_vector::{Resolver, blend};
use crate::listing::{self, Listed};
use crate::output;
use crate::settings::Settings;

/// Lists tracks to be heard one after the other.
pub fn run(settings: &Settings, arguments: &RadioArguments) -> anyhow::Result<Outcome> {
    let Opened { store, catalogue, searcher } = match Opened::open(settings)? {
        Ok(opened) => opened,
        Err(outcome) => return Ok(outcome),
    };
    let mut resolver = Resolver::new(&store, &catalogue, searcher.model_id());
    let tracks: Vec<_> =
        arguments.tracks.iter().map(|name| Ok((resolver.resolve(name)?, 1.0))).collect::<anyhow::Result<_>>()?;
    let beginning = blend(&tracks)?;
    let among = searcher.among(&catalogue, &arguments.filter.to_filter())?;
    let seed = arguments.seed.unwrap_or_else(rand::random);
    let config = RadioConfig { drift: arguments.drift, seed, ..RadioConfig::default() };
    let radio = radio(&catalogue, &searcher, &tracks, among, config)?;
    let (mut rows, mut seconds) = (Vec::new(), 0.0);
    for record in radio {
        let record = record?;
        seconds += record.file.duration_seconds.unwrap_or(0.0);
        let similarity =
            catalogue.vector(record.id, searcher.model_id())?.map(|vector| index::cosine(&beginning, &vector));
        rows.push(Listed { record, similarity, score: None, passages: None, copies: Vec::new() });
        if seconds >= 60.0 * f64::from(arguments.minutes) {
            break;
        }
    }
    if rows.is_empty() {
        return Ok(output::nothing("no other track may be played"));
    }
    listing::print(&rows, arguments.format)?;
    Ok(Outcome::Done)
}
