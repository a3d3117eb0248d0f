//! From a manifest to batches.

pub mod manifest;
pub mod sampler;
pub mod split;
pub mod tracks;

pub use manifest::{Entry, Manifest};
pub use tracks::{LabelledTrack, load_tracks};
