//! What may change without the music changing. All of it acts on linear mel band powers, before
//! level and logarithm, where filters are factors and noise is a sum.

use audio_frontend::OutOfRange;
use rand::rngs::StdRng;
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

/// How strongly crops are varied. A strength of 0 switches a variation off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AugmentConfig {
    /// Largest slope of a random equaliser, in dB at the edges of the spectrum.
    pub tilt_db: f32,
    /// Largest height of one random resonance or notch, in dB.
    pub peak_db: f32,
    /// Share of crops whose bands above a random edge are removed, as low-bitrate encodings do.
    pub band_limit_share: f32,
    /// Share of crops with added noise.
    pub noise_share: f32,
    /// Signal-to-noise ratio of added noise in dB: drawn evenly from this to 40.
    pub min_snr_db: f32,
    /// Widest masked range of frames (Park et al. 2019, SpecAugment).
    pub mask_frames: usize,
    /// Widest masked range of bands.
    pub mask_bands: usize,
}

impl Default for AugmentConfig {
    fn default() -> Self {
        Self {
            tilt_db: 6.0,
            peak_db: 6.0,
            band_limit_share: 0.3,
            noise_share: 0.3,
            min_snr_db: 10.0,
            mask_frames: 40,
            mask_bands: 10,
        }
    }
}

impl AugmentConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn validate(&self) -> Result<(), OutOfRange> {
        let share = |value: f32| (0.0..=1.0).contains(&value);
        OutOfRange::check(&[
            ((0.0..=60.0).contains(&self.tilt_db), "tilt_db must be in 0..=60"),
            ((0.0..=60.0).contains(&self.peak_db), "peak_db must be in 0..=60"),
            (share(self.band_limit_share), "band_limit_share must be in 0..=1"),
            (share(self.noise_share), "noise_share must be in 0..=1"),
            ((-20.0..=40.0).contains(&self.min_snr_db), "min_snr_db must be in -20..=40"),
        ])
    }

    /// Varies one crop, rows of band powers, in place.
    pub fn apply(&self, crop: &mut [f32], bands: usize, random: &mut StdRng) {
        let filter = self.random_filter(bands, random);
        for row in crop.chunks_exact_mut(bands) {
            row.iter_mut().zip(&filter).for_each(|(power, gain)| *power *= gain);
        }
        if random.random::<f32>() < self.noise_share {
            let snr_db = random.random_range(self.min_snr_db..=40.0);
            add_noise(crop, bands, snr_db, random);
        }
        mask(crop, bands, self.mask_frames, self.mask_bands, random);
    }

    /// Power gain of each band: a tilt, one resonance or notch, and perhaps an upper edge.
    fn random_filter(&self, bands: usize, random: &mut StdRng) -> Vec<f32> {
        let tilt_db = symmetric(self.tilt_db, random);
        let (peak_db, centre, width) = (
            symmetric(self.peak_db, random),
            random.random::<f32>() * bands as f32,
            random.random_range(2.0..=bands as f32 / 4.0 + 2.0),
        );
        let limited = random.random::<f32>() < self.band_limit_share;
        let edge = if limited { random.random_range(bands / 2..=bands) } else { bands };
        let gain_db = |band: usize| {
            let position = 2.0 * band as f32 / (bands.max(2) - 1) as f32 - 1.0;
            tilt_db * position + peak_db * (-0.5 * ((band as f32 - centre) / width).powi(2)).exp()
        };
        (0..bands).map(|band| if band < edge { 10_f32.powf(gain_db(band) / 10.0) } else { 0.0 }).collect()
    }
}

fn symmetric(limit: f32, random: &mut impl Rng) -> f32 {
    (2.0 * random.random::<f32>() - 1.0) * limit
}

/// Adds noise whose power has a random slope over the bands and, as that of Gaussian noise,
/// fluctuates exponentially.
fn add_noise(crop: &mut [f32], bands: usize, snr_db: f32, random: &mut impl Rng) {
    let signal = audio_frontend::logmel::mean_power(crop, bands);
    let slope_db = symmetric(20.0, random);
    let shape: Vec<f32> = (0..bands).map(|band| 10_f32.powf(slope_db * band as f32 / bands as f32 / 10.0)).collect();
    let level = signal * 10_f32.powf(-snr_db / 10.0) / shape.iter().sum::<f32>();
    for row in crop.chunks_exact_mut(bands) {
        for (power, shape) in row.iter_mut().zip(&shape) {
            *power += level * shape * -(1.0 - random.random::<f32>()).ln();
        }
    }
}

/// Silences one range of frames and one of bands.
fn mask(crop: &mut [f32], bands: usize, mask_frames: usize, mask_bands: usize, random: &mut impl Rng) {
    let frames = crop.len() / bands;
    let mut range = |limit: usize, length: usize| {
        let width = random.random_range(0..=limit.min(length));
        let start = random.random_range(0..=length - width);
        start..start + width
    };
    // At most half of a crop, so that something is left to recognise.
    let (time, band) = (range(mask_frames.min(frames / 2), frames), range(mask_bands.min(bands / 2), bands));
    for (frame, row) in crop.chunks_exact_mut(bands).enumerate() {
        if time.contains(&frame) {
            row.fill(0.0);
        } else {
            row[band.clone()].fill(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use audio_frontend::logmel::mean_power;
    use rand::SeedableRng;

    use super::*;

    const OFF: AugmentConfig = AugmentConfig {
        tilt_db: 0.0,
        peak_db: 0.0,
        band_limit_share: 0.0,
        noise_share: 0.0,
        min_snr_db: 10.0,
        mask_frames: 0,
        mask_bands: 0,
    };

    fn varied(config: AugmentConfig, seed: u64) -> Vec<f32> {
        let mut crop = vec![1.0; 100 * 8];
        config.apply(&mut crop, 8, &mut StdRng::seed_from_u64(seed));
        crop
    }

    #[test]
    fn everything_off_changes_nothing_and_a_seed_decides_everything() {
        assert_eq!(varied(OFF, 1), vec![1.0; 800]);
        assert_eq!(varied(AugmentConfig::default(), 2), varied(AugmentConfig::default(), 2));
        assert_ne!(varied(AugmentConfig::default(), 2), varied(AugmentConfig::default(), 3));
    }

    #[test]
    fn noise_has_the_power_that_was_asked_for() {
        let mut crop = vec![1.0; 5000 * 8];
        add_noise(&mut crop, 8, 10.0, &mut StdRng::seed_from_u64(4));
        let noise = mean_power(&crop, 8) - 8.0;
        assert!((noise - 0.8).abs() < 0.03, "10 dB below 8.0 is 0.8, not {noise}");
    }

    #[test]
    fn masks_are_no_wider_than_asked_for_and_a_tilt_is_monotonous() {
        for seed in 0..50 {
            let masked = varied(AugmentConfig { mask_frames: 20, mask_bands: 2, ..OFF }, seed);
            let silent_frames = masked.chunks(8).filter(|row| row.iter().all(|&power| power == 0.0)).count();
            assert!(silent_frames <= 20);
            assert!(
                masked.chunks(8).map(|row| row.iter().filter(|&&power| power == 0.0).count()).all(|n| n <= 2 || n == 8)
            );
            let tilted = varied(AugmentConfig { tilt_db: 6.0, ..OFF }, seed);
            let ratio = tilted[7] / tilted[0];
            assert!(ratio <= 10_f32.powf(1.2) * 1.001 && ratio >= 10_f32.powf(-1.2) * 0.999);
        }
    }
}
