//! Each feature on the scale of its own spread.

/// Shifts and scales each dimension to mean 0 and variance 1 over the vectors that it was fitted to.
/// Halves and degraded copies are put on the scale of the clean tracks.
#[derive(Debug, Clone, PartialEq)]
pub struct Standardiser {
    /// Mean of each dimension.
    pub mean: Vec<f32>,
    /// Standard deviation of each dimension, over all vectors (not an estimate for a population).
    pub deviation: Vec<f32>,
}

impl Standardiser {
    /// The statistics of vectors of one length.
    pub fn fit(vectors: &[Vec<f32>]) -> Self {
        let dimensions = vectors.first().map_or(0, Vec::len);
        let count = vectors.len().max(1) as f64;
        let column = |dimension: usize| vectors.iter().map(move |vector| f64::from(vector[dimension]));
        let statistics = |dimension| {
            let mean = column(dimension).sum::<f64>() / count;
            let variance = column(dimension).map(|value| (value - mean).powi(2)).sum::<f64>() / count;
            (mean as f32, variance.sqrt() as f32)
        };
        let (mean, deviation) = (0..dimensions).map(statistics).unzip();
        Self { mean, deviation }
    }

    /// Standardises one vector in place. A dimension without spread becomes 0.
    pub fn apply(&self, vector: &mut [f32]) {
        for ((value, mean), deviation) in vector.iter_mut().zip(&self.mean).zip(&self.deviation) {
            *value = if *deviation > 0.0 { (*value - mean) / deviation } else { 0.0 };
        }
    }

    /// The standardised vector at unit length, so that the dot product of two is their cosine. The
    /// mean itself has no direction and stays 0.
    pub fn unit_vector(&self, vector: &[f32]) -> Vec<f32> {
        let mut vector = vector.to_vec();
        self.apply(&mut vector);
        let norm = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        if norm > 0.0 {
            vector.iter_mut().for_each(|value| *value /= norm);
        }
        vector
    }
}

/// Standardises vectors by their own statistics, and gives these for others.
pub fn standardise(vectors: &mut [Vec<f32>]) -> Standardiser {
    let standardiser = Standardiser::fit(vectors);
    vectors.iter_mut().for_each(|vector| standardiser.apply(vector));
    standardiser
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_deviation_by_hand() {
        // 1, 3: mean 2, deviation 1. 10, 50: mean 30, deviation 20. The last has no spread.
        let mut vectors = vec![vec![1.0, 10.0, 7.0], vec![3.0, 50.0, 7.0]];
        let standardiser = standardise(&mut vectors);
        assert_eq!(standardiser, Standardiser { mean: vec![2.0, 30.0, 7.0], deviation: vec![1.0, 20.0, 0.0] });
        assert_eq!(vectors, [[-1.0, -1.0, 0.0], [1.0, 1.0, 0.0]]);
        // A copy that was not fitted to: (5 − 2)/1 and (110 − 30)/20, 3 : 4.
        let unit = standardiser.unit_vector(&[5.0, 110.0, 9.0]);
        assert!(unit.iter().zip([0.6, 0.8, 0.0]).all(|(value, expected)| (value - expected).abs() < 1e-6), "{unit:?}");
        assert_eq!(standardiser.unit_vector(&[2.0, 30.0, 7.0]), [0.0; 3]);
    }
}
