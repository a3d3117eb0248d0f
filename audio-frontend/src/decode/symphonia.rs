//! Decoding with Symphonia and, for Opus, libopus.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Instant;

use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::errors::{Error as SymphoniaError, SeekErrorKind};
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, SeekMode, SeekTo, Track, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::units::{Duration, TimeBase, Timestamp};

use super::downmix::Downmix;
use super::source::{LongWave, Source};
use super::{Chunk, Length};
use crate::error::{Error, Result};

/// Containers whose length Symphonia estimates from the first packets.
const ESTIMATED_LENGTHS: &[&str] = &["mp1", "mp2", "mp3", "aac"];

/// MPEG audio has no index. Up to this size its frames are counted, which finds a place exactly;
/// beyond, it is looked for at its share of the bytes.
const COUNTED_BYTES: u64 = 64 << 20;

/// Damaged packets in a row after which the rest of a file is given up.
const MAX_DAMAGED_PACKETS: usize = 50;

/// Sample rates outside of this range, in Hz, are taken for a damaged header.
const SAMPLE_RATES_HZ: std::ops::RangeInclusive<u32> = 1_000..=768_000;

/// More channels than this are taken for a damaged header.
const MAX_CHANNELS: usize = 64;

/// Decoded before a place and thrown away, in seconds: a transform codec's first blocks lack what
/// they overlap with, and Opus asks for 80 ms (RFC 7845, 4.6).
const PREROLL_SECONDS: f64 = 0.1;

/// A place this close ahead, in seconds, is decoded up to, as that is cheaper than to seek.
const DECODED_GAP_SECONDS: f64 = 1.0;

/// Tries to get to a place: Matroska's reader may come out at the cluster behind it.
const MAX_SEEKS: usize = 4;

static CODECS: LazyLock<CodecRegistry> = LazyLock::new(|| {
    let mut codecs = CodecRegistry::new();
    symphonia::default::register_enabled_codecs(&mut codecs);
    codecs.register_audio_decoder::<symphonia_adapter_libopus::OpusDecoder>();
    codecs
});

/// One file's samples, mixed to mono.
pub(super) struct SymphoniaStream {
    path: PathBuf,
    deadline: Instant,
    reader: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track_id: u32,
    seek_mode: SeekMode,
    /// Whether the reader may be asked to seek; else what lies between is decoded.
    is_seekable: bool,
    sample_rate_hz: u32,
    ticks: Ticks,
    length: Option<Length>,
    /// Sample of the track that comes next out of the decoder.
    position: u64,
    /// Whether `position` is to be read from the next packet.
    position_is_lost: bool,
    /// Samples before this one are thrown away.
    wanted_from: u64,
    ended: bool,
    downmix: Downmix,
}

/// Where a seek led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seeked {
    /// The next chunk begins at the sample asked for, or the track ends before it.
    There,
    /// The container has no way to go there.
    Unseekable,
}

/// A container's clock.
#[derive(Debug, Clone, Copy)]
struct Ticks {
    base: TimeBase,
    sample_rate_hz: u32,
    start: Timestamp,
}

impl SymphoniaStream {
    /// Recognises bytes by content.
    ///
    /// # Errors
    /// [`Error::NotAudio`], [`Error::Unsupported`], [`Error::Damaged`], [`Error::Io`].
    pub fn open(source: Source, path: &Path, deadline: Instant) -> Result<Self> {
        let (length_bytes, long_wave) = (source.length_bytes(), source.long_wave());
        let mut stream = Self::read_from(Box::new(source), path, deadline)?;
        if stream.length.is_none() {
            let wave = long_wave.map(|wave| LongWave { data_bytes: wave.data_bytes.min(length_bytes) });
            stream.length = wave.and_then(|wave| stream.long_wave_length(wave));
        }
        stream.seek_mode = if length_bytes > COUNTED_BYTES { SeekMode::Coarse } else { SeekMode::Accurate };
        Ok(stream)
    }

    /// The same, from anything that can be read once.
    ///
    /// # Errors
    /// As [`SymphoniaStream::open`].
    pub fn read_from(source: Box<dyn MediaSource>, path: &Path, deadline: Instant) -> Result<Self> {
        let source = MediaSourceStream::new(source, MediaSourceStreamOptions::default());
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
        check_channels(parameters, path)?;
        let decoder = CODECS
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .map_err(|error| probe_error(path, error))?;
        // The decoder's word counts: an MP4 container cannot write rates above 65,535 Hz.
        let sample_rate_hz = decoder
            .codec_params()
            .sample_rate
            .or(parameters.sample_rate)
            .filter(|rate| SAMPLE_RATES_HZ.contains(rate))
            .ok_or_else(|| Error::Damaged { path: path.into(), reason: "no sensible sample rate".into() })?;
        let ticks = Ticks::of(track, sample_rate_hz)
            .ok_or_else(|| Error::Damaged { path: path.into(), reason: "no sensible clock".into() })?;
        Ok(Self {
            path: path.into(),
            deadline,
            decoder,
            track_id: track.id,
            seek_mode: SeekMode::Accurate,
            // Symphonia's search in an Ogg file never ends at a page of another stream.
            is_seekable: reader.format_info().short_name != "ogg" || reader.tracks().len() == 1,
            sample_rate_hz,
            length: length_of(reader.as_ref(), track, &ticks),
            ticks,
            position: 0,
            position_is_lost: false,
            wanted_from: 0,
            ended: false,
            downmix: Downmix::default(),
            reader,
        })
    }

    /// Samples a second.
    pub fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }

    /// How long the track is, where the container tells.
    pub fn length(&self) -> Option<Length> {
        self.length
    }

    /// Sample of the track that follows the last chunk.
    pub fn position(&self) -> u64 {
        self.position.max(self.wanted_from)
    }

    /// The next samples, mixed to mono, full scale = 1.0; `None` at the end. A damaged packet is
    /// passed over, as a player does; samples that are not finite count as 0.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::TookTooLong`], and [`Error::Damaged`] where nothing can be decoded.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk<'_>>> {
        let mut damaged = 0;
        while !self.ended {
            if Instant::now() > self.deadline {
                return Err(Error::TookTooLong { path: self.path.clone() });
            }
            let mut packet = match self.reader.next_packet() {
                Ok(Some(packet)) => packet,
                // The end, an end in the middle of a packet, or a chained stream's next song:
                // what was there until now is the track.
                Ok(None) | Err(SymphoniaError::ResetRequired) => break,
                Err(SymphoniaError::IoError(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => break,
                Err(error) => return self.stop_at(error),
            };
            if packet.track_id != self.track_id {
                continue;
            }
            // Symphonia cuts off what lies behind an end that it only estimates.
            if self.length.is_some_and(|length| !length.is_stated) {
                packet.trim_end = Duration::ZERO;
            }
            let buffer = match self.decoder.decode(&packet) {
                Ok(buffer) if buffer.frames() == 0 => continue,
                Ok(buffer) if buffer.spec().rate() != self.sample_rate_hz => break,
                Ok(buffer) => buffer,
                Err(SymphoniaError::ResetRequired) => break,
                Err(error) => {
                    damaged += 1;
                    if damaged == MAX_DAMAGED_PACKETS {
                        return self.stop_at(error);
                    }
                    continue;
                }
            };
            if std::mem::take(&mut self.position_is_lost) {
                self.position = self.ticks.sample_at(packet.pts);
            }
            let unwanted = self.wanted_from.saturating_sub(self.position);
            self.position += buffer.frames() as u64;
            if unwanted < buffer.frames() as u64 {
                let samples = &self.downmix.mix(&buffer)[unwanted as usize..];
                return Ok(Some(Chunk { samples, end: self.position }));
            }
        }
        self.ended = true;
        Ok(None)
    }

    /// Makes the next chunk begin at a sample of the track.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn seek(&mut self, sample: u64) -> Result<Seeked> {
        let rate = f64::from(self.sample_rate_hz);
        self.wanted_from = sample;
        let gap = sample.checked_sub(self.position).filter(|_| !self.position_is_lost);
        if !self.is_seekable {
            return Ok(if gap.is_some() { Seeked::There } else { Seeked::Unseekable });
        }
        if gap.is_some_and(|gap| gap as f64 <= DECODED_GAP_SECONDS * rate) {
            return Ok(Seeked::There);
        }
        let mut from = sample.saturating_sub((PREROLL_SECONDS * rate) as u64);
        for _ in 0..MAX_SEEKS {
            let to = SeekTo::Timestamp { ts: self.ticks.tick_at(from), track_id: self.track_id };
            match self.reader.seek(self.seek_mode, to) {
                Ok(seeked) => match self.ticks.sample_at(seeked.actual_ts).checked_sub(sample) {
                    None | Some(0) => {
                        self.decoder.reset();
                        self.position_is_lost = true;
                        self.ended = false;
                        return Ok(Seeked::There);
                    }
                    Some(too_far) => from = from.saturating_sub(2 * too_far),
                },
                Err(error) => return self.seek_failed(error),
            }
        }
        Ok(Seeked::Unseekable)
    }

    fn seek_failed(&mut self, error: SymphoniaError) -> Result<Seeked> {
        match error {
            SymphoniaError::SeekError(SeekErrorKind::OutOfRange) => {
                self.ended = true;
                Ok(Seeked::There)
            }
            SymphoniaError::IoError(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
                Err(self.io_error(error))
            }
            _ => Ok(Seeked::Unseekable),
        }
    }

    /// Throws away what lies before a sample, by decoding it, and goes on like that for later ones.
    pub fn skip_to(&mut self, sample: u64) {
        self.is_seekable = false;
        self.wanted_from = sample;
    }

    fn long_wave_length(&self, wave: LongWave) -> Option<Length> {
        let parameters = self.decoder.codec_params();
        let channels = parameters.channels.as_ref()?.count() as u64;
        let bytes = u64::from(parameters.bits_per_coded_sample.or(parameters.bits_per_sample)?.div_ceil(8));
        // Not exact: 24 bits may stand in 4 bytes.
        Some(Length { samples: wave.data_bytes.checked_div(channels * bytes)?, is_stated: false })
    }

    /// An error in the middle of a file ends it; one before the first sample is reported.
    fn stop_at(&mut self, error: SymphoniaError) -> Result<Option<Chunk<'_>>> {
        if self.position > 0 && !matches!(error, SymphoniaError::IoError(_)) {
            self.ended = true;
            return Ok(None);
        }
        Err(match error {
            SymphoniaError::IoError(source) => self.io_error(source),
            other => Error::Damaged { path: self.path.clone(), reason: other.to_string() },
        })
    }

    fn io_error(&self, source: std::io::Error) -> Error {
        io_error(&self.path, source)
    }
}

impl Ticks {
    fn of(track: &Track, sample_rate_hz: u32) -> Option<Self> {
        let base = track.time_base.or_else(|| TimeBase::try_new(1, sample_rate_hz))?;
        // Below 0 lies what an encoder put in front, and no decoder gives out.
        Some(Self { base, sample_rate_hz, start: track.start_ts.max(Timestamp::from(0)) })
    }

    fn samples_a_tick(&self) -> f64 {
        f64::from(self.sample_rate_hz) * f64::from(self.base.numer.get()) / f64::from(self.base.denom.get())
    }

    fn sample_at(&self, tick: Timestamp) -> u64 {
        let ticks = tick.get().saturating_sub(self.start.get()).max(0);
        (ticks as f64 * self.samples_a_tick()).round() as u64
    }

    fn tick_at(&self, sample: u64) -> Timestamp {
        let ticks = (sample as f64 / self.samples_a_tick()).floor() as i64;
        Timestamp::from(self.start.get().saturating_add(ticks))
    }
}

/// The length that a container states. Raw MPEG audio and AAC streams state none, and what
/// Symphonia gives is estimated from the first packets. An Ogg stream cut out of a longer one
/// counts from the longer one's beginning.
fn length_of(reader: &dyn FormatReader, track: &Track, ticks: &Ticks) -> Option<Length> {
    let name = reader.format_info().short_name;
    let is_stated = !ESTIMATED_LENGTHS.contains(&name);
    let start = u64::try_from(ticks.start.get()).unwrap_or(0);
    if let Some(frames) = track.num_frames {
        return Some(Length { samples: frames.saturating_sub(start), is_stated });
    }
    let media = reader.media_info();
    let from_track = track.duration.map(|duration| duration.get() as f64 * ticks.samples_a_tick());
    let from_media = || {
        let seconds = media.time_base?.calc_duration(media.duration?)?.as_secs_f64();
        Some(seconds * f64::from(ticks.sample_rate_hz))
    };
    let samples = from_track.or_else(from_media)?.round() as u64;
    Some(Length { samples, is_stated: false })
}

fn check_channels(parameters: &AudioCodecParameters, path: &Path) -> Result<()> {
    let count = parameters.channels.as_ref().map_or(1, symphonia::core::audio::Channels::count);
    if (1..=MAX_CHANNELS).contains(&count) {
        return Ok(());
    }
    Err(Error::Damaged { path: path.into(), reason: format!("{count} channels") })
}

fn probe_error(path: &Path, error: SymphoniaError) -> Error {
    match error {
        // The probe reads past the end of a file that is shorter than any header.
        SymphoniaError::IoError(source) if source.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::NotAudio { path: path.into() }
        }
        SymphoniaError::IoError(source) => io_error(path, source),
        SymphoniaError::Unsupported(what) if what.contains("probe") || what.contains("format reader") => {
            Error::NotAudio { path: path.into() }
        }
        SymphoniaError::Unsupported(what) => Error::Unsupported { path: path.into(), what: what.to_owned() },
        other => Error::Damaged { path: path.into(), reason: other.to_string() },
    }
}

fn io_error(path: &Path, source: std::io::Error) -> Error {
    match source.kind() {
        std::io::ErrorKind::TimedOut => Error::TookTooLong { path: path.into() },
        _ => Error::Io { path: path.into(), source },
    }
}
