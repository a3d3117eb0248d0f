//! Losses. Each is a function of a batch's vectors or logits and of who is alike.

pub mod cross_entropy;
pub mod supervised_contrastive;
pub mod triplet;
