//! Mel band powers of a track, and how a window of them becomes a level-normalised log-mel.

use crate::config::FrontEndConfig;
use crate::mel::{MelFilterBank, dense_filters};
use crate::stft::Stft;

/// Power below which there is silence: −90 dBFS. That is above the dither of 16 bits (−96 dBFS) and
/// below music of usual level that was turned down by 40 dB.
pub const SILENCE_POWER: f32 = 1e-9;

/// Linear mel band powers of a track, before level and logarithm: shape frames × bands, row-major.
/// Gain, filters and noise are multiplications and additions here, which is where training
/// augments.
#[derive(Debug, Clone, PartialEq)]
pub struct MelPower {
    bands: usize,
    powers: Vec<f32>,
}

impl MelPower {
    /// From frames × bands powers in row-major order.
    pub fn from_rows(bands: usize, powers: Vec<f32>) -> Self {
        Self { bands, powers }
    }

    /// Number of mel bands.
    pub fn bands(&self) -> usize {
        self.bands
    }

    /// Number of frames.
    pub fn frames(&self) -> usize {
        self.powers.len() / self.bands.max(1)
    }

    /// The powers of `count` frames from `start`, row-major.
    pub fn rows(&self, start: usize, count: usize) -> &[f32] {
        &self.powers[start * self.bands..(start + count) * self.bands]
    }

    /// The powers of all frames, row-major.
    pub fn all_rows(&self) -> &[f32] {
        &self.powers
    }

    /// Keeps the first `frames` frames.
    pub fn truncate(&mut self, frames: usize) {
        self.powers.truncate(frames * self.bands);
    }
}

/// Mean power of a window: mean over frames of the sum over bands. 1.0 is a signal in the range of
/// the bands with root mean square 1.
pub fn mean_power(rows: &[f32], bands: usize) -> f32 {
    let frames = (rows.len() / bands.max(1)).max(1);
    (rows.iter().map(|&power| f64::from(power)).sum::<f64>() / frames as f64) as f32
}

/// Normalises a window to mean power 1 and takes the logarithm, in dB: `10·log10(p/mean + floor)`.
/// The same music at another volume gives the same numbers. `log_mel` has the length of `rows`.
pub fn log_mel_into(rows: &[f32], bands: usize, power_floor: f32, log_mel: &mut [f32]) {
    let gain = 1.0 / mean_power(rows, bands).max(f32::MIN_POSITIVE);
    for (log, power) in log_mel.iter_mut().zip(rows) {
        *log = 10.0 * (power * gain + power_floor).log10();
    }
}

/// Collects the mel band powers of a stream of samples.
pub struct MelExtractor {
    stft: Stft,
    bank: MelFilterBank,
    powers: Vec<f32>,
}

impl MelExtractor {
    /// Plans for one sample rate.
    pub fn new(config: &FrontEndConfig, sample_rate_hz: u32) -> Self {
        let stft = Stft::new(config.frame_seconds, config.hop_seconds, sample_rate_hz);
        let bin_hz = f64::from(sample_rate_hz) / stft.frame_samples() as f64;
        let filters = dense_filters(config.mel_bands, config.min_hz, config.max_hz, bin_hz, stft.bin_count());
        Self { stft, bank: MelFilterBank::new(&filters), powers: Vec::new() }
    }

    /// How frames lie in samples.
    pub fn stft(&self) -> &Stft {
        &self.stft
    }

    /// Number of frames that wait to be taken.
    pub fn frames(&self) -> usize {
        self.powers.len() / self.bank.band_count()
    }

    /// Makes room for frames, so that pushing them allocates nothing.
    pub fn reserve(&mut self, frames: usize) {
        self.powers.reserve(frames * self.bank.band_count());
    }

    /// Forgets what waits and begins anew at a frame, with the samples from its first on.
    pub fn restart_at(&mut self, frame: u64) {
        self.powers.clear();
        self.stft.restart_at(frame);
    }

    /// Adds mono samples.
    pub fn push(&mut self, samples: &[f32]) {
        let Self { stft, bank, powers } = self;
        stft.push(samples, |spectrum| append_bands(bank, spectrum, powers));
    }

    /// Ends the stream: what is shorter than a frame is padded to one.
    pub fn end(&mut self) {
        let Self { stft, bank, powers } = self;
        stft.finish(|spectrum| append_bands(bank, spectrum, powers));
    }

    /// Takes the first `frames` frames, or all where there are fewer.
    pub fn take(&mut self, frames: usize) -> MelPower {
        let bands = self.bank.band_count();
        let rest = self.powers.split_off(self.powers.len().min(frames.saturating_mul(bands)));
        MelPower { bands, powers: std::mem::replace(&mut self.powers, rest) }
    }
}

fn append_bands(bank: &MelFilterBank, spectrum: &[f32], powers: &mut Vec<f32>) {
    let start = powers.len();
    powers.resize(start + bank.band_count(), 0.0);
    bank.apply(spectrum, &mut powers[start..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_normalised_by_hand() {
        // Two frames of two bands; sums 3 and 1, mean 2. Relative powers .5, 1, .5, 0.
        let rows = [1.0, 2.0, 1.0, 0.0];
        assert_eq!(mean_power(&rows, 2), 2.0);
        let mut log = [0.0; 4];
        log_mel_into(&rows, 2, 1e-6, &mut log);
        for (value, expected) in log.iter().zip([-3.0103, 0.0, -3.0103, -60.0]) {
            assert!((value - expected).abs() < 1e-3, "{value} {expected}");
        }
    }

    #[test]
    fn twice_the_amplitude_is_the_same_log_mel() {
        let rows: Vec<f32> = (0..640).map(|n| 1e-4 * (1.0 + (n as f32 * 0.7).sin())).collect();
        let louder: Vec<f32> = rows.iter().map(|power| 4.0 * power).collect();
        let (mut a, mut b) = (vec![0.0; 640], vec![0.0; 640]);
        log_mel_into(&rows, 64, 1e-6, &mut a);
        log_mel_into(&louder, 64, 1e-6, &mut b);
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-4));
    }

    #[test]
    fn the_power_of_a_sine_arrives_in_its_bands() {
        let config = FrontEndConfig::default();
        let mut extractor = MelExtractor::new(&config, 44_100);
        let step = std::f32::consts::TAU * 1000.0 / 44_100.0;
        let samples: Vec<f32> = (0..44_100).map(|n| (n as f32 * step).sin()).collect();
        extractor.push(&samples);
        extractor.end();
        let power = extractor.take(usize::MAX);
        assert_eq!((power.bands(), power.frames()), (64, 49));
        assert!((mean_power(power.rows(0, 49), 64) - 0.5).abs() < 1e-3);
    }
}
