//! Which row of a table of another system's belongs to which track.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The row of each track; `None` where no row is certainly its.
///
/// A row belongs to a track where both paths are equal. Else their ends are compared, the file name
/// first, then with one folder more at a time, until one row is left: it is the track's if no other
/// track ends so. A library that was moved, or named relative to its folder, is found this way.
pub(crate) fn rows_of_tracks(rows: &[PathBuf], tracks: &[PathBuf]) -> Vec<Option<usize>> {
    let exact: HashMap<&Path, usize> = rows.iter().enumerate().map(|(row, path)| (path.as_path(), row)).collect();
    let rows_named = by_name(rows);
    let tracks_named = by_name(tracks);
    let row_of = |track: &PathBuf| {
        if let Some(row) = exact.get(track.as_path()) {
            return Some(*row);
        }
        let mut candidates = rows_named.get(&track.file_name()?)?.clone();
        let mut rivals = tracks_named.get(&track.file_name()?)?.clone();
        for depth in 1..=track.components().count() {
            candidates.retain(|row| end(&rows[*row], depth).is_some_and(|end| track.ends_with(end)));
            rivals.retain(|rival| end(&tracks[*rival], depth).is_some_and(|end| track.ends_with(end)));
            match (candidates.as_slice(), rivals.len()) {
                ([], _) => return None,
                ([row], 1) => return Some(*row),
                _ => {}
            }
        }
        None
    };
    tracks.iter().map(row_of).collect()
}

fn by_name(paths: &[PathBuf]) -> HashMap<&OsStr, Vec<usize>> {
    let mut named: HashMap<&OsStr, Vec<usize>> = HashMap::new();
    for (index, path) in paths.iter().enumerate() {
        if let Some(name) = path.file_name() {
            named.entry(name).or_default().push(index);
        }
    }
    named
}

/// The last `depth` components; `None` where there are fewer.
fn end(path: &Path, depth: usize) -> Option<PathBuf> {
    let components: Vec<_> = path.components().collect();
    Some(components[components.len().checked_sub(depth)?..].iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(rows: &[&str], tracks: &[&str]) -> Vec<Option<usize>> {
        let paths = |texts: &[&str]| texts.iter().map(PathBuf::from).collect::<Vec<_>>();
        rows_of_tracks(&paths(rows), &paths(tracks))
    }

    #[test]
    fn equal_paths_come_before_equal_names() {
        assert_eq!(matched(&["/a/1.mp3", "/b/1.mp3"], &["/b/1.mp3", "/a/1.mp3"]), [Some(1), Some(0)]);
    }

    #[test]
    fn a_moved_library_is_found_by_as_many_folders_as_needed() {
        let rows = ["/old/x/1.mp3", "/old/y/1.mp3", "/old/y/2.mp3"];
        let tracks = ["/new/y/1.mp3", "/new/x/1.mp3", "/new/y/2.mp3"];
        assert_eq!(matched(&rows, &tracks), [Some(1), Some(0), Some(2)]);
        // Relative names, and a bare one.
        assert_eq!(matched(&["x/1.mp3", "y/1.mp3", "2.mp3"], &tracks), [Some(1), Some(0), Some(2)]);
    }

    #[test]
    fn what_is_not_certain_is_not_matched() {
        // One row for two tracks of this name: it is x's, y has none.
        assert_eq!(matched(&["/old/x/1.mp3"], &["/new/x/1.mp3", "/new/y/1.mp3"]), [Some(0), None]);
        // Both rows end like the track.
        assert_eq!(matched(&["/p/x/1.mp3", "/q/x/1.mp3"], &["/new/x/1.mp3"]), [None]);
        // A bare name could be either's.
        assert_eq!(matched(&["1.mp3"], &["/new/x/1.mp3", "/new/y/1.mp3"]), [None, None]);
        assert_eq!(matched(&["/a/1.mp3"], &["/a/1.wav"]), [None]);
    }
}
