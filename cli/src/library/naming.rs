//! Tracks of the library by what lists call them.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use index::{Catalogue, TrackId};

/// The tracks that each of these may be: by number, path or end of a path.
///
/// # Errors
/// As all that reads the catalogue.
pub fn tracks_of<'a>(
    catalogue: &Catalogue,
    names: impl Iterator<Item = &'a Path>,
) -> anyhow::Result<HashMap<&'a Path, Vec<TrackId>>> {
    let (mut tracks, mut ends) = (HashMap::new(), Vec::new());
    for name in names.collect::<HashSet<_>>() {
        let number = name.to_str().and_then(|name| name.parse().ok());
        let record = match number {
            Some(number) => catalogue.get(TrackId(number))?,
            None => catalogue.find_by_path(&std::path::absolute(name)?)?,
        };
        match record {
            Some(record) => _ = tracks.insert(name, vec![record.id]),
            None if number.is_none() => ends.push(name),
            None => {}
        }
    }
    tracks.extend(catalogue.find_by_path_ends(ends)?);
    Ok(tracks)
}
