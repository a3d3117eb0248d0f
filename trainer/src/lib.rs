//! Learns what sounds alike, and computes with it: training, evaluation, models, embeddings.
//!
//! | module | holds |
//! |---|---|
//! | [`embed`] | [`Embedder`]: from a file or its windows to a unit vector; the built-in model |
//! | [`card`] | [`ModelCard`]: what a model is, what it was trained on, what it reached |
//! | [`model`] | networks, and their weights as safetensors |
//! | [`metric`] | distances, losses, miners |
//! | [`data`] | manifests, artist-disjoint splits, decoded tracks on disk, batches of crops |
//! | [`augment`] | what may change without the music changing |
//! | [`stage`] | training stages, one file each |
//! | [`run`] | stages one after the other |
//! | [`schedule`] | learning rates over a stage |
//! | [`checkpoint`] | a run's state on disk |
//! | [`evaluate`] | retrieval with an artist filter, hubness, degraded copies, intervals, a map |
//! | [`baseline`] | what a model must beat: MFCC, random weights |
//! | [`report`] | an evaluation as one HTML page |
//! | [`config`] | the settings of a training run |

pub mod augment;
pub mod baseline;
pub mod card;
pub mod checkpoint;
pub mod config;
pub mod data;
pub mod embed;
pub mod error;
pub mod evaluate;
pub mod metric;
pub mod model;
pub mod report;
pub mod run;
pub mod schedule;
pub mod stage;
mod torch;

pub use card::ModelCard;
pub use config::TrainConfig;
pub use embed::Embedder;
pub use error::{Error, Result};
pub use torch::{use_one_thread, use_threads};
