//! A collection as what is searched.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::Milvus;
use super::collections::{MOST_AT_ONCE, Nearest};
use super::expression::{all_of, divided, expression, none_of, one_of};
use crate::catalogue::Filter;
use crate::choose::Layout;
use crate::error::Result;
use crate::hubs::Neighbourhoods;
use crate::track::TrackId;
use crate::track_set::TrackSet;
use crate::vectors::{Allowed, MORE_PROBES, Vectors};

/// So many tracks are named in an expression: a message of a hundred kilobytes.
const MOST_NAMED: usize = MOST_AT_ONCE;

/// Of tracks of a larger set, so many times those wanted are looked at, where they lie as others do.
const LOOKED_AT: usize = 2;

/// Where that was too few, so many times more.
const MORE_LOOKED_AT: usize = 4;

/// Filters whose shares are remembered.
const MOST_SHARES: usize = 1000;

/// A collection that serves, or may.
pub(crate) struct Served {
    pub(super) milvus: Arc<Milvus>,
    /// The generation's.
    pub(super) folder: PathBuf,
    /// Said when it is asked for the first time, if it is as the store left it.
    pub(super) is_own: OnceLock<()>,
    pub(super) collection: String,
    pub(super) neighbourhoods: Neighbourhoods,
    pub(super) end: u64,
    pub(super) layout: Layout,
    /// Tracks.
    pub(super) count: usize,
    /// Of how many tracks a filter's expression holds, as far as that was asked.
    pub(super) shares: Mutex<HashMap<String, usize>>,
}

/// What tracks have to be.
struct Condition {
    expression: String,
    /// For about so many it holds.
    count: usize,
}

impl Condition {
    /// That, and being one of these.
    fn and_one_of(&self, tracks: &[TrackId]) -> Self {
        let named = one_of(tracks.iter().copied());
        Self { expression: all_of([self.expression.clone(), named]), count: self.count.min(tracks.len()) }
    }

    /// That, and being known to whoever asks: others may have come since.
    fn and_below(&self, end: u64) -> Self {
        Self { expression: all_of([self.expression.clone(), format!("id < {end}")]), count: self.count }
    }

    /// That, and being none of these.
    fn and_none_of(&self, tracks: impl Iterator<Item = TrackId>) -> Self {
        Self { expression: all_of([self.expression.clone(), none_of(tracks)]), count: self.count }
    }
}

impl Served {
    /// What a filter says, and how many tracks are so.
    fn condition(&self, filter: &Filter) -> Result<Condition> {
        let expression = expression(filter);
        // Where all are compared, it does not matter how many.
        if expression.is_empty() || self.layout.lists == 0 {
            return Ok(Condition { expression, count: self.count });
        }
        let shares = || self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let known = shares().get(&expression).copied();
        let count = match known {
            Some(count) => count,
            None => {
                let count = self.milvus.count_of(&self.collection, &expression)?;
                let mut shares = shares();
                if shares.len() == MOST_SHARES {
                    shares.clear();
                }
                shares.insert(expression.clone(), count);
                count
            }
        };
        Ok(Condition { expression, count })
    }

    /// The nearest tracks for which a condition holds, however many are wanted.
    fn nearest(&self, query: &[f32], count: usize, condition: &Condition) -> Result<Vec<(TrackId, f32)>> {
        let mut found: Vec<(TrackId, f32)> = Vec::new();
        // Of one track in ten, the ten nearest lie in about ten times as many lists.
        let mut probes = (self.layout.probes * self.count / condition.count.max(1)).min(self.layout.lists);
        while found.len() < count {
            let wanted = (count - found.len()).min(MOST_AT_ONCE);
            let next = Nearest {
                queries: vec![query.to_vec()],
                expression: condition.and_none_of(found.iter().map(|(track, _)| *track)).expression,
                count: wanted,
                probes,
            };
            let next = self.milvus.nearest(&self.collection, next)?.pop().unwrap_or_default();
            let is_short = next.len() < wanted;
            found.extend(next);
            // The lists that are usually enough may hold fewer than there are.
            match is_short {
                true if probes < self.layout.lists => {
                    probes = (MORE_PROBES * probes).min(self.layout.lists);
                    found.clear();
                }
                true => break,
                false => {}
            }
        }
        Ok(found)
    }

    /// The nearest tracks of a set: by naming its members, or the others, or else by looking at more.
    fn nearest_of(
        &self,
        query: &[f32],
        count: usize,
        condition: &Condition,
        set: &TrackSet,
    ) -> Result<Vec<(TrackId, f32)>> {
        let size = set.len();
        let others = TrackSet::below(self.end).without(set);
        if size > MOST_NAMED && others.len() <= MOST_NAMED {
            let condition = condition.and_below(self.end).and_none_of(others.iter());
            return self.nearest(query, count, &condition);
        }
        let mut looked_at = LOOKED_AT * count * self.end as usize / size.max(1);
        while size > MOST_NAMED && looked_at <= MOST_AT_ONCE {
            let mut found = self.nearest(query, looked_at, condition)?;
            found.retain(|(track, _)| set.contains(*track));
            if found.len() >= count {
                found.truncate(count);
                return Ok(found);
            }
            looked_at *= MORE_LOOKED_AT;
        }
        let (members, mut found) = (set.iter().collect::<Vec<TrackId>>(), Vec::new());
        for part in members.chunks(MOST_NAMED) {
            found.extend(self.nearest(query, count.min(part.len()), &condition.and_one_of(part))?);
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
        if self.is_own.get().is_none() {
            self.milvus.see_to_own(&self.folder)?;
            let _ = self.is_own.set(());
        }
        let condition = self.condition(&allowed.among.filter)?;
        let condition = condition.and_none_of(allowed.outdated.iter());
        match &allowed.among.set {
            Some(set) => self.nearest_of(query, count, &condition, set),
            None => self.nearest(query, count, &condition),
        }
    }
}
