//! `similar-tracks schedule`.

use index::Store;

use crate::Outcome;
use crate::args::{InstallScheduleArguments, ScheduleArguments, ScheduleCommand};
use crate::output;
use crate::progress::Progress;
use crate::schedule::systemd::{Activation, Units};
use crate::schedule::{Job, Scheduler, cron, store_name};
use crate::settings::Settings;

/// Has the operating system retrain every day, shows that, or ends it.
pub fn run(settings: &Settings, arguments: &ScheduleArguments) -> anyhow::Result<Outcome> {
    match &arguments.command {
        ScheduleCommand::Install(arguments) => install(settings, arguments),
        ScheduleCommand::Show => show(settings),
        ScheduleCommand::Remove => remove(settings),
    }
}

fn install(settings: &Settings, arguments: &InstallScheduleArguments) -> anyhow::Result<Outcome> {
    // A job for a store that is not there is a mistake.
    Store::open(&settings.store)?;
    let job = Job::new(&settings.store, arguments)?;
    let units = Units::of(&job.store)?;
    // A store is retrained by one of them, so the other's job gives way.
    let mut text = match Scheduler::choose(arguments)? {
        Scheduler::Cron => {
            cron::install(&job)?;
            units.remove()?;
            format!("cron      every day at {}\n", job.at)
        }
        Scheduler::Systemd => {
            if let Activation::Unreachable { reason } = units.install(&job)? {
                let command = units.activation_command();
                let warning = format!("warning: the timer is written and not yet active ({reason}); run `{command}`");
                Progress::new(settings, "", 0).println(&warning);
            }
            cron::remove(&job.store)?;
            let note = "while you are logged in; always: `loginctl enable-linger`";
            format!("systemd   every day at {}, {note}\n", job.at)
        }
    };
    text.push_str(&format!("log       {}\n", job.log));
    output::print(&text)?;
    Ok(Outcome::Done)
}

fn show(settings: &Settings) -> anyhow::Result<Outcome> {
    let store = store_name(&settings.store)?;
    let mut text = String::new();
    if let Some(line) = cron::installed(&store)? {
        text.push_str(&format!("cron      {line}\n"));
    }
    let units = Units::of(&store)?;
    if let Some(installed) = units.installed()? {
        text.push_str(&format!("systemd   {} {}\n", installed.at, installed.command));
        text.push_str(&format!("timer     {}\n", installed.timer.display()));
        if !installed.is_active {
            text.push_str(&format!("          not active: run `{}`\n", units.activation_command()));
        }
    }
    if text.is_empty() {
        return Ok(nothing(&store));
    }
    output::print(&text)?;
    Ok(Outcome::Done)
}

fn remove(settings: &Settings) -> anyhow::Result<Outcome> {
    let store = store_name(&settings.store)?;
    let mut text = String::new();
    if cron::remove(&store)? {
        text.push_str("cron      the line is removed\n");
    }
    let units = Units::of(&store)?;
    if units.remove()? {
        text.push_str(&format!("systemd   {} and its services are removed\n", units.timer()));
    }
    if text.is_empty() {
        return Ok(nothing(&store));
    }
    output::print(&text)?;
    Ok(Outcome::Done)
}

fn nothing(store: &str) -> Outcome {
    output::nothing(&format!("nothing is scheduled for the store {store}"))
}
