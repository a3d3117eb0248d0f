//! Heads that training puts on an encoder and that serving leaves out.

use tch::Tensor;
use tch::nn;

use super::embedding_head::normalised;

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
