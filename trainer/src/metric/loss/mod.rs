//! Losses. Each is a function of a batch's vectors or logits and of who is alike.

pub mod cosine;
pub mod cross_entropy;
#[cfg(test)]
pub(crate) mod fixture;
pub mod masked_patches;
pub mod nt_xent;
pub mod relational;
pub mod supervised_contrastive;
pub mod triplet;
