//! How good a space is for look-up.
//!
//! | module | holds |
//! |---|---|
//! | [`similarity`] | how alike tracks are, from vectors or distances |
//! | [`judged`] | genre and artist of the evaluated tracks |
//! | [`ranking`] | candidates by similarity, ties kept together |
//! | [`query`] | how well one query finds its genre |
//! | [`retrieval`](mod@retrieval) | all queries, with or without an artist filter |
//! | [`cells`] | scores by genre and artist, the macro-average |
//! | [`bootstrap`] | intervals over artists |
//! | [`confusion`](mod@confusion) | which genre the neighbours vote for |
//! | [`hubness`](mod@hubness) | who is returned how often |
//! | [`halves`] | whether a track is recognised by its other half |
//! | [`robustness`](mod@robustness) | what a degraded copy finds |
//! | [`components`], [`map`] | the space in two dimensions |
//! | [`system`] | one system's scores, and several side by side |
//! | [`promotion`] | may a model take the place of the one that serves |
//! | [`turnover`] | which tracks another model gives other neighbours |
//! | [`folds`] | one figure for a recipe, by cross-validation |
//! | [`scores`] | what an evaluation found: plain data, written as JSON, drawn as a report |
//! | [`degrade`] | [`Original`]: a track's degraded copies and halves as files |
//! | [`pink_noise`] | noise of equal power in every octave |
//! | [`listen`](mod@listen) | tracks, halves and copies heard once for all systems |
//! | [`peer`] | another system's vectors or distances of the same tracks |

pub mod bootstrap;
pub mod cells;
pub mod components;
pub mod confusion;
pub mod degrade;
mod ffmpeg;
pub mod folds;
pub mod halves;
pub mod hubness;
pub mod judged;
pub mod listen;
pub mod map;
pub mod peer;
pub mod pink_noise;
pub mod promotion;
pub mod query;
pub mod ranking;
pub mod retrieval;
pub mod robustness;
pub mod scores;
pub mod similarity;
pub mod system;
pub mod turnover;

pub use bootstrap::Bootstrap;
pub use degrade::{Degradation, Original};
pub use halves::other_half_recall;
pub use judged::{Judged, Labels};
pub use listen::{Heard, Listener, Listening, listen};
pub use map::map_positions;
pub use peer::{PeerTable, read_peer};
pub use promotion::{Comparison, Decision, PromotionConfig};
pub use retrieval::{Labelled, Retrieval, retrieval};
pub use robustness::{DegradedCopy, robustness};
pub use similarity::{Similarities, UnitVectors};
pub use system::{Judgement, System, judge, side_by_side};
