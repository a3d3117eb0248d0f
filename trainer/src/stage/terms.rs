//! What stages ask of a batch's vectors; each stage adds up its own mixture.

use tch::Tensor;

use super::network::Network;
use crate::data::sampler::Batch;
use crate::error::Result;
use crate::metric::Relations;
use crate::metric::loss::cross_entropy::cross_entropy;
use crate::metric::loss::supervised_contrastive::{relation_matrix, supervised_contrastive};

/// Genres told apart: cross-entropy of the labelled crops.
///
/// # Errors
/// [`Error::Torch`](crate::Error::Torch).
pub fn genre(network: &Network, vectors: &Tensor, batch: &Batch, label_smoothing: f64) -> Result<Tensor> {
    let logits = network.classifier.forward(vectors);
    let targets = Tensor::f_from_slice(&batch.targets)?.f_view([batch.crops.len() as i64, -1])?;
    Ok(cross_entropy(&logits, &targets, label_smoothing))
}

/// Crops of a track told from all others: needs no labels. Other tracks of the same artist do not
/// count: they may well sound the same.
pub fn same_track(vectors: &Tensor, batch: &Batch, temperature: f64) -> Tensor {
    let relations = Relations(&batch.crops);
    let count = relations.count();
    let positives = relation_matrix(count, |a, b| a != b && relations.same_track(a, b));
    let negatives = relation_matrix(count, |a, b| batch.crops[a].artist != batch.crops[b].artist);
    supervised_contrastive(vectors, &positives, &negatives, temperature)
}
