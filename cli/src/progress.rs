//! Progress on standard error: a bar on a terminal, a line now and then elsewhere.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::settings::Settings;

/// Time between two lines where standard error is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Progress of one piece of work of known size.
pub struct Progress {
    bar: ProgressBar,
    what: String,
    /// When the last line was written; `None`: there is a bar, or nothing is shown.
    last_line: Option<Mutex<Instant>>,
    quiet: bool,
}

impl Progress {
    /// Starts at 0 of `total`.
    pub fn new(settings: &Settings, what: &str, total: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        let terminal = std::io::stderr().is_terminal();
        if terminal && !settings.quiet {
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(8));
            // A template that is not valid shows indicatif's own style.
            let template = "{prefix} [{bar:30}] {pos}/{len}  {rate}, {eta} left  {msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                let rate = |state: &ProgressState, text: &mut dyn std::fmt::Write| {
                    // Text in memory takes whatever is written to it.
                    let _ = write!(text, "{:.1}/s", state.per_sec());
                };
                bar.set_style(style.with_key("rate", rate).progress_chars("=> "));
            }
            bar.set_prefix(what.to_owned());
        }
        let lines = !terminal && !settings.quiet;
        Self { bar, what: what.to_owned(), last_line: lines.then(|| Mutex::new(Instant::now())), quiet: settings.quiet }
    }

    /// Counts work as done.
    pub fn advance(&self, done: u64) {
        self.bar.inc(done);
        let Some(last_line) = &self.last_line else { return };
        let mut last_line = last_line.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if last_line.elapsed() >= LINE_INTERVAL {
            *last_line = Instant::now();
            self.line();
        }
    }

    /// Text behind the bar.
    pub fn message(&self, text: String) {
        self.bar.set_message(text);
    }

    /// A line above the bar.
    pub fn println(&self, line: &str) {
        if !self.quiet {
            self.bar.suspend(|| write_line(line));
        }
    }

    /// Takes the bar away, or writes the last line.
    pub fn finish(&self) {
        if self.last_line.is_some() && self.bar.position() > 0 {
            self.line();
        }
        self.bar.finish_and_clear();
    }

    fn line(&self) {
        let (done, total) = (self.bar.position(), self.bar.length().unwrap_or(0));
        let rate = done as f64 / self.bar.elapsed().as_secs_f64().max(1e-3);
        let left = total.saturating_sub(done) as f64 / rate.max(1e-9);
        let left = if done < total { format!(", {} left", crate::output::clock(left)) } else { String::new() };
        let message = self.bar.message();
        let message = if message.is_empty() { message } else { format!("  {message}") };
        write_line(&format!("{}: {done}/{total}, {rate:.1}/s{left}{message}", self.what));
    }
}

#[allow(clippy::print_stderr, reason = "the one place that writes progress")]
fn write_line(line: &str) {
    eprintln!("{line}");
}
