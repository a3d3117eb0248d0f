//! What can go wrong between a path and its windows.

use std::path::{Path, PathBuf};

/// The crate's result.
pub type Result<T> = std::result::Result<T, Error>;

/// Situations a caller can tell apart; each names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file that was read.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A folder, FIFO, device or socket.
    #[error("{path}: not a regular file", path = path.display())]
    NotAFile {
        /// What was asked for.
        path: PathBuf,
    },
    /// Zero bytes long.
    #[error("{path}: the file is empty", path = path.display())]
    EmptyFile {
        /// The file.
        path: PathBuf,
    },
    /// No known audio format was recognised in the content.
    #[error("{path}: not an audio file, or of a format that is not supported", path = path.display())]
    NotAudio {
        /// The file.
        path: PathBuf,
    },
    /// A known container with a codec that is not supported.
    #[error("{path}: {what} is not supported", path = path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The codec or feature.
        what: String,
    },
    /// A format that Symphonia cannot read, and the program that can is not there.
    #[error("{path}: the program ffmpeg is needed for this format and is not installed", path = path.display())]
    NeedsFfmpeg {
        /// The file.
        path: PathBuf,
    },
    /// Decoding did not come to an end in time.
    #[error("{path}: given up after {} s", crate::decode::TIME_LIMIT.as_secs(), path = path.display())]
    TookTooLong {
        /// The file.
        path: PathBuf,
    },
    /// The content contradicts its format.
    #[error("{path}: damaged: {reason}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        reason: String,
    },
    /// The file ends long before the length its header states.
    #[error("{path}: truncated: {decoded_seconds:.1} s of {expected_seconds:.1} s are there", path = path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Length that could be decoded.
        decoded_seconds: f64,
        /// Length stated in the header.
        expected_seconds: f64,
    },
    /// Audio with no sample in it.
    #[error("{path}: holds no samples", path = path.display())]
    NoSamples {
        /// The file.
        path: PathBuf,
    },
    /// A decoder panicked, which a hostile file may bring it to.
    #[error("{path}: the decoder gave up: {source}", path = path.display())]
    DecoderPanicked {
        /// The file.
        path: PathBuf,
        /// Its last words.
        source: crate::guard::Panicked,
    },
    /// None of the windows that were listened to is louder than −90 dBFS.
    #[error("{path}: silent", path = path.display())]
    Silent {
        /// The file.
        path: PathBuf,
    },
}

/// A setting out of its range, with the rule that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("setting out of range: {0}")]
pub struct OutOfRange(pub &'static str);

impl OutOfRange {
    /// The first rule that does not hold.
    ///
    /// # Errors
    /// That rule.
    pub fn check(rules: &[(bool, &'static str)]) -> std::result::Result<(), Self> {
        rules.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, rule)| Err(Self(rule)))
    }
}

impl Error {
    /// Whether trying the unchanged file again can help: the reason lay with the system, not with
    /// the file.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Io { .. } | Self::NeedsFfmpeg { .. })
    }

    /// The reason without the file's path, for lists that show the path already.
    pub fn reason(&self) -> String {
        let text = self.to_string();
        let path = self.path().display().to_string();
        text.strip_prefix(&path).map_or(text.clone(), |rest| rest.trim_start_matches(": ").to_owned())
    }

    /// The file concerned.
    pub fn path(&self) -> &Path {
        match self {
            Self::Io { path, .. }
            | Self::NotAFile { path }
            | Self::EmptyFile { path }
            | Self::NotAudio { path }
            | Self::Unsupported { path, .. }
            | Self::NeedsFfmpeg { path }
            | Self::TookTooLong { path }
            | Self::Damaged { path, .. }
            | Self::Truncated { path, .. }
            | Self::NoSamples { path }
            | Self::DecoderPanicked { path, .. }
            | Self::Silent { path } => path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_leaves_the_path_out() {
        let error = Error::EmptyFile { path: "a/b.wav".into() };
        assert_eq!(error.to_string(), "a/b.wav: the file is empty");
        assert_eq!(error.reason(), "the file is empty");
    }
}
