//! Mel-frequency cepstral coefficients of a track, summed up as mean and deviation: what music is
//! compared by without learning (Logan & Salomon 2001; Tzanetakis & Cook 2002).
//!
//! The level of each window is taken out before, as it is for a model. That costs the baseline
//! nothing: with one level a track, with the level left in, with each frame counted once or with
//! every frame of the track, its area under the curve among 339 tracks of 8 genres stayed within
//! 0.004.

use std::f64::consts::PI;

use audio_frontend::Windows;

use crate::error::{Error, Result};

/// Coefficients a frame, the zeroth among them.
pub const COEFFICIENTS: usize = 20;

/// The mean of each coefficient over a track's frames, then the standard deviation of each:
/// 2 × [`COEFFICIENTS`] numbers, to be put through a [`super::Standardiser`] and compared by cosine.
///
/// # Errors
/// [`Error::NotFinite`] where there are no windows.
pub fn mfcc_features(windows: &Windows) -> Result<Vec<f32>> {
    let basis = dct_basis(windows.bands);
    let mut sums = [0.0_f64; COEFFICIENTS];
    let mut squares = [0.0_f64; COEFFICIENTS];
    let frames = windows.log_mel.chunks_exact(windows.bands.max(1));
    let count = frames.len() as f64;
    for frame in frames {
        for ((row, sum), square) in basis.iter().zip(&mut sums).zip(&mut squares) {
            let coefficient = f64::from(dot(row, frame));
            *sum += coefficient;
            *square += coefficient * coefficient;
        }
    }
    let means = sums.map(|sum| sum / count);
    let deviation = |(square, mean): (&f64, &f64)| (square / count - mean * mean).max(0.0).sqrt();
    let features: Vec<f32> =
        means.iter().copied().chain(squares.iter().zip(&means).map(deviation)).map(|value| value as f32).collect();
    let is_finite = features.iter().all(|value| value.is_finite());
    is_finite.then_some(features).ok_or(Error::NotFinite { what: "the mean of the MFCC" })
}

/// The first rows of the orthonormal DCT-II of `bands` values:
/// `√(2/N)·cos(πk(n + ½)/N)`, the zeroth `√(1/N)`.
fn dct_basis(bands: usize) -> Vec<Vec<f32>> {
    let count = bands as f64;
    let row = |k: usize| {
        let scale = if k == 0 { 1.0 / count } else { 2.0 / count }.sqrt();
        (0..bands).map(|n| (scale * (PI * k as f64 * (n as f64 + 0.5) / count).cos()) as f32).collect()
    };
    (0..COEFFICIENTS.min(bands)).map(row).collect()
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(bands: usize, frames: &[f32]) -> Windows {
        Windows { frames: frames.len() / bands, bands, starts: vec![0], powers: vec![1.0], log_mel: frames.to_vec() }
    }

    fn assert_near(found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-4), "{found:?} {expected:?}");
    }

    #[test]
    fn a_transform_of_four_bands_by_hand() {
        // c0 = (1+2+3+4)/2. c1 = √½·(1·cos π/8 + 2·cos 3π/8 − 3·cos 3π/8 − 4·cos π/8)
        //    = −√½·(3·0.923880 + 0.382683). c2 = √½·√½·(1 − 2 − 3 + 4) = 0.
        // c3 = √½·(1·cos 3π/8 − 2·cos π/8 + 3·cos π/8 − 4·cos 3π/8) = √½·(0.923880 − 3·0.382683).
        let features = mfcc_features(&windows(4, &[1.0, 2.0, 3.0, 4.0])).unwrap();
        assert_near(&features[..4], &[5.0, -2.230_442, 0.0, -0.158_513]);
        assert_near(&features[4..], &[0.0; 36]);
    }

    #[test]
    fn mean_and_deviation_over_frames_by_hand() {
        // A flat frame of value v over 64 bands has c0 = 8·v and nothing else: 8 and 24.
        let frames = [vec![1.0; 64], vec![3.0; 64]].concat();
        let features = mfcc_features(&windows(64, &frames)).unwrap();
        let mut expected = [0.0; 2 * COEFFICIENTS];
        (expected[0], expected[COEFFICIENTS]) = (16.0, 8.0);
        assert_near(&features, &expected);
    }

    #[test]
    fn the_basis_is_orthonormal() {
        let basis = dct_basis(64);
        assert_eq!((basis.len(), basis[0].len()), (COEFFICIENTS, 64));
        for (k, a) in basis.iter().enumerate() {
            for (l, b) in basis.iter().enumerate() {
                assert!((dot(a, b) - f32::from(u8::from(k == l))).abs() < 1e-5, "{k} {l}");
            }
        }
    }

    #[test]
    fn no_windows_have_no_mean() {
        assert!(mfcc_features(&windows(4, &[])).is_err());
    }
}
