//! What may change without the music changing. All of it but mixup acts on linear mel band powers,
//! before level and logarithm, where filters are factors and noise is a sum.

mod filter;
mod mask;
pub mod mixup;
mod noise;
mod warp;

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
    /// Largest height of a random resonance or notch, in dB.
    pub peak_db: f32,
    /// Number of resonances or notches.
    pub peaks: usize,
    /// Largest gain at either end of a crop, in dB; between them it changes evenly. A constant gain
    /// is taken out by the front end.
    pub gain_db: f32,
    /// Share of crops whose bands above a random edge are removed, as low-bitrate encodings do.
    pub band_limit_share: f32,
    /// Share of crops with added noise.
    pub noise_share: f32,
    /// Signal-to-noise ratio of added noise in dB: drawn evenly from this to 40.
    pub min_snr_db: f32,
    /// Largest change of tempo, as a share: 0.1 is from 10 % slower to 10 % faster.
    pub time_stretch: f32,
    /// Share of crops that are rolled around in time.
    pub roll_share: f32,
    /// Largest move of the mel axis, in bands.
    pub shift_bands: f32,
    /// Largest stretch of the mel axis, as a share.
    pub stretch_bands: f32,
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
            peaks: 2,
            gain_db: 3.0,
            band_limit_share: 0.3,
            noise_share: 0.7,
            min_snr_db: 5.0,
            time_stretch: 0.1,
            roll_share: 0.2,
            shift_bands: 1.0,
            stretch_bands: 0.02,
            mask_frames: 40,
            mask_bands: 10,
        }
    }
}

impl AugmentConfig {
    /// Nothing is varied.
    pub const OFF: Self = Self {
        tilt_db: 0.0,
        peak_db: 0.0,
        peaks: 0,
        gain_db: 0.0,
        band_limit_share: 0.0,
        noise_share: 0.0,
        min_snr_db: 10.0,
        time_stretch: 0.0,
        roll_share: 0.0,
        shift_bands: 0.0,
        stretch_bands: 0.0,
        mask_frames: 0,
        mask_bands: 0,
    };

    /// Checks every field.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn validate(&self) -> Result<(), OutOfRange> {
        let share = |value: f32| (0.0..=1.0).contains(&value);
        let db = |value: f32| (0.0..=60.0).contains(&value);
        OutOfRange::check(&[
            (db(self.tilt_db), "tilt_db must be in 0..=60"),
            (db(self.peak_db), "peak_db must be in 0..=60"),
            (self.peaks <= 100, "peaks must be in 0..=100"),
            (db(self.gain_db), "gain_db must be in 0..=60"),
            (share(self.band_limit_share), "band_limit_share must be in 0..=1"),
            (share(self.noise_share), "noise_share must be in 0..=1"),
            ((-20.0..=40.0).contains(&self.min_snr_db), "min_snr_db must be in -20..=40"),
            ((0.0..=0.5).contains(&self.time_stretch), "time_stretch must be in 0..=0.5"),
            (share(self.roll_share), "roll_share must be in 0..=1"),
            ((0.0..=10.0).contains(&self.shift_bands), "shift_bands must be in 0..=10"),
            ((0.0..=0.5).contains(&self.stretch_bands), "stretch_bands must be in 0..=0.5"),
        ])
    }

    /// How many frames of a track are cut out for a crop of `frames`: more or fewer, where the tempo
    /// is varied.
    pub fn source_frames(&self, frames: usize, random: &mut StdRng) -> usize {
        let factor = 1.0 + symmetric(self.time_stretch, random);
        ((frames as f32 * factor).round() as usize).max(2)
    }

    /// Varies what was cut out, rows of band powers, into a crop of `frames` rows.
    pub fn apply(&self, source: &[f32], bands: usize, frames: usize, crop: &mut Vec<f32>, random: &mut StdRng) {
        if source.len() == frames * bands {
            crop.clear();
            crop.extend_from_slice(source);
        } else {
            warp::stretch_time(source, bands, frames, crop);
        }
        if random.random::<f32>() < self.roll_share {
            warp::roll(crop, bands, random.random_range(0..frames));
        }
        if self.shift_bands > 0.0 || self.stretch_bands > 0.0 {
            let scale = 1.0 + symmetric(self.stretch_bands, random);
            warp::jitter_bands(crop, bands, scale, symmetric(self.shift_bands, random));
        }
        let gains = filter::random_filter(self, bands, random);
        filter::apply(crop, &gains, (symmetric(self.gain_db, random), symmetric(self.gain_db, random)));
        if random.random::<f32>() < self.noise_share {
            let snr_db = random.random_range(self.min_snr_db..=40.0);
            noise::add(crop, bands, snr_db, random);
        }
        mask::apply(crop, bands, self.mask_frames, self.mask_bands, random);
    }
}

/// Evenly from −limit to limit.
fn symmetric(limit: f32, random: &mut impl Rng) -> f32 {
    (2.0 * random.random::<f32>() - 1.0) * limit
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn varied(config: AugmentConfig, seed: u64) -> Vec<f32> {
        let mut random = StdRng::seed_from_u64(seed);
        let frames = config.source_frames(100, &mut random);
        let mut crop = Vec::new();
        config.apply(&vec![1.0; frames * 8], 8, 100, &mut crop, &mut random);
        crop
    }

    #[test]
    fn everything_off_changes_nothing_and_a_seed_decides_everything() {
        assert_eq!(varied(AugmentConfig::OFF, 1), vec![1.0; 800]);
        assert_eq!(varied(AugmentConfig::default(), 2), varied(AugmentConfig::default(), 2));
        assert_ne!(varied(AugmentConfig::default(), 2), varied(AugmentConfig::default(), 3));
    }

    #[test]
    fn a_crop_has_its_length_whatever_the_tempo_and_stays_finite() {
        for seed in 0..50 {
            let config = AugmentConfig { time_stretch: 0.5, ..Default::default() };
            let crop = varied(config, seed);
            assert_eq!(crop.len(), 800);
            assert!(crop.iter().all(|power| power.is_finite() && *power >= 0.0));
        }
        let mut random = StdRng::seed_from_u64(1);
        let lengths: Vec<usize> = (0..200).map(|_| AugmentConfig::default().source_frames(100, &mut random)).collect();
        let (low, high) = lengths.iter().fold((100, 100), |(low, high), &n| (n.min(low), n.max(high)));
        assert!((90..93).contains(&low) && (108..=110).contains(&high), "{low} {high}");
    }
}
