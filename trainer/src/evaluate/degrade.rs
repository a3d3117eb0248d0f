//! Degraded copies of a track, and its halves, as files: they take the same way to a vector as any
//! other file.

use std::path::{Path, PathBuf};
use std::process::Command;

use audio_frontend::AudioStream;
use audio_frontend::decode::{TIME_LIMIT, ffmpeg_input, ffmpeg_program};
use audio_frontend::guard::guard;

use super::ffmpeg::{self, Ended};
use super::pink_noise::PinkNoise;
use crate::error::{Error, Result};

/// What lies behind this many seconds of a track is not in its copies: it bounds memory.
pub const MAX_SECONDS: f64 = 600.0;

/// A track shorter than this, in seconds, is neither cropped nor shifted, by a second neither, so that rows are of the
/// same tracks: what is left would be another piece of music rather than a copy. Excerpts of 30 s, often a little short,
/// are long enough.
pub const MIN_CUT_SECONDS: f64 = 28.0;

const QUIETER_DB: f64 = 12.0;
const LOUDER_DB: f64 = 12.0;
const OVERDRIVE_DB: f64 = 6.0;
const NOISE_SNR_DB: f64 = 20.0;
const CROP_SECONDS: f64 = 20.0;
const SHIFT_SECONDS: f64 = 10.0;
const SHORT_SHIFT_SECONDS: f64 = 1.0;

/// What is done to a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Degradation {
    /// 12 dB quieter.
    Quieter,
    /// 12 dB louder, beyond full scale where need be: samples are floats.
    Louder,
    /// So loud that peaks would pass full scale by 6 dB, and bent back below it by tanh, as a loud master is.
    Limited,
    /// An MP3 file at 64 kbit/s, by LAME; joint stereo where the track has more than one channel.
    Mp3,
    /// Pink noise is added, 20 dB below the track's mean power.
    PinkNoise,
    /// 20 s from the middle.
    Crop,
    /// The first 10 s are cut off.
    Shift,
    /// The first second is cut off.
    ShortShift,
    /// Mono at 22.05 kHz, by ffmpeg's resampler and mixer (which makes stereo 3 dB louder).
    LowRateMono,
}

impl Degradation {
    /// All, in the order of tables.
    pub const ALL: [Self; 9] = [
        Self::Quieter,
        Self::Louder,
        Self::Limited,
        Self::Mp3,
        Self::PinkNoise,
        Self::Crop,
        Self::Shift,
        Self::ShortShift,
        Self::LowRateMono,
    ];

    /// Name for tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quieter => "−12 dB",
            Self::Louder => "+12 dB",
            Self::Limited => "+6 dB, limited",
            Self::Mp3 => "MP3 64 kbit/s",
            Self::PinkNoise => "pink noise 20 dB",
            Self::Crop => "crop 20 s",
            Self::Shift => "shift 10 s",
            Self::ShortShift => "shift 1 s",
            Self::LowRateMono => "22.05 kHz mono",
        }
    }

    fn file_name(self) -> &'static str {
        match self {
            Self::Quieter => "quieter.wav",
            Self::Louder => "louder.wav",
            Self::Limited => "limited.wav",
            Self::Mp3 => "mp3.mp3",
            Self::PinkNoise => "pink-noise.wav",
            Self::Crop => "crop.wav",
            Self::Shift => "shift.wav",
            Self::ShortShift => "short-shift.wav",
            Self::LowRateMono => "low-rate-mono.wav",
        }
    }
}

/// A track's samples, decoded once for all of its copies.
#[derive(Debug, Clone)]
pub struct Original {
    path: PathBuf,
    /// Where in the file the samples begin and how long they are, in seconds, where they are not all.
    excerpt: Option<(f64, f64)>,
    /// Mono, at most [`MAX_SECONDS`].
    samples: Vec<f32>,
    sample_rate_hz: u32,
}

impl Original {
    /// Decodes the first [`MAX_SECONDS`] of a file, mixed to mono at the file's own rate: what the
    /// front end hears.
    ///
    /// # Errors
    /// [`Error::Audio`], as [`audio_frontend::mel_power`].
    pub fn decode(path: &Path) -> Result<Self> {
        let decoded = guard(|| Self::unguarded_decode(path));
        decoded.map_err(|source| audio_frontend::Error::DecoderPanicked { path: path.into(), source })?
    }

    fn unguarded_decode(path: &Path) -> Result<Self> {
        let mut stream = AudioStream::open(path)?;
        let sample_rate_hz = stream.sample_rate_hz();
        let limit = samples_in(MAX_SECONDS, sample_rate_hz);
        let mut samples = Vec::new();
        while samples.len() < limit {
            match stream.next_chunk()? {
                Some(chunk) => samples.extend_from_slice(chunk),
                None => {
                    stream.check_end()?;
                    break;
                }
            }
        }
        samples.truncate(limit);
        Ok(Self { path: path.into(), excerpt: None, samples, sample_rate_hz })
    }

    /// `seconds` around the middle of what was decoded, as if they were the track; a shorter one stays whole.
    pub fn excerpt(mut self, seconds: f64) -> Self {
        let length = samples_in(seconds, self.sample_rate_hz);
        if length < self.samples.len() {
            let start = (self.samples.len() - length) / 2;
            self.samples.drain(..start);
            self.samples.truncate(length);
            self.excerpt = Some((start as f64 / f64::from(self.sample_rate_hz), self.seconds()));
        }
        self
    }

    /// Length in seconds.
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.sample_rate_hz)
    }

    /// Writes a degraded copy into a folder of this track's own and gives its path; `None` where the
    /// track is too short for it ([`MIN_CUT_SECONDS`]). The seed decides the noise.
    ///
    /// Copies are 32-bit float WAV files of the mono samples. MP3 and the lower rate are made by
    /// ffmpeg from the track's own file, so that its channels are encoded as anybody's copy would be.
    ///
    /// # Errors
    /// [`Error::CannotDegrade`] where ffmpeg or its encoder is missing: the row is not measured.
    /// [`Error::Ffmpeg`], [`Error::Io`].
    pub fn write_degraded(&self, degradation: Degradation, folder: &Path, seed: u64) -> Result<Option<PathBuf>> {
        let path = folder.join(degradation.file_name());
        let (all, rate) = (self.samples.len(), self.sample_rate_hz);
        let is_long = self.seconds() >= MIN_CUT_SECONDS;
        match degradation {
            Degradation::Quieter => self.write(&path, self.samples.iter().map(|sample| gain(-QUIETER_DB) * sample))?,
            Degradation::Louder => self.write(&path, self.samples.iter().map(|sample| gain(LOUDER_DB) * sample))?,
            Degradation::Limited => {
                let peak = self.samples.iter().fold(f32::MIN_POSITIVE, |peak, sample| peak.max(sample.abs()));
                let gain = gain(OVERDRIVE_DB) / peak;
                self.write(&path, self.samples.iter().map(|sample| (gain * sample).tanh()))?;
            }
            Degradation::PinkNoise => {
                let power = mean_power(&self.samples) * 10_f64.powf(-NOISE_SNR_DB / 10.0);
                let noise = PinkNoise::new(rate, power, seed);
                self.write(&path, self.samples.iter().zip(noise).map(|(sample, noise)| sample + noise))?;
            }
            Degradation::Crop | Degradation::Shift | Degradation::ShortShift if !is_long => return Ok(None),
            Degradation::Crop => {
                let length = samples_in(CROP_SECONDS, rate);
                let start = (all - length) / 2;
                self.write(&path, self.samples[start..start + length].iter().copied())?;
            }
            Degradation::Shift => self.write_from(SHIFT_SECONDS, &path)?,
            Degradation::ShortShift => self.write_from(SHORT_SHIFT_SECONDS, &path)?,
            Degradation::Mp3 => {
                let encoding = ["-c:a", "libmp3lame", "-b:a", "64k", "-joint_stereo", "1"];
                self.convert(degradation, &encoding, &path)?;
            }
            Degradation::LowRateMono => {
                self.convert(degradation, &["-c:a", "pcm_f32le", "-ar", "22050", "-ac", "1"], &path)?;
            }
        }
        Ok(Some(path))
    }

    /// Writes the samples from a second on.
    fn write_from(&self, seconds: f64, path: &Path) -> Result<()> {
        self.write(path, self.samples[samples_in(seconds, self.sample_rate_hz)..].iter().copied())
    }

    /// Writes the samples as they are into a folder of the track's own.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_clean(&self, folder: &Path) -> Result<PathBuf> {
        let path = folder.join("clean.wav");
        self.write(&path, self.samples.iter().copied())?;
        Ok(path)
    }

    /// Writes the track's first and second half into a folder of its own.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_halves(&self, folder: &Path) -> Result<[PathBuf; 2]> {
        let (first, second) = self.samples.split_at(self.samples.len() / 2);
        let paths = ["first-half.wav", "second-half.wav"].map(|name| folder.join(name));
        self.write(&paths[0], first.iter().copied())?;
        self.write(&paths[1], second.iter().copied())?;
        Ok(paths)
    }

    /// Writes mono 32-bit floats at the track's rate. They do not clip.
    fn write(&self, path: &Path, samples: impl Iterator<Item = f32>) -> Result<()> {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: self.sample_rate_hz,
            bits_per_sample: 32,
            sample_format: hound::SampleFormat::Float,
        };
        let write = || -> hound::Result<()> {
            let mut writer = hound::WavWriter::create(path, spec)?;
            for sample in samples {
                writer.write_sample(sample)?;
            }
            writer.finalize()
        };
        write().map_err(|error| {
            let source = match error {
                hound::Error::IoError(source) => source,
                other => std::io::Error::other(other),
            };
            Error::Io { path: path.into(), source }
        })
    }

    /// Has ffmpeg write a copy of the same part of the track's file.
    fn convert(&self, degradation: Degradation, encoding: &[&str], path: &Path) -> Result<()> {
        let missing = |needs| Error::CannotDegrade { degradation: degradation.name(), needs };
        let program = ffmpeg_program().ok_or(missing("the program ffmpeg"))?;
        let input = ffmpeg_input(&self.path).map_err(|source| Error::Io { path: self.path.clone(), source })?;
        let io = |source| Error::Io { path: path.into(), source };
        let mut command = Command::new(program);
        command.args(["-nostdin", "-v", "error", "-y"]);
        match self.excerpt {
            Some((start, seconds)) => command.args(["-ss", &start.to_string(), "-t", &seconds.to_string()]),
            None => command.args(["-t", &MAX_SECONDS.to_string()]),
        };
        command.args(input);
        // Without the cover and the tags.
        command.args(["-map", "0:a:0", "-map_metadata", "-1"]).args(encoding);
        command.arg(std::path::absolute(path).map_err(io)?);
        match ffmpeg::run(&mut command, TIME_LIMIT).map_err(io)? {
            Ended::Done => Ok(()),
            Ended::NoEncoder => Err(missing("an ffmpeg with this encoder")),
            Ended::Failed(reason) => Err(Error::Ffmpeg { path: self.path.clone(), reason }),
            Ended::TookTooLong => Err(audio_frontend::Error::TookTooLong { path: self.path.clone() }.into()),
        }
    }
}

fn samples_in(seconds: f64, sample_rate_hz: u32) -> usize {
    (seconds * f64::from(sample_rate_hz)) as usize
}

/// Factor of samples.
fn gain(db: f64) -> f32 {
    10_f64.powf(db / 20.0) as f32
}

/// Mean square.
fn mean_power(samples: &[f32]) -> f64 {
    let sum: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    sum / samples.len().max(1) as f64
}
