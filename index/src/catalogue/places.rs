//! Where tracks lie on the map of a model's vectors ([`crate::map`]).

use rusqlite::{OptionalExtension, Row, params};

use super::columns::{VECTOR_COLUMNS, sound_vector_of};
use super::{Catalogue, Writer};
use crate::error::Result;
use crate::track::TrackId;

/// Where a track lies on a map.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Place {
    /// The track.
    pub track: TrackId,
    /// From −1 to 1.
    pub x: f32,
    /// From −1 to 1.
    pub y: f32,
    /// Whether others were placed by it.
    pub is_landmark: bool,
}

/// What is known of a map beside its places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MapState {
    /// The revision of the vectors all of which have a place; `None`: some may not.
    pub revision: Option<u64>,
    /// Tracks that there were when its landmarks were laid out.
    pub tracks: usize,
    /// Landmarks that were.
    pub landmarks: usize,
}

/// A vector that has no place yet, and the revision that it is of.
pub(crate) type Unplaced = (i64, TrackId, Vec<f32>);

impl Catalogue {
    /// Where tracks lie on the map of a model's vectors, in the order of their numbers. A track whose vector is new or
    /// changed is there after the next [`Store::update_map`](crate::Store::update_map).
    ///
    /// # Errors
    /// As all that reads.
    pub fn places(&self, model_id: &str) -> Result<Vec<Place>> {
        let sql = "SELECT track_id, x, y, is_landmark FROM places WHERE model_id = ?1 ORDER BY track_id";
        let place =
            |row: &Row<'_>| Ok(Place { track: row.get(0)?, x: row.get(1)?, y: row.get(2)?, is_landmark: row.get(3)? });
        self.read(|connection| connection.prepare_cached(sql)?.query_map([model_id], place)?.collect())
    }

    /// `None`: there is no map.
    pub(crate) fn map_state(&self, model_id: &str) -> Result<Option<MapState>> {
        let sql = "SELECT revision, tracks, landmarks FROM maps WHERE model_id = ?1";
        let state = |row: &Row<'_>| {
            let [tracks, landmarks] = [1, 2].map(|column| row.get::<_, i64>(column));
            let revision = row.get::<_, Option<i64>>(0)?.map(|revision| revision as u64);
            Ok(MapState { revision, tracks: tracks? as usize, landmarks: landmarks? as usize })
        };
        self.read(|connection| connection.query_row(sql, [model_id], state).optional())
    }

    /// A map's landmarks with their vectors.
    pub(crate) fn landmarks(&self, model_id: &str) -> Result<Vec<(Place, Vec<f32>)>> {
        let sql = format!(
            "SELECT x, y, {VECTOR_COLUMNS} FROM places INDEXED BY landmarks JOIN vectors USING (track_id, model_id)
             WHERE model_id = ?1 AND is_landmark ORDER BY track_id"
        );
        let landmark = |row: &Row<'_>| {
            let place = Place { track: row.get(4)?, x: row.get(0)?, y: row.get(1)?, is_landmark: true };
            Ok((place, sound_vector_of(row, 2)?))
        };
        self.read(|connection| connection.prepare(&sql)?.query_map([model_id], landmark)?.collect())
    }

    /// At most so many vectors without a place, from behind a revision and a track on, in the order of both.
    pub(crate) fn unplaced(&self, model_id: &str, behind: (i64, TrackId), most: usize) -> Result<Vec<Unplaced>> {
        let sql = format!(
            "SELECT revision, {VECTOR_COLUMNS} FROM vectors v WHERE model_id = ?1 AND (revision, track_id) > (?2, ?3)
                 AND NOT EXISTS (SELECT 1 FROM places p WHERE p.model_id = ?1 AND p.track_id = v.track_id)
             ORDER BY revision, track_id LIMIT ?4"
        );
        let parameters = params![model_id, behind.0, behind.1, most as i64];
        let vector = |row: &Row<'_>| Ok((row.get(0)?, row.get(3)?, sound_vector_of(row, 1)?));
        self.read(|connection| connection.prepare_cached(&sql)?.query_map(parameters, vector)?.collect())
    }
}

impl Writer<'_> {
    /// Puts a map with these landmarks in the place of what there was of a model.
    pub(crate) fn begin_map(&self, model_id: &str, tracks: usize, landmarks: &[Place]) -> rusqlite::Result<()> {
        self.remove_map(model_id)?;
        let sql = "INSERT INTO maps (model_id, tracks, landmarks) VALUES (?1, ?2, ?3)";
        self.0.execute(sql, params![model_id, tracks as i64, landmarks.len() as i64])?;
        self.put_places(model_id, landmarks)
    }

    /// Places tracks.
    pub(crate) fn put_places(&self, model_id: &str, places: &[Place]) -> rusqlite::Result<()> {
        let sql = "INSERT INTO places (track_id, model_id, x, y, is_landmark) VALUES (?1, ?2, ?3, ?4, ?5)";
        let mut insert = self.0.prepare_cached(sql)?;
        places.iter().try_for_each(|place| {
            insert.execute(params![place.track, model_id, place.x, place.y, place.is_landmark]).map(|_| ())
        })
    }

    /// Notes that all vectors up to a revision have a place.
    pub(crate) fn finish_map(&self, model_id: &str, revision: u64) -> rusqlite::Result<()> {
        let sql = "UPDATE maps SET revision = ?2 WHERE model_id = ?1";
        self.0.execute(sql, params![model_id, revision as i64]).map(|_| ())
    }

    /// Forgets a map.
    pub(crate) fn remove_map(&self, model_id: &str) -> rusqlite::Result<()> {
        self.0.execute("DELETE FROM places WHERE model_id = ?1", [model_id])?;
        self.0.execute("DELETE FROM maps WHERE model_id = ?1", [model_id]).map(|_| ())
    }
}
