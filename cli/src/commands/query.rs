//! `similar-tracks query`.

use std::collections::HashSet;
use std::num::NonZeroUsize;

use index::catalogue::Filter;
use index::resemblance::{Resemblance, resemblances};
use index::selection::select;
use index::{Answer, Catalogue, Selection, Store};

use crate::Outcome;
use crate::args::{FilterArguments, QueryArguments, QueryFormat};
use crate::failure::hinted;
use crate::library::query_vector::{QueryTrack, Resolver, blend, no_passages};
use crate::library::serving::{EmbeddingId, Model};
use crate::output;
use crate::playlist::{artist_of, jspf, m3u8, title_of, xspf};
use crate::settings::Settings;

/// Lists the tracks nearest to the given ones.
pub fn run(settings: &Settings, arguments: &QueryArguments) -> anyhow::Result<Outcome> {
    let store = Store::open(&settings.store)?;
    let catalogue = store.catalogue()?;
    let Some(searcher) = store.searcher(&catalogue)? else {
        return nothing(&format!("the store {} holds no tracks", settings.store.display()));
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
    let query = blend(&tracks)?;
    let number = |number: Option<NonZeroUsize>| number.map(NonZeroUsize::get);
    let selection = Selection {
        count: arguments.count as usize,
        excluded: tracks.iter().flat_map(|(track, _)| track.itself.iter().copied()).collect::<HashSet<_>>(),
        min_similarity: arguments.min_similarity,
        per_artist: number(arguments.per_artist),
        per_album: number(arguments.per_album),
    };
    let among = catalogue.matching(&filter(&arguments.filter))?;
    let is_filtered = among.is_some() || arguments.min_similarity.is_some();
    let expected = selection.count + selection.excluded.len();
    let ranking = searcher.ranking(model_id, &query, among, expected)?;
    let answers = select(&catalogue, ranking, model_id, &query, &selection)?;
    if answers.is_empty() {
        return nothing(if is_filtered {
            "no other track is what was asked for"
        } else {
            "the library holds no other track"
        });
    }
    let explained = explained(arguments, &tracks, &catalogue, model_id, &answers)?;
    let records = || answers.iter().map(|answer| &answer.record);
    match if arguments.json { QueryFormat::Json } else { arguments.format } {
        QueryFormat::Table => output::print(&table(&answers, explained.as_deref()))?,
        QueryFormat::Json => output::print_json(&to_json(&answers, explained.as_deref()))?,
        QueryFormat::Paths => output::print_paths(records().map(|record| record.file.path.as_path()))?,
        QueryFormat::M3u8 => output::print_bytes(&m3u8(records()))?,
        QueryFormat::Xspf => output::print(&xspf(records())?)?,
        QueryFormat::Jspf => output::print_json(&jspf(records()))?,
    }
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

/// Which passages of the track and of each answer resemble each other most; `None`: nobody asked.
fn explained(
    arguments: &QueryArguments,
    tracks: &[(QueryTrack, f32)],
    catalogue: &Catalogue,
    model_id: &str,
    answers: &[Answer],
) -> anyhow::Result<Option<Vec<Vec<Resemblance>>>> {
    let (true, [(track, _), ..], [name, ..]) = (arguments.explain, tracks, arguments.tracks.as_slice()) else {
        return Ok(None);
    };
    if track.passages.is_empty() {
        return Err(no_passages(name));
    }
    let of_answer = |answer: &Answer| {
        let passages = catalogue.passages(answer.neighbour.track, model_id)?;
        Ok(resemblances(&track.passages, &passages, PAIRS))
    };
    answers.iter().map(of_answer).collect::<anyhow::Result<_>>().map(Some)
}

fn filter(arguments: &FilterArguments) -> Filter {
    Filter {
        artists: arguments.artist.clone(),
        albums: arguments.album.clone(),
        genres: arguments.genre.clone(),
        paths: arguments.path.clone(),
        years: arguments.year.unwrap_or_default(),
        seconds: arguments.duration.unwrap_or_default(),
    }
}

#[allow(clippy::print_stderr, reason = "finding nothing is no failure, but must not look like an empty answer")]
fn nothing(reason: &str) -> anyhow::Result<Outcome> {
    eprintln!("{reason}");
    Ok(Outcome::NothingFound)
}

fn to_json(answers: &[Answer], explained: Option<&[Vec<Resemblance>]>) -> Vec<serde_json::Value> {
    let object = |(number, answer): (usize, &Answer)| {
        let mut object = answer_to_json(answer, number + 1);
        if let Some(pairs) = explained.and_then(|explained| explained.get(number)) {
            object["passages"] = serde_json::json!(pairs);
        }
        object
    };
    answers.iter().enumerate().map(object).collect()
}

fn answer_to_json(answer: &Answer, rank: usize) -> serde_json::Value {
    let file = &answer.record.file;
    serde_json::json!({
        "rank": rank,
        "similarity": answer.similarity,
        "score": answer.neighbour.score,
        "track": answer.neighbour.track,
        "artist": file.artist,
        "title": file.title,
        "album": file.album,
        "genre": file.genre,
        "year": file.year,
        "duration_seconds": file.duration_seconds,
        "path": file.path.to_string_lossy(),
    })
}

fn table(answers: &[Answer], explained: Option<&[Vec<Resemblance>]>) -> String {
    let mut header = vec!["", "similarity", "artist", "title", "path"];
    if explained.is_some() {
        header.insert(4, "passages");
    }
    let mut table = output::Table::new(&header);
    for (number, answer) in answers.iter().enumerate() {
        let mut row = vec![
            (number + 1).to_string(),
            format!("{:.3}", answer.similarity),
            artist_of(&answer.record).to_owned(),
            title_of(&answer.record),
            answer.record.file.path.display().to_string(),
        ];
        if let Some(explained) = explained {
            row.insert(4, explained.get(number).and_then(|pairs| pairs.first()).map_or("–".into(), passages));
        }
        table.row(row);
    }
    table.to_text()
}

fn passages(pair: &Resemblance) -> String {
    let [first, second] = [pair.first_seconds, pair.second_seconds].map(|seconds| output::clock(f64::from(seconds)));
    format!("{first} like {second} ({:.3})", pair.similarity)
}
