//! How good a space is for look-up.
//!
//! | module | holds |
//! |---|---|
//! | [`degrade`] | [`Original`]: a track's degraded copies and halves as files |
//! | [`pink_noise`] | noise of equal power in every octave |
//! | [`peer`] | another system's vectors or distances of the same tracks |
//! | [`retrieval`] | same-genre retrieval with an artist filter |
//! | [`scores`] | what an evaluation found: plain data, written as JSON, drawn as a report |

pub mod degrade;
mod ffmpeg;
pub mod peer;
mod peer_rows;
pub mod pink_noise;
pub mod retrieval;
pub mod scores;

pub use degrade::{Degradation, Original};
pub use peer::{PeerTable, read_peer};
pub use retrieval::{Labelled, Retrieval, retrieval};
