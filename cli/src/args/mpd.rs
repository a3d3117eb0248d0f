//! What a Music Player Daemon is to play.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::FilterArguments;
use super::tour::share;

#[derive(Debug, Args)]
pub struct MpdArguments {
    #[command(subcommand)]
    pub command: MpdCommand,
}

#[derive(Debug, Subcommand)]
pub enum MpdCommand {
    /// Keep the queue going: whenever it runs short, similar tracks are appended; ends on Ctrl-C
    Follow(FollowArguments),
    /// Put the tracks into the queue that sound most like the given ones
    Mix(MixArguments),
}

/// Where the Music Player Daemon is, and its music.
#[derive(Debug, Args)]
#[command(next_help_heading = "The Music Player Daemon")]
pub struct ServerArguments {
    /// Its host or password@host; a socket's absolute path, or @name of an abstract one
    #[arg(long, value_name = "HOST", env = "MPD_HOST", hide_env_values = true, default_value = "localhost")]
    pub host: String,
    /// Its port
    #[arg(long, value_name = "N", env = "MPD_PORT", hide_env_values = true, default_value_t = 6600)]
    pub port: u16,
    /// Its music folder as it is found on this machine [default: as it says through a socket, else by what it knows of
    /// the library's paths]
    #[arg(long, value_name = "DIR")]
    pub music_directory: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct FollowArguments {
    /// Songs that come after the current one at least, as long as there are tracks
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub ahead: u16,
    /// How far each track leads away from the beginning: 0 not at all, 1 wherever it is
    #[arg(long, value_name = "SHARE", default_value_t = 0.3, value_parser = share)]
    pub drift: f32,
    /// The same seed plays the same [default: another one every time]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Note what is heard as plays, as `import-plays` does; what is left before its half counts as skipped
    #[arg(long)]
    pub note_plays: bool,
    /// Tell what would be appended now, and append nothing
    #[arg(long, conflicts_with = "note_plays")]
    pub dry_run: bool,
    #[command(flatten)]
    pub server: ServerArguments,
    #[command(flatten)]
    pub filter: FilterArguments,
}

#[derive(Debug, Args)]
pub struct MixArguments {
    /// Audio files, track ids or paths in the library; several are blended into one query [default: the current song]
    #[arg(value_name = "FILE|TRACK-ID|PATH")]
    pub tracks: Vec<PathBuf>,
    /// A track that the answers are not to be like; may be given again
    #[arg(long, value_name = "FILE|TRACK-ID|PATH")]
    pub unlike: Vec<PathBuf>,
    /// Number of tracks
    #[arg(short = 'k', long = "count", value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub count: u32,
    /// Tracks of one artist at most
    #[arg(long, value_name = "N")]
    pub per_artist: Option<NonZeroUsize>,
    /// Put them behind what is in the queue: what is done by default
    #[arg(long, conflicts_with = "replace")]
    pub append: bool,
    /// Put them in the place of all that comes after the current song
    #[arg(long)]
    pub replace: bool,
    /// Tell what would be put into the queue, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub server: ServerArguments,
    #[command(flatten)]
    pub filter: FilterArguments,
}
