//! What the front end promises, tried on files.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod allocation;
mod bad_input;
mod formats;
mod golden;
mod level;
mod rates;
mod seeking;
mod signal;
