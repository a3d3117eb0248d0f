//! A file's samples, mixed to mono, chunk by chunk.

use std::fs::File;
use std::path::{Path, PathBuf};

use symphonia::core::audio::{Channels, GenericAudioBufferRef, Position};
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;

use crate::error::{Error, Result};

/// File name extensions taken for audio when a folder is walked; the content decides afterwards.
pub const AUDIO_EXTENSIONS: &[&str] = &[
    "aac", "aif", "aifc", "aiff", "caf", "flac", "m4a", "m4b", "mka", "mp1", "mp2", "mp3", "mp4", "oga", "ogg", "wav",
    "wave", "webm",
];

/// A header that states more than this share of what is there counts as the truth; less of the
/// stated length, and the file is truncated.
const COMPLETE_SHARE: f64 = 0.9;

/// Containers whose length Symphonia estimates.
const ESTIMATED_LENGTHS: &[&str] = &["mp1", "mp2", "mp3", "aac"];

/// Damaged packets in a row after which the rest of a file is given up.
const MAX_DAMAGED_PACKETS: usize = 50;

/// Sample rates outside of this range, in Hz, are taken for a damaged header.
const SAMPLE_RATES_HZ: std::ops::RangeInclusive<u32> = 1_000..=768_000;

/// Decodes one file from its beginning.
pub struct AudioStream {
    path: PathBuf,
    reader: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track_id: u32,
    sample_rate_hz: u32,
    expected_samples: Option<u64>,
    decoded_samples: u64,
    planes: Vec<Vec<f32>>,
    mono: Vec<f32>,
}

impl AudioStream {
    /// Opens a file and recognises its format by content, with the extension as a hint.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::NotAFile`], [`Error::EmptyFile`], [`Error::NotAudio`],
    /// [`Error::Unsupported`], [`Error::Damaged`].
    pub fn open(path: &Path) -> Result<Self> {
        let io = |source| Error::Io { path: path.into(), source };
        // Before opening: a FIFO would block.
        let metadata = std::fs::metadata(path).map_err(io)?;
        if !metadata.is_file() {
            return Err(Error::NotAFile { path: path.into() });
        }
        if metadata.len() == 0 {
            return Err(Error::EmptyFile { path: path.into() });
        }
        let file = File::open(path).map_err(io)?;
        let source = MediaSourceStream::new(Box::new(file), MediaSourceStreamOptions::default());
        let mut hint = Hint::new();
        if let Some(extension) = path.extension().and_then(|extension| extension.to_str()) {
            hint.with_extension(extension);
        }
        let reader = symphonia::default::get_probe()
            .probe(&hint, source, FormatOptions::default(), MetadataOptions::default())
            .map_err(|error| probe_error(path, error))?;
        let track = reader.default_track(TrackType::Audio).ok_or_else(|| Error::NotAudio { path: path.into() })?;
        let parameters = track
            .codec_params
            .as_ref()
            .and_then(|parameters| parameters.audio())
            .ok_or_else(|| Error::Unsupported { path: path.into(), what: "this codec".into() })?;
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .map_err(|error| probe_error(path, error))?;
        // The decoder's word counts: an MP4 container cannot write rates above 65,535 Hz.
        let sample_rate_hz = decoder
            .codec_params()
            .sample_rate
            .or(parameters.sample_rate)
            .filter(|rate| SAMPLE_RATES_HZ.contains(rate))
            .ok_or_else(|| Error::Damaged { path: path.into(), reason: "no sensible sample rate".into() })?;
        Ok(Self {
            path: path.into(),
            decoder,
            track_id: track.id,
            sample_rate_hz,
            expected_samples: stated_length(reader.as_ref(), track),
            decoded_samples: 0,
            planes: Vec::new(),
            mono: Vec::new(),
            reader,
        })
    }

    /// Samples a second.
    pub fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }

    /// Samples returned until now.
    pub fn decoded_samples(&self) -> u64 {
        self.decoded_samples
    }

    /// The next samples, mixed to mono, full scale = 1.0; `None` at the end. A damaged packet is
    /// passed over, as a player does; samples that are not finite count as 0.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::Damaged`] where nothing can be decoded.
    pub fn next_chunk(&mut self) -> Result<Option<&[f32]>> {
        let mut damaged = 0;
        loop {
            let packet = match self.reader.next_packet() {
                Ok(Some(packet)) => packet,
                // The end, an end in the middle of a packet, or a chained stream's next song:
                // what was there until now is the track.
                Ok(None) | Err(SymphoniaError::ResetRequired) => return Ok(None),
                Err(SymphoniaError::IoError(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                    return Ok(None);
                }
                Err(error) => return self.stop_at(error),
            };
            if packet.track_id != self.track_id {
                continue;
            }
            match self.decoder.decode(&packet) {
                Ok(buffer) if buffer.frames() == 0 => {}
                Ok(buffer) if buffer.spec().rate() != self.sample_rate_hz => return Ok(None),
                Ok(buffer) => {
                    mix_to_mono(&buffer, &mut self.planes, &mut self.mono);
                    self.decoded_samples += self.mono.len() as u64;
                    return Ok(Some(&self.mono));
                }
                Err(SymphoniaError::ResetRequired) => return Ok(None),
                Err(error) => {
                    damaged += 1;
                    if damaged == MAX_DAMAGED_PACKETS {
                        return self.stop_at(error);
                    }
                }
            }
        }
    }

    /// To be called after the last chunk: whether what was decoded is about what the header states.
    ///
    /// # Errors
    /// [`Error::NoSamples`], [`Error::Truncated`].
    pub fn check_complete(&self) -> Result<()> {
        if self.decoded_samples == 0 {
            return Err(Error::NoSamples { path: self.path.clone() });
        }
        let seconds = |samples: u64| samples as f64 / f64::from(self.sample_rate_hz);
        match self.expected_samples {
            Some(expected) if (self.decoded_samples as f64) < COMPLETE_SHARE * expected as f64 => {
                Err(Error::Truncated {
                    path: self.path.clone(),
                    decoded_seconds: seconds(self.decoded_samples),
                    expected_seconds: seconds(expected),
                })
            }
            _ => Ok(()),
        }
    }

    /// An error in the middle of a file ends it; one before the first sample is reported.
    fn stop_at(&self, error: SymphoniaError) -> Result<Option<&[f32]>> {
        if self.decoded_samples > 0 && !matches!(error, SymphoniaError::IoError(_)) {
            return Ok(None);
        }
        Err(match error {
            SymphoniaError::IoError(source) => Error::Io { path: self.path.clone(), source },
            other => Error::Damaged { path: self.path.clone(), reason: other.to_string() },
        })
    }
}

/// The length a container states, where it is stated and not estimated from the first packets, as
/// it is for raw MPEG audio and AAC streams. An Ogg stream cut out of a longer one counts from the
/// longer one's beginning.
fn stated_length(reader: &dyn FormatReader, track: &Track) -> Option<u64> {
    if ESTIMATED_LENGTHS.contains(&reader.format_info().short_name) {
        return None;
    }
    let start = u64::try_from(track.start_ts.get()).unwrap_or(0);
    track.num_frames.map(|frames| frames.saturating_sub(start))
}

fn probe_error(path: &Path, error: SymphoniaError) -> Error {
    let path = path.to_owned();
    match error {
        // The probe reads past the end of a file that is shorter than any header.
        SymphoniaError::IoError(source) if source.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::NotAudio { path }
        }
        SymphoniaError::IoError(source) => Error::Io { path, source },
        SymphoniaError::Unsupported(what) if what.contains("probe") || what.contains("format reader") => {
            Error::NotAudio { path }
        }
        SymphoniaError::Unsupported(what) => Error::Unsupported { path, what: what.to_owned() },
        other => Error::Damaged { path, reason: other.to_string() },
    }
}

/// Mean of all channels but the low-frequency effects, which players leave out of a mix as well.
fn mix_to_mono(buffer: &GenericAudioBufferRef<'_>, planes: &mut Vec<Vec<f32>>, mono: &mut Vec<f32>) {
    buffer.copy_to_vecs_planar(planes);
    let effects = |plane: usize| match buffer.spec().channels() {
        Channels::Positioned(positions) => {
            positions.iter().nth(plane).is_some_and(|position| Position::LFE1.union(Position::LFE2).contains(position))
        }
        _ => false,
    };
    mono.clear();
    mono.resize(buffer.frames(), 0.0);
    let mut mixed = 0;
    for (number, plane) in planes.iter().enumerate() {
        if planes.len() > 1 && effects(number) {
            continue;
        }
        mixed += 1;
        for (sum, sample) in mono.iter_mut().zip(plane) {
            *sum += sample;
        }
    }
    let share = 1.0 / mixed.max(1) as f32;
    for sample in mono.iter_mut() {
        *sample = if sample.is_finite() { *sample * share } else { 0.0 };
    }
}
