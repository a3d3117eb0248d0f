//! Heads that training puts on an encoder and that serving leaves out.

use tch::nn;
use tch::{Kind, Tensor};

use super::cnn::normalised;

/// Scale of the cosines before the softmax: large enough that a perfect match can reach a
/// probability near 1 (Wang et al. 2017, NormFace, eq. 6).
const COSINE_SCALE: f64 = 16.0;

/// A classifier whose logits are scaled cosines between an embedding and a vector a class, so that
/// what is learnt are directions, which is what look-up compares.
#[derive(Debug)]
pub struct CosineClassifier {
    classes: Tensor,
}

impl CosineClassifier {
    /// Creates the class vectors below `path`.
    pub fn new(path: &nn::Path<'_>, embedding_size: i64, class_count: i64) -> Self {
        let init = nn::Init::Randn { mean: 0.0, stdev: 0.1 };
        Self { classes: path.var("classes", &[class_count, embedding_size], init) }
    }

    /// Unit vectors, shape N × embedding size, to logits, shape N × classes.
    pub fn forward(&self, embeddings: &Tensor) -> Tensor {
        embeddings.matmul(&normalised(&self.classes).tr()) * COSINE_SCALE
    }
}

/// Cross-entropy of N × classes logits against N class numbers, with label smoothing.
pub fn cross_entropy(logits: &Tensor, labels: &Tensor, label_smoothing: f64) -> Tensor {
    let log_probabilities = logits.log_softmax(1, Kind::Float);
    let of_label = log_probabilities.gather(1, &labels.unsqueeze(1), false).mean(Kind::Float);
    let of_all = log_probabilities.mean(Kind::Float);
    -(of_label * (1.0 - label_smoothing) + of_all * label_smoothing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cross_entropy_by_hand() {
        // Probabilities 1/4, 3/4; the label is the second class.
        let logits = Tensor::from_slice(&[0.0_f32, 3.0_f32.ln()]).view([1, 2]);
        let labels = Tensor::from_slice(&[1_i64]);
        let plain = cross_entropy(&logits, &labels, 0.0).double_value(&[]);
        assert!((plain - (4.0_f64 / 3.0).ln()).abs() < 1e-6);
        let smooth = cross_entropy(&logits, &labels, 0.1).double_value(&[]);
        let expected = 0.9 * (4.0_f64 / 3.0).ln() + 0.1 * 0.5 * (4.0_f64.ln() + (4.0_f64 / 3.0).ln());
        assert!((smooth - expected).abs() < 1e-6);
    }
}
