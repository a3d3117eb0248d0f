//! Mixtures of two examples and of their targets (Zhang et al. 2018, mixup).

use rand::RngExt;
use rand::rngs::StdRng;

/// Mixes each example with another of the batch: λ·a + (1 − λ)·b, in the log-mels and in the targets,
/// with one λ a pair, drawn evenly from 1 − `strength`/2 to 1, so that a is never the lesser part.
/// Strength 1 is the paper's λ ~ Beta(1, 1), since its pairs are symmetric.
pub fn mixup(log_mel: &mut [f32], targets: &mut [f32], examples: usize, strength: f32, random: &mut StdRng) {
    let (values, classes) = (log_mel.len() / examples, targets.len() / examples);
    let (originals, original_targets) = (log_mel.to_vec(), targets.to_vec());
    // A rotation pairs every example with another one.
    let offset = if examples > 1 { random.random_range(1..examples) } else { 0 };
    for example in 0..examples {
        let other = (example + offset) % examples;
        let minor = 0.5 * strength * random.random::<f32>();
        blend(&mut log_mel[example * values..][..values], &originals[other * values..][..values], minor);
        blend(&mut targets[example * classes..][..classes], &original_targets[other * classes..][..classes], minor);
    }
}

fn blend(own: &mut [f32], other: &[f32], share: f32) {
    own.iter_mut().zip(other).for_each(|(own, other)| *own += share * (other - *own));
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn inputs_and_targets_are_mixed_by_the_same_share() {
        // Each example's values are its number, its target is its own class.
        let mut log_mel: Vec<f32> = (0..4).flat_map(|example| [example as f32; 3]).collect();
        let mut targets: Vec<f32> = (0..16).map(|cell| f32::from(u8::from(cell % 5 == 0))).collect();
        mixup(&mut log_mel, &mut targets, 4, 1.0, &mut StdRng::seed_from_u64(1));
        for (example, (values, target)) in log_mel.chunks(3).zip(targets.chunks(4)).enumerate() {
            assert!((target.iter().sum::<f32>() - 1.0).abs() < 1e-6);
            assert!(target[example] >= 0.5 && target[example] < 1.0, "{target:?}");
            let expected: f32 = target.iter().enumerate().map(|(class, share)| class as f32 * share).sum();
            assert!(values.iter().all(|value| (value - expected).abs() < 1e-5), "{values:?} {target:?}");
        }
    }
}
