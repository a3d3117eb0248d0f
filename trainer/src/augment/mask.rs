//! Masked ranges of time and frequency (Park et al. 2019, SpecAugment, § 2).

use rand::{Rng, RngExt};

/// Silences one range of frames and one of bands, each of a width drawn evenly from 0 to the given.
/// At most half of either, so that something is left to recognise.
pub(super) fn apply(crop: &mut [f32], bands: usize, mask_frames: usize, mask_bands: usize, random: &mut impl Rng) {
    let frames = crop.len() / bands;
    let mut range = |limit: usize, length: usize| {
        let width = random.random_range(0..=limit.min(length / 2));
        let start = random.random_range(0..=length - width);
        start..start + width
    };
    let (time, band) = (range(mask_frames, frames), range(mask_bands, bands));
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
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn masks_are_whole_ranges_no_wider_than_asked_for() {
        let mut widest = 0;
        for seed in 0..50 {
            let mut crop = vec![1.0; 100 * 8];
            apply(&mut crop, 8, 20, 2, &mut StdRng::seed_from_u64(seed));
            let silent_frames = crop.chunks(8).filter(|row| row.iter().all(|&power| power == 0.0)).count();
            widest = widest.max(silent_frames);
            assert!(silent_frames <= 20);
            let silent_bands = |row: &[f32]| row.iter().filter(|&&power| power == 0.0).count();
            assert!(crop.chunks(8).map(silent_bands).all(|count| count <= 2 || count == 8));
        }
        assert!(widest > 10, "{widest}");
    }
}
