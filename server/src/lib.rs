//! The library over HTTP: a JSON API, a page that uses it, and OpenSubsonic for players.
//!
//! | module | holds |
//! |---|---|
//! | [`config`] | [`ServeConfig`]: where it listens, and its limits |
//! | [`users`] | [`Users`]: who may ask |
//! | [`error`] | [`Error`]: why it does not start |
//! | `library` | catalogue and index as a process has them that stays; renewed while questions go on |
//! | `question`, `wanted`, `views` | from tracks to a vector, and from there to an answer |
//! | `api` | routes of version 1, described in OpenAPI |
//! | `subsonic` | OpenSubsonic's routes |
//! | `listener` | uploads are embedded in a process of their own |
//! | `files` | audio and pictures: those below the library's folders |
//! | `access` | who may ask, and how often |
//! | `connections` | how many there may be, and how slow |
//! | `problem`, `extract` | requests that do not fit, told as RFC 9457 has it |
//! | `metrics`, `page` | what Prometheus and browsers are given |
//!
//! It knows the index, and of embedding only a program that does it: nothing of networks and training.

mod access;
mod api;
mod app;
mod clock;
pub mod config;
mod connections;
pub mod error;
mod extract;
mod files;
mod library;
mod listener;
mod metrics;
mod page;
mod problem;
mod question;
mod routes;
mod serve;
mod subsonic;
pub mod users;
mod views;
mod wanted;
mod written;

pub use config::{DEFAULT_ADDRESS, ServeConfig};
pub use error::{Error, Result};
pub use serve::{Server, serve};
pub use users::{Secrets, Users};
