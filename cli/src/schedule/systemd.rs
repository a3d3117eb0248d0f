//! A job as units of the user's own systemd.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;

use super::{Job, REFUSED_EXIT_CODE, REPORTED_LINES};
use crate::failure::hinted;

/// The units of one store.
pub struct Units {
    folder: PathBuf,
    /// Their names without endings.
    name: String,
}

/// Whether a timer that was written counts the time already.
pub enum Activation {
    Active,
    /// There is no session that systemd could be reached in.
    Unreachable {
        reason: String,
    },
}

/// What units say that are there.
pub struct Installed {
    /// File of the timer.
    pub timer: PathBuf,
    /// When it elapses, in systemd's terms.
    pub at: String,
    /// What it runs, in systemd's terms.
    pub command: String,
    /// Whether it counts the time.
    pub is_active: bool,
}

impl Units {
    /// In `$XDG_CONFIG_HOME/systemd/user`, by default `~/.config/systemd/user`, and named after the store's path.
    pub fn of(store: &str) -> anyhow::Result<Self> {
        let named = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let configuration = named.or_else(|| std::env::home_dir().map(|home| home.join(".config")));
        let configuration = configuration.context("no home folder is known: name one with XDG_CONFIG_HOME")?;
        let digest = blake3::hash(store.as_bytes()).to_hex();
        Ok(Self {
            folder: configuration.join("systemd").join("user"),
            name: format!("similar-tracks-retrain-{}", &digest[..8]),
        })
    }

    /// Name of the timer, which is what is enabled.
    pub fn timer(&self) -> String {
        format!("{}.timer", self.name)
    }

    /// What makes systemd read units that it could not be told of.
    pub fn activation_command(&self) -> String {
        format!("systemctl --user daemon-reload && systemctl --user enable --now {}", self.timer())
    }

    /// Writes the units of a job and has systemd start the timer.
    pub fn install(&self, job: &Job) -> anyhow::Result<Activation> {
        let units = [
            (self.service(), service(job, &self.failure_service())?),
            (self.failure_service(), failure_service(job)),
            (self.timer(), timer(job, &self.service())),
        ];
        std::fs::create_dir_all(&self.folder).with_context(|| self.folder.display().to_string())?;
        for (name, unit) in units {
            write(&self.folder.join(name), &unit)?;
        }
        if let Err(error) = systemctl(&["daemon-reload"]) {
            return Ok(Activation::Unreachable { reason: error.to_string() });
        }
        systemctl(&["enable", &self.timer()])?;
        // One that runs already would go on with its former time.
        systemctl(&["restart", &self.timer()])?;
        Ok(Activation::Active)
    }

    /// What is there; `None`: no timer.
    pub fn installed(&self) -> anyhow::Result<Option<Installed>> {
        let timer = self.folder.join(self.timer());
        let Some(text) = read(&timer)? else { return Ok(None) };
        let service = read(&self.folder.join(self.service()))?.unwrap_or_default();
        Ok(Some(Installed {
            at: setting(&text, "OnCalendar="),
            command: setting(&service, "ExecStart="),
            is_active: systemctl(&["is-active", "--quiet", &self.timer()]).is_ok(),
            timer,
        }))
    }

    /// Stops the timer and deletes the units; whether there were any.
    pub fn remove(&self) -> anyhow::Result<bool> {
        let files = [self.timer(), self.service(), self.failure_service()].map(|name| self.folder.join(name));
        if !files.iter().any(|file| file.exists()) {
            return Ok(false);
        }
        // Where systemd cannot be reached, nothing runs that would have to be stopped.
        let _ = systemctl(&["disable", "--now", &self.timer()]);
        let link = self.folder.join("timers.target.wants").join(self.timer());
        for file in files.iter().chain([&link]) {
            match std::fs::remove_file(file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| file.display().to_string());
                }
                _ => {}
            }
        }
        let _ = systemctl(&["daemon-reload"]);
        Ok(true)
    }

    fn service(&self) -> String {
        format!("{}.service", self.name)
    }

    fn failure_service(&self) -> String {
        format!("{}-failed.service", self.name)
    }
}

/// Whether there is a systemd that takes units of this user.
pub fn answers() -> bool {
    systemctl(&["show-environment"]).is_ok()
}

/// The unit that retrains.
fn service(job: &Job, failure_service: &str) -> anyhow::Result<String> {
    if job.program.contains(['"', '\'', '\\']) {
        let error = anyhow::anyhow!("{}: systemd runs no program with quotes or backslashes in its path", job.program);
        return Err(hinted(error, "move the program, or use cron with --cron"));
    }
    let mut command = quoted(&job.program);
    for argument in &job.arguments {
        command.push(' ');
        command.push_str(&quoted(argument).replace('$', "$$"));
    }
    let nice = if job.is_nicest { "Nice=19\n" } else { "" };
    let (store, folder, log) = (escaped(&job.store), path(&job.folder)?, path(&job.log)?);
    Ok(format!(
        "\
[Unit]
Description=similar-tracks retrain of {store} (similar-tracks schedule)
OnFailure={failure_service}

[Service]
Type=oneshot
WorkingDirectory={folder}
ExecStart={command}
{nice}IOSchedulingClass=idle
SuccessExitStatus={REFUSED_EXIT_CODE}
StandardOutput=append:{log}
StandardError=append:{log}
"
    ))
}

/// The unit that tells of a failure: by mail, else in the journal, where its output goes.
fn failure_service(job: &Job) -> String {
    let script = format!(
        "report() {{ echo \"similar-tracks retrain failed; the end of its log:\"; tail -n {REPORTED_LINES} \"$1\"; }}; \
         command -v mail >/dev/null 2>&1 && \
         report \"$1\" | mail -s \"similar-tracks retrain failed\" \"${{USER:-$(id -un)}}\" && exit; report \"$1\""
    );
    let [script, log] = [&script, &job.log].map(|word| quoted(word).replace('$', "$$"));
    let store = escaped(&job.store);
    format!(
        "\
[Unit]
Description=Failure of similar-tracks retrain of {store} (similar-tracks schedule)

[Service]
Type=oneshot
ExecStart=/bin/sh -c {script} similar-tracks-schedule {log}
SyslogLevel=err
"
    )
}

/// The unit that starts a service every day, and later where the machine was off.
fn timer(job: &Job, service: &str) -> String {
    let (store, at) = (escaped(&job.store), job.at);
    format!(
        "\
[Unit]
Description=similar-tracks retrain of {store} every day (similar-tracks schedule)

[Timer]
OnCalendar=*-*-* {at}:00
Persistent=true
RandomizedDelaySec=0
Unit={service}

[Install]
WantedBy=timers.target
"
    )
}

/// Text without systemd's specifiers.
fn escaped(text: &str) -> String {
    text.replace('%', "%%")
}

/// A word of a command, in which variables are still replaced unless it is the first.
fn quoted(word: &str) -> String {
    if super::is_plain(word) {
        return word.to_owned();
    }
    format!("\"{}\"", escaped(word).replace('\\', r"\\").replace('"', "\\\""))
}

/// A path that is a setting's whole value, where there are no quotes.
fn path(path: &str) -> anyhow::Result<String> {
    let is_cut = path.ends_with('\\') || path.ends_with(char::is_whitespace);
    anyhow::ensure!(!is_cut, "{path:?} cannot be scheduled by systemd: it ends with a space or backslash");
    Ok(escaped(path))
}

/// The value of a setting that stands once in a unit.
fn setting(unit: &str, name: &str) -> String {
    unit.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned()
}

/// A unit's text, if it is there.
fn read(file: &Path) -> anyhow::Result<Option<String>> {
    match std::fs::read_to_string(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        result => Ok(Some(result.with_context(|| file.display().to_string())?)),
    }
}

/// Writes a unit whole or not at all.
fn write(file: &Path, unit: &str) -> anyhow::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut written = tempfile::NamedTempFile::new_in(folder).with_context(|| folder.display().to_string())?;
    written.write_all(unit.as_bytes()).with_context(|| file.display().to_string())?;
    let written = written.into_temp_path();
    // Temporary files are the user's alone; a unit is a file like any other.
    std::fs::set_permissions(&written, std::fs::Permissions::from_mode(0o644))?;
    written.persist(file).with_context(|| file.display().to_string())
}

/// Calls the user's systemd; an error says why it did not do it.
fn systemctl(arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new("systemctl");
    let output = command.arg("--user").args(arguments).env("LC_ALL", "C").stdin(Stdio::null()).output();
    let output = output.context("systemctl")?;
    let message = String::from_utf8_lossy(&output.stderr);
    let first = message.lines().next().unwrap_or("it failed");
    anyhow::ensure!(output.status.success(), "systemctl --user {}: {first}", arguments.join(" "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::TimeOfDay;

    fn job() -> Job {
        Job {
            store: "/a b/100%".into(),
            at: TimeOfDay { hour: 3, minute: 5 },
            program: "/opt/$x y/similar-tracks".into(),
            arguments: ["--store", "/a b/100%", "retrain", "--nice", "19", "$HOME", "a\"b\\c'", ""]
                .map(str::to_owned)
                .to_vec(),
            folder: "/a b/100%".into(),
            log: "/a b/100%/it's.log".into(),
            is_nicest: true,
        }
    }

    #[test]
    fn a_service_is_quoted_as_systemd_reads_it() {
        let service = service(&job(), "f.service").unwrap();
        let expected =
            r#"ExecStart="/opt/$x y/similar-tracks" --store "/a b/100%%" retrain --nice 19 "$$HOME" "a\"b\\c'" """#;
        assert!(service.lines().any(|line| line == expected), "{service}");
        for line in [
            "Description=similar-tracks retrain of /a b/100%% (similar-tracks schedule)",
            "OnFailure=f.service",
            "Type=oneshot",
            "WorkingDirectory=/a b/100%%",
            "Nice=19",
            "IOSchedulingClass=idle",
            "SuccessExitStatus=3",
            "StandardOutput=append:/a b/100%%/it's.log",
            "StandardError=append:/a b/100%%/it's.log",
        ] {
            assert!(service.lines().any(|other| other == line), "{line} in {service}");
        }
        let other = super::service(&Job { is_nicest: false, ..job() }, "f.service").unwrap();
        assert!(!other.contains("Nice="), "{other}");
    }

    #[test]
    fn what_systemd_cannot_hold_is_refused() {
        for program in ["/a'b", "/a\"b", "/a\\b"] {
            assert!(service(&Job { program: program.into(), ..job() }, "f.service").is_err(), "{program}");
        }
        for log in ["/log ", "/log\\"] {
            assert!(service(&Job { log: log.into(), ..job() }, "f.service").is_err(), "{log}");
        }
    }

    #[test]
    fn a_timer_elapses_every_day() {
        let timer = timer(&job(), "a.service");
        assert_eq!(setting(&timer, "OnCalendar="), "*-*-* 03:05:00");
        assert_eq!(setting(&timer, "Unit="), "a.service");
        assert_eq!(setting(&timer, "Persistent="), "true");
    }

    #[test]
    fn stores_have_units_of_their_own() {
        let [first, second] = ["/a", "/b"].map(|store| Units::of(store).unwrap());
        assert_ne!(first.name, second.name);
        assert_eq!(first.name.len(), "similar-tracks-retrain-".len() + 8);
    }
}
