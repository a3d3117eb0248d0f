//! `similar-tracks man`.

use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;

use crate::Outcome;
use crate::args::Arguments;

/// Writes one page for the program and one for each command.
pub fn run(folder: &Path) -> anyhow::Result<Outcome> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    clap_mangen::generate_to(Arguments::command(), folder).with_context(|| folder.display().to_string())?;
    Ok(Outcome::Done)
}
