//! `similar-tracks query`.

use std::collections::HashSet;
use std::num::NonZeroUsize;

use index::resemblance::{Resemblance, resemblances};
use index::{Answer, Catalogue, Selection};

use crate::Outcome;
use crate::args::{QueryArguments, QueryFormat};
use crate::failure::hinted;
use crate::library::answering::answers;
use crate::library::opened::Opened;
use crate::library::query_vector::{QueryTrack, Resolver, no_passages};
use crate::library::serving::{EmbeddingId, Model};
use crate::listing::{self, Listed};
use crate::output;
use crate::settings::Settings;

/// Lists the tracks nearest to the given ones.
pub fn run(settings: &Settings, arguments: &QueryArguments) -> anyhow::Result<Outcome> {
    let Opened { store, catalogue, searcher } = match Opened::open(settings)? {
        Ok(opened) => opened,
        Err(outcome) => return Ok(outcome),
    };
    if let Some(name) = &arguments.model {
        let store = EmbeddingId::parse(searcher.model_id());
        let asked = Model::named(name, store.coverage)?.id;
        if asked != store {
            return Err(hinted(
                index::Error::OtherModel { store: store.to_string(), asked: asked.to_string() },
                "leave --model out, or embed the library again with `similar-tracks ingest --model … --reembed`",
            ));
        }
    }
    let model_id = searcher.model_id();
    let tracks = weighted_tracks(arguments, &mut Resolver::new(&store, &catalogue, model_id))?;
    let number = |number: Option<NonZeroUsize>| number.map(NonZeroUsize::get);
    let selection = Selection {
        count: arguments.count as usize,
        excluded: HashSet::new(),
        min_similarity: arguments.min_similarity,
        per_artist: number(arguments.per_artist),
        per_album: number(arguments.per_album),
        lists_copies: arguments.copies,
    };
    let among = searcher.among(&catalogue, &arguments.filter.to_filter())?;
    let is_filtered = !among.is_all() || arguments.min_similarity.is_some();
    let answers = answers(&catalogue, &searcher, &tracks, among, selection)?;
    if answers.is_empty() {
        let reason =
            if is_filtered { "no other track is what was asked for" } else { "the library holds no other track" };
        return Ok(output::nothing(reason));
    }
    let explained = explained(arguments, &tracks, &catalogue, model_id, &answers)?;
    let listed = |(answer, passages): (Answer, _)| {
        let copies = answer.copies.iter().filter_map(|copy| catalogue.get(*copy).transpose());
        Ok(Listed { copies: copies.collect::<index::Result<_>>()?, passages, ..Listed::of(answer) })
    };
    let rows: Vec<Listed> = answers.into_iter().zip(explained).map(listed).collect::<index::Result<_>>()?;
    listing::print(&rows, if arguments.json { QueryFormat::Json } else { arguments.format })?;
    Ok(Outcome::Done)
}

/// The tracks to be like, and with weights below 0 those to be unlike.
fn weighted_tracks(arguments: &QueryArguments, resolver: &mut Resolver<'_>) -> anyhow::Result<Vec<(QueryTrack, f32)>> {
    let (tracks, weights) = (&arguments.tracks, &arguments.weights);
    if !weights.is_empty() && weights.len() != tracks.len() {
        let error = anyhow::anyhow!("{} were given", output::count(weights.len(), "weight"));
        return Err(hinted(error, format!("--weights takes as many as there are tracks: {}", tracks.len())));
    }
    if tracks.len() > 1 && (arguments.part.is_some() || arguments.explain) {
        return Err(hinted(anyhow::anyhow!("--part and --explain are of one track"), "ask with each of them alone"));
    }
    let like = tracks.iter().zip(weights.iter().copied().chain(std::iter::repeat(1.0)));
    let unlike = arguments.unlike.iter().map(|track| (track, -arguments.unlike_weight));
    let mut part = arguments.part;
    // The part is of the first one, which is the only one to be like.
    let mut resolve = |name| match part.take() {
        Some(part) => resolver.resolve_part(name, part),
        None => resolver.resolve(name),
    };
    like.chain(unlike).map(|(name, weight)| Ok((resolve(name)?, weight))).collect()
}

/// Pairs of passages that are told of an answer.
const PAIRS: usize = 3;

/// Of each answer, which passages of it and of the track resemble each other most; `None`: nobody asked.
fn explained(
    arguments: &QueryArguments,
    tracks: &[(QueryTrack, f32)],
    catalogue: &Catalogue,
    model_id: &str,
    answers: &[Answer],
) -> anyhow::Result<Vec<Option<Vec<Resemblance>>>> {
    let (true, [(track, _), ..], [name, ..]) = (arguments.explain, tracks, arguments.tracks.as_slice()) else {
        return Ok(vec![None; answers.len()]);
    };
    if track.passages.is_empty() {
        return Err(no_passages(name));
    }
    let of_answer = |answer: &Answer| {
        let passages = catalogue.passages(answer.neighbour.track, model_id)?;
        Ok(Some(resemblances(&track.passages, &passages, PAIRS)))
    };
    answers.iter().map(of_answer).collect()
}
