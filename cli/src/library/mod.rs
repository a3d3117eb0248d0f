//! From folders to the catalogue: which files there are, what has to be done with each, and doing
//! it on all cores. And from the catalogue, or a list, to what is learnt from.

pub mod answering;
pub mod copies;
pub mod data_set;
pub mod embedding;
pub mod naming;
pub mod opened;
pub mod plan;
pub mod playlists;
pub mod plays;
pub mod query_vector;
pub mod serving;
pub mod update;
pub mod walk;
pub mod worker;
