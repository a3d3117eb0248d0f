//! The mel filter bank.

use std::ops::Range;

/// Triangular filters of peak 1, evenly spaced on the mel scale of Slaney's Auditory Toolbox
/// (1998): linear below 1 kHz, logarithmic above. What is applied is the rows of
/// [`dense_filters`] without their zeros.
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

/// The filters as a matrix: one row a band, one weight for each of `bin_count` bins that lie
/// `bin_hz` apart, the first at 0 Hz. Bands above the last bin are empty.
pub fn dense_filters(band_count: usize, min_hz: f64, max_hz: f64, bin_hz: f64, bin_count: usize) -> Vec<Vec<f32>> {
    let (low, high) = (mel_from_hz(min_hz), mel_from_hz(max_hz));
    let edge = |index: usize| hz_from_mel(low + (high - low) * index as f64 / (band_count + 1) as f64);
    let row = |band: usize| {
        let (lower, centre, upper) = (edge(band), edge(band + 1), edge(band + 2));
        let weight = |bin: usize| {
            let hz = bin as f64 * bin_hz;
            ((hz - lower) / (centre - lower)).min((upper - hz) / (upper - centre)).max(0.0) as f32
        };
        (0..bin_count).map(weight).collect()
    };
    (0..band_count).map(row).collect()
}

impl MelFilterBank {
    /// The filters of a matrix, as [`dense_filters`] gives it.
    pub fn new(dense: &[Vec<f32>]) -> Self {
        Self { bands: dense.iter().map(|row| Band::new(row)).collect() }
    }

    /// Number of bands.
    pub fn band_count(&self) -> usize {
        self.bands.len()
    }

    /// Weighted sums of a power spectrum; `powers` has one entry a band.
    pub fn apply(&self, spectrum: &[f32], powers: &mut [f32]) {
        for (band, power) in self.bands.iter().zip(powers) {
            *power = dot(&spectrum[band.bins.clone()], &band.weights);
        }
    }
}

impl Band {
    fn new(row: &[f32]) -> Self {
        let first = row.iter().position(|&weight| weight > 0.0).unwrap_or(0);
        let end = row.iter().rposition(|&weight| weight > 0.0).map_or(0, |last| last + 1);
        Self { bins: first..end, weights: row[first..end].to_vec() }
    }
}

/// Sum of products in eight partial sums, which the compiler turns into vector instructions.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0; 8];
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a.zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    rest + sums.iter().sum::<f32>()
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
        let mut sums = vec![0.0; 883];
        for row in dense_filters(64, 30.0, 11_000.0, 25.0, 883) {
            sums.iter_mut().zip(row).for_each(|(sum, weight)| *sum += weight);
        }
        // From the first centre (80 Hz) to the last (10.4 kHz).
        for (bin, sum) in sums.iter().enumerate().take(416).skip(4) {
            assert!((sum - 1.0).abs() < 1e-5, "bin {bin}: {sum}");
        }
        assert_eq!(sums[0], 0.0);
        assert_eq!(sums[1], 0.0);
    }

    #[test]
    fn the_sparse_bank_gives_what_the_matrix_gives() {
        for (bin_hz, bin_count) in [(25.0, 161), (25.0, 883), (24.9, 1921)] {
            let dense = dense_filters(64, 30.0, 11_000.0, bin_hz, bin_count);
            let spectrum: Vec<f32> = (0..bin_count).map(|bin| 1.0 + (bin as f32 * 0.37).sin()).collect();
            let mut powers = vec![f32::NAN; 64];
            MelFilterBank::new(&dense).apply(&spectrum, &mut powers);
            for (row, power) in dense.iter().zip(powers) {
                let expected: f64 = row.iter().zip(&spectrum).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                assert!((f64::from(power) - expected).abs() <= 1e-5 * expected, "{power} {expected}");
            }
        }
    }

    #[test]
    fn bands_above_the_nyquist_frequency_are_empty() {
        let bank = MelFilterBank::new(&dense_filters(64, 30.0, 11_000.0, 25.0, 161)); // 8 kHz
        let mut powers = vec![1.0; 64];
        bank.apply(&vec![1.0; 161], &mut powers);
        assert!(powers[0] > 0.0);
        assert_eq!(powers[63], 0.0);
    }
}
