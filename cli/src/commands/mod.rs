//! One file a command.

mod compact;
mod completions;
mod duplicates;
mod embed;
mod eval;
mod export;
mod feedback;
mod import;
mod import_playlists;
mod import_plays;
mod ingest;
mod man;
mod models;
mod mpd;
mod path;
mod query;
mod radio;
mod remove;
mod repair;
mod retrain;
mod runs;
mod schedule;
mod serve;
mod status;
mod taste;
mod train;
mod user;
mod worker;

use crate::Outcome;
use crate::args::{Arguments, Command};
use crate::settings::Settings;

/// Runs the command that was asked for.
pub fn run(arguments: Arguments) -> anyhow::Result<Outcome> {
    let settings = Settings::resolve(&arguments.global)?;
    match arguments.command {
        Command::Ingest(arguments) => ingest::run(&settings, &arguments),
        Command::Query(arguments) => query::run(&settings, &arguments),
        Command::Radio(arguments) => radio::run(&settings, &arguments),
        Command::Path(arguments) => path::run(&settings, &arguments),
        Command::Mpd(arguments) => mpd::run(&settings, &arguments),
        Command::Duplicates(arguments) => duplicates::run(&settings, &arguments),
        Command::Serve(arguments) => serve::run(&settings, &arguments),
        Command::User(arguments) => user::run(&settings, &arguments),
        Command::Worker(arguments) => worker::run(&settings, &arguments),
        Command::Status(arguments) => status::run(&settings, &arguments),
        Command::Remove(arguments) => remove::run(&settings, &arguments),
        Command::Repair => repair::run(&settings),
        Command::Compact => compact::run(&settings),
        Command::Export(arguments) => export::run(&settings, &arguments),
        Command::Import(arguments) => import::run(&settings, &arguments),
        Command::ImportPlays(arguments) => import_plays::run(&settings, &arguments),
        Command::ImportPlaylists(arguments) => import_playlists::run(&settings, &arguments),
        Command::Feedback(arguments) => feedback::run(&settings, &arguments),
        Command::Taste(arguments) => taste::run(&settings, &arguments),
        Command::Retrain(arguments) => retrain::run(&settings, &arguments),
        Command::Schedule(arguments) => schedule::run(&settings, &arguments),
        Command::Models(arguments) => models::run(&settings, &arguments),
        Command::Runs(arguments) => runs::run(&settings, &arguments),
        Command::Train(arguments) => train::run(&settings, &arguments),
        Command::Eval(arguments) => eval::run(&settings, &arguments),
        Command::Embed(arguments) => embed::run(&settings, &arguments),
        Command::Completions { shell } => completions::run(shell),
        Command::Man { output } => man::run(&output),
    }
}
