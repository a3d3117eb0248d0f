//! Looks for copies of one recording in the library: tracks that vectors say may be copies are listened to.

use std::collections::BTreeSet;
use std::path::PathBuf;

use audio_frontend::fingerprint::Fingerprint;
use index::catalogue::CopySearch;
use index::copies::{CopyConfig, possible_copies};
use index::{Catalogue, Store, TrackId};
use rayon::prelude::*;

use crate::progress::Progress;
use crate::settings::Settings;

/// Tracks between commits.
const COMMIT_TRACKS: usize = 64;

/// Looks for copies of all tracks of the serving model for whose copies nobody has looked yet; killed, the next call goes
/// on. Where some track cannot be listened to, that is noted. Returns how many pairs are new.
pub fn find_copies(
    settings: &Settings,
    pool: &rayon::ThreadPool,
    store: &Store,
    catalogue: &mut Catalogue,
) -> anyhow::Result<usize> {
    let Some(model_id) = catalogue.serving_model()? else { return Ok(0) };
    let tracks = catalogue.tracks_without_search_for_copies(&model_id)?;
    if tracks.is_empty() {
        return Ok(0);
    }
    let Some(searcher) = store.resident_searcher(catalogue)? else { return Ok(0) };
    let progress = Progress::new(settings, "copies", tracks.len() as u64);
    let mut pairs = 0;
    for tracks in tracks.chunks(COMMIT_TRACKS) {
        let config = CopyConfig::default();
        let possible: Vec<(TrackId, Vec<TrackId>)> = tracks
            .iter()
            .map(|&track| Ok((track, possible_copies(catalogue, &searcher, track, &config)?)))
            .collect::<index::Result<_>>()?;
        listen(pool, catalogue, &possible)?;
        let verdicts: Vec<_> =
            possible.iter().map(|of_track| Verdict::new(catalogue, of_track)).collect::<index::Result<_>>()?;
        pairs += catalogue.commit(|writer| {
            let mut new = 0;
            for verdict in &verdicts {
                for copy in &verdict.copies {
                    new += usize::from(writer.put_copies(verdict.track, *copy)?);
                }
                writer.set_copies_sought(verdict.track, verdict.search)?;
            }
            Ok(new)
        })?;
        progress.advance(tracks.len() as u64);
    }
    progress.finish();
    Ok(pairs)
}

/// Keeps the fingerprints of tracks that are to be compared.
fn listen(
    pool: &rayon::ThreadPool,
    catalogue: &mut Catalogue,
    possible: &[(TrackId, Vec<TrackId>)],
) -> anyhow::Result<()> {
    let compared = possible.iter().filter(|(_, others)| !others.is_empty());
    let tracks: BTreeSet<TrackId> =
        compared.flat_map(|(track, others)| others.iter().chain([track])).copied().collect();
    let mut unheard = Vec::new();
    for track in tracks {
        if let (None, Some(record)) = (catalogue.fingerprint(track)?, catalogue.get(track)?) {
            unheard.push((track, record.file.path));
        }
    }
    // What cannot be listened to is told of by the ingest that cannot read it.
    let fingerprint = |(track, path): &(TrackId, PathBuf)| Some((*track, Fingerprint::of_file(path).ok()?));
    let fingerprints: Vec<_> = pool.install(|| unheard.par_iter().filter_map(fingerprint).collect());
    let keep = |writer: &index::catalogue::Writer<'_>| {
        fingerprints.iter().try_for_each(|(track, fingerprint)| writer.put_fingerprint(*track, &fingerprint.0))
    };
    Ok(catalogue.commit(keep)?)
}

/// Which of the tracks that may be copies of one are.
struct Verdict {
    track: TrackId,
    copies: Vec<TrackId>,
    search: CopySearch,
}

impl Verdict {
    fn new(catalogue: &Catalogue, (track, possible): &(TrackId, Vec<TrackId>)) -> index::Result<Self> {
        let mut verdict = Self { track: *track, copies: Vec::new(), search: CopySearch::Complete };
        if possible.is_empty() {
            return Ok(verdict);
        }
        let fingerprint = |track| Ok::<_, index::Error>(catalogue.fingerprint(track)?.map(Fingerprint));
        let own = fingerprint(*track)?;
        for &other in possible {
            match (&own, fingerprint(other)?) {
                (Some(own), Some(others)) if own.is_same_recording(&others) => verdict.copies.push(other),
                (Some(_), Some(_)) => {}
                _ => verdict.search = CopySearch::SomeUnheard,
            }
        }
        Ok(verdict)
    }
}
