//! What a training run is made of beside the trainer: its tracks, its search, its threads, its card.

pub mod corpus_search;
pub mod learn;
pub mod openmp;
pub mod record;
pub mod tracks;

/// File of all variables within a model's folder, to be trained on from.
pub const VARIABLES_FILE: &str = "training.safetensors";
