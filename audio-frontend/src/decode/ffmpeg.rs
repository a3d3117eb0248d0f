//! Decoding with an installed `ffmpeg` program, for what Symphonia cannot read.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use symphonia::core::io::ReadOnlySource;

use super::symphonia::SymphoniaStream;
use super::{Chunk, Length};
use crate::error::{Error, Result};

/// A place this close ahead, in seconds, is decoded up to: starting ffmpeg again costs as much.
const DECODED_GAP_SECONDS: f64 = 60.0;

static FFMPEG: LazyLock<Option<PathBuf>> = LazyLock::new(|| find_program("ffmpeg"));
static FFPROBE: LazyLock<Option<PathBuf>> = LazyLock::new(|| find_program("ffprobe"));

/// Where the `ffmpeg` program is, if it is installed.
pub fn ffmpeg_program() -> Option<&'static Path> {
    FFMPEG.as_deref()
}

fn find_program(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// One file's samples, as ffmpeg writes them into a pipe.
pub(super) struct FfmpegStream {
    path: PathBuf,
    program: &'static Path,
    deadline: Instant,
    stream: SymphoniaStream,
    child: Running,
    length: Option<Length>,
    /// Sample of the track that `stream` begins with.
    begins_at: u64,
}

/// A child that outlives neither its stream nor the deadline.
struct Running {
    child: Arc<Mutex<Child>>,
    /// Closed when the child is no longer needed.
    _needed: Sender<()>,
}

impl Running {
    /// Starts a program and gives its output.
    fn start(command: &mut Command, deadline: Instant) -> std::io::Result<(Self, ChildStdout)> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let output = child.stdout.take().ok_or_else(|| std::io::Error::other("the output is closed"))?;
        let child = Arc::new(Mutex::new(child));
        let (needed, no_longer) = channel::<()>();
        let watched = child.clone();
        std::thread::spawn(move || {
            let left = deadline.saturating_duration_since(Instant::now());
            if no_longer.recv_timeout(left) == Err(RecvTimeoutError::Timeout) {
                let _ = lock(&watched).kill();
            }
        });
        Ok((Self { child, _needed: needed }, output))
    }

    /// Whether it ended well; to be asked at the end of its output.
    fn succeeded(&self) -> bool {
        lock(&self.child).wait().is_ok_and(|status| status.success())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only where it has ended by itself.
        let mut child = lock(&self.child);
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn lock(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FfmpegStream {
    /// Starts ffmpeg on a file; `None` where it is not installed.
    ///
    /// # Errors
    /// [`Error::NotAudio`] where ffmpeg finds nothing to decode either, [`Error::Io`].
    pub fn open(path: &Path, deadline: Instant) -> Result<Option<Self>> {
        let Some(program) = ffmpeg_program() else { return Ok(None) };
        let (stream, child) = start(program, path, 0.0, deadline)?;
        let length = seconds_of(path, deadline).map(|seconds| Length {
            samples: (seconds * f64::from(stream.sample_rate_hz())).round() as u64,
            is_stated: false,
        });
        Ok(Some(Self { path: path.into(), program, deadline, stream, child, length, begins_at: 0 }))
    }

    /// Samples a second.
    pub fn sample_rate_hz(&self) -> u32 {
        self.stream.sample_rate_hz()
    }

    /// How long the track is, as the container says.
    pub fn length(&self) -> Option<Length> {
        self.length
    }

    /// Sample of the track that follows the last chunk.
    pub fn position(&self) -> u64 {
        self.begins_at + self.stream.position()
    }

    /// As [`SymphoniaStream::next_chunk`].
    pub fn next_chunk(&mut self) -> Result<Option<Chunk<'_>>> {
        let chunk = self.stream.next_chunk()?;
        if chunk.is_none() && !self.child.succeeded() {
            if Instant::now() > self.deadline {
                return Err(Error::TookTooLong { path: self.path.clone() });
            }
            return Err(Error::Damaged { path: self.path.clone(), reason: "ffmpeg failed".into() });
        }
        Ok(chunk.map(|chunk| Chunk { end: self.begins_at + chunk.end, ..chunk }))
    }

    /// Makes the next chunk begin at a sample of the track.
    ///
    /// # Errors
    /// [`Error::Io`] where ffmpeg cannot be started again.
    pub fn seek(&mut self, sample: u64) -> Result<()> {
        let rate = f64::from(self.sample_rate_hz());
        let gap = sample.checked_sub(self.position());
        if gap.is_some_and(|gap| gap as f64 <= DECODED_GAP_SECONDS * rate) {
            self.stream.skip_to(sample - self.begins_at);
            return Ok(());
        }
        (self.stream, self.child) = start(self.program, &self.path, sample as f64 / rate, self.deadline)?;
        self.begins_at = sample;
        Ok(())
    }
}

fn start(program: &Path, path: &Path, from_seconds: f64, deadline: Instant) -> Result<(SymphoniaStream, Running)> {
    let io = |source| Error::Io { path: path.into(), source };
    let mut command = Command::new(program);
    command.args(["-nostdin", "-v", "quiet"]);
    if from_seconds > 0.0 {
        command.arg("-ss").arg(format!("{from_seconds:.6}"));
    }
    command.args(ffmpeg_input(path).map_err(io)?);
    command.args(["-map", "0:a:0", "-c:a", "pcm_f32le", "-f", "wav", "-"]);
    let (child, output) = Running::start(&mut command, deadline).map_err(io)?;
    let stream = SymphoniaStream::read_from(Box::new(ReadOnlySource::new(output)), path, deadline)?;
    Ok((stream, child))
}

/// The arguments that make ffmpeg read a file, whatever characters its name begins with. A media file
/// may name others to be read in its place, on the network even: not through us.
///
/// # Errors
/// Where the current folder is gone and the path is relative.
pub fn ffmpeg_input(path: &Path) -> std::io::Result<[OsString; 4]> {
    let mut input = OsString::from("file:");
    input.push(std::path::absolute(path)?);
    Ok(["-protocol_whitelist".into(), "file".into(), "-i".into(), input])
}

/// Length in seconds as ffmpeg's sister program finds it.
fn seconds_of(path: &Path, deadline: Instant) -> Option<f64> {
    let mut command = Command::new(FFPROBE.as_deref()?);
    command.args(["-v", "quiet", "-show_entries", "format=duration", "-of", "csv=p=0"]);
    command.args(ffmpeg_input(path).ok()?);
    let (_running, mut output) = Running::start(&mut command, deadline).ok()?;
    let mut text = String::new();
    output.read_to_string(&mut text).ok()?;
    let seconds: f64 = text.trim().parse().ok()?;
    (seconds.is_finite() && seconds > 0.0).then_some(seconds)
}
