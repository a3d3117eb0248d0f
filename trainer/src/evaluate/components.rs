//! Principal components.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rayon::prelude::*;

/// Multiplications by the covariance. For a map it is enough that the largest components are right;
/// the smallest may still be mixed with their neighbours.
const ITERATIONS: usize = 100;

/// Components below this share of the first one's variance are rounding.
const LEAST_VARIANCE: f64 = 1e-12;

/// Points along their principal components, the one of the largest variance first (Pearson 1901).
/// At most `components` numbers a point, fewer where the points span fewer directions; all points
/// are of the same size. A component points to where its largest loading is positive, so nothing
/// is left to chance.
pub fn principal_components<V: AsRef<[f32]>>(points: &[V], components: usize) -> Vec<Vec<f64>> {
    let size = points.first().map_or(0, |point| point.as_ref().len());
    let columns: Vec<Vec<f64>> = (0..size).map(|place| centred(points, place)).collect();
    let covariance: Vec<Vec<f64>> = columns.par_iter().map(|a| columns.iter().map(|b| dot(a, b)).collect()).collect();
    let axes = leading_axes(&covariance, components.min(size));
    let along = |axis: &[f64], point: usize| axis.iter().zip(&columns).map(|(a, column)| a * column[point]).sum();
    (0..points.len()).into_par_iter().map(|point| axes.iter().map(|axis| along(axis, point)).collect()).collect()
}

/// One number of each point, about the mean.
fn centred<V: AsRef<[f32]>>(points: &[V], place: usize) -> Vec<f64> {
    let values: Vec<f64> = points.iter().map(|point| f64::from(point.as_ref()[place])).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.into_iter().map(|value| value - mean).collect()
}

/// Orthogonal iteration (Golub & Van Loan, section 8.2.4): the axes are multiplied by the matrix and
/// made orthogonal again, in order, until each is an eigenvector.
fn leading_axes(covariance: &[Vec<f64>], count: usize) -> Vec<Vec<f64>> {
    // A start that is orthogonal to no eigenvector, but for bad luck.
    let mut random = StdRng::seed_from_u64(0);
    let mut axes: Vec<Vec<f64>> =
        (0..count).map(|_| covariance.iter().map(|_| random.random::<f64>() - 0.5).collect()).collect();
    for _ in 0..ITERATIONS {
        axes = axes.par_iter().map(|axis| covariance.iter().map(|row| dot(row, axis)).collect()).collect();
        make_orthogonal(&mut axes);
    }
    for axis in &mut axes {
        let largest = axis.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(0.0);
        axis.iter_mut().for_each(|value| *value *= largest.signum());
    }
    axes
}

/// Gram–Schmidt: each axis loses what lies along those before it, and gets length 1. What is
/// nothing but rounding is removed.
fn make_orthogonal(axes: &mut Vec<Vec<f64>>) {
    let mut done: Vec<Vec<f64>> = Vec::with_capacity(axes.len());
    let mut first_length = 0.0;
    for mut axis in axes.drain(..) {
        for other in &done {
            let along = dot(&axis, other);
            axis.iter_mut().zip(other).for_each(|(value, other)| *value -= along * other);
        }
        let length = dot(&axis, &axis).sqrt();
        first_length = length.max(first_length);
        if length > LEAST_VARIANCE * first_length {
            axis.iter_mut().for_each(|value| *value /= length);
            done.push(axis);
        }
    }
    *axes = done;
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
        let points = [[8.0, 10.0], [2.0, 4.0], [6.0, 6.0], [4.0, 8.0]];
        let root = 2.0_f64.sqrt();
        let expected = [[3.0 * root, 0.0], [-3.0 * root, 0.0], [0.0, root], [0.0, -root]];
        let found = principal_components(&points, 5);
        // Either end of a diagonal may be positive.
        let sign = found[2][1].signum();
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!(found.len(), 2);
            assert!((found[0] - expected[0]).abs() < 1e-9 && (found[1] * sign - expected[1]).abs() < 1e-9, "{found:?}");
        }
    }

    #[test]
    fn what_does_not_vary_has_no_component() {
        let line = [[1.0, 2.0, 5.0], [2.0, 4.0, 5.0], [3.0, 6.0, 5.0]];
        assert!(principal_components(&line, 3).iter().all(|point| point.len() == 1));
        assert_eq!(principal_components(&[[1.0, 1.0]; 4], 3), vec![Vec::<f64>::new(); 4]);
        assert!(principal_components::<[f32; 3]>(&[], 3).is_empty());
    }

    #[test]
    fn components_are_uncorrelated_and_fall_in_variance() {
        let points: Vec<Vec<f32>> =
            (0..200).map(|i| (0..12).map(|j| ((i * j) as f32).sin() * (j + 1) as f32).collect()).collect();
        let found = principal_components(&points, 4);
        let moment = |a: usize, b: usize| found.iter().map(|point| point[a] * point[b]).sum::<f64>();
        for component in 1..4 {
            assert!(moment(component, component) < moment(component - 1, component - 1) * 1.001);
            assert!(moment(0, component).abs() < 1e-3 * moment(0, 0));
        }
    }
}
