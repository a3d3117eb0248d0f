//! How failures are told: `error: …` and, where known, `hint: …`.

use crate::output::one_line;

/// Prints an error with its causes in one line and, where one is known, a hint below.
#[allow(clippy::print_stderr, reason = "the one place that writes errors")]
pub fn print(error: &anyhow::Error) {
    let hint = match error.downcast_ref::<Hinted>() {
        Some(hinted) => Some(hinted.hint.as_str()),
        None => general_hint(error),
    };
    eprintln!("error: {}", told(error));
    if let Some(hint) = hint {
        eprintln!("hint: {hint}");
    }
}

/// An error with its causes in one line, as [`print()`] tells it.
pub fn told(error: &anyhow::Error) -> String {
    let hinted = error.downcast_ref::<Hinted>();
    one_line(&with_causes(hinted.map_or(error, |hinted| &hinted.error)))
}

/// An error and its causes; one that the error names already is not told again.
fn with_causes(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        _ if told.ends_with(&cause) => told,
        _ => format!("{told}: {cause}"),
    })
}

/// Hints for what can happen in every command.
fn general_hint(error: &anyhow::Error) -> Option<&'static str> {
    error.chain().find_map(|cause| {
        let io_kind = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        if io_kind == Some(std::io::ErrorKind::StorageFull) {
            return Some(DISK_FULL_HINT);
        }
        Some(match cause.downcast_ref::<index::Error>()? {
            index::Error::DiskFull { .. } => DISK_FULL_HINT,
            index::Error::NoStore { .. } => "`similar-tracks ingest FOLDER` creates one; --store names another",
            index::Error::NotAStore { .. } => "name a new or empty folder with --store",
            index::Error::PathNotUtf8 { .. } => "name a folder whose path is UTF-8 with --store",
            index::Error::InUse { .. } => "wait until it has ended; queries go on meanwhile",
            index::Error::NewerFormat { .. } => "the store was written by a newer similar-tracks: update this one",
            index::Error::ChangedWhileRead { .. } => "run the command again",
            index::Error::Config { .. } => {
                "mend it or take it out: README, \"On many machines\" and, of [[playlist]], \"Playlists that keep \
                 themselves up to date\""
            }
            index::Error::WithoutMilvus => {
                "build it with `cargo build --release --features milvus`, or take `backend = \"milvus\"` out of the \
                 store's config.toml"
            }
            index::Error::Milvus { .. } => {
                "the store has all that is in Milvus: once the server answers, run the same command again, or \
                 `similar-tracks repair`"
            }
            index::Error::NotInMilvus { .. } => "`similar-tracks repair` puts them there",
            index::Error::Damaged { .. } => {
                "`similar-tracks repair` keeps what can still be read, and an ingest brings back the rest"
            }
            _ => return None,
        })
    })
}

const DISK_FULL_HINT: &str = "free some space and run the same command again: what was committed is kept";

/// An error that says how to go on.
#[derive(Debug)]
struct Hinted {
    error: anyhow::Error,
    hint: String,
}

impl std::fmt::Display for Hinted {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(formatter)
    }
}

impl std::error::Error for Hinted {}

/// An error with a hint.
pub fn hinted(error: impl Into<anyhow::Error>, hint: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Hinted { error: error.into(), hint: hint.into() })
}

/// Panics that are caught are reported as errors, so they need not be printed as well.
pub fn keep_guarded_panics_quiet() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !audio_frontend::guard::is_guarded() {
            default(panic);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let missing = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let named = trainer::Error::Io { path: "song.wav".into(), source: missing() };
        assert_eq!(with_causes(&named.into()), format!("song.wav: {}", missing()));
        let wrapped = anyhow::Error::new(missing()).context("song.wav");
        assert_eq!(with_causes(&wrapped), format!("song.wav: {}", missing()));
    }
}
