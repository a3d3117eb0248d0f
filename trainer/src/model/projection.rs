//! A projection head (Chen et al. 2020, § 2.1): contrast is asked of what it makes of an embedding, so that the
//! embedding itself may keep what the augmentations change.

use tch::Tensor;
use tch::nn::Path;

use super::transformer::linear;

/// Two layers with a ReLU between them; left out once training is done.
#[derive(Debug)]
pub struct ProjectionHead {
    first: tch::nn::Linear,
    second: tch::nn::Linear,
}

impl ProjectionHead {
    /// Creates the head's variables below `path`.
    pub fn new(path: &Path<'_>, embedding_size: i64, hidden_size: i64, size: i64) -> Self {
        Self {
            first: linear(path / "first", embedding_size, hidden_size),
            second: linear(path / "second", hidden_size, size),
        }
    }

    /// N × embedding size to N × size, not of unit length.
    pub fn forward(&self, embeddings: &Tensor) -> Tensor {
        embeddings.apply(&self.first).relu().apply(&self.second)
    }
}
