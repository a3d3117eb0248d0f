//! A job as a line of the user's crontab.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::Context;

use super::{Job, REFUSED_EXIT_CODE, REPORTED_LINES};
use crate::failure::hinted;

/// What the shell that runs a job is called, by which our lines are recognised.
const SHELL_NAME: &str = "similar-tracks-schedule";

/// Beginning of the comment above each of our lines.
const COMMENT_START: &str = "# similar-tracks retrain of ";

/// Has cron run a job, in place of the store's former one.
pub fn install(job: &Job) -> anyhow::Result<()> {
    let line = line(job)?;
    let mut crontab = Crontab::read()?;
    crontab.set(&job.store, &line);
    crontab.write()
}

/// The line that cron runs for a store.
pub fn installed(store: &str) -> anyhow::Result<Option<String>> {
    Ok(Crontab::read()?.take(store).and_then(|taken| taken.line))
}

/// Takes a store's line away; whether there was one.
pub fn remove(store: &str) -> anyhow::Result<bool> {
    let mut crontab = Crontab::read()?;
    let Some(taken) = crontab.take(store) else { return Ok(false) };
    crontab.write()?;
    Ok(taken.line.is_some())
}

/// A job's line. Cron mails what a job prints, so that it prints only when it failed.
fn line(job: &Job) -> anyhow::Result<String> {
    // Cron's own path lacks the folder of programs that were installed by hand, ffmpeg perhaps.
    let script = format!(
        "PATH=/usr/local/bin:${{PATH:-/usr/bin:/bin}}; cd \"$1\" || exit; log=$2; shift 2; \
         \"$@\" >>\"$log\" 2>&1; code=$?; case $code in 0|{REFUSED_EXIT_CODE}) ;; \
         *) echo \"similar-tracks retrain ended with exit code $code; the end of $log:\"; \
         tail -n {REPORTED_LINES} \"$log\"; exit $code ;; esac"
    );
    let mut words = vec!["/bin/sh", "-c", &script, SHELL_NAME, &job.folder, &job.log, &job.program];
    words.extend(job.arguments.iter().map(String::as_str));
    if let Some(word) = words.iter().find(|word| word.contains('\\')) {
        // Debian's cron makes one of two, others do not.
        let error = anyhow::anyhow!("{word}: has a backslash, which not every cron leaves as it is");
        return Err(hinted(error, "use a path without, or systemd with --systemd-user"));
    }
    let command = words.into_iter().map(quoted).collect::<Vec<_>>().join(" ");
    Ok(format!("{} {} * * * {}", job.at.minute, job.at.hour, command.replace('%', r"\%")))
}

/// A word as shells read it, without backslashes.
fn quoted(word: &str) -> String {
    if super::is_plain(word) { word.to_owned() } else { format!("'{}'", word.replace('\'', r#"'"'"'"#)) }
}

/// The comment above a store's line.
fn comment(store: &str) -> String {
    format!("{COMMENT_START}{store} (similar-tracks schedule)")
}

/// Whether a line runs a job, be it commented out.
fn is_job(line: &[u8]) -> bool {
    !line.starts_with(COMMENT_START.as_bytes())
        && line.windows(SHELL_NAME.len()).any(|word| word == SHELL_NAME.as_bytes())
}

/// The user's table.
#[derive(Debug, Default)]
struct Crontab {
    bytes: Vec<u8>,
}

/// What was taken out of a table.
struct Taken {
    /// Where it began.
    place: usize,
    /// The line below the comment; `None`: somebody took it away.
    line: Option<String>,
}

impl Crontab {
    /// The table; where there is none, or the user may not have one, it is empty.
    fn read() -> anyhow::Result<Self> {
        let output = match crontab().arg("-l").stdin(Stdio::null()).output() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            result => result.context("crontab")?,
        };
        if output.status.success() {
            return Ok(Self { bytes: output.stdout });
        }
        let message = String::from_utf8_lossy(&output.stderr);
        // In the words of Debian and cronie; of cron.deny; of busybox.
        let is_none = ["no crontab for", "not allowed", "No such file"].iter().any(|words| message.contains(words));
        anyhow::ensure!(is_none && output.stdout.is_empty(), "crontab -l: {}", message.trim());
        Ok(Self::default())
    }

    /// Makes it the user's table.
    fn write(&self) -> anyhow::Result<()> {
        let spawned = crontab().arg("-").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = match spawned {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let error = anyhow::anyhow!("there is no program crontab");
                return Err(hinted(error, "install cron, or use systemd with --systemd-user"));
            }
            result => result.context("crontab")?,
        };
        // Dropped at once, which ends what crontab reads.
        let written = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(&self.bytes));
        let output = child.wait_with_output().context("crontab")?;
        let message = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            let error = anyhow::anyhow!("crontab refused the new table: {}", message.trim());
            return Err(hinted(error, "the former table stays; --systemd-user does without cron"));
        }
        written.context("crontab")
    }

    /// Puts a store's line where the former one stood, else at the end.
    fn set(&mut self, store: &str, line: &str) {
        let place = self.take(store).map_or(self.bytes.len(), |taken| taken.place);
        let after = self.bytes.split_off(place);
        if self.bytes.last().is_some_and(|byte| *byte != b'\n') {
            self.bytes.push(b'\n');
        }
        self.bytes.extend_from_slice(format!("{}\n{line}\n", comment(store)).as_bytes());
        self.bytes.extend_from_slice(&after);
    }

    /// Takes out what is ours of a store; all else stays byte for byte.
    fn take(&mut self, store: &str) -> Option<Taken> {
        let comment = comment(store);
        let mut kept = Vec::with_capacity(self.bytes.len());
        let mut taken: Option<Taken> = None;
        let mut lines = self.bytes.split_inclusive(|byte| *byte == b'\n').peekable();
        while let Some(line) = lines.next() {
            if line.trim_ascii_end() != comment.as_bytes() {
                kept.extend_from_slice(line);
                continue;
            }
            let job = lines.next_if(|line| is_job(line));
            let job = job.map(|line| String::from_utf8_lossy(line.trim_ascii_end()).into_owned());
            let first = taken.get_or_insert(Taken { place: kept.len(), line: None });
            first.line = first.line.take().or(job);
        }
        self.bytes = kept;
        taken
    }
}

/// The program, in English.
fn crontab() -> Command {
    let mut command = Command::new("crontab");
    command.env("LC_ALL", "C");
    command
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::args::TimeOfDay;

    /// A job of `/bin/sh`, which has another name here and shows what reached it.
    fn job(folder: &Path, script: &str) -> Job {
        let folder = folder.join(r#"it's "100%" of $HOME `x` ä"#);
        std::fs::create_dir(&folder).unwrap();
        std::os::unix::fs::symlink("/bin/sh", folder.join("a = program")).unwrap();
        let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let arguments = ["-c", script, "name", "--nice", "19", "", "*", "a'b\"c", "%%d"];
        Job {
            store: path("store"),
            at: TimeOfDay { hour: 3, minute: 5 },
            program: path("a = program"),
            arguments: arguments.map(str::to_owned).to_vec(),
            folder: folder.to_str().unwrap().to_owned(),
            log: path("retrain.log"),
            is_nicest: true,
        }
    }

    /// Runs a line as cron does, and gives the exit code and what would be mailed.
    fn run(line: &str) -> (Option<i32>, String) {
        let command = line.splitn(6, ' ').nth(5).unwrap();
        let is_escaped = |(place, _): (usize, &str)| command[..place].ends_with('\\');
        assert!(command.match_indices('%').all(is_escaped), "{command}");
        let output = Command::new("/bin/sh").args(["-c", &command.replace(r"\%", "%")]).output().unwrap();
        assert!(output.stderr.is_empty(), "{output:?}");
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }

    #[test]
    fn arguments_arrive_and_output_goes_to_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let job = job(folder.path(), r#"printf '[%s]' "$@"; echo " in $PWD"; echo e >&2"#);
        let line = line(&job).unwrap();
        assert!(line.starts_with("5 3 * * * /bin/sh -c '"), "{line}");
        assert!(line.len() < 1000, "Debian's cron takes no more: {line}");
        for _ in 0..2 {
            assert_eq!(run(&line), (Some(0), String::new()));
        }
        let log = std::fs::read_to_string(&job.log).unwrap();
        let once = format!("[--nice][19][][*][a'b\"c][%%d] in {}\ne\n", job.folder);
        assert_eq!(log, once.repeat(2));
    }

    #[test]
    fn only_a_failure_is_mailed() {
        for (code, is_failure) in [(0, false), (3, false), (1, true), (2, true), (101, true)] {
            let folder = tempfile::tempdir().unwrap();
            let job = job(folder.path(), &format!("seq 30; exit {code}"));
            let (ended, mail) = run(&line(&job).unwrap());
            if is_failure {
                let end: String = (11..=30).map(|number| format!("{number}\n")).collect();
                let first = format!("similar-tracks retrain ended with exit code {code}; the end of {}:\n", job.log);
                assert_eq!((ended, mail), (Some(code), first + &end));
            } else {
                assert_eq!((ended, mail), (Some(0), String::new()), "{code}");
            }
        }
    }

    #[test]
    fn a_program_that_is_gone_is_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let mut job = job(folder.path(), "");
        job.program = "/no/such/program".to_owned();
        let (code, mail) = run(&line(&job).unwrap());
        assert_eq!(code, Some(127));
        assert!(mail.contains("exit code 127") && mail.contains("/no/such/program"), "{mail}");
    }

    #[test]
    fn backslashes_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut job = job(folder.path(), "");
        job.log = "/a\\b".to_owned();
        assert!(line(&job).is_err());
    }

    #[test]
    fn a_table_keeps_what_is_not_ours() {
        let others = b"MAILTO=\"\"\n\n  0 1 * * *\tother \xff  \n# similar-tracks retrain of /b (similar-tracks schedule)\n1 1 * * * x similar-tracks-schedule b\n# end";
        let mut crontab = Crontab { bytes: others.to_vec() };
        assert!(crontab.take("/a").is_none());
        crontab.set("/a", "5 3 * * * x similar-tracks-schedule a");
        let ours =
            b"\n# similar-tracks retrain of /a (similar-tracks schedule)\n5 3 * * * x similar-tracks-schedule a\n";
        assert_eq!(crontab.bytes, [&others[..], ours].concat());
        // Again, in its place.
        crontab.bytes.extend_from_slice(b"0 0 * * * after\n");
        crontab.set("/a", "0 4 * * * y similar-tracks-schedule a");
        let ours = b"\n# similar-tracks retrain of /a (similar-tracks schedule)\n0 4 * * * y similar-tracks-schedule a\n0 0 * * * after\n";
        assert_eq!(crontab.bytes, [&others[..], ours].concat());
        let taken = crontab.take("/a").unwrap();
        assert_eq!(taken.line.as_deref(), Some("0 4 * * * y similar-tracks-schedule a"));
        assert_eq!(crontab.bytes, [&others[..], b"\n0 0 * * * after\n"].concat());
    }

    #[test]
    fn a_comment_without_its_line_takes_no_other_with_it() {
        let comment = "# similar-tracks retrain of /a (similar-tracks schedule)\n";
        let mut crontab = Crontab { bytes: format!("{comment}0 1 * * * other\n").into_bytes() };
        assert!(crontab.take("/a").unwrap().line.is_none());
        assert_eq!(crontab.bytes, b"0 1 * * * other\n");
        // One that was switched off, and a second by mistake.
        let ours = format!("{comment}#0 3 * * * x similar-tracks-schedule a\n");
        crontab.bytes = ours.repeat(2).into_bytes();
        crontab.set("/a", "1 3 * * * x similar-tracks-schedule a");
        assert_eq!(crontab.bytes, format!("{comment}1 3 * * * x similar-tracks-schedule a\n").into_bytes());
    }
}
