//! From a manifest to batches.
//!
//! | module | holds |
//! |---|---|
//! | [`manifest`] | which files there are, and what is known of them: CSV, genre folders, FMA, a library |
//! | [`names`], [`aliases`], [`genre_map`] | artists of several names, tags of several spellings |
//! | [`split`], [`sources`] | training and validation parts that share no artist, nor a source |
//! | [`cache`], [`cached_track`] | decoded tracks on disk |
//! | [`tracks`] | the tracks of a run, and numbers for their names |
//! | [`sampler`], [`batch`] | balanced batches of crops |
//! | [`preferences`] | what listeners said about pairs of tracks |
//! | [`teacher_table`], [`teacher`] | what another system says of a track's passages |

pub mod aliases;
pub mod batch;
pub mod cache;
mod cache_users;
pub mod cached_track;
mod csv_list;
mod fma;
mod genre_folders;
pub mod genre_map;
pub mod manifest;
pub mod names;
mod passage;
pub mod preferences;
pub mod sampler;
pub mod sources;
mod spellings;
pub mod split;
pub(crate) mod table_rows;
pub mod teacher;
pub mod teacher_table;
pub mod tracks;
pub mod vector_archive;

pub use aliases::Aliases;
pub use cache::LogMelCache;
pub use genre_map::GenreMap;
pub use manifest::{Entry, Manifest};
pub use names::{Names, TaggedFile};
pub use preferences::{Preference, Preferences};
pub use teacher::Teacher;
pub use teacher_table::TeacherTable;
pub use tracks::{Roster, Track, TrackPower, load_tracks};

/// Made-up tracks for the tests of this crate.
#[cfg(test)]
pub(crate) mod example {
    use audio_frontend::MelPower;

    use super::*;

    /// A track of ten frames of four bands.
    pub fn track(genre: Option<&str>, artist: &str) -> Track {
        with_power(genre, artist, MelPower::from_rows(4, (0..40).map(|cell| 1.0 + (cell % 7) as f32).collect()))
    }

    /// A track with this sound.
    pub fn with_power(genre: Option<&str>, artist: &str, power: MelPower) -> Track {
        let entry = Entry {
            path: format!("{artist}.wav").into(),
            genre: genre.map(str::to_owned),
            artist: artist.into(),
            ..Default::default()
        };
        Track { entry, power: TrackPower::Held(power) }
    }
}
