//! What retraining goes by, what it is told, and what came of it.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{CacheArguments, FilterArguments, QueryFormat};

/// What says which genre a track is of, beside its tag.
#[derive(Debug, Args)]
pub struct LabelArguments {
    /// Labels beside the tags, and instead of them: a CSV file with the columns path and genre, and perhaps artist
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Take the folder right below the library's for the genre of what has no tag
    #[arg(long)]
    pub genre_folders: bool,
    /// Which tags mean which genre (TOML): `[genres] rock = ["hard rock", ...]`; others mean none
    /// [default: each tag is a genre]
    #[arg(long, value_name = "FILE")]
    pub genres: Option<PathBuf>,
    /// Artists of several names (TOML): `[artists] name = ["other name", ...]`
    #[arg(long, value_name = "FILE")]
    pub aliases: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 another model serves now, or there was nothing to do; 3 what was learnt is not good enough;
2 failure. Whatever happens, what answered before goes on; the same command goes on where an interrupted one was.")]
pub struct RetrainArguments {
    /// Folders to look for new tracks in [default: those that were ingested]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Recipe, bounds and what is kept (TOML): tables train, promotion and keep; what is not in it keeps its default
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub labels: LabelArguments,
    /// Train even if nothing is new
    #[arg(long)]
    pub force: bool,
    /// Time for the steps of learning at most; decoding, discriminants of genres, judging and embedding come on top
    #[arg(long, value_name = "N")]
    pub max_minutes: Option<u64>,
    /// Lower the priority, up to 19
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..=19))]
    pub nice: Option<i32>,
    /// Threads [default: all cores]
    #[arg(long, short, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Judging tracks of which degraded copies are judged
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub degraded: usize,
    /// Tell what happens in lines of JSON
    #[arg(long)]
    pub log_json: bool,
    /// Write figures for Prometheus' textfile collector
    #[arg(long, value_name = "FILE")]
    pub metrics_file: Option<PathBuf>,
    /// Print the summary as JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub cache: CacheArguments,
}

#[derive(Debug, Args)]
pub struct FeedbackArguments {
    /// What is said
    #[arg(value_enum, value_name = "WHAT")]
    pub what: FeedbackKind,
    /// The track that was asked with: its number, its path or the end of that
    #[arg(value_name = "QUERY")]
    pub query: PathBuf,
    /// The answers that are meant
    #[arg(required = true, value_name = "RESULT")]
    pub results: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FeedbackKind {
    /// A good answer
    Like,
    /// A bad one
    Dislike,
    /// Take back what was said
    Forget,
}

#[derive(Debug, Args)]
pub struct ImportPlaylistsArguments {
    /// Playlists (M3U, M3U8); one that was read before is read anew
    #[arg(required = true, value_name = "PLAYLIST")]
    pub playlists: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct TasteArguments {
    /// Listening logs, as `import-plays` reads them [default: the plays that were imported]
    #[arg(value_name = "LOG")]
    pub logs: Vec<PathBuf>,
    /// Number of tracks
    #[arg(short = 'k', long = "count", value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub count: u32,
    /// Days after which a play counts half
    #[arg(long, value_name = "N", default_value_t = 90.0, value_parser = days)]
    pub half_life: f64,
    /// List tracks that were heard as well
    #[arg(long)]
    pub heard: bool,
    /// Shape of the output
    #[arg(long, value_enum, default_value_t = QueryFormat::Table)]
    pub format: QueryFormat,
    #[command(flatten)]
    pub filter: FilterArguments,
}

#[derive(Debug, Args)]
pub struct ModelsArguments {
    #[command(subcommand)]
    pub command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// List models that serve, served or were refused
    List {
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what a model is and how it was judged
    Show {
        /// Beginning of its id [default: the one that serves]
        #[arg(value_name = "MODEL")]
        model: Option<String>,
    },
    /// Show which tracks have other neighbours by another model
    Diff {
        /// Beginning of a model's id
        #[arg(value_name = "BEFORE")]
        before: String,
        /// Beginning of the other's
        #[arg(value_name = "AFTER")]
        after: String,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Let a model serve, whatever its judgement: the library is embedded by it first
    Promote {
        /// Beginning of its id
        #[arg(value_name = "MODEL")]
        model: String,
        /// Files worked on at once [default: all cores]
        #[arg(long, short, value_name = "N")]
        jobs: Option<NonZeroUsize>,
    },
    /// Let the model serve that did before
    Rollback {
        /// Files worked on at once [default: all cores]
        #[arg(long, short, value_name = "N")]
        jobs: Option<NonZeroUsize>,
    },
    /// Forget models that are not needed, with their vectors
    Gc {
        /// Models that served to keep, the present one among them
        #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
        keep: u16,
        /// Days that refused ones are kept
        #[arg(long, value_name = "N", default_value_t = 7)]
        refused_days: u32,
    },
}

#[derive(Debug, Args)]
pub struct RunsArguments {
    #[command(subcommand)]
    pub command: RunsCommand,
}

#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// List what retraining came to, the latest run first
    List {
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a run's steps, what was compared, and where its report lies
    Show {
        /// Number of the run [default: the latest]
        #[arg(value_name = "RUN")]
        run: Option<i64>,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
}

fn days(text: &str) -> Result<f64, String> {
    let days: f64 = text.parse().map_err(|_| "not a number of days".to_owned())?;
    if days > 0.0 && days <= 36_500.0 { Ok(days) } else { Err("must be above 0 and at most 36500".into()) }
}
