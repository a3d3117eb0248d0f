//! Tracks of one source, which one hand may have mastered, kept together in a split.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::Entry;

/// The entries, with one name for artist at all that share an artist or a source, be it by way of others, so that a
/// split by artist ([`super::split`]) keeps both together. A source is a folder beside the list, in `root`; of a file
/// elsewhere, the folder that it is in.
pub fn joined(entries: &[Entry], root: &Path) -> Vec<Entry> {
    let mut joined = entries.to_vec();
    let mut names: HashMap<(&'static str, PathBuf), String> = HashMap::new();
    loop {
        let mut is_settled = true;
        for (entry, original) in joined.iter_mut().zip(entries) {
            let keys = [("source", source(&original.path, root)), ("artist", PathBuf::from(&original.artist))];
            for key in keys {
                let name = names.entry(key).or_insert_with(|| entry.artist.clone());
                if *name != entry.artist {
                    // The least of all names that meet, so that this comes to an end.
                    let least = name.clone().min(entry.artist.clone());
                    entry.artist.clone_from(&least);
                    *name = least;
                    is_settled = false;
                }
            }
        }
        if is_settled {
            return joined;
        }
    }
}

fn source(path: &Path, root: &Path) -> PathBuf {
    match path.strip_prefix(root) {
        Ok(within) => within.components().take(1).collect(),
        Err(_) => path.parent().unwrap_or(path).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_shares_a_source_or_an_artist_has_one_name() {
        let tracks = [
            ("/m/z/1", "d"),
            ("/m/x/a/1", "c"),
            ("/m/x/b/2", "b"),
            ("/m/y/1", "b"),
            ("/m/w/1", "e"),
            ("/other/1", "f"),
            ("/other/2", "g"),
            // A folder of the name of an artist is not theirs.
            ("/m/e/1", "h"),
            ("/m/y/2", "a"),
        ];
        let entries =
            tracks.map(|(path, artist)| Entry { path: path.into(), artist: artist.into(), ..Default::default() });
        let joined = joined(&entries, Path::new("/m"));
        let names: Vec<&str> = joined.iter().map(|entry| entry.artist.as_str()).collect();
        assert_eq!(names, ["d", "a", "a", "a", "e", "f", "f", "h", "a"]);
        assert!(joined.iter().zip(&entries).all(|(joined, entry)| joined.path == entry.path));
    }
}
