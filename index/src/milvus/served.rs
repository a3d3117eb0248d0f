//! A collection as what is searched.

use std::sync::Arc;

use super::Milvus;
use super::collections::{MOST_AT_ONCE, Nearest};
use super::expression::{all_of, divided, expression, none_of, one_of};
use crate::catalogue::Filter;
use crate::error::Result;
use crate::hubs::Neighbourhoods;
use crate::track::TrackId;
use crate::track_set::TrackSet;
use crate::vectors::{Allowed, Vectors};

/// So many tracks are named in an expression: a message of a hundred kilobytes.
const MOST_NAMED: usize = MOST_AT_ONCE;

/// Of tracks of a larger set, so many times those wanted are looked at, where they lie as others do.
const LOOKED_AT: usize = 2;

/// A collection that serves, or may.
pub(crate) struct Served {
    pub(super) milvus: Arc<Milvus>,
    pub(super) collection: String,
    pub(super) neighbourhoods: Neighbourhoods,
    pub(super) end: u64,
    /// Of a graph, how many are kept in view.
    pub(super) breadth: usize,
}

impl Served {
    /// The nearest tracks for which an expression holds, however many are wanted.
    fn nearest(&self, query: &[f32], count: usize, condition: &str) -> Result<Vec<(TrackId, f32)>> {
        let mut found: Vec<(TrackId, f32)> = Vec::new();
        while found.len() < count {
            let wanted = (count - found.len()).min(MOST_AT_ONCE);
            let others = none_of(found.iter().map(|(track, _)| *track));
            let next = Nearest {
                queries: vec![query.to_vec()],
                expression: all_of([condition.to_owned(), others]),
                count: wanted,
                breadth: self.breadth,
            };
            let next = self.milvus.nearest(&self.collection, next)?.pop().unwrap_or_default();
            let has_ended = next.len() < wanted;
            found.extend(next);
            if has_ended {
                break;
            }
        }
        Ok(found)
    }

    /// The nearest tracks of a set: by naming its members, or the others, or else by looking at more.
    fn nearest_of(&self, query: &[f32], count: usize, condition: &str, set: &TrackSet) -> Result<Vec<(TrackId, f32)>> {
        let size = set.len();
        if size <= MOST_NAMED {
            return self.nearest_named(query, count, condition, set);
        }
        let others = TrackSet::below(self.end).without(set);
        if others.len() <= MOST_NAMED {
            return self.nearest(query, count, &all_of([condition.to_owned(), none_of(others.iter())]));
        }
        let looked_at = LOOKED_AT * count * self.end as usize / size;
        if looked_at <= MOST_AT_ONCE {
            let mut found = self.nearest(query, looked_at, condition)?;
            found.retain(|(track, _)| set.contains(*track));
            if found.len() >= count {
                found.truncate(count);
                return Ok(found);
            }
        }
        self.nearest_named(query, count, condition, set)
    }

    /// The same by naming all of them, some at a time.
    fn nearest_named(
        &self,
        query: &[f32],
        count: usize,
        condition: &str,
        set: &TrackSet,
    ) -> Result<Vec<(TrackId, f32)>> {
        let members: Vec<TrackId> = set.iter().collect();
        let mut found = Vec::new();
        for part in members.chunks(MOST_NAMED) {
            let named = all_of([condition.to_owned(), one_of(part.iter().copied())]);
            found.extend(self.nearest(query, count.min(part.len()), &named)?);
            found.sort_by(|a: &(TrackId, f32), b| b.1.total_cmp(&a.1));
            found.truncate(count);
        }
        Ok(found)
    }
}

impl Vectors for Served {
    fn neighbourhoods(&self) -> &Neighbourhoods {
        &self.neighbourhoods
    }

    fn end(&self) -> u64 {
        self.end
    }

    fn divided(&self, filter: &Filter) -> (Filter, Filter) {
        divided(filter)
    }

    fn search(&self, query: &[f32], count: usize, allowed: Allowed<'_>) -> Result<Vec<(TrackId, f32)>> {
        let outdated = allowed.unchanged.map(|unchanged| TrackSet::below(self.end).without(unchanged));
        let unchanged = outdated.map_or(String::new(), |outdated| none_of(outdated.iter()));
        let condition = all_of([expression(&allowed.among.filter), unchanged]);
        match &allowed.among.set {
            Some(set) => self.nearest_of(query, count, &condition, set),
            None => self.nearest(query, count, &condition),
        }
    }
}
