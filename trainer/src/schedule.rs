//! Learning rates over a stage.

use std::f64::consts::PI;

/// Factor of the highest learning rate when a share `done` of a stage is behind: a linear warm-up
/// over the first `warm_up_share` (Goyal et al. 2017, § 2.2), then half a cosine down to 0 (Loshchilov
/// & Hutter 2017, eq. 5).
pub fn rate_factor(done: f64, warm_up_share: f64) -> f64 {
    if done < warm_up_share {
        return done / warm_up_share;
    }
    let decayed = ((done - warm_up_share) / (1.0 - warm_up_share)).min(1.0);
    0.5 * (1.0 + (PI * decayed).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_then_falls_to_zero() {
        let near = |done: f64, expected: f64| assert!((rate_factor(done, 0.1) - expected).abs() < 1e-12);
        near(0.05, 0.5);
        near(0.1, 1.0);
        near(0.55, 0.5);
        near(1.0, 0.0);
        near(2.0, 0.0);
        assert_eq!(rate_factor(0.0, 0.0), 1.0);
    }
}
