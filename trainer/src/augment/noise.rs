//! Added noise.

use rand::{Rng, RngExt};

use super::symmetric;

/// Adds noise `snr_db` below the crop's mean power. Its power has a random slope over the bands and,
/// as that of Gaussian noise, fluctuates exponentially.
pub(super) fn add(crop: &mut [f32], bands: usize, snr_db: f32, random: &mut impl Rng) {
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

#[cfg(test)]
mod tests {
    use audio_frontend::logmel::mean_power;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn noise_has_the_power_that_was_asked_for() {
        let mut crop = vec![1.0; 5000 * 8];
        add(&mut crop, 8, 10.0, &mut StdRng::seed_from_u64(4));
        let noise = mean_power(&crop, 8) - 8.0;
        assert!((noise - 0.8).abs() < 0.03, "10 dB below 8.0 is 0.8, not {noise}");
    }
}
