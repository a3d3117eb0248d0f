//! The command line as plain data; `settings` resolves it.

mod exchange;
mod mpd;
mod query;
mod retraining;
mod schedule;
mod serve;
mod tour;

use std::path::PathBuf;

use audio_frontend::Coverage;
use clap::{Args, Parser, Subcommand, ValueEnum};
use trainer::config::StageName;

pub use exchange::{ExportArguments, ExportFormat, ImportArguments, ImportPlaysArguments};
pub use mpd::{FollowArguments, MixArguments, MpdArguments, MpdCommand};
pub use query::{FilterArguments, Part, QueryArguments, QueryFormat, durations, years};
pub use retraining::{
    FeedbackArguments, FeedbackKind, ImportPlaylistsArguments, LabelArguments, ModelsArguments, ModelsCommand,
    RetrainArguments, RunsArguments, RunsCommand, TasteArguments,
};
pub use schedule::{InstallScheduleArguments, ScheduleArguments, ScheduleCommand, TimeOfDay};
pub use serve::{ServeArguments, UserArguments, UserCommand, WorkerArguments};
pub use tour::{PathArguments, RadioArguments};

/// Finds the tracks of a music collection that sound most alike.
#[derive(Debug, Parser)]
#[command(name = "similar-tracks", version, about, max_term_width = 100, disable_help_subcommand = true)]
#[command(after_help = "\
Examples:
  similar-tracks ingest ~/Music                      analyse a collection; again: only what changed
  similar-tracks query song.flac                     the ten tracks that sound most like it
  similar-tracks query a.mp3 b.mp3 --format m3u8     a playlist in the spirit of both
  similar-tracks status                              what the store holds

Exit codes: 0 done, 1 nothing found, 2 failure")]
pub struct Arguments {
    #[command(flatten)]
    pub global: GlobalArguments,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct GlobalArguments {
    /// Folder that holds catalogue, vectors and model [default: similar-tracks in the user's data
    /// folder]
    #[arg(long, global = true, value_name = "DIR", env = "SIMILAR_TRACKS_STORE")]
    pub store: Option<PathBuf>,
    /// Show no progress
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Analyse folders of music; run again, it takes up only what changed
    Ingest(IngestArguments),
    /// List the library's tracks that sound most like the given ones
    Query(QueryArguments),
    /// List tracks to be heard one after the other: each like the ones before, slowly going elsewhere
    Radio(RadioArguments),
    /// List tracks that lead from one to another by small steps
    Path(PathArguments),
    /// Fill the queue of a Music Player Daemon with similar tracks
    Mpd(MpdArguments),
    /// List recordings that the library holds several times
    Duplicates(DuplicatesArguments),
    /// Answer over HTTP: a page to listen with, a JSON API, and OpenSubsonic for players
    Serve(ServeArguments),
    /// Say who may ask the server
    User(UserArguments),
    /// Show what the store holds
    Status(StatusArguments),
    /// Forget tracks; their files stay, and an ingest of their folder takes them in again
    Remove(RemoveArguments),
    /// Verify the store, build anew what can be, and keep what can still be read
    Repair,
    /// Build the index anew, and give back the space of what is gone
    Compact,
    /// Write every track's vector to a file
    Export(ExportArguments),
    /// Take in tracks and vectors that `export` wrote, without their files
    Import(ImportArguments),
    /// Take in when tracks were heard
    ImportPlays(ImportPlaysArguments),
    /// Take in which tracks stand together in playlists
    ImportPlaylists(ImportPlaylistsArguments),
    /// Say which answers were good: retraining learns from it
    Feedback(FeedbackArguments),
    /// List tracks that a listener may like, by what was heard
    Taste(TasteArguments),
    /// Train a model on tracks with genres
    Train(TrainArguments),
    /// Train the store's model on from what is new; what comes of it serves only if it is better
    Retrain(RetrainArguments),
    /// Have the operating system retrain every night
    Schedule(ScheduleArguments),
    /// Show and change which model serves
    Models(ModelsArguments),
    /// Show what retraining did
    Runs(RunsArguments),
    /// Judge a model on tracks with genres, beside baselines and other systems
    Eval(EvalArguments),
    /// Write the vectors of files, or activations of a layer, without a store
    Embed(EmbedArguments),
    /// Embed the files that standard input names, a line of JSON for each: for programs that embed many
    Worker(WorkerArguments),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages
    Man {
        /// Folder to write them to
        #[arg(long, short, value_name = "DIR", default_value = "man")]
        output: PathBuf,
    },
}

#[derive(Debug, Args)]
pub struct IngestArguments {
    /// Folders (or single files) to analyse
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Files worked on at once [default: all cores]
    #[arg(long, short, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// Forget tracks whose files are gone
    #[arg(long)]
    pub prune: bool,
    /// Try files again that could not be read before or were silent, though they have not changed, and look again for copies
    /// that could not be listened to
    #[arg(long)]
    pub retry_failed: bool,
    /// Exit with 2 when a file could not be read
    #[arg(long)]
    pub strict: bool,
    /// Model to embed with: a folder, or `built-in` [default: the store's]
    #[arg(long, value_name = "MODEL")]
    pub model: Option<PathBuf>,
    /// What is decoded of a track: windows spread over it, or all [default: the store's, else spread]
    #[arg(long, value_enum)]
    pub coverage: Option<CoverageArgument>,
    /// Allow --model or --coverage to differ from the store's: embed every track again; with the store's own, those that an
    /// older program took in without their passages
    #[arg(long)]
    pub reembed: bool,
    /// What a track pays in rankings for lying near to everything: a share of its mean cosine with its thirty nearest, 0 to
    /// 1; 0: nothing [default: the store's, else 0.4]
    #[arg(long, value_name = "SHARE", value_parser = hub_weight)]
    pub hub_weight: Option<f32>,
    /// Tracks up to which a query compares with all of them; more are searched by lists [default: the store's, else 50000]
    #[arg(long, value_name = "N")]
    pub exact_up_to: Option<usize>,
    /// Share of the ten nearest that searches by lists have to find [default: the store's, else 0.99]
    #[arg(long, value_name = "SHARE", value_parser = recall)]
    pub recall: Option<f64>,
    /// Memory in GiB that the index takes at most; with less, searches are slower and read from disk [default: the store's,
    /// else 4]
    #[arg(long, value_name = "N", value_parser = gibibytes)]
    pub index_gib: Option<f64>,
    /// Print the summary as JSON
    #[arg(long)]
    pub json: bool,
}

impl IngestArguments {
    /// Of these folders, with everything as the store has it.
    pub fn of(paths: Vec<PathBuf>, jobs: Option<std::num::NonZeroUsize>) -> Self {
        Self {
            paths,
            jobs,
            prune: false,
            retry_failed: false,
            strict: false,
            model: None,
            coverage: None,
            reembed: false,
            hub_weight: None,
            exact_up_to: None,
            recall: None,
            index_gib: None,
            json: false,
        }
    }
}

// Without texts for its values, which would make every help text of `ingest` a long one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CoverageArgument {
    Spread,
    Full,
}

impl From<CoverageArgument> for Coverage {
    fn from(argument: CoverageArgument) -> Self {
        match argument {
            CoverageArgument::Spread => Self::Spread,
            CoverageArgument::Full => Self::Full,
        }
    }
}

#[derive(Debug, Args)]
pub struct StatusArguments {
    /// List the formats that are read, and by what
    #[arg(long)]
    pub formats: bool,
    /// List the files that could not be read, with reasons
    #[arg(long)]
    pub failed: bool,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct DuplicatesArguments {
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

/// Which tracks a model learns from, or is judged by.
#[derive(Debug, Args)]
pub struct DataArguments {
    /// CSV file with the columns path and genre, and perhaps artist, album and title; or a folder
    /// of genre folders; or FMA's, with fma_metadata and fma_small
    #[arg(value_name = "MANIFEST", required_unless_present = "library", conflicts_with = "library")]
    pub manifest: Option<PathBuf>,
    /// Take the tracks and tags of the store instead
    #[arg(long)]
    pub library: bool,
    /// Artists of several names (TOML): `[artists] name = ["other name", ...]`
    #[arg(long, value_name = "FILE")]
    pub aliases: Option<PathBuf>,
    /// Which tags mean which genre (TOML): `[genres] rock = ["hard rock", ...]`; others mean none
    /// [default: each tag is a genre]
    #[arg(long, value_name = "FILE")]
    pub genres: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct TrainArguments {
    #[command(flatten)]
    pub data: DataArguments,
    /// Folder for the model; run again after an interruption, it goes on where it was
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// Settings (TOML); what is not in it keeps its default
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Stages in their order: classify, finetune, triplet, simclr, masked, distill, whiten
    #[arg(long, value_name = "STAGE,…", value_delimiter = ',', value_parser = stage_name)]
    pub stages: Vec<StageName>,
    /// Vectors that the stage distill learns from: an .npz with `files`, `emb` and, of passages, `start_s`; given
    /// again, they stand side by side
    #[arg(long = "teacher", value_name = "FILE")]
    pub teachers: Vec<PathBuf>,
    /// Model to train on from: a folder, or `built-in` [default: random weights]
    #[arg(long, value_name = "MODEL")]
    pub from: Option<PathBuf>,
    /// Leave out the artists of this manifest, so that it can judge the model afterwards
    #[arg(long, value_name = "MANIFEST")]
    pub without: Option<PathBuf>,
    /// Optimiser steps of each stage at most
    #[arg(long, value_name = "N")]
    pub steps: Option<usize>,
    /// Seed of every random choice
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Time for all stages of this call together; learning rates fall accordingly
    #[arg(long, value_name = "N")]
    pub max_minutes: Option<u64>,
    /// Threads [default: all cores]
    #[arg(long, short, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// Discard an interrupted run in the model's folder
    #[arg(long)]
    pub fresh: bool,
    /// Validation tracks of which degraded copies are judged
    #[arg(long, value_name = "N", default_value_t = 40)]
    pub degraded: usize,
    #[command(flatten)]
    pub cache: CacheArguments,
}

/// Where decoded tracks are kept between runs.
#[derive(Debug, Args)]
pub struct CacheArguments {
    /// Folder for decoded tracks [default: similar-tracks/log-mel in the user's cache folder]
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// Size of that folder at most, in GiB; the longest unused tracks go first
    #[arg(long, value_name = "N", default_value = "20")]
    pub cache_gib: std::num::NonZeroU64,
}

#[derive(Debug, Args)]
pub struct EvalArguments {
    #[command(flatten)]
    pub data: DataArguments,
    /// Model to judge: a folder, or `built-in` [default: built-in]
    #[arg(long, value_name = "MODEL")]
    pub model: Option<PathBuf>,
    /// Model to compare it with [default: built-in, where that is another]
    #[arg(long, value_name = "MODEL")]
    pub before: Option<PathBuf>,
    /// Other systems' vectors or distances of the same tracks (NumPy .npz: files, and emb or dist)
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub compare: Vec<PathBuf>,
    /// Judge by so many seconds of the middle of each track, as if they were the track: GTZAN and FMA hold 30.
    /// Vectors named by --compare stay what they are
    #[arg(long, value_name = "SECONDS", value_parser = excerpt_seconds)]
    pub excerpt: Option<f64>,
    /// Judge also by artists that the model was trained on: figures flatter
    #[arg(long)]
    pub include_heard: bool,
    /// Tracks of which degraded copies are judged
    #[arg(long, value_name = "N", default_value_t = 40)]
    pub degraded: usize,
    /// Write a report (HTML)
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
    /// Threads [default: all cores]
    #[arg(long, short, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
}

#[derive(Debug, Args)]
pub struct RemoveArguments {
    /// Track ids or paths in the library
    #[arg(required = true, value_name = "TRACK-ID|PATH")]
    pub tracks: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct EmbedArguments {
    /// Audio files or folders of them
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// File to write (NumPy .npz: files and emb); `-` is standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// Model to embed with: a folder, or `built-in` [default: built-in]
    #[arg(long, value_name = "MODEL")]
    pub model: Option<PathBuf>,
    /// Take the activations of this layer instead of the embedding: stem, blocks.0, blocks.1, ...
    #[arg(long, value_name = "LAYER")]
    pub layer: Option<String>,
    /// How a layer's activations are pooled over time
    #[arg(long, value_enum, default_value_t = LayerPoolingArgument::Both, requires = "layer")]
    pub pooling: LayerPoolingArgument,
    /// Files worked on at once [default: all cores]
    #[arg(long, short, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LayerPoolingArgument {
    Mean,
    Max,
    Both,
}

/// Halves have to hold a window of 4 s; ten minutes are all that is decoded.
fn excerpt_seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if (10.0..=600.0).contains(&seconds) { Ok(seconds) } else { Err("must be in 10..=600".into()) }
}

fn recall(text: &str) -> Result<f64, String> {
    let recall: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if recall > 0.0 && recall <= 1.0 { Ok(recall) } else { Err("must be above 0 and at most 1".into()) }
}

fn gibibytes(text: &str) -> Result<f64, String> {
    let gibibytes: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if gibibytes > 0.0 && gibibytes <= 4096.0 { Ok(gibibytes) } else { Err("must be above 0 and at most 4096".into()) }
}

fn hub_weight(text: &str) -> Result<f32, String> {
    let weight: f32 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=1.0).contains(&weight) { Ok(weight) } else { Err("must be in 0..=1".into()) }
}

fn stage_name(text: &str) -> Result<StageName, String> {
    let known = || StageName::ALL.map(StageName::as_str).join(", ");
    StageName::ALL.into_iter().find(|stage| stage.as_str() == text).ok_or_else(|| format!("stages are {}", known()))
}
