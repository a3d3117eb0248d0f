//! How failures are told: `error: …` and, where known, `hint: …`.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::output::one_line;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Prints an error with its causes in one line and, where one is known, a hint below.
#[allow(clippy::print_stderr, reason = "the one place that writes errors")]
pub fn print(error: &anyhow::Error) {
    let (message, hint) = match error.downcast_ref::<Hinted>() {
        Some(hinted) => (format!("{:#}", hinted.error), Some(hinted.hint.as_str())),
        None => (format!("{error:#}"), general_hint(error)),
    };
    eprintln!("error: {}", one_line(&message));
    if let Some(hint) = hint {
        eprintln!("hint: {hint}");
    }
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
            index::Error::Damaged { .. } => {
                "restore the store from a backup, or move it away and ingest again: the music itself is never touched"
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

/// Runs work on one file, and turns a panic in it, such as a codec's, into its message.
pub fn guard<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let outer = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    result.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        format!("the decoder gave up: {}", text.unwrap_or_else(|| "unknown reason".into()))
    })
}

/// Panics inside of [`guard`] are reported as errors, so they need not be printed as well.
pub fn keep_guarded_panics_quiet() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !GUARDED.get() {
            default(panic);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_guarded_work_becomes_its_message() {
        assert_eq!(guard(|| 7), Ok(7));
        assert_eq!(guard(|| panic!("bad packet")), Err::<(), _>("the decoder gave up: bad packet".into()));
    }
}
