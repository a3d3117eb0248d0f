//! Networks and their weights.

pub mod cnn;
pub mod heads;
pub mod weights;

pub use cnn::{CnnConfig, CnnEncoder};
