//! `similar-tracks completions`.

use clap::CommandFactory;

use crate::Outcome;
use crate::args::Arguments;
use crate::output;

/// Prints the completion script of a shell.
pub fn run(shell: clap_complete::Shell) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "similar-tracks", &mut script);
    output::print_bytes(&script)?;
    Ok(Outcome::Done)
}
