//! The library's memory: a catalogue of tracks and their vectors in SQLite, and FAISS over it.
//!
//! | module | holds |
//! |---|---|
//! | [`track`] | [`TrackId`], [`TrackRecord`] and what belongs to them |
//! | [`store`] | [`Store`]: the folder, its lock, and which generation serves |
//! | [`catalogue`] | [`Catalogue`]: the truth, in SQLite |
//! | [`generation`] | immutable FAISS files derived from the catalogue |
//! | [`backend`] | which of FAISS and Milvus searches |
//! | [`choose`] | which kind of index serves how many vectors |
//! | `opening` | the searcher of what serves |
//! | `milvus` | the same by collections of a Milvus server, with the feature `milvus` |
//! | [`search`] | [`Searcher`]: nearest neighbours of a vector |
//! | [`renewal`] | [`Renewal`]: a searcher brought up to date |
//! | [`selection`] | [`Selection`]: which of them make up an answer |
//! | [`repair`] | what is damaged, made good |
//! | [`copies`] | which tracks may be copies of one recording |
//! | [`resemblance`] | which passages of two tracks resemble each other most |
//! | [`radio`] | [`Radio`](radio::Radio): tracks without end |
//! | [`journey`] | a way from one track to another by small steps |
//! | [`ranking`] | [`Ranking`]: neighbours one by one, as many as one goes through |
//! | [`track_set`] | [`TrackSet`]: sets of tracks |
//! | [`vectors`] | [`Among`]: which tracks a question allows |
//! | [`unit_vector`] | [`cosine`] and [`unit()`] |
//! | [`map`] | where tracks lie in a square, near to what resembles them |
//! | [`hubs`] | what a track pays that lies near to everything |
//! | [`memory`] | what is given back when a generation goes |
//! | [`error`] | [`Error`] |
//!
//! ```text
//! store/
//!   catalogue.sqlite       tracks, vectors per model, runs
//!   models/<model-id>/     what the vectors were made with
//!   generations/<n>/       vectors.faiss, neighbourhoods.faiss, manifest.toml
//!   CURRENT                the generation that serves; replaced by write, fsync, rename
//!   lock                   held by the one writer
//! ```

/// A place where a test may make the program end at once, as a power cut does: with the feature `failpoints` and the
/// environment's `FAILPOINTS=name=return`.
macro_rules! end_at {
    ($name:literal) => {
        fail::fail_point!($name, |_| std::process::abort())
    };
}

mod among;
pub mod backend;
pub mod catalogue;
pub mod choose;
pub mod config_file;
mod contents;
pub mod copies;
pub mod error;
mod exam;
mod faiss_index;
pub mod generation;
pub mod hubs;
mod huge_pages;
pub mod journey;
pub mod map;
pub mod memory;
#[cfg(feature = "milvus")]
mod milvus;
#[cfg(not(feature = "milvus"))]
#[path = "milvus/absent.rs"]
mod milvus;
mod opening;
mod publishing;
pub mod radio;
pub mod ranking;
pub mod renewal;
pub mod repair;
pub mod resemblance;
mod rows;
pub mod search;
pub mod selection;
pub mod store;
pub mod track;
pub mod track_set;
pub mod unit_vector;
pub mod vectors;

pub use among::nearest_among;
pub use catalogue::Catalogue;
pub use choose::IndexConfig;
pub use config_file::ConfigFile;
pub use error::{Error, Result};
pub use ranking::Ranking;
pub use renewal::Renewal;
pub use search::{Neighbour, Searcher};
pub use selection::{Answer, Selection};
pub use store::{RetrainingLock, Store, WriteLock};
pub use track::{ContentHash, FileStamp, NewTrack, Passage, TrackId, TrackRecord, TrackState};
pub use track_set::TrackSet;
pub use unit_vector::{blend, cosine, unit};
pub use vectors::Among;
