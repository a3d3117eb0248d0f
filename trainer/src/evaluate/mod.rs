//! How good a space is for look-up.
//!
//! | module | holds |
//! |---|---|
//! | [`retrieval`] | same-genre retrieval with an artist filter |
//! | [`scores`] | what an evaluation found: plain data, written as JSON, drawn as a report |

pub mod retrieval;
pub mod scores;

pub use retrieval::{Labelled, Retrieval, retrieval};
