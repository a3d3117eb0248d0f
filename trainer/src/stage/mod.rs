//! Training stages.

pub mod classify;
