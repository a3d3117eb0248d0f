//! An answer of which a daemon can play every track.

use index::catalogue::Filter;
use index::{Answer, Catalogue, Searcher, Selection};
use mpd_client::Client;

use super::songs::Songs;
use crate::failure::hinted;
use crate::library::answering::answers;
use crate::library::query_vector::QueryTrack;
use crate::output;

/// Where the daemon knows none of so many, it plays other music.
pub const TRIED_IN_VAIN: usize = 200;

/// Unknown tracks after which what was found has to do.
const MOST_TRIED: usize = 5000;

/// What is asked.
pub struct Mix<'a> {
    /// The catalogue.
    pub catalogue: &'a Catalogue,
    /// Its index.
    pub searcher: &'a Searcher,
    /// Tracks to be like, and with weights below 0 those to be unlike.
    pub tracks: &'a [(QueryTrack, f32)],
    /// Which tracks may be an answer.
    pub filter: Filter,
    /// What the answer is to be.
    pub selection: Selection,
}

impl Mix<'_> {
    /// The answer that `query` gives, without what the daemon cannot play, with what it calls the tracks.
    ///
    /// # Errors
    /// Where it can play none of many; what searching reports, and a daemon that has gone away.
    pub async fn songs(&self, client: &Client, songs: &mut Songs) -> anyhow::Result<Vec<(Answer, String)>> {
        let matching = self.searcher.among(self.catalogue, &self.filter)?;
        loop {
            let among = matching.clone().and(songs.playable(self.catalogue)?.as_ref());
            let mut selection = self.selection.clone();
            selection.excluded.extend(songs.unknown());
            let found = answers(self.catalogue, self.searcher, self.tracks, among, selection)?;
            let unknown = songs.unknown().len();
            let mut mix = Vec::with_capacity(found.len());
            for answer in found {
                if let Some(song) = songs.address_of(client, &answer.record).await? {
                    mix.push((answer, song));
                }
            }
            let (new, all) = (songs.unknown().len() - unknown, songs.unknown().len());
            if mix.is_empty() && (all >= TRIED_IN_VAIN || new == 0 && all > 0) {
                return Err(none_known(all));
            }
            if new == 0 || all >= MOST_TRIED {
                return Ok(mix);
            }
        }
    }
}

/// What is told where a daemon plays other music than the library's.
pub fn none_known(tried: usize) -> anyhow::Error {
    let error = anyhow::anyhow!("MPD knows none of the {} that come next", output::count(tried, "track"));
    hinted(
        error,
        "does it play the library's music, and is its database up to date (`mpc update`)? --music-directory says where \
         its music folder is on this machine",
    )
}
