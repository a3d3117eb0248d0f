//! What the front end promises, tried on files.

mod allocation;
mod bad_input;
mod formats;
mod golden;
mod level;
mod rates;
mod seeking;
mod signal;
