//! What is done every night, and when.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub struct ScheduleArguments {
    #[command(subcommand)]
    pub command: ScheduleCommand,
}

#[derive(Debug, Subcommand)]
pub enum ScheduleCommand {
    /// Have `retrain` run every day; what was scheduled for this store before gives way
    Install(InstallScheduleArguments),
    /// Show what is scheduled for this store
    Show,
    /// Schedule nothing for this store any more
    Remove,
}

#[derive(Debug, Args)]
pub struct InstallScheduleArguments {
    /// Time of day, from 00:00 to 23:59
    #[arg(long, value_name = "HH:MM", default_value = "03:00", value_parser = time_of_day)]
    pub at: TimeOfDay,
    /// Let cron run it: a line in your crontab [default, where there is a crontab]
    #[arg(long)]
    pub cron: bool,
    /// Let systemd run it: a timer of your own [default, where there is no crontab]
    #[arg(long, conflicts_with = "cron")]
    pub systemd_user: bool,
    /// File that the output is appended to [default: retrain.log in the store]
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// What `retrain` is called with, beside --nice 19 where it does not name another
    #[arg(last = true, value_name = "RETRAIN-ARGUMENT")]
    pub retrain: Vec<OsString>,
}

/// A time of the day, on the machine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOfDay {
    /// From 0 to 23.
    pub hour: u8,
    /// From 0 to 59.
    pub minute: u8,
}

impl std::fmt::Display for TimeOfDay {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:02}:{:02}", self.hour, self.minute)
    }
}

fn time_of_day(text: &str) -> Result<TimeOfDay, String> {
    let number = |digits: &str, below: u8| {
        let is_number = matches!(digits.len(), 1 | 2) && digits.bytes().all(|digit| digit.is_ascii_digit());
        digits.parse::<u8>().ok().filter(|number| is_number && *number < below)
    };
    let time = text.split_once(':').filter(|(_, minute)| minute.len() == 2);
    time.and_then(|(hour, minute)| Some(TimeOfDay { hour: number(hour, 24)?, minute: number(minute, 60)? }))
        .ok_or_else(|| "must be a time from 00:00 to 23:59".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_are_read() {
        for (text, hour, minute) in [("03:00", 3, 0), ("3:05", 3, 5), ("00:00", 0, 0), ("23:59", 23, 59)] {
            assert_eq!(time_of_day(text), Ok(TimeOfDay { hour, minute }), "{text}");
        }
        for wrong in ["", "3", "3:5", "24:00", "12:60", "+3:00", "03:+1", "003:00", " 3:00", "03:00:00", "3 pm"] {
            assert!(time_of_day(wrong).is_err(), "{wrong}");
        }
        assert_eq!(TimeOfDay { hour: 3, minute: 5 }.to_string(), "03:05");
    }
}
