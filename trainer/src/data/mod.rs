//! From a manifest to batches.

pub mod aliases;
mod csv_list;
mod fma;
mod genre_folders;
pub mod genre_map;
pub mod manifest;
pub mod names;
pub mod sampler;
mod spellings;
pub mod split;
pub mod tracks;

pub use aliases::Aliases;
pub use genre_map::GenreMap;
pub use manifest::{Entry, Manifest};
pub use names::{Names, TaggedFile};
pub use tracks::{LabelledTrack, load_tracks};
