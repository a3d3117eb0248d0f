//! `similar-tracks query`.

use std::collections::HashSet;
use std::num::NonZeroUsize;

use index::catalogue::Filter;
use index::selection::select;
use index::{Answer, Selection, Store};

use crate::Outcome;
use crate::args::{FilterArguments, QueryArguments, QueryFormat};
use crate::failure::hinted;
use crate::library::query_vector::{QueryTrack, Resolver, blend};
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
    let records = || answers.iter().map(|answer| &answer.record);
    match if arguments.json { QueryFormat::Json } else { arguments.format } {
        QueryFormat::Table => output::print(&table(&answers))?,
        QueryFormat::Json => output::print_json(&answers.iter().zip(1..).map(to_json).collect::<Vec<_>>())?,
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
    let like = tracks.iter().zip(weights.iter().copied().chain(std::iter::repeat(1.0)));
    let unlike = arguments.unlike.iter().map(|track| (track, -arguments.unlike_weight));
    like.chain(unlike).map(|(name, weight)| Ok((resolver.resolve(name)?, weight))).collect()
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

fn to_json((answer, rank): (&Answer, usize)) -> serde_json::Value {
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

fn table(answers: &[Answer]) -> String {
    let mut table = output::Table::new(&["", "similarity", "artist", "title", "path"]);
    for (answer, rank) in answers.iter().zip(1..) {
        table.row(vec![
            rank.to_string(),
            format!("{:.3}", answer.similarity),
            artist_of(&answer.record).to_owned(),
            title_of(&answer.record),
            answer.record.file.path.display().to_string(),
        ]);
    }
    table.to_text()
}
