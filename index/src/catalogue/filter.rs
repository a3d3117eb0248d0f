//! Which tracks may be an answer.

use rusqlite::ToSql;
use rusqlite::types::Value;

use super::Catalogue;
use super::copies::with_copies;
use crate::error::Result;
use crate::track::TrackId;
use crate::track_set::TrackSet;

/// What tracks have to be: all that is given, of several names one. Names are compared without regard to the case of
/// ASCII letters. A track of which a thing is not known does not have it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Artists.
    pub artists: Vec<String>,
    /// Albums.
    pub albums: Vec<String>,
    /// Genre tags.
    pub genres: Vec<String>,
    /// Patterns of paths, with `*`, `?` and `[…]`; `*` stands for slashes too. One that does not begin with a slash or
    /// `*` may begin after any slash.
    pub paths: Vec<String>,
    /// Years.
    pub years: Bounds,
    /// Lengths in seconds.
    pub seconds: Bounds,
    /// No copy of it was heard since, in seconds since 1970.
    pub not_heard_since: Option<i64>,
}

/// From the one to the other, both included; `None`: no bound.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bounds {
    /// The least.
    pub least: Option<f64>,
    /// The most.
    pub most: Option<f64>,
}

/// Of more numbers, SQLite would not take the statement.
const TRACKS_IN_STATEMENT: usize = 10_000;

/// A condition, and the values of its question marks.
struct Condition {
    sql: String,
    values: Vec<Value>,
}

impl Condition {
    /// One of several texts.
    fn one_of(comparison: &str, texts: impl Iterator<Item = String>) -> Option<Self> {
        let values: Vec<Value> = texts.map(Value::Text).collect();
        let sql = vec![comparison; values.len()].join(" OR ");
        (!values.is_empty()).then_some(Self { sql, values })
    }

    fn not_heard_since(since: Option<i64>) -> Option<Self> {
        // Who hears one copy has heard the others.
        let heard = with_copies("SELECT track_id FROM plays WHERE at >= ?");
        since.map(|since| Self { sql: format!("id NOT IN ({heard})"), values: vec![Value::Integer(since)] })
    }

    fn bound(comparison: &str, bound: Option<f64>) -> Option<Self> {
        bound.map(|bound| Self { sql: comparison.into(), values: vec![Value::Real(bound)] })
    }
}

impl Filter {
    fn conditions(&self) -> Vec<Condition> {
        let pattern = |path: &String| if path.starts_with(['/', '*']) { path.clone() } else { format!("*/{path}") };
        [
            Condition::one_of("artist = ? COLLATE NOCASE", self.artists.iter().cloned()),
            Condition::one_of("album = ? COLLATE NOCASE", self.albums.iter().cloned()),
            Condition::one_of("genre = ? COLLATE NOCASE", self.genres.iter().cloned()),
            Condition::one_of("path GLOB ?", self.paths.iter().map(pattern)),
            Condition::bound("year >= ?", self.years.least),
            Condition::bound("year <= ?", self.years.most),
            Condition::bound("duration_seconds >= ?", self.seconds.least),
            Condition::bound("duration_seconds <= ?", self.seconds.most),
            Condition::not_heard_since(self.not_heard_since),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl Catalogue {
    /// The tracks that are what a filter says; `None`: it says nothing, so that all are.
    ///
    /// # Errors
    /// As all that reads.
    pub fn matching(&self, filter: &Filter) -> Result<Option<TrackSet>> {
        let conditions = filter.conditions();
        if conditions.is_empty() { Ok(None) } else { self.meeting(conditions).map(Some) }
    }

    /// Of these tracks, those that are what a filter says.
    pub(crate) fn matching_of(&self, filter: &Filter, tracks: &[TrackId]) -> Result<TrackSet> {
        let mut matching = TrackSet::default();
        for part in tracks.chunks(TRACKS_IN_STATEMENT) {
            let numbers: Vec<String> = part.iter().map(TrackId::to_string).collect();
            let is_one = Condition { sql: format!("id IN ({})", numbers.join(", ")), values: Vec::new() };
            let found = self.meeting(filter.conditions().into_iter().chain([is_one]).collect())?;
            part.iter().filter(|track| found.contains(**track)).for_each(|track| matching.insert(*track));
        }
        Ok(matching)
    }

    fn meeting(&self, conditions: Vec<Condition>) -> Result<TrackSet> {
        let sql: Vec<String> = conditions.iter().map(|condition| format!("({})", condition.sql)).collect();
        let sql = format!("SELECT id FROM tracks WHERE {}", sql.join(" AND "));
        let values: Vec<&dyn ToSql> =
            conditions.iter().flat_map(|condition| &condition.values).map(|value| value as &dyn ToSql).collect();
        self.read(|connection| {
            connection
                .prepare(&sql)?
                .query_map(values.as_slice(), |row| row.get::<_, TrackId>(0))?
                .collect::<rusqlite::Result<TrackSet>>()
        })
    }
}
