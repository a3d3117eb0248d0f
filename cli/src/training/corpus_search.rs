//! Hard negatives are searched for by FAISS.

use trainer::metric::miner::corpus::NeighbourSearch;

/// Exact search over the training tracks.
pub struct CorpusSearch;

impl NeighbourSearch for CorpusSearch {
    fn nearest(&mut self, vectors: &[f32], dimension: usize, count: usize) -> trainer::Result<Vec<Vec<(usize, f32)>>> {
        index::nearest_among(vectors, dimension, count)
            .map_err(|error| trainer::Error::Search { reason: error.to_string() })
    }
}
