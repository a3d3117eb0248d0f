//! What brings alike together and keeps different apart: distances, losses, miners.
//!
//! Miners choose triples out of a batch, losses take them; neither knows the sampler.
//!
//! | module | holds |
//! |---|---|
//! | [`distance`] | squared Euclidean distance and cosine of all pairs |
//! | [`relation`] | [`Relations`]: who is alike, who differs, by track, genre and artist |
//! | [`miner`] | batch-all, semi-hard and batch-hard triplets; corpus-wide hard negatives |
//! | [`loss`] | cross-entropy, triplet, contrastive, masked patches, relational distillation |

pub mod distance;
#[cfg(test)]
pub(crate) mod gradient;
pub mod loss;
pub mod miner;
pub mod relation;

pub use relation::{Crop, Relations};
