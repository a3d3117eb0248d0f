//! The mel filter bank.

use std::ops::Range;

/// Triangular filters of peak 1, evenly spaced on the mel scale of Slaney's Auditory Toolbox
/// (1998): linear below 1 kHz, logarithmic above.
#[derive(Debug, Clone)]
pub struct MelFilterBank {
    bands: Vec<Band>,
}

/// One filter: the bins it covers and its weight at each.
#[derive(Debug, Clone)]
struct Band {
    bins: Range<usize>,
    weights: Vec<f32>,
}

impl MelFilterBank {
    /// Filters for `bin_count` bins that lie `bin_hz` apart, the first at 0 Hz. Bands above the
    /// last bin are empty and have power 0.
    pub fn new(band_count: usize, min_hz: f64, max_hz: f64, bin_hz: f64, bin_count: usize) -> Self {
        let (low, high) = (mel_from_hz(min_hz), mel_from_hz(max_hz));
        let edge = |index: usize| hz_from_mel(low + (high - low) * index as f64 / (band_count + 1) as f64);
        let bands =
            (0..band_count).map(|band| Band::new([edge(band), edge(band + 1), edge(band + 2)], bin_hz, bin_count));
        Self { bands: bands.collect() }
    }

    /// Number of bands.
    pub fn band_count(&self) -> usize {
        self.bands.len()
    }

    /// Weighted sums of a power spectrum; `powers` has one entry a band.
    pub fn apply(&self, spectrum: &[f32], powers: &mut [f32]) {
        for (band, power) in self.bands.iter().zip(powers) {
            let bins = &spectrum[band.bins.clone()];
            *power = bins.iter().zip(&band.weights).map(|(bin, weight)| bin * weight).sum();
        }
    }
}

impl Band {
    fn new([lower, centre, upper]: [f64; 3], bin_hz: f64, bin_count: usize) -> Self {
        let first = ((lower / bin_hz).ceil().max(0.0) as usize).min(bin_count);
        let last = ((upper / bin_hz).floor().max(0.0) as usize + 1).clamp(first, bin_count);
        let weight = |bin: usize| {
            let hz = bin as f64 * bin_hz;
            ((hz - lower) / (centre - lower)).min((upper - hz) / (upper - centre)).max(0.0) as f32
        };
        Self { bins: first..last, weights: (first..last).map(weight).collect() }
    }
}

const HZ_PER_MEL: f64 = 200.0 / 3.0;
const LOG_START_HZ: f64 = 1000.0;
const LOG_START_MEL: f64 = LOG_START_HZ / HZ_PER_MEL;

/// Natural logarithm of the ratio of neighbouring mels above 1 kHz: 27 mels to a factor of 6.4.
fn log_step() -> f64 {
    6.4_f64.ln() / 27.0
}

fn mel_from_hz(hz: f64) -> f64 {
    if hz < LOG_START_HZ { hz / HZ_PER_MEL } else { LOG_START_MEL + (hz / LOG_START_HZ).ln() / log_step() }
}

fn hz_from_mel(mel: f64) -> f64 {
    if mel < LOG_START_MEL { mel * HZ_PER_MEL } else { LOG_START_HZ * ((mel - LOG_START_MEL) * log_step()).exp() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_goes_through_its_known_points() {
        // librosa.hz_to_mel([60, 1000, 6400]) = [0.9, 15, 42]
        for (hz, mel) in [(60.0, 0.9), (1000.0, 15.0), (6400.0, 42.0)] {
            assert!((mel_from_hz(hz) - mel).abs() < 1e-9);
            assert!((hz_from_mel(mel) - hz).abs() < 1e-6);
        }
    }

    #[test]
    fn neighbouring_triangles_add_up_to_one() {
        let bank = MelFilterBank::new(64, 30.0, 11_000.0, 25.0, 883);
        let mut sums = vec![0.0; 883];
        for band in &bank.bands {
            for (bin, weight) in band.bins.clone().zip(&band.weights) {
                sums[bin] += weight;
            }
        }
        // From the first centre (80 Hz) to the last (10.4 kHz).
        for (bin, sum) in sums.iter().enumerate().take(416).skip(4) {
            assert!((sum - 1.0).abs() < 1e-5, "bin {bin}: {sum}");
        }
        assert_eq!(sums[0], 0.0);
        assert_eq!(sums[1], 0.0);
    }

    #[test]
    fn bands_above_the_nyquist_frequency_are_empty() {
        let bank = MelFilterBank::new(64, 30.0, 11_000.0, 25.0, 161); // 8 kHz
        let mut powers = vec![1.0; 64];
        bank.apply(&vec![1.0; 161], &mut powers);
        assert!(powers[0] > 0.0);
        assert_eq!(powers[63], 0.0);
    }
}
