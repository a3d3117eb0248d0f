//! Distances of all pairs of a batch.

use tch::Tensor;

/// Squared Euclidean distances of unit vectors, shape N × N: ‖a − b‖² = 2 − 2·a·b.
pub fn squared_euclidean(unit_vectors: &Tensor) -> Tensor {
    (unit_vectors.matmul(&unit_vectors.tr()) * -2.0 + 2.0).clamp_min(0.0)
}

/// Squared distance of rows of two N × D tensors, shape N. Not from the inner product: near 0 the
/// difference is what keeps the gradient right.
pub fn squared_euclidean_of_pairs(a: &Tensor, b: &Tensor) -> Tensor {
    (a - b).square().sum_dim_intlist([1_i64].as_slice(), false, tch::Kind::Float)
}

/// The distances of a batch outside of torch, where miners look at them.
#[derive(Debug, Clone, PartialEq)]
pub struct Distances {
    count: usize,
    values: Vec<f32>,
}

impl Distances {
    /// From count × count values in row-major order.
    pub fn from_rows(count: usize, values: Vec<f32>) -> Self {
        Self { count, values }
    }

    /// Squared Euclidean distances of N × D unit vectors.
    ///
    /// # Errors
    /// Where libtorch cannot copy.
    pub fn of(unit_vectors: &Tensor) -> Result<Self, tch::TchError> {
        let distances = squared_euclidean(&unit_vectors.detach());
        let count = distances.size()[0] as usize;
        Ok(Self { count, values: Vec::try_from(distances.view([-1]))? })
    }

    /// Number of rows.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Distance of two rows.
    pub fn between(&self, a: usize, b: usize) -> f32 {
        self.values[a * self.count + b]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_by_hand() {
        let vectors = Tensor::from_slice(&[1.0_f32, 0.0, 0.0, 1.0, -1.0, 0.0]).view([3, 2]);
        let distances = Distances::of(&vectors).unwrap();
        assert_eq!(distances, Distances::from_rows(3, vec![0.0, 2.0, 4.0, 2.0, 0.0, 2.0, 4.0, 2.0, 0.0]));
        let pairs = squared_euclidean_of_pairs(&vectors.slice(0, 0, 2, 1), &vectors.slice(0, 1, 3, 1));
        assert_eq!(Vec::<f32>::try_from(pairs).unwrap(), [2.0, 2.0]);
    }
}
