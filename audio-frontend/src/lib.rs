//! From an audio file to what a network reads: level-normalised log-mel windows.
//!
//! ```text
//! path --decode--> mono samples --stft, mel--> band powers --level, log--> windows
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`config`] | [`FrontEndConfig`]: every number that changes an embedding |
//! | [`decode`] | [`AudioStream`]: a file's samples, mixed to mono, chunk by chunk |
//! | [`stft`] | short-time power spectra at the file's own sample rate |
//! | [`mel`] | the triangular filter bank |
//! | [`logmel`] | [`MelPower`] (linear band powers) and how a window of it becomes log-mel |
//! | [`mod@windows`] | which windows of a track are looked at, and [`Windows`], their log-mels |
//! | [`guard`] | panics of codecs become errors |
//! | [`tags`] | artist, title, album, genre, length |
//!
//! There is no resampler: frame length and hop are defined in seconds and the filter bank is
//! computed for each file's own rate, so the same music gives the same numbers at every rate.

pub mod config;
pub mod decode;
pub mod error;
pub mod guard;
pub mod logmel;
pub mod mel;
pub mod stft;
pub mod tags;
pub mod windows;

use std::path::Path;

pub use config::FrontEndConfig;
pub use decode::{AUDIO_EXTENSIONS, AudioStream};
pub use error::{Error, OutOfRange, Result};
pub use logmel::MelPower;
pub use tags::{Tags, TrackInfo};
pub use windows::Windows;

/// Decodes a file and returns its mel band powers (linear, before level and logarithm), from which
/// training cuts its crops.
///
/// # Errors
/// What [`AudioStream::open`] and [`AudioStream::next_chunk`] report; [`Error::NoSamples`] where
/// there is nothing to hear, [`Error::Truncated`] where much of it is missing, and
/// [`Error::DecoderPanicked`].
pub fn mel_power(path: &Path, config: &FrontEndConfig) -> Result<MelPower> {
    let panicked = |panicked| Error::DecoderPanicked { path: path.into(), source: panicked };
    guard::guard(|| unguarded_mel_power(path, config)).map_err(panicked)?
}

fn unguarded_mel_power(path: &Path, config: &FrontEndConfig) -> Result<MelPower> {
    let mut stream = AudioStream::open(path)?;
    let mut extractor = logmel::MelExtractor::new(config, stream.sample_rate_hz());
    let limit_samples = f64::from(config.max_seconds) * f64::from(stream.sample_rate_hz());
    while let Some(samples) = stream.next_chunk()? {
        extractor.push(samples);
        if stream.decoded_samples() as f64 >= limit_samples {
            return Ok(extractor.finish());
        }
    }
    stream.check_complete()?;
    Ok(extractor.finish())
}

/// Decodes a file and returns the log-mel windows that its embedding is computed from.
///
/// # Errors
/// As [`mel_power`], and [`Error::Silent`] where no window is loud enough to be music.
pub fn windows(path: &Path, config: &FrontEndConfig) -> Result<Windows> {
    Windows::spread(&mel_power(path, config)?, config).ok_or_else(|| Error::Silent { path: path.into() })
}
