//! What a training run is made of beside the trainer: its tracks, its search, its threads, its card.

pub mod corpus_search;
pub mod openmp;
pub mod record;
pub mod tracks;
