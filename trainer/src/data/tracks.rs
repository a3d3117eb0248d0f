//! Labelled tracks in memory.

use audio_frontend::{Coverage, FrontEndConfig, MelPower, Windows};
use rayon::prelude::*;

use super::Entry;

/// A decoded track with what is known of it.
#[derive(Debug, Clone)]
pub struct LabelledTrack {
    /// Mel band powers of the kept part.
    pub power: MelPower,
    /// Genre.
    pub genre: String,
    /// Who is kept together.
    pub artist: String,
}

/// Decodes entries that have a genre, on all cores. Files that cannot be read are handed to
/// `failed`, each done file to `done`; the order of entries is kept.
pub fn load_tracks(
    entries: &[Entry],
    config: &FrontEndConfig,
    track_seconds: f64,
    done: impl Fn() + Sync,
    failed: impl Fn(audio_frontend::Error) + Sync,
) -> Vec<LabelledTrack> {
    let config = FrontEndConfig { max_seconds: config.max_seconds.min(track_seconds as f32), ..config.clone() };
    let load = |entry: &Entry| {
        let genre = entry.genre.clone()?;
        let power = audio_frontend::mel_power(&entry.path, &config);
        done();
        match power {
            Ok(power) if Windows::of_track(&power, &config, Coverage::Spread).is_some() => {
                Some(LabelledTrack { power, genre, artist: entry.artist.clone() })
            }
            Ok(_) => {
                failed(audio_frontend::Error::Silent { path: entry.path.clone() });
                None
            }
            Err(error) => {
                failed(error);
                None
            }
        }
    };
    entries.par_iter().filter_map(load).collect()
}
