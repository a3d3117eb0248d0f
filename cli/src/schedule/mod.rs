//! Retraining that the operating system starts every day.

pub mod cron;
pub mod systemd;

use std::ffi::OsStr;
use std::path::Path;

use anyhow::Context;
use clap::Parser;

use crate::args::{Arguments, InstallScheduleArguments, TimeOfDay};
use crate::failure::hinted;

/// File within the store that takes the output, if no other is named.
const LOG_FILE: &str = "retrain.log";

/// Lines of the log that a failure is told with.
const REPORTED_LINES: u32 = 20;

/// What a run ends with that trained a model and kept the one before: no failure.
const REFUSED_EXIT_CODE: u8 = 3;

/// A daily run of `similar-tracks retrain` on one store. Its texts hold no control characters.
#[derive(Debug, Clone)]
pub struct Job {
    /// The store's folder, as [`store_name`] writes it.
    pub store: String,
    /// The time of its start.
    pub at: TimeOfDay,
    /// Path of this program.
    pub program: String,
    /// All that it is called with.
    pub arguments: Vec<String>,
    /// Folder that it runs in, which relative paths among the arguments are of.
    pub folder: String,
    /// File that its output is appended to.
    pub log: String,
    /// Whether it is to give way to all others; else the arguments say how much.
    pub is_nicest: bool,
}

impl Job {
    /// What was asked for. Whatever would fail at night is an error now.
    pub fn new(store: &Path, arguments: &InstallScheduleArguments) -> anyhow::Result<Self> {
        let store = store_name(store)?;
        let log = match &arguments.log {
            Some(log) => std::path::absolute(log)?,
            None => Path::new(&store).join(LOG_FILE),
        };
        anyhow::ensure!(!log.is_dir(), "{}: is a folder, and the log is a file", log.display());
        if let Some(folder) = log.parent().filter(|folder| !folder.is_dir()) {
            let missing = anyhow::anyhow!("{}: no such folder", folder.display());
            return Err(hinted(missing, "create it, or name a log in another with --log"));
        }
        let retrain: Vec<String> =
            arguments.retrain.iter().map(|argument| text(argument)).collect::<anyhow::Result<_>>()?;
        let is_nicest = !retrain.iter().any(|argument| argument == "--nice" || argument.starts_with("--nice="));
        let folder = if retrain.is_empty() { store.clone() } else { text(std::env::current_dir()?.as_os_str())? };
        let mut words = vec!["--store".to_owned(), store.clone(), "retrain".to_owned()];
        if is_nicest {
            words.extend(["--nice".to_owned(), "19".to_owned()]);
        }
        words.extend(retrain);
        check_arguments(&words)?;
        let program = std::env::current_exe().context("the path of this program")?;
        Ok(Self {
            store,
            at: arguments.at,
            program: text(program.as_os_str())?,
            arguments: words,
            folder,
            log: text(log.as_os_str())?,
            is_nicest,
        })
    }
}

/// What starts jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheduler {
    Cron,
    Systemd,
}

impl Scheduler {
    /// The one that was asked for, else the first that is there.
    pub fn choose(arguments: &InstallScheduleArguments) -> anyhow::Result<Self> {
        if arguments.cron || !arguments.systemd_user && is_on_path("crontab") {
            Ok(Self::Cron)
        } else if arguments.systemd_user || systemd::answers() {
            Ok(Self::Systemd)
        } else {
            let error = anyhow::anyhow!("neither cron nor systemd is there to start jobs");
            Err(hinted(error, "install cron, or have units written that systemd reads later, with --systemd-user"))
        }
    }
}

/// A store's path as jobs name it: always the same, whatever links lead there.
pub fn store_name(store: &Path) -> anyhow::Result<String> {
    // A store that is gone may still have a job.
    text(store.canonicalize().unwrap_or_else(|_| store.to_owned()).as_os_str())
}

/// A word that tables and units can hold.
fn text(word: &OsStr) -> anyhow::Result<String> {
    match word.to_str().filter(|text| !text.chars().any(char::is_control)) {
        Some(text) => Ok(text.to_owned()),
        None => {
            let error = anyhow::anyhow!("{word:?} cannot be scheduled: it is no UTF-8 text in one line");
            Err(hinted(error, "move or link it to a path without line breaks and other control characters"))
        }
    }
}

/// Has the command line judge the call that is scheduled.
fn check_arguments(arguments: &[String]) -> anyhow::Result<()> {
    let words = std::iter::once("similar-tracks").chain(arguments.iter().map(String::as_str));
    let Err(error) = Arguments::try_parse_from(words) else { return Ok(()) };
    let message = error.to_string();
    let first = message.lines().next().unwrap_or_default();
    let error = anyhow::anyhow!("retrain: {}", first.strip_prefix("error: ").unwrap_or(first));
    Err(hinted(error, "`similar-tracks retrain --help` lists what may stand behind --"))
}

/// Whether a program of this name can be started.
fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Whether a word means itself to shells and to systemd.
fn is_plain(word: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:,+@".contains(&byte);
    !word.is_empty() && word.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_line_can_hold_is_refused() {
        assert_eq!(text(OsStr::new("it's 100 %, \u{e4}\\")).unwrap(), "it's 100 %, \u{e4}\\");
        for wrong in ["a\nb", "a\rb", "a\tb", "\u{7f}"] {
            assert!(text(OsStr::new(wrong)).is_err(), "{wrong:?}");
        }
        let no_text = <OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff");
        assert!(text(no_text).is_err());
    }

    #[test]
    fn only_harmless_words_stand_without_quotes() {
        assert!(is_plain("/usr/bin/similar-tracks") && is_plain("--nice") && is_plain("19"));
        for word in ["", "a b", "$HOME", "~", "100%", "it's", "\"", "a;b", "\\", "*", "#", "\u{e4}", "a=b"] {
            assert!(!is_plain(word), "{word}");
        }
    }

    #[test]
    fn a_store_that_is_gone_keeps_its_name() {
        assert_eq!(store_name(Path::new("/no/such/store")).unwrap(), "/no/such/store");
    }
}
