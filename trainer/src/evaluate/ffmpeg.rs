//! The program ffmpeg, run to its end.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Time between two looks at a running program: short beside what an encoder takes to start.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Bytes kept of what a program said last.
const KEPT_BYTES: usize = 4096;

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// Well.
    Done,
    /// The encoder asked for is not built into this ffmpeg.
    NoEncoder,
    /// Not well, with its last line.
    Failed(String),
    /// Killed at the limit.
    TookTooLong,
}

/// A child that does not outlive this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only where it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a command without input or output and waits for its end, for a limited time.
///
/// # Errors
/// Where it cannot be started or waited for.
pub(super) fn run(command: &mut Command, time_limit: Duration) -> std::io::Result<Ended> {
    let deadline = Instant::now() + time_limit;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut running = Running(command.spawn()?);
    let said = running.0.stderr.take();
    // Read beside: a program that nobody listens to stops when the pipe is full.
    let said = std::thread::spawn(move || said.map(last_bytes).unwrap_or_default());
    let status = loop {
        match running.0.try_wait()? {
            Some(status) => break status,
            None if Instant::now() >= deadline => return Ok(Ended::TookTooLong),
            None => std::thread::sleep(LOOK_AGAIN),
        }
    };
    if status.success() {
        return Ok(Ended::Done);
    }
    let said = said.join().unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    if ["Unknown encoder", "Encoder not found"].iter().any(|sign| said.contains(sign)) {
        return Ok(Ended::NoEncoder);
    }
    let last = said.lines().map(str::trim).rfind(|line| !line.is_empty());
    Ok(Ended::Failed(last.map_or_else(|| status.to_string(), str::to_owned)))
}

/// The end of what is read.
fn last_bytes(mut from: impl Read) -> Vec<u8> {
    let (mut kept, mut buffer) = (Vec::new(), [0; KEPT_BYTES]);
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        kept.extend_from_slice(&buffer[..count]);
        let surplus = kept.len().saturating_sub(KEPT_BYTES);
        kept.drain(..surplus);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Ended {
        run(Command::new("sh").args(["-c", script]), Duration::from_secs(60)).unwrap()
    }

    #[test]
    fn the_last_line_tells_why_it_failed() {
        assert_eq!(shell("echo to no one; exit 0"), Ended::Done);
        assert_eq!(shell("echo first >&2; echo last >&2; echo >&2; exit 3"), Ended::Failed("last".into()));
        assert_eq!(shell("exit 3"), Ended::Failed("exit status: 3".into()));
        assert_eq!(shell("echo \"Unknown encoder 'x'\" >&2; echo bye >&2; exit 1"), Ended::NoEncoder);
    }

    #[test]
    fn much_that_is_said_does_not_stop_it() {
        let script = "head -c 1000000 /dev/zero | tr '\\0' 'x' >&2; echo >&2; echo end >&2; exit 1";
        assert_eq!(shell(script), Ended::Failed("end".into()));
    }

    #[test]
    fn it_is_killed_at_the_limit() {
        let started = Instant::now();
        assert_eq!(run(Command::new("sleep").arg("60"), Duration::from_millis(50)).unwrap(), Ended::TookTooLong);
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        assert!(run(&mut Command::new("/no/such/program"), Duration::from_secs(1)).is_err());
    }
}
