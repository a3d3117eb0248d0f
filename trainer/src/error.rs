//! What can go wrong in learning and embedding.

use std::path::PathBuf;

/// The crate's result.
pub type Result<T> = std::result::Result<T, Error>;

/// Situations a caller can tell apart.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The front end could not read a file.
    #[error(transparent)]
    Audio(#[from] audio_frontend::Error),
    /// A file of a model, manifest or report could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A line of a manifest is not usable.
    #[error("{path}, line {line}: {reason}", path = path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// Line number, the header's is 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// Too little to learn from.
    #[error("nothing to learn: {genres} genres in the training part, at least 2 are needed")]
    TooLittleData {
        /// Genres found.
        genres: usize,
    },
    /// A folder is no model, or one that this version cannot read.
    #[error("{path}: {reason}", path = path.display())]
    Model {
        /// The model's folder or file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A setting out of its range.
    #[error(transparent)]
    Config(#[from] audio_frontend::OutOfRange),
    /// Windows made with another front end than the model's.
    #[error("windows of {found_frames} frames × {found_bands} bands, but the model reads {frames} × {bands}")]
    WrongWindows {
        /// Frames given.
        found_frames: usize,
        /// Bands given.
        found_bands: usize,
        /// Frames the model reads.
        frames: usize,
        /// Bands the model reads.
        bands: usize,
    },
    /// libtorch failed.
    #[error("libtorch failed in {operation}: {reason}")]
    Torch {
        /// What was being computed.
        operation: &'static str,
        /// Its message.
        reason: String,
    },
    /// The network's output or the loss is not a number.
    #[error("{what} is not finite")]
    NotFinite {
        /// What was computed.
        what: &'static str,
    },
    /// A degraded copy cannot be made on this machine: its row is not measured.
    #[error("{degradation}: {needs} is not installed")]
    CannotDegrade {
        /// What was to be done to the copy.
        degradation: &'static str,
        /// The missing program.
        needs: &'static str,
    },
    /// The program ffmpeg could not write a copy of a file.
    #[error("{path}: ffmpeg failed: {reason}", path = path.display())]
    Ffmpeg {
        /// The file that it read.
        path: PathBuf,
        /// The last line that it said.
        reason: String,
    },
    /// A peer's table is not usable.
    #[error("{path}: array {array}: {reason}", path = path.display())]
    Peer {
        /// The table.
        path: PathBuf,
        /// The array within it.
        array: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A peer's table has no row for some of the tracks.
    #[error("{path}: no row for {missing} of {tracks} tracks, such as {}", list(examples), path = path.display())]
    PeerLacksTracks {
        /// The table.
        path: PathBuf,
        /// Number of tracks without a row.
        missing: usize,
        /// Number of tracks asked for.
        tracks: usize,
        /// The first of those without a row.
        examples: Vec<PathBuf>,
    },
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
