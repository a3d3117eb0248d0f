//! A file's samples, mixed to mono, from any place of it.
//!
//! Symphonia decodes what it can (Opus through libopus); what is left goes to an installed
//! `ffmpeg` program. [`crate::formats`] lists which is which.

mod downmix;
mod ffmpeg;
mod source;
mod symphonia;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use ffmpeg::{ffmpeg_input, ffmpeg_program};
pub use source::{Bytes, TIME_LIMIT};

use crate::error::{Error, Result};
use crate::formats;
use ffmpeg::FfmpegStream;
use source::Source;
use symphonia::{Seeked, SymphoniaStream};

/// A header that states more than this share of what is there counts as the truth; less of the
/// stated length, and the file is truncated.
const COMPLETE_SHARE: f64 = 0.9;

/// How long a track is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    /// In samples.
    pub samples: u64,
    /// Whether the file states it exactly, so that less is a file cut short; else it is an
    /// estimate.
    pub is_stated: bool,
}

/// Samples in a row.
struct Chunk<'a> {
    samples: &'a [f32],
    /// Sample of the track that follows.
    end: u64,
}

/// Decodes one file.
pub struct AudioStream<'a> {
    path: PathBuf,
    bytes: Bytes<'a>,
    deadline: Instant,
    decoder: Decoder,
    /// How far into the track decoding came.
    decoded_until: u64,
}

enum Decoder {
    Symphonia(SymphoniaStream),
    Ffmpeg(FfmpegStream),
}

impl<'a> AudioStream<'a> {
    /// Opens a file and recognises its format by content. From here on, [`TIME_LIMIT`] runs.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::NotAFile`], [`Error::EmptyFile`], [`Error::NotAudio`],
    /// [`Error::Unsupported`], [`Error::NeedsFfmpeg`], [`Error::Damaged`], [`Error::TookTooLong`].
    pub fn open(path: &'a Path) -> Result<Self> {
        Self::open_bytes(Bytes::File(path), path, TIME_LIMIT)
    }

    /// Opens bytes; `path` stands for them in errors.
    ///
    /// # Errors
    /// As [`AudioStream::open`].
    pub fn open_bytes(bytes: Bytes<'a>, path: &Path, time_limit: Duration) -> Result<Self> {
        let deadline = Instant::now() + time_limit;
        let source = Source::open(&bytes, path, deadline)?;
        let decoder = match SymphoniaStream::open(source, path, deadline) {
            Ok(stream) => Decoder::Symphonia(stream),
            Err(error @ (Error::NotAudio { .. } | Error::Unsupported { .. } | Error::Damaged { .. }))
                if matches!(bytes, Bytes::File(_)) =>
            {
                Decoder::Ffmpeg(with_ffmpeg(path, deadline, error)?)
            }
            Err(error) => return Err(error),
        };
        Ok(Self { path: path.into(), bytes, deadline, decoder, decoded_until: 0 })
    }

    /// Samples a second.
    pub fn sample_rate_hz(&self) -> u32 {
        match &self.decoder {
            Decoder::Symphonia(stream) => stream.sample_rate_hz(),
            Decoder::Ffmpeg(stream) => stream.sample_rate_hz(),
        }
    }

    /// How long the track is, where that can be told without decoding it.
    pub fn length(&self) -> Option<Length> {
        match &self.decoder {
            Decoder::Symphonia(stream) => stream.length(),
            Decoder::Ffmpeg(stream) => stream.length(),
        }
    }

    /// The program or library that decodes.
    pub fn reader(&self) -> formats::Reader {
        match &self.decoder {
            Decoder::Symphonia(_) => formats::Reader::Symphonia,
            Decoder::Ffmpeg(_) => formats::Reader::Ffmpeg,
        }
    }

    /// Sample of the track that follows the last chunk.
    pub fn position(&self) -> u64 {
        match &self.decoder {
            Decoder::Symphonia(stream) => stream.position(),
            Decoder::Ffmpeg(stream) => stream.position(),
        }
    }

    /// The next samples, mixed to mono, full scale = 1.0; `None` at the end. A damaged packet is
    /// passed over, as a player does; samples that are not finite count as 0.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::TookTooLong`], and [`Error::Damaged`] where nothing can be decoded.
    pub fn next_chunk(&mut self) -> Result<Option<&[f32]>> {
        let chunk = match &mut self.decoder {
            Decoder::Symphonia(stream) => stream.next_chunk()?,
            Decoder::Ffmpeg(stream) => stream.next_chunk()?,
        };
        Ok(chunk.map(|chunk| {
            self.decoded_until = self.decoded_until.max(chunk.end);
            chunk.samples
        }))
    }

    /// Makes the next chunk begin at a sample of the track; where a container cannot be sought in,
    /// by decoding up to it.
    ///
    /// # Errors
    /// As [`AudioStream::open`].
    pub fn seek(&mut self, sample: u64) -> Result<()> {
        match &mut self.decoder {
            Decoder::Ffmpeg(stream) => stream.seek(sample),
            Decoder::Symphonia(stream) => {
                if stream.seek(sample)? == Seeked::Unseekable {
                    let source = Source::open(&self.bytes, &self.path, self.deadline)?;
                    *stream = SymphoniaStream::open(source, &self.path, self.deadline)?;
                    stream.skip_to(sample);
                }
                Ok(())
            }
        }
    }

    /// To be called where a chunk was expected and none came: whether the track may end here.
    ///
    /// # Errors
    /// [`Error::NoSamples`], [`Error::Truncated`].
    pub fn check_end(&self) -> Result<()> {
        if self.decoded_until == 0 {
            return Err(Error::NoSamples { path: self.path.clone() });
        }
        let seconds = |samples: u64| samples as f64 / f64::from(self.sample_rate_hz());
        let end = self.decoded_until;
        match self.length() {
            Some(Length { samples, is_stated: true }) if (end as f64) < COMPLETE_SHARE * samples as f64 => {
                Err(Error::Truncated {
                    path: self.path.clone(),
                    decoded_seconds: seconds(end),
                    expected_seconds: seconds(samples),
                })
            }
            _ => Ok(()),
        }
    }
}

/// The last resort for a file that Symphonia refused with `error`.
fn with_ffmpeg(path: &Path, deadline: Instant, error: Error) -> Result<FfmpegStream> {
    match FfmpegStream::open(path, deadline) {
        Ok(Some(stream)) => Ok(stream),
        Ok(None) if formats::needs_ffmpeg(path) || matches!(error, Error::Unsupported { .. }) => {
            Err(Error::NeedsFfmpeg { path: path.into() })
        }
        Err(failed) if failed.is_transient() => Err(failed),
        // What Symphonia found wrong says more than that ffmpeg failed as well.
        Ok(None) | Err(_) => Err(error),
    }
}
