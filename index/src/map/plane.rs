//! The plane along which vectors lie farthest apart.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Multiplications by the covariance: a layout that begins here needs no more than its first digits.
const ITERATIONS: usize = 60;

/// A second axis along which vectors vary less than this share of the first is rounding.
const LEAST_VARIANCE: f64 = 1e-9;

/// Vectors, one after the other, along their first two principal components (Pearson 1901), about their mean; 0 along one
/// that they do not vary along. A component points to where its largest loading is positive, so nothing is left to chance.
pub fn principal_plane(vectors: &[f32], dimension: usize) -> Vec<[f64; 2]> {
    let count = vectors.len() / dimension.max(1);
    let mut mean = vec![0.0; dimension];
    for vector in vectors.chunks(dimension.max(1)) {
        mean.iter_mut().zip(vector).for_each(|(mean, value)| *mean += f64::from(*value) / count as f64);
    }
    let centred: Vec<Vec<f64>> = vectors
        .chunks(dimension.max(1))
        .map(|vector| vector.iter().zip(&mean).map(|(value, mean)| f64::from(*value) - mean).collect())
        .collect();
    let first = leading_axis(&centred, dimension, None);
    let second = leading_axis(&centred, dimension, first.as_ref().map(|(axis, _)| axis.as_slice()));
    let variance = |axis: &Option<(Vec<f64>, f64)>| axis.as_ref().map_or(0.0, |(_, variance)| *variance);
    let second = if variance(&second) > LEAST_VARIANCE * variance(&first) { second } else { None };
    let along =
        |vector: &[f64], axis: &Option<(Vec<f64>, f64)>| axis.as_ref().map_or(0.0, |(axis, _)| dot(axis, vector));
    centred.iter().map(|vector| [along(vector, &first), along(vector, &second)]).collect()
}

/// The axis at right angles to another along which points vary most, and how much, by power iteration; `None`: they do not.
fn leading_axis(points: &[Vec<f64>], dimension: usize, other: Option<&[f64]>) -> Option<(Vec<f64>, f64)> {
    // A start that is orthogonal to no eigenvector, but for bad luck.
    let mut random = StdRng::seed_from_u64(0);
    let start: Vec<f64> = (0..dimension).map(|_| random.random::<f64>() - 0.5).collect();
    let (mut axis, _) = normed(without(start, other))?;
    let mut variance = 0.0;
    for _ in 0..ITERATIONS {
        let mut next = vec![0.0; dimension];
        for point in points {
            let along = dot(point, &axis);
            next.iter_mut().zip(point).for_each(|(next, value)| *next += along * value);
        }
        (axis, variance) = normed(without(next, other))?;
    }
    let largest = axis.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(0.0);
    axis.iter_mut().for_each(|value| *value *= largest.signum());
    Some((axis, variance))
}

fn without(mut axis: Vec<f64>, other: Option<&[f64]>) -> Vec<f64> {
    if let Some(other) = other {
        let along = dot(&axis, other);
        axis.iter_mut().zip(other).for_each(|(value, other)| *value -= along * other);
    }
    axis
}

/// With its length before.
fn normed(mut axis: Vec<f64>) -> Option<(Vec<f64>, f64)> {
    let length = dot(&axis, &axis).sqrt();
    axis.iter_mut().for_each(|value| *value /= length);
    (length > f64::MIN_POSITIVE).then_some((axis, length))
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_along_two_diagonals() {
        // Long along (1, 1), short along (1, −1), about (5, 7).
        let found = principal_plane(&[8.0, 10.0, 2.0, 4.0, 6.0, 6.0, 4.0, 8.0], 2);
        let root = 2.0_f64.sqrt();
        let sign = found[2][1].signum();
        let expected = [[3.0 * root, 0.0], [-3.0 * root, 0.0], [0.0, root * sign], [0.0, -root * sign]];
        for (found, expected) in found.iter().zip(expected) {
            assert!((0..2).all(|axis| (found[axis] - expected[axis]).abs() < 1e-9), "{found:?}, {expected:?}");
        }
    }

    #[test]
    fn what_does_not_vary_lies_on_a_line_or_a_spot() {
        let line = principal_plane(&[1.0, 2.0, 5.0, 2.0, 4.0, 5.0, 3.0, 6.0, 5.0], 3);
        assert!(line.iter().all(|place| place[1] == 0.0) && (line[0][0] - line[2][0]).abs() > 4.4, "{line:?}");
        assert_eq!(principal_plane(&[1.0; 8], 2), [[0.0, 0.0]; 4]);
        assert_eq!(principal_plane(&[0.6, 0.8], 2), [[0.0, 0.0]]);
        assert!(principal_plane(&[], 0).is_empty());
    }
}
