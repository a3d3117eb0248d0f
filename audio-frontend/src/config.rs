//! The numbers that an embedding depends on. They are stored with every model.

use serde::{Deserialize, Serialize};

use crate::error::OutOfRange;

/// Settings of the front end. A model is only valid with those it was trained with, so they are
/// read from its card, never from [`Default`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrontEndConfig {
    /// Length of a frame in seconds. 0.04: a whole number of samples at 8, 11.025, 22.05, 32,
    /// 44.1, 48 and 96 kHz, so that the spectra of all of them have the same 25 Hz bins.
    pub frame_seconds: f64,
    /// Distance of frames in seconds. 0.02: half a frame, 50 frames a second.
    pub hop_seconds: f64,
    /// Number of mel bands. 64: finer bands did not pay on this corpus' size.
    pub mel_bands: usize,
    /// Lower edge of the lowest band in Hz. 30: keeps a DC offset's bins (0 and 25 Hz) outside.
    pub min_hz: f64,
    /// Upper edge of the highest band in Hz. 11,000: below the Nyquist frequency of 22.05 kHz
    /// files and below the cut-off of common lossy encodings.
    pub max_hz: f64,
    /// Added to a band's power, relative to the window's mean power, before the logarithm.
    /// 1e-6: what lies 60 dB below the music is not heard and must not matter.
    pub power_floor: f32,
    /// Length of a window in frames. 200: 4 s.
    pub window_frames: usize,
    /// Distance of windows in frames at most, as far as `max_windows` allows. 50: a short track has
    /// enough of them that it does not matter where each begins.
    pub window_hop_frames: usize,
    /// Windows of a track that are embedded at most, spread evenly over it. 32: with 16, cutting off
    /// the first third of a second moved some tracks by a cosine of 0.03.
    pub max_windows: usize,
    /// Windows that lie together, `window_hop_frames` apart, so that more of them come out of what
    /// is decoded. 2: as good as 32 windows that stand alone, for 80 instead of 128 decoded seconds
    /// (benches/results). In a card that does not name it, 1.
    #[serde(default = "one")]
    pub segment_windows: usize,
    /// Frames this much below the mean power around them, in dB, are silence, and no window begins
    /// or ends in it.
    pub silent_frame_db: f32,
    /// Windows this much below the loudest, in dB, are left out (fade-outs, leading silence).
    pub quiet_window_db: f32,
    /// What lies behind this many seconds of a file is not read in training, and where a file does
    /// not tell its length. 1,800: half an hour.
    pub max_seconds: f32,
}

impl Default for FrontEndConfig {
    fn default() -> Self {
        Self {
            frame_seconds: 0.04,
            hop_seconds: 0.02,
            mel_bands: 64,
            min_hz: 30.0,
            max_hz: 11_000.0,
            power_floor: 1e-6,
            window_frames: 200,
            window_hop_frames: 50,
            max_windows: 32,
            segment_windows: 2,
            silent_frame_db: 60.0,
            quiet_window_db: 30.0,
            max_seconds: 1800.0,
        }
    }
}

impl FrontEndConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn validate(&self) -> Result<(), OutOfRange> {
        OutOfRange::check(&[
            (self.frame_seconds > 0.0 && self.frame_seconds <= 1.0, "frame_seconds must be in (0, 1]"),
            (
                self.hop_seconds > 0.0 && self.hop_seconds <= self.frame_seconds,
                "hop_seconds must be in (0, frame_seconds]",
            ),
            ((1..=512).contains(&self.mel_bands), "mel_bands must be in 1..=512"),
            (
                self.min_hz >= 0.0 && self.min_hz < self.max_hz && self.max_hz.is_finite(),
                "0 <= min_hz < max_hz must hold",
            ),
            (self.power_floor > 0.0 && self.power_floor < 1.0, "power_floor must be in (0, 1)"),
            ((1..=100_000).contains(&self.window_frames), "window_frames must be in 1..=100000"),
            (self.window_hop_frames >= 1, "window_hop_frames must be at least 1"),
            ((1..=10_000).contains(&self.max_windows), "max_windows must be in 1..=10000"),
            ((1..=self.max_windows).contains(&self.segment_windows), "segment_windows must be in 1..=max_windows"),
            (self.silent_frame_db > 0.0, "silent_frame_db must be above 0"),
            (self.quiet_window_db > 0.0, "quiet_window_db must be above 0"),
            (self.max_seconds > 0.0, "max_seconds must be above 0"),
        ])
    }

    /// Length in frames of windows that lie together.
    pub fn segment_frames(&self) -> usize {
        self.window_frames + (self.segment_windows - 1) * self.window_hop_frames
    }

    /// Length of a window in seconds.
    pub fn window_seconds(&self) -> f64 {
        self.window_frames as f64 * self.hop_seconds
    }
}

fn one() -> usize {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_a_hop_of_zero_is_not() {
        assert_eq!(FrontEndConfig::default().validate(), Ok(()));
        let config = FrontEndConfig { hop_seconds: 0.0, ..Default::default() };
        assert!(config.validate().is_err_and(|OutOfRange(rule)| rule.contains("hop_seconds")));
    }
}
