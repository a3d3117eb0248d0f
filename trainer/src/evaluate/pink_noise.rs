//! Noise of equal power in every octave.

use std::f32::consts::{PI, TAU};
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner};

/// Below this, in Hz, there is nothing: it would not be heard, yet count in the power.
pub const LOWEST_HZ: f64 = 20.0;

/// Samples of a block: bins of at most 6 Hz up to 192 kHz.
const BLOCK: usize = 1 << 15;

/// Endless Gaussian noise whose power density falls as 1/f, 3 dB an octave, from [`LOWEST_HZ`] to
/// half the sample rate.
///
/// Blocks of random phases and Gaussian magnitudes with the wanted spectrum, half overlapping under
/// a sine window: the squares of two overlapping windows add up to 1, so the power is the same at
/// every sample.
pub struct PinkNoise {
    inverse: Arc<dyn ComplexToReal<f32>>,
    random: StdRng,
    /// Magnitude of each bin.
    magnitudes: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    block: Vec<f32>,
    window: Vec<f32>,
    /// The second half of the block before, windowed.
    fading: Vec<f32>,
    /// Next sample within half a block.
    position: usize,
}

impl PinkNoise {
    /// Noise of a mean power; full scale squared = 1.
    pub fn new(sample_rate_hz: u32, power: f64, seed: u64) -> Self {
        let inverse = RealFftPlanner::new().plan_fft_inverse(BLOCK);
        let bin_hz = f64::from(sample_rate_hz) / BLOCK as f64;
        let spectrum = inverse.make_input_vec();
        let nyquist = spectrum.len() - 1;
        let density =
            |bin: usize| if bin < nyquist && bin as f64 * bin_hz >= LOWEST_HZ { 1.0 / bin as f64 } else { 0.0 };
        // Each bin stands for two conjugate ones, whose powers add up: 2·Σ magnitude² = power.
        let scale = power / (2.0 * (0..=nyquist).map(density).sum::<f64>()).max(f64::MIN_POSITIVE);
        let mut noise = Self {
            random: StdRng::seed_from_u64(seed),
            magnitudes: (0..=nyquist).map(|bin| (scale * density(bin)).sqrt() as f32).collect(),
            scratch: inverse.make_scratch_vec(),
            block: inverse.make_output_vec(),
            window: (0..BLOCK).map(|n| (PI * (n as f32 + 0.5) / BLOCK as f32).sin()).collect(),
            fading: vec![0.0; BLOCK / 2],
            position: 0,
            spectrum,
            inverse,
        };
        // The first half of the first block has nothing to overlap with.
        noise.next_block();
        noise.next_block();
        noise
    }

    fn next_block(&mut self) {
        self.fading.copy_from_slice(&self.block[BLOCK / 2..]);
        for (bin, magnitude) in self.spectrum.iter_mut().zip(&self.magnitudes) {
            // Box–Muller: a complex Gaussian number of mean square 1.
            let radius = (-(1.0 - self.random.random::<f32>()).ln()).sqrt();
            *bin = Complex::from_polar(magnitude * radius, TAU * self.random.random::<f32>());
        }
        // The first and the last bin of a real signal are real; here both are 0.
        let done = self.inverse.process_with_scratch(&mut self.spectrum, &mut self.block, &mut self.scratch);
        debug_assert!(done.is_ok());
        self.block.iter_mut().zip(&self.window).for_each(|(sample, weight)| *sample *= weight);
        self.position = 0;
    }
}

impl Iterator for PinkNoise {
    type Item = f32;

    fn next(&mut self) -> Option<f32> {
        if self.position == BLOCK / 2 {
            self.next_block();
        }
        let sample = self.block[self.position] + self.fading[self.position];
        self.position += 1;
        Some(sample)
    }
}

#[cfg(test)]
mod tests {
    use audio_frontend::stft::Stft;

    use super::*;

    fn mean_square(samples: &[f32]) -> f64 {
        samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / samples.len() as f64
    }

    #[test]
    fn each_octave_has_the_same_power() {
        let samples: Vec<f32> = PinkNoise::new(44_100, 1.0, 1).take(44_100 * 20).collect();
        let mut stft = Stft::new(0.1, 0.05, 44_100); // bins of 10 Hz
        let mut spectrum = vec![0.0_f64; stft.bin_count()];
        let mut frames = 0;
        stft.push(&samples, |powers| {
            frames += 1;
            spectrum.iter_mut().zip(powers).for_each(|(sum, power)| *sum += f64::from(*power));
        });
        let octave_db: Vec<f64> = (0..8)
            .map(|octave| {
                let (low, high) = (8 << octave, 16 << octave); // 80 Hz … 20.5 kHz
                // Half of a bin at either edge belongs to the octave's neighbour.
                let sum = 0.5 * (spectrum[low] + spectrum[high]) + spectrum[low + 1..high].iter().sum::<f64>();
                10.0 * (sum / f64::from(frames)).log10()
            })
            .collect();
        // One octave of those from 20 Hz to 22.05 kHz.
        let expected = 10.0 * (2_f64.ln() / (22_050.0_f64 / 20.0).ln()).log10();
        for db in &octave_db {
            assert!((db - expected).abs() < 0.3, "{octave_db:?}, expected {expected}");
        }
    }

    #[test]
    fn its_power_is_as_asked_for_at_every_moment() {
        for rate in [8_000, 44_100, 192_000] {
            let samples: Vec<f32> = PinkNoise::new(rate, 0.25, 2).take(1 << 19).collect();
            let db = 10.0 * (mean_square(&samples) / 0.25).log10();
            assert!(db.abs() < 0.2, "{rate} Hz: {db}");
        }
        // The same place of many blocks: where one block begins, and half way into it.
        for offset in [0, BLOCK / 4] {
            let samples: Vec<f32> = PinkNoise::new(44_100, 1.0, 3)
                .take(200 * BLOCK / 2)
                .enumerate()
                .filter(|(n, _)| (n + BLOCK / 2 - offset) % (BLOCK / 2) < 256)
                .map(|(_, sample)| sample)
                .collect();
            assert!((mean_square(&samples) - 1.0).abs() < 0.25, "{offset}: {}", mean_square(&samples));
        }
    }

    #[test]
    fn a_seed_decides_everything() {
        let noise = |seed| PinkNoise::new(44_100, 1.0, seed).take(1000).collect::<Vec<f32>>();
        assert_eq!(noise(4), noise(4));
        assert_ne!(noise(4), noise(5));
    }
}
