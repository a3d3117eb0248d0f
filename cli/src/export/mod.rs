//! File formats that tracks and their vectors are written in.

pub mod jsonl;
pub mod npz;
pub mod parquet;
