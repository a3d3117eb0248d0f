//! What evaluation does with files, tried on files.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod degraded;
mod music;
mod peer;
