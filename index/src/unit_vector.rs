//! Unit vectors: their cosine, and how others become them.

/// Below this length a vector points nowhere in particular.
const LEAST_LENGTH: f32 = 1e-6;

/// Of unit vectors of one length, from −1 to 1.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>().clamp(-1.0, 1.0)
}

/// By so much may a vector's length differ from 1 that is taken for a unit vector: what single precision leaves.
const TOLERANCE: f32 = 1e-6;

/// Scales to unit length; `None`: the vector is all but zero. A unit vector stays what it is to the last digit, however often
/// it comes by.
pub fn unit(mut vector: Vec<f32>) -> Option<Vec<f32>> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if (length - 1.0).abs() <= TOLERANCE {
        return Some(vector);
    }
    vector.iter_mut().for_each(|value| *value /= length);
    (length > LEAST_LENGTH).then_some(vector)
}

/// The weighted mean of vectors, scaled to unit length: a weight below 0 leads away. `None`: they cancel each other out, or
/// there are none.
pub fn blend<'a>(vectors: impl IntoIterator<Item = (&'a [f32], f32)>) -> Option<Vec<f32>> {
    let mut sum = Vec::new();
    for (vector, weight) in vectors {
        sum.resize(vector.len(), 0.0);
        sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += weight * value);
    }
    unit(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_direction_becomes_one_long() {
        assert_eq!(unit(vec![3.0, -4.0]), Some(vec![0.6, -0.8]));
        assert_eq!((unit(vec![0.0, 0.0]), unit(vec![1e-8, 0.0]), unit(Vec::new())), (None, None, None));
        let nearly = vec![0.6, 0.800_000_1];
        assert_eq!(unit(nearly.clone()), Some(nearly));
        assert_eq!(blend([(&[1.0, 0.0][..], 4.0), (&[0.0, 1.0][..], -3.0)]), Some(vec![0.8, -0.6]));
        assert_eq!(blend([(&[1.0, 0.0][..], 1.0), (&[-1.0, 0.0][..], 1.0)]), None);
        assert_eq!((cosine(&[0.6, 0.8], &[1.0, 0.0]), cosine(&[1.1, 0.0], &[1.0, 0.0])), (0.6, 1.0));
    }
}
