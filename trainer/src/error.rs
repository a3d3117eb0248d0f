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
    /// A folder is no data set that can be read.
    #[error("{path}: no audio files, and no tracks.csv of FMA", path = path.display())]
    NoDataSet {
        /// The folder.
        path: PathBuf,
    },
    /// FMA's table of tracks without the tracks.
    #[error("no folder fma_small, fma_medium, fma_large or fma_full beside {tracks}", tracks = tracks.display())]
    NoFmaAudio {
        /// The table.
        tracks: PathBuf,
    },
    /// A file of names, of artists or genres, cannot be read.
    #[error("{path}, line {line}: {reason}", path = path.display())]
    Names {
        /// The file.
        path: PathBuf,
        /// Line number, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A name that means two things.
    #[error("{path}, line {line}: `{name}` stands under both `{first}` and `{second}`", path = path.display())]
    NameTwice {
        /// The file of names.
        path: PathBuf,
        /// Line number of the second place, from 1.
        line: u64,
        /// The name.
        name: String,
        /// What it stands under first.
        first: String,
        /// What it stands under as well.
        second: String,
    },
    /// A name that stands for another and has others that stand for it.
    #[error("{path}, line {line}: `{name}` is listed under `{of}` and has a list of its own", path = path.display())]
    NameChain {
        /// The file of names.
        path: PathBuf,
        /// Line number of the second of its two places, from 1.
        line: u64,
        /// The name.
        name: String,
        /// What it is listed under.
        of: String,
    },
    /// Too little to learn from.
    #[error("nothing to learn: {tracks} tracks of {genres} genres in the training part, at least 2 are needed")]
    TooLittleData {
        /// Genres found.
        genres: usize,
        /// Tracks found.
        tracks: usize,
    },
    /// A folder is no model, or one that this version cannot read.
    #[error("{path}: {reason}", path = path.display())]
    Model {
        /// The model's folder or file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The cache of decoded tracks has no room for the run's own.
    #[error("{folder}: the run's decoded tracks do not fit in {} GiB{}", limit_bytes >> 30,
            if *others { ", and another run uses what lies there" } else { "" }, folder = folder.display())]
    CacheFull {
        /// The cache.
        folder: PathBuf,
        /// Its limit.
        limit_bytes: u64,
        /// Whether another run uses the cache, so that nothing may be removed.
        others: bool,
    },
    /// The search for neighbours failed.
    #[error("searching for hard negatives: {reason}")]
    Search {
        /// The index's message.
        reason: String,
    },
    /// A checkpoint is damaged or of another run.
    #[error("{path}: {reason}", path = path.display())]
    Checkpoint {
        /// The checkpoint.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A folder holds the state of a run with other settings or data.
    #[error("{folder}: the state of a run with other settings or other tracks lies here", folder = folder.display())]
    OtherRun {
        /// The folder.
        folder: PathBuf,
    },
    /// A run is to learn from a teacher, and none is given.
    #[error("the stage distill needs a teacher's vectors")]
    NoTeacher,
    /// A teacher has heard next to none of the tracks.
    #[error("the teacher {teacher} has heard {heard} of the training tracks, at least 2 are needed")]
    NothingTaught {
        /// Its name.
        teacher: String,
        /// Tracks that it has heard.
        heard: usize,
    },
    /// A run was to have no stage.
    #[error("there is no stage to run")]
    NoStage,
    /// A file of settings is not valid.
    #[error("{reason}")]
    Settings {
        /// What is wrong, and where.
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
    /// A stage ended before it had weights to keep.
    #[error("the stage ended before it had weights to keep")]
    NoWeights,
    /// A network has no layer of this name.
    #[error("the model has no layer `{name}`: its layers are {}", layers.join(", "))]
    NoLayer {
        /// The name asked for.
        name: String,
        /// Those that there are.
        layers: Vec<String>,
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
    /// Vectors of different sizes cannot be compared.
    #[error("vectors of {expected} and of {found} numbers cannot be compared")]
    UnevenVectors {
        /// Size of the first.
        expected: usize,
        /// Size of another.
        found: usize,
    },
    /// What belongs to the same tracks does not have the same number.
    #[error("{found} {what} given, {expected} needed")]
    WrongCount {
        /// What was counted.
        what: &'static str,
        /// Number given.
        found: usize,
        /// Number needed.
        expected: usize,
    },
    /// A system was judged by other tracks than the one it is compared with.
    #[error("{system} was judged by other tracks than the first system")]
    DifferentQueries {
        /// Name of the system.
        system: String,
    },
    /// The system gives no thread.
    #[error(transparent)]
    Threads(rayon::ThreadPoolBuildError),
    /// A part or copy of a track cannot be heard: it may be silent where the track is not.
    #[error("{path}: {what}: {reason}", path = path.display())]
    Part {
        /// The track.
        path: PathBuf,
        /// Which part.
        what: &'static str,
        /// What was reported, without the part's own path.
        reason: String,
    },
    /// A model that was to listen cannot be loaded.
    #[error("a model that was to listen: {reason}")]
    Listener {
        /// What loading it reported.
        reason: String,
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
    /// A table of another system's vectors or distances is not usable.
    #[error("{path}: array {array}: {reason}", path = path.display())]
    Table {
        /// The table.
        path: PathBuf,
        /// The array within it.
        array: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A table of another system's has no row for some of the tracks.
    #[error("{path}: no row for {missing} of {tracks} tracks, such as {}", list(examples), path = path.display())]
    TableLacksTracks {
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

/// For `map_err`: what happened to a file.
pub(crate) fn io(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::Io { path, source }
}
