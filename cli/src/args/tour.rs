//! Lists of tracks that lead somewhere.

use std::path::PathBuf;

use clap::Args;

use super::{FilterArguments, QueryFormat};

#[derive(Debug, Args)]
pub struct RadioArguments {
    /// Audio files, track ids or paths in the library to begin like
    #[arg(required = true, value_name = "FILE|TRACK-ID|PATH")]
    pub tracks: Vec<PathBuf>,
    /// Length in minutes at least, as long as there are tracks
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub minutes: u32,
    /// How far each track leads away from the beginning: 0 not at all, 1 wherever it is
    #[arg(long, value_name = "SHARE", default_value_t = 0.3, value_parser = share)]
    pub drift: f32,
    /// The same seed plays the same [default: another one every time]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Shape of the output
    #[arg(long, value_enum, default_value_t = QueryFormat::Table)]
    pub format: QueryFormat,
    #[command(flatten)]
    pub filter: FilterArguments,
}

#[derive(Debug, Args)]
pub struct PathArguments {
    /// Track id or path in the library to begin with
    #[arg(value_name = "FROM")]
    pub from: PathBuf,
    /// The one to end with
    #[arg(value_name = "TO")]
    pub to: PathBuf,
    /// Number of tracks, both ends included
    #[arg(short = 'n', long = "count", value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=1000))]
    pub count: u32,
    /// Shape of the output
    #[arg(long, value_enum, default_value_t = QueryFormat::Table)]
    pub format: QueryFormat,
}

pub(super) fn share(text: &str) -> Result<f32, String> {
    let share: f32 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("must be in 0..=1".into()) }
}
