//! What comes after a queue.

use std::collections::HashSet;

use index::radio::RadioConfig;
use index::{Catalogue, TrackId, TrackRecord};
use mpd_client::Client;

use super::mix::{TRIED_IN_VAIN, none_known};
use super::songs::Songs;
use crate::args::FollowArguments;
use crate::library::answering::radio;
use crate::library::opened::Opened;
use crate::library::query_vector::Resolver;
use crate::settings::Settings;

/// Songs at the end of a queue that a station begins like.
const BEGINNING: usize = 3;

/// A radio that goes on from whatever stands at the end of a queue. While that is what it played last, it is the same radio:
/// what `similar-tracks radio` lists from the same songs with the same seed. Where somebody puts other songs there, it
/// begins anew with these.
pub struct Station<'a> {
    settings: &'a Settings,
    arguments: &'a FollowArguments,
    config: RadioConfig,
    /// What it began like.
    begun_with: Vec<TrackId>,
    /// What it has played since.
    since: Vec<TrackId>,
    /// What it has played ever.
    past: HashSet<TrackId>,
}

/// What comes next.
#[derive(Debug, Default)]
pub struct Drawn {
    /// Tracks, and what the daemon calls them.
    pub tracks: Vec<(TrackRecord, String)>,
    /// Why there are no more.
    pub reason: Option<&'static str>,
}

impl Drawn {
    fn nothing(reason: &'static str) -> Self {
        Self { tracks: Vec::new(), reason: Some(reason) }
    }
}

impl<'a> Station<'a> {
    /// That has played nothing yet.
    pub fn new(settings: &'a Settings, arguments: &'a FollowArguments) -> Self {
        let seed = arguments.seed.unwrap_or_else(rand::random);
        let config = RadioConfig { drift: arguments.drift, seed, ..RadioConfig::default() };
        Self { settings, arguments, config, begun_with: Vec::new(), since: Vec::new(), past: HashSet::new() }
    }

    /// So many tracks that come after a queue, none of which stands there or was played; they count as played. The store is
    /// opened anew, as it may have changed since.
    ///
    /// # Errors
    /// What opening and searching report, and a daemon that has gone away.
    pub async fn draw(
        &mut self,
        client: &Client,
        songs: &mut Songs,
        (queue, played): (&[String], &[String]),
        count: usize,
    ) -> anyhow::Result<Drawn> {
        let Ok(Opened { store, catalogue, searcher }) = Opened::open(self.settings)? else {
            return Ok(Drawn::nothing("the library is empty"));
        };
        let resolver = Resolver::new(&store, &catalogue, searcher.model_id());
        let queued: Vec<TrackId> = songs.tracks_of(&catalogue, queue)?.into_iter().flatten().collect();
        if !self.tune(&catalogue, searcher.model_id(), &queued)? {
            return Ok(Drawn::nothing("no song of the queue is in the library: waiting for one"));
        }
        // A track may have been removed since.
        let known = |track: &TrackId| Some((resolver.resolve_track(*track).ok()?, 1.0));
        let begun_with: Vec<_> = self.begun_with.iter().filter_map(known).collect();
        let mut left_out: HashSet<TrackId> = songs.tracks_of(&catalogue, played)?.into_iter().flatten().collect();
        left_out.extend(queued.iter().chain(&self.past));
        for track in left_out.clone() {
            left_out.extend(catalogue.copies_of(track)?);
        }
        let matching = searcher.among(&catalogue, &self.arguments.filter.to_filter())?;
        let tried = songs.unknown().len();
        let mut drawn = Drawn::default();
        while drawn.tracks.len() < count {
            let among = matching.clone().and(songs.playable(&catalogue)?.as_ref());
            let mut radio = radio(&catalogue, &searcher, &begun_with, among, self.config.clone())?;
            radio.leave_out(left_out.iter().chain(songs.unknown()).copied());
            for track in &self.since {
                if let Some(record) = catalogue.get(*track)? {
                    radio.go_on_from(&record)?;
                }
            }
            let Some(record) = radio.next().transpose()? else {
                if self.past.is_empty() && !songs.unknown().is_empty() {
                    return Err(none_known(songs.unknown().len()));
                }
                drawn.reason = Some("no other track may be played");
                break;
            };
            match songs.address_of(client, &record).await? {
                Some(song) => {
                    self.since.push(record.id);
                    self.past.insert(record.id);
                    drawn.tracks.push((record, song));
                }
                None if songs.unknown().len() - tried >= TRIED_IN_VAIN => {
                    return Err(none_known(songs.unknown().len() - tried));
                }
                // It is left out, and another drawn in its place.
                None => {}
            }
        }
        Ok(drawn)
    }

    /// Takes a track back that was drawn and could not be appended.
    pub fn take_back(&mut self, track: TrackId) {
        self.since.retain(|other| *other != track);
        self.past.remove(&track);
    }

    /// Goes on where the queue ends; `false`: with nothing that is known.
    fn tune(&mut self, catalogue: &Catalogue, model_id: &str, queued: &[TrackId]) -> index::Result<bool> {
        let mut heard = Vec::with_capacity(BEGINNING);
        for track in queued.iter().rev() {
            if catalogue.vector(*track, model_id)?.is_some() {
                heard.push(*track);
            }
            if heard.len() == BEGINNING {
                break;
            }
        }
        let Some(last) = heard.first() else { return Ok(false) };
        // What was forgotten meanwhile is no beginning any more.
        let mut begun_with = Vec::with_capacity(BEGINNING);
        for track in self.begun_with.drain(..) {
            if catalogue.vector(track, model_id)?.is_some() {
                begun_with.push(track);
            }
        }
        self.begun_with = begun_with;
        match self.since.iter().rposition(|track| track == last) {
            // Somebody may have taken away what came after it.
            Some(place) if !self.begun_with.is_empty() => self.since.truncate(place + 1),
            _ => {
                heard.reverse();
                self.begun_with = heard;
                self.since.clear();
            }
        }
        Ok(true)
    }
}
