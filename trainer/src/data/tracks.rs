//! The tracks that a run learns from or judges by.

use std::collections::BTreeMap;
use std::ops::Range;

use audio_frontend::logmel::log_mel_into;
use audio_frontend::{Coverage, FrontEndConfig, MelPower, Windows};
use rayon::prelude::*;

use super::Entry;
use super::cache::LogMelCache;
use super::cached_track::CachedTrack;
use crate::error::{Error, Result};
use crate::metric::miner::corpus::Member;

/// A decoded track with what is known of it.
#[derive(Debug, Clone)]
pub struct Track {
    /// What the manifest says.
    pub entry: Entry,
    /// Its sound.
    pub power: TrackPower,
}

/// Mel band powers of a track.
#[derive(Debug, Clone)]
pub enum TrackPower {
    /// On disk, in a [`LogMelCache`].
    Cached(CachedTrack),
    /// In memory.
    Held(MelPower),
}

impl TrackPower {
    /// Number of frames.
    pub fn frames(&self) -> usize {
        match self {
            Self::Cached(track) => track.frames(),
            Self::Held(power) => power.frames(),
        }
    }

    /// Appends the powers of some frames, row-major.
    ///
    /// # Errors
    /// As [`CachedTrack::read`].
    pub fn read(&self, frames: Range<usize>, rows: &mut Vec<f32>) -> Result<()> {
        match self {
            Self::Cached(track) => track.read(frames, rows)?,
            Self::Held(power) => rows.extend(power.rows(frames.start, frames.len())),
        }
        Ok(())
    }

    /// Log-mels in dB of `count` windows spread evenly over the track, shape count × frames × bands: for a
    /// quick look at many tracks. A short track is repeated.
    ///
    /// # Errors
    /// As [`CachedTrack::read`].
    pub fn spread(&self, count: usize, front_end: &FrontEndConfig) -> Result<Vec<f32>> {
        let (frames, bands) = (front_end.window_frames, front_end.mel_bands);
        let available = self.frames().min(frames);
        let mut log_mel = vec![0.0; count * frames * bands];
        let mut rows = Vec::with_capacity(frames * bands);
        for (window, log_mel) in log_mel.chunks_exact_mut(frames * bands).enumerate() {
            let start = (self.frames() - available) * (2 * window + 1) / (2 * count);
            rows.clear();
            self.read(start..start + available, &mut rows)?;
            let filled: Vec<f32> = rows.iter().copied().cycle().take(frames * bands).collect();
            log_mel_into(&filled, bands, front_end.power_floor, log_mel);
        }
        Ok(log_mel)
    }

    /// The track's windows as they are embedded; `None` where all of it is silence.
    ///
    /// # Errors
    /// As [`CachedTrack::read`].
    pub fn windows(&self, front_end: &FrontEndConfig) -> Result<Option<Windows>> {
        Ok(match self {
            Self::Cached(track) => Windows::of_track(&track.whole()?, front_end, Coverage::Spread),
            Self::Held(power) => Windows::of_track(power, front_end, Coverage::Spread),
        })
    }
}

/// Decodes entries, on all cores of the calling pool, or finds them in the cache. Those that cannot be
/// read are handed to `failed`; each entry is told to `done`; the order is kept.
///
/// # Errors
/// The first that is not an audio file's: [`Error::CacheFull`], [`Error::Io`].
pub fn load_tracks(
    entries: &[Entry],
    cache: &LogMelCache,
    done: impl Fn() + Sync,
    failed: impl Fn(Error) + Sync,
) -> Result<Vec<Track>> {
    let load = |entry: &Entry| {
        let loaded = cache.track(&entry.path);
        done();
        match loaded {
            Ok(track) => Some(Ok(Track { entry: entry.clone(), power: TrackPower::Cached(track) })),
            Err(error @ Error::Audio(_)) => {
                failed(error);
                None
            }
            Err(error) => Some(Err(error)),
        }
    };
    entries.par_iter().filter_map(load).collect()
}

/// Numbers instead of names: what sampler, miners and heads work with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// Genres in the order of their numbers.
    pub genres: Vec<String>,
    /// One a track.
    pub members: Vec<Member>,
    /// Number of artists.
    pub artists: usize,
}

impl Roster {
    /// Numbers genres, artists and albums in the order of their names.
    pub fn of(tracks: &[Track]) -> Self {
        let genres = numbered(tracks.iter().filter_map(|track| track.entry.genre.as_deref()));
        Self::with_genres(tracks, genres)
    }

    /// The same, but with the genres of another roster and their numbers there; other genres are none.
    pub fn among(tracks: &[Track], genres: &[String]) -> Self {
        Self::with_genres(tracks, numbered(genres.iter().map(String::as_str)))
    }

    fn with_genres(tracks: &[Track], genres: BTreeMap<&str, usize>) -> Self {
        let artists = numbered(tracks.iter().map(|track| track.entry.artist.as_str()));
        let albums = numbered(tracks.iter().filter_map(|track| track.entry.album.as_deref()));
        let number = |names: &BTreeMap<&str, usize>, name: &Option<String>| {
            name.as_deref().and_then(|name| names.get(name).copied())
        };
        let member = |track: &Track| Member {
            genre: number(&genres, &track.entry.genre),
            artist: artists.get(track.entry.artist.as_str()).copied().unwrap_or_default(),
            album: number(&albums, &track.entry.album),
        };
        Self {
            members: tracks.iter().map(member).collect(),
            artists: artists.len(),
            genres: genres.into_keys().map(str::to_owned).collect(),
        }
    }
}

fn numbered<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut numbers: BTreeMap<&str, usize> = names.map(|name| (name, 0)).collect();
    numbers.values_mut().enumerate().for_each(|(number, value)| *value = number);
    numbers
}
