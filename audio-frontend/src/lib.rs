//! From an audio file to what a network reads: level-normalised log-mel windows.
//!
//! ```text
//! path --decode--> mono samples --stft, mel--> band powers --level, log--> windows
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`config`] | [`FrontEndConfig`]: every number that changes an embedding |
//! | [`formats`] | which formats are read, and by what |
//! | [`decode`] | [`AudioStream`]: a file's samples, mixed to mono, from any place of it |
//! | [`stft`] | short-time power spectra at the file's own sample rate |
//! | [`mel`] | the triangular filter bank |
//! | [`logmel`] | [`MelPower`] (linear band powers) and how a window of it becomes log-mel |
//! | [`mod@coverage`] | [`Coverage`]: which parts of a track are listened to |
//! | [`mod@windows`] | [`Windows`]: log-mels as a network reads them |
//! | [`reader`] | [`WindowReader`]: a file's windows, a few at a time |
//! | [`guard`] | panics of codecs become errors |
//! | [`content`] | how a file is recognised by what is in it |
//! | [`fingerprint`] | [`Fingerprint`](fingerprint::Fingerprint): whether two files hold the same recording |
//! | [`tags`] | artist, title, album, genre, length; a picture |
//! | [`mod@waveform`] | [`Waveform`]: how loud a track is in its parts, for drawing |
//!
//! There is no resampler: frame length and hop are defined in seconds and the filter bank is
//! computed for each file's own rate, so the same music gives the same numbers at every rate.

pub mod config;
pub mod content;
pub mod coverage;
pub mod decode;
pub mod error;
pub mod fingerprint;
pub mod formats;
pub mod guard;
pub mod logmel;
pub mod mel;
pub mod reader;
pub mod stft;
pub mod tags;
pub mod waveform;
pub mod windows;

use std::path::Path;

pub use config::FrontEndConfig;
pub use coverage::Coverage;
pub use decode::AudioStream;
pub use error::{Error, OutOfRange, Result};
pub use logmel::MelPower;
pub use reader::WindowReader;
pub use tags::{Tags, TrackInfo};
pub use waveform::{Waveform, waveform};
pub use windows::Windows;

/// Decodes a file and returns its mel band powers (linear, before level and logarithm), from which
/// training cuts its crops.
///
/// # Errors
/// What [`AudioStream::open`] and [`AudioStream::next_chunk`] report; [`Error::NoSamples`] where
/// there is nothing to hear, [`Error::Truncated`] where much of it is missing, and
/// [`Error::DecoderPanicked`].
pub fn mel_power(path: &Path, config: &FrontEndConfig) -> Result<MelPower> {
    reader::guarded(path, || unguarded_mel_power(path, config))
}

fn unguarded_mel_power(path: &Path, config: &FrontEndConfig) -> Result<MelPower> {
    let mut stream = AudioStream::open(path)?;
    let mut extractor = logmel::MelExtractor::new(config, stream.sample_rate_hz());
    let limit_samples = (f64::from(config.max_seconds) * f64::from(stream.sample_rate_hz())) as u64;
    loop {
        match stream.next_chunk()? {
            Some(samples) => extractor.push(samples),
            None => {
                stream.check_end()?;
                break;
            }
        }
        if stream.position() >= limit_samples {
            break;
        }
    }
    extractor.end();
    let frames = extractor.frames();
    Ok(extractor.take(frames))
}
