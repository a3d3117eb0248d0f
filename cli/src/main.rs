//! `similar-tracks`: play similar tracks. See the README.

mod args;
mod commands;
mod export;
mod failure;
mod library;
mod output;
mod progress;
mod settings;

use std::process::ExitCode;

use clap::Parser;

/// What a command that did not fail says to a program that calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Exit code 0.
    Done,
    /// Exit code 1: the command ran and there was nothing to be found.
    NothingFound,
}

fn main() -> ExitCode {
    failure::keep_guarded_panics_quiet();
    let arguments = args::Arguments::parse();
    match commands::run(arguments) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::NothingFound) => ExitCode::from(1),
        Err(error) => {
            failure::print(&error);
            ExitCode::from(2)
        }
    }
}
