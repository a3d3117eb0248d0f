//! What goes out of a store, and what comes in but music.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub struct ExportArguments {
    /// File format
    #[arg(long, value_enum)]
    pub format: ExportFormat,
    /// File to write; `-` is standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// NumPy: arrays `files` (text) and `emb` (float32, tracks × dimensions), tags and passages; all but vectors is in memory
    Npz,
    /// One JSON object a line
    Jsonl,
    /// Apache Parquet
    Parquet,
}

#[derive(Debug, Args)]
pub struct ImportArguments {
    /// Files (Parquet or .npz), or folders of them
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Model that made the vectors: a folder, or `built-in` [default: the one that the file names]
    #[arg(long, value_name = "MODEL")]
    pub model: Option<PathBuf>,
    /// Take in what there is, though files of the listing are in no shard yet
    #[arg(long)]
    pub partial: bool,
}

#[derive(Debug, Args)]
pub struct ImportPlaysArguments {
    /// CSV files with the columns track (a number, a path or the end of one), time and perhaps skipped
    #[arg(required = true, value_name = "LOG")]
    pub logs: Vec<PathBuf>,
}
