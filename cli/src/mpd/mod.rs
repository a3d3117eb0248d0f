//! A Music Player Daemon plays similar tracks.
//!
//! | module | holds |
//! |---|---|
//! | [`address`] | [`Address`](address::Address): where a daemon is |
//! | [`connection`] | connecting, and what is asked of it |
//! | [`songs`] | [`Songs`](songs::Songs): what the daemon calls the library's tracks |
//! | [`mix`] | an answer of which it can play every track |
//! | [`station`] | [`Station`](station::Station): what comes after a queue |
//! | [`listener`] | [`Listener`](listener::Listener): what was heard, and what was left early |
//! | [`follow`] | keeps a queue going |

pub mod address;
pub mod connection;
pub mod follow;
pub mod listener;
pub mod mix;
pub mod songs;
pub mod station;
