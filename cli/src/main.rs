//! `similar-tracks`: play similar tracks. See the README.

// First of all: who links FAISS before libtorch links libtorch before Debian's BLAS, whose products of matrices
// are ten times slower than libtorch's own. A test looks at the order.
use index as _;

mod args;
mod commands;
mod examination;
mod exchange;
mod failure;
mod library;
mod listing;
mod moment;
mod mpd;
mod output;
mod playlist;
mod progress;
mod retraining;
mod schedule;
mod settings;
mod training;

use std::process::ExitCode;

use clap::Parser;

/// What a command that did not fail says to a program that calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Exit code 0.
    Done,
    /// Exit code 1: the command ran and there was nothing to be found.
    NothingFound,
    /// Exit code 3: what was learnt is not good enough.
    Refused,
}

fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    let _from_the_environment = fail::FailScenario::setup();
    failure::keep_guarded_panics_quiet();
    let arguments = args::Arguments::parse();
    match check_processor().and_then(|()| commands::run(arguments)) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::NothingFound) => ExitCode::from(1),
        Ok(Outcome::Refused) => ExitCode::from(3),
        Err(error) => {
            failure::print(&error);
            ExitCode::from(2)
        }
    }
}

/// FAISS is built for AVX2: without it, the first search would end the process.
fn check_processor() -> anyhow::Result<()> {
    #[cfg(target_arch = "x86_64")]
    anyhow::ensure!(std::arch::is_x86_feature_detected!("avx2"), "this program needs a processor with AVX2");
    Ok(())
}
