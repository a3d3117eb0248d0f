//! What a search needs of a model's vectors, wherever they lie.

use std::borrow::Cow;

use crate::catalogue::Filter;
use crate::error::Result;
use crate::hubs::Neighbourhoods;
use crate::track::TrackId;
use crate::track_set::{TrackSet, both};

/// A model's vectors that can be searched: those of a generation, or of the catalogue.
pub(crate) trait Vectors: Send + Sync {
    /// What hubs among later tracks are told by.
    fn neighbourhoods(&self) -> &Neighbourhoods;

    /// One more than the largest track number.
    fn end(&self) -> u64;

    /// At most `count` tracks and their scores, largest first, fewer only where there are no more. The query is a row of
    /// [`crate::hubs::query`].
    fn search(&self, query: &[f32], count: usize, allowed: Allowed<'_>) -> Result<Vec<(TrackId, f32)>>;

    /// Of a filter, what a search heeds itself, and what it has to be given a set of tracks for.
    fn divided(&self, filter: &Filter) -> (Filter, Filter) {
        (Filter::default(), filter.clone())
    }
}

/// A search that found too few of the tracks that it may find looks through so many times more lists.
pub(crate) const MORE_PROBES: usize = 4;

/// Which tracks a search of [`Vectors`] may find.
#[derive(Clone, Copy)]
pub(crate) struct Allowed<'a> {
    /// What the question allows.
    pub among: &'a Among,
    /// Tracks that [`Vectors`] knows another vector of, or none, or by now the right one: they are searched elsewhere.
    #[cfg_attr(not(feature = "milvus"), allow(dead_code, reason = "FAISS is told which it may find"))]
    pub outdated: &'a TrackSet,
    /// The other tracks that it knew when it was opened; `None`: all of them.
    pub unchanged: Option<&'a TrackSet>,
}

/// Which tracks a question allows: those of a set that pass a filter. By default all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Among {
    /// `None`: all.
    pub(crate) set: Option<TrackSet>,
    /// What a search of [`Vectors`] heeds itself.
    pub(crate) filter: Filter,
    /// Of the tracks beside them, those that pass the filter; `None`: all.
    pub(crate) beside: Option<TrackSet>,
}

impl Among {
    /// Whether it leaves out none.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Those that are in the set as well; `None`: all.
    pub fn and(self, other: Option<&TrackSet>) -> Self {
        let set = both(self.set.as_ref(), other).map(Cow::into_owned);
        Self { set, ..self }
    }
}

impl From<TrackSet> for Among {
    fn from(set: TrackSet) -> Self {
        Self { set: Some(set), ..Self::default() }
    }
}
