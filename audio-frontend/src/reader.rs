//! The windows of a file, a few at a time.

use std::path::{Path, PathBuf};

use crate::config::FrontEndConfig;
use crate::coverage::{Coverage, Segments};
use crate::decode::{AudioStream, Length};
use crate::error::{Error, Result};
use crate::guard::guard;
use crate::logmel::{MelExtractor, MelPower};
use crate::windows::Windows;

/// Windows handed out at a time, about: what a network likes as a batch.
const BATCH_WINDOWS: usize = 16;

/// More than any file has.
const ENDLESS_FRAMES: usize = 1 << 40;

/// Reads a file's windows. Memory does not grow with the length of the file.
pub struct WindowReader<'a> {
    path: PathBuf,
    config: &'a FrontEndConfig,
    stream: AudioStream<'a>,
    extractor: MelExtractor,
    segments: Segments,
    /// Number of the segment that comes next.
    next_segment: usize,
    /// Frame of the track that the extractor gives out next.
    next_frame: usize,
    has_ended: bool,
    has_sound: bool,
}

impl<'a> WindowReader<'a> {
    /// Opens a file.
    ///
    /// # Errors
    /// As [`AudioStream::open`], and [`Error::DecoderPanicked`].
    pub fn open(path: &'a Path, config: &'a FrontEndConfig, coverage: Coverage) -> Result<Self> {
        guarded(path, || Ok(Self::of_stream(AudioStream::open(path)?, path, config, coverage)))
    }

    /// Of a stream that nothing was read from yet; `path` stands for it in errors.
    pub fn of_stream(stream: AudioStream<'a>, path: &Path, config: &'a FrontEndConfig, coverage: Coverage) -> Self {
        let extractor = MelExtractor::new(config, stream.sample_rate_hz());
        let length = stream.length().filter(|length| length.samples > 0);
        let frames = |samples| extractor.stft().frame_count(samples) as usize;
        let segments = match (coverage, length) {
            (Coverage::Full, Some(Length { samples, is_stated: true }))
            | (Coverage::Spread, Some(Length { samples, .. })) => coverage.segments(frames(samples), config),
            // As long as it lasts.
            (Coverage::Full, _) => coverage.segments(ENDLESS_FRAMES, config),
            (Coverage::Spread, None) => {
                let frames = f64::from(config.max_seconds) / config.hop_seconds;
                Coverage::Full.segments(frames as usize, config)
            }
        };
        Self {
            path: path.into(),
            config,
            stream,
            extractor,
            segments,
            next_segment: 0,
            next_frame: 0,
            has_ended: false,
            has_sound: false,
        }
    }

    /// Some windows; `None` at the end. Quiet ones are among them: see [`crate::windows::loud`].
    ///
    /// # Errors
    /// What [`AudioStream`] reports; [`Error::NoSamples`] and [`Error::Truncated`] at the end;
    /// [`Error::Silent`] at the end where no window was to be heard; [`Error::DecoderPanicked`].
    pub fn next_windows(&mut self) -> Result<Option<Windows>> {
        let path = self.path.clone();
        guarded(&path, || self.unguarded_next_windows())
    }

    fn unguarded_next_windows(&mut self) -> Result<Option<Windows>> {
        let mut windows = Windows::none(self.config);
        while windows.count() < BATCH_WINDOWS {
            let Some((first, power)) = self.read_segment()? else { break };
            windows.add_segment(power.all_rows(), first, &self.segments, self.config);
        }
        self.has_sound |= windows.has_sound();
        match (windows.count(), self.has_sound) {
            (0, false) => Err(Error::Silent { path: self.path.clone() }),
            (0, true) => Ok(None),
            _ => Ok(Some(windows)),
        }
    }

    /// The next segment: its first frame and its powers.
    fn read_segment(&mut self) -> Result<Option<(usize, MelPower)>> {
        let Some(range) = self.segments.get(self.next_segment) else { return Ok(None) };
        self.next_segment += 1;
        if range.start != self.next_frame {
            self.extractor.restart_at(range.start as u64);
            self.stream.seek(self.extractor.stft().frame_start(range.start as u64))?;
            self.next_frame = range.start;
            self.has_ended = false;
        }
        self.extractor.reserve(range.len());
        while self.extractor.frames() < range.len() && !self.has_ended {
            match self.stream.next_chunk()? {
                Some(samples) => self.extractor.push(samples),
                None => {
                    self.stream.check_end()?;
                    self.extractor.end();
                    self.has_ended = true;
                }
            }
        }
        let power = self.extractor.take(range.len());
        self.next_frame += power.frames();
        // Where it ended early, the segments that follow do not exist either.
        if power.frames() < range.len() {
            self.next_segment = self.segments.count;
        }
        Ok((power.frames() > 0).then_some((range.start, power)))
    }
}

/// A codec's panic is the file's error.
pub(crate) fn guarded<T>(path: &Path, work: impl FnOnce() -> Result<T>) -> Result<T> {
    guard(work).map_err(|source| Error::DecoderPanicked { path: path.into(), source })?
}
