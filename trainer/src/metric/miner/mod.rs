//! Which triplets of a batch are learnt from.

pub mod batch_all;
pub mod batch_hard;
pub mod corpus;
pub mod semi_hard;

use serde::{Deserialize, Serialize};

use super::distance::Distances;
use super::relation::Relations;

/// Rows of a batch: an anchor, one that is alike, one that differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Triplet {
    /// The anchor.
    pub anchor: usize,
    /// To come nearer than the negative.
    pub positive: usize,
    /// To stay away.
    pub negative: usize,
}

/// How triplets are chosen out of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Miner {
    /// Every triplet: see [`batch_all`].
    BatchAll,
    /// For each pair, a negative just behind the positive: see [`semi_hard`].
    #[default]
    SemiHard,
    /// For each anchor, the farthest positive and the nearest negative: see [`batch_hard`].
    BatchHard,
}

impl Miner {
    /// The triplets of a batch. `margin` is that of the loss.
    pub fn mine(self, distances: &Distances, relations: Relations<'_>, margin: f32) -> Vec<Triplet> {
        match self {
            Self::BatchAll => batch_all::mine(relations),
            Self::SemiHard => semi_hard::mine(distances, relations, margin),
            Self::BatchHard => batch_hard::mine(distances, relations),
        }
    }
}

/// Five crops on a line, for the miners' tests: crops 0 and 1 of one track, 2 of its genre, 3 and 4
/// of another.
#[cfg(test)]
mod example {
    use super::*;
    use crate::metric::Crop;

    pub const CROPS: [Crop; 5] = [
        Crop { track: 0, artist: 0, genre: Some(0) },
        Crop { track: 0, artist: 0, genre: Some(0) },
        Crop { track: 1, artist: 1, genre: Some(0) },
        Crop { track: 2, artist: 2, genre: Some(1) },
        Crop { track: 3, artist: 3, genre: Some(1) },
    ];

    /// Squared distances of points on a line.
    pub fn line(places: [f32; 5]) -> Distances {
        let values = places.iter().flat_map(|a| places.map(|b| (a - b) * (a - b))).collect();
        Distances::from_rows(5, values)
    }

    pub fn triplet(anchor: usize, positive: usize, negative: usize) -> Triplet {
        Triplet { anchor, positive, negative }
    }
}
