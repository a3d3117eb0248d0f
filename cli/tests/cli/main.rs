//! The program as a user meets it, on synthesised music.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod copies;
mod delegate;
mod disk;
mod errors;
mod export;
mod feedback;
mod formats;
mod front_end;
mod help;
mod import;
mod ingest;
mod invariance;
mod kill;
mod label_free;
mod linkage;
#[cfg(feature = "milvus")]
mod milvus;
#[cfg(feature = "milvus")]
mod milvus_kills;
#[cfg(feature = "milvus")]
mod milvus_server;
mod models;
mod mpd;
mod mpd_server;
mod music;
mod page;
mod player;
mod playlists;
mod program;
mod query;
mod retrain;
mod schedule;
mod serve;
mod serve_refusals;
mod served;
mod shards;
mod subsonic;
mod subsonic_said;
mod torture;
mod tour;
mod training;
mod training_data;
