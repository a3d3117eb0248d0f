//! Equalisers, rooms and codecs: a factor a band.

use rand::RngExt;
use rand::rngs::StdRng;

use super::{AugmentConfig, symmetric};

/// Power gain of each band: a tilt, resonances and notches, and perhaps an upper edge.
pub(super) fn random_filter(config: &AugmentConfig, bands: usize, random: &mut StdRng) -> Vec<f32> {
    let tilt_db = symmetric(config.tilt_db, random);
    let peaks: Vec<(f32, f32, f32)> = (0..config.peaks)
        .map(|_| {
            let centre = random.random::<f32>() * bands as f32;
            (symmetric(config.peak_db, random), centre, random.random_range(2.0..=bands as f32 / 4.0 + 2.0))
        })
        .collect();
    let limited = random.random::<f32>() < config.band_limit_share;
    let edge = if limited { random.random_range(bands / 2..=bands) } else { bands };
    let gain_db = |band: usize| {
        let position = 2.0 * band as f32 / (bands.max(2) - 1) as f32 - 1.0;
        let peak =
            |&(db, centre, width): &(f32, f32, f32)| db * (-0.5 * ((band as f32 - centre) / width).powi(2)).exp();
        tilt_db * position + peaks.iter().map(peak).sum::<f32>()
    };
    (0..bands).map(|band| if band < edge { 10_f32.powf(gain_db(band) / 10.0) } else { 0.0 }).collect()
}

/// Multiplies each row, frames × bands, by the bands' gains and by a gain in dB that goes evenly from
/// `start_db` to `end_db`, as a fade does.
pub(super) fn apply(crop: &mut [f32], gains: &[f32], (start_db, end_db): (f32, f32)) {
    let frames = (crop.len() / gains.len()).max(2) - 1;
    for (frame, row) in crop.chunks_exact_mut(gains.len()).enumerate() {
        let fade = 10_f32.powf((start_db + (end_db - start_db) * frame as f32 / frames as f32) / 10.0);
        row.iter_mut().zip(gains).for_each(|(power, gain)| *power *= gain * fade);
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_tilt_is_monotonous_and_no_steeper_than_asked_for() {
        for seed in 0..50 {
            let config = AugmentConfig { tilt_db: 6.0, ..AugmentConfig::OFF };
            let gains = random_filter(&config, 8, &mut StdRng::seed_from_u64(seed));
            let rising = gains[7] > gains[0];
            assert!(gains.windows(2).all(|pair| (pair[1] > pair[0]) == rising));
            let ratio = gains[7] / gains[0];
            assert!(ratio <= 10_f32.powf(1.2) * 1.001 && ratio >= 10_f32.powf(-1.2) * 0.999);
        }
    }

    #[test]
    fn a_band_limit_takes_the_upper_bands_of_the_upper_half_and_only_of_its_share() {
        let config = AugmentConfig { band_limit_share: 0.5, ..AugmentConfig::OFF };
        let mut random = StdRng::seed_from_u64(1);
        let edges: Vec<usize> = (0..1000)
            .map(|_| {
                let gains = random_filter(&config, 8, &mut random);
                let edge = gains.iter().position(|&gain| gain == 0.0).unwrap_or(8);
                assert!(gains[..edge].iter().all(|&gain| gain == 1.0) && gains[edge..].iter().all(|&gain| gain == 0.0));
                edge
            })
            .collect();
        assert!(edges.iter().all(|edge| (4..=8).contains(edge)));
        // Half of them limited, a fifth of those at the very top.
        let whole = edges.iter().filter(|&&edge| edge == 8).count();
        assert!((560..640).contains(&whole), "{whole}");
    }

    #[test]
    fn peaks_are_no_higher_than_asked_for() {
        let config = AugmentConfig { peak_db: 6.0, peaks: 1, ..AugmentConfig::OFF };
        let mut random = StdRng::seed_from_u64(2);
        let highest = (0..200)
            .flat_map(|_| random_filter(&config, 16, &mut random))
            .fold(0.0_f32, |highest, gain| highest.max((10.0 * gain.log10()).abs()));
        assert!((4.0..=6.001).contains(&highest), "{highest}");
    }

    #[test]
    fn a_fade_goes_evenly_from_one_gain_to_the_other() {
        let mut crop = vec![1.0; 6];
        apply(&mut crop, &[1.0, 2.0], (0.0, 20.0));
        let expected = [1.0, 2.0, 10.0, 20.0, 100.0, 200.0];
        assert!(crop.iter().zip(expected).all(|(power, expected)| (power / expected - 1.0).abs() < 1e-5), "{crop:?}");
    }
}
