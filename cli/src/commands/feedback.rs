//! `similar-tracks feedback`.

use index::Store;
use index::catalogue::Opinion;

use crate::Outcome;
use crate::args::{FeedbackArguments, FeedbackKind};
use crate::failure::hinted;
use crate::library::query_vector::Resolver;
use crate::output;
use crate::settings::Settings;

/// Notes what a listener said of answers; the next retraining learns from it.
pub fn run(settings: &Settings, arguments: &FeedbackArguments) -> anyhow::Result<Outcome> {
    let store = Store::open(&settings.store)?;
    let mut catalogue = store.catalogue_to_note()?;
    let resolver = Resolver::new(&store, &catalogue, "");
    let query = resolver.record(&arguments.query)?.id;
    let results = arguments.results.iter().map(|result| Ok(resolver.record(result)?.id));
    let results = results.collect::<anyhow::Result<Vec<_>>>()?;
    if results.contains(&query) {
        return Err(hinted(anyhow::anyhow!("track {query} is no answer to itself"), "name the track that was listed"));
    }
    let count = output::count(results.len(), "opinion");
    let changed = catalogue.commit(|writer| {
        results.iter().try_fold(0, |changed, &result| match arguments.what {
            FeedbackKind::Forget => Ok(changed + usize::from(writer.remove_opinion(query, result)?)),
            kind => {
                writer.put_opinion(Opinion { query, result, is_liked: kind == FeedbackKind::Like })?;
                Ok(changed + 1)
            }
        })
    })?;
    if changed == 0 {
        return Ok(output::nothing("nothing was said of these"));
    }
    output::print(&match arguments.what {
        FeedbackKind::Forget => format!("{} forgotten\n", output::count(changed, "opinion")),
        _ => format!("{count} noted: the next `retrain` learns from it\n"),
    })?;
    Ok(Outcome::Done)
}
