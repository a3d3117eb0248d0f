//! The library over HTTP, and who may ask.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use server::DEFAULT_ADDRESS;

use super::CoverageArgument;

#[derive(Debug, Args)]
pub struct ServeArguments {
    /// Where to listen; anything but this machine itself demands users (`similar-tracks user add`)
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = DEFAULT_ADDRESS)]
    pub listen: SocketAddr,
    /// A name that a proxy on this machine is called by; it demands users as well; may be given again
    #[arg(long = "host", value_name = "NAME")]
    pub hosts: Vec<String>,
    /// A folder beside those of the library whose files may be played: where its links lead to; may be given again
    #[arg(long = "folder", value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// Size of an uploaded file at most, in MiB
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub max_upload_mib: u32,
    /// Requests a second that one address may make in the long run; 0: as many as it likes
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub requests_per_second: u32,
    /// Connections at most
    #[arg(long, value_name = "N", default_value_t = 12_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_connections: u32,
}

#[derive(Debug, Args)]
pub struct UserArguments {
    #[command(subcommand)]
    pub command: UserCommand,
}

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Take in a user and print the keys, which cannot be shown again; the password is asked for, or read from
    /// standard input
    Add {
        /// Letters, digits, `.`, `-`, `_` and `@`
        name: String,
    },
    /// List the users
    List,
    /// Forget a user: password and keys open nothing from then on
    Remove {
        /// The user
        name: String,
    },
}

#[derive(Debug, Args)]
pub struct WorkerArguments {
    /// Model to embed with: a folder, or `built-in`; no store is needed then [default: the store's]
    #[arg(long, value_name = "MODEL")]
    pub model: Option<PathBuf>,
    /// What is decoded of a track: windows spread over it, or all [default: spread]
    #[arg(long, value_enum, requires = "model")]
    pub coverage: Option<CoverageArgument>,
    /// Print a line about the model before anything else
    #[arg(long)]
    pub hello: bool,
    /// Print a line for each audio file below these folders, as `ingest` would find it, and embed nothing
    #[arg(long, num_args = 1.., value_name = "PATH", conflicts_with_all = ["model", "hello"])]
    pub list: Vec<PathBuf>,
    /// Memory that it may take at most, in GiB: what needs more ends it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub memory_gib: Option<u64>,
}
