//! Tracks by their paths.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use rusqlite::OptionalExtension;

use super::Catalogue;
use super::columns::{COLUMNS, StoredPath, record_of};
use crate::error::Result;
use crate::track::{TrackId, TrackRecord};

impl Catalogue {
    /// The track of this file.
    ///
    /// # Errors
    /// As all that reads.
    pub fn find_by_path(&self, path: &Path) -> Result<Option<TrackRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM tracks WHERE path = ?1");
        self.read(|connection| connection.prepare_cached(&sql)?.query_row([StoredPath::of(path)], record_of).optional())
    }

    /// Of each of these ends of paths, the tracks whose path ends so, in whole names of folders and files. However many
    /// are asked for, all paths are read once.
    ///
    /// # Errors
    /// As all that reads.
    pub fn find_by_path_ends<'a>(
        &self,
        ends: impl IntoIterator<Item = &'a Path>,
    ) -> Result<HashMap<&'a Path, Vec<TrackId>>> {
        let mut found: HashMap<&Path, Vec<TrackId>> = ends.into_iter().map(|end| (end, Vec::new())).collect();
        let mut by_name: HashMap<&OsStr, Vec<&Path>> = HashMap::new();
        for end in found.keys() {
            by_name.entry(end.file_name().unwrap_or_default()).or_default().push(end);
        }
        self.read(|connection| {
            let mut statement = connection.prepare("SELECT id, path FROM tracks ORDER BY id")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let path: PathBuf = row.get::<_, StoredPath>(1)?.0;
                for end in path.file_name().and_then(|name| by_name.get(name)).into_iter().flatten() {
                    if let (true, Some(tracks)) = (path.ends_with(end), found.get_mut(end)) {
                        tracks.push(row.get(0)?);
                    }
                }
            }
            Ok(())
        })?;
        Ok(found)
    }
}
