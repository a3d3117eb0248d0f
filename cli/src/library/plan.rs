//! What has to be done with each file, from what was found and what is known.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use index::catalogue::{Known, Transient};
use index::{FileStamp, TrackId};

use super::walk::Found;

/// Work to do, and what needs none.
#[derive(Debug, Default)]
pub struct Plan {
    /// Files that are new, changed, or to be tried again.
    pub work: Vec<Task>,
    /// Files as they were, with a vector or known to be silent.
    pub unchanged: usize,
    /// Files as they were, that could not be used before.
    pub failed_before: usize,
    /// Tracks below the roots whose files were not found.
    pub missing: Vec<(TrackId, PathBuf)>,
    /// Tracks that do not lie below the roots.
    pub elsewhere: Vec<Known>,
}

/// One file to work on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The file.
    pub path: PathBuf,
    /// Its stamp when it was found.
    pub stamp: FileStamp,
    /// The track that has its path, if any.
    pub known: Option<TrackId>,
    /// Whether that track has a vector of the model in use.
    pub has_vector: bool,
}

/// Compares what was found with what is known.
pub fn plan(found: &Found, known: Vec<Known>, retry_failed: bool) -> Plan {
    let mut known: HashMap<PathBuf, Known> = known.into_iter().map(|known| (known.path.clone(), known)).collect();
    let mut plan = Plan::default();
    for (path, &stamp) in &found.files {
        let known = known.remove(path);
        let is_silent = known.as_ref().is_some_and(|known| known.silent);
        let same_stamp = known.as_ref().is_some_and(|known| known.stamp == stamp);
        match known.as_ref().map(|known| (known.failed, known.has_vector)) {
            Some((None, true)) if same_stamp => plan.unchanged += 1,
            Some(_) if same_stamp && is_silent && !retry_failed => plan.unchanged += 1,
            Some((Some(Transient(false)), _)) if same_stamp && !retry_failed => plan.failed_before += 1,
            _ => plan.work.push(Task {
                path: path.clone(),
                stamp,
                known: known.as_ref().map(|known| known.id),
                has_vector: known.is_some_and(|known| known.has_vector),
            }),
        }
    }
    let below_roots = |path: &Path| found.roots.iter().any(|root| path.starts_with(root));
    // What lies behind a folder that could not be read is not known to be gone.
    let hidden = |path: &Path| found.unreadable.iter().any(|(unreadable, _)| path.starts_with(unreadable));
    let (below, elsewhere): (Vec<_>, Vec<_>) = known.into_values().partition(|known| below_roots(&known.path));
    plan.elsewhere = elsewhere;
    let missing = below.into_iter().filter(|known| !hidden(&known.path));
    plan.missing = missing.map(|known| (known.id, known.path)).collect();
    plan.missing.sort();
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(modified_ns: i64) -> FileStamp {
        FileStamp { size_bytes: 1, modified_ns }
    }

    fn known(id: u64, path: &str, failed: Option<Transient>, has_vector: bool) -> Known {
        Known { id: TrackId(id), path: path.into(), stamp: stamp(1), has_vector, silent: false, failed }
    }

    #[test]
    fn only_what_is_new_changed_or_worth_another_try_is_worked_on() {
        let files = [
            ("/m/same", 1),
            ("/m/changed", 2),
            ("/m/bad", 1),
            ("/m/denied", 1),
            ("/m/new", 1),
            ("/m/other-model", 1),
            ("/m/silence", 1),
        ];
        let found = Found {
            roots: vec!["/m".into()],
            files: files.iter().map(|(path, time)| (path.into(), stamp(*time))).collect(),
            unreadable: vec![("/m/locked".into(), "permission denied".into())],
        };
        let catalogue = || {
            vec![
                known(1, "/m/same", None, true),
                known(2, "/m/changed", None, true),
                known(3, "/m/bad", Some(Transient(false)), false),
                known(4, "/m/denied", Some(Transient(true)), false),
                known(5, "/m/gone", None, true),
                known(6, "/elsewhere/song", None, true),
                known(7, "/m/locked/song", None, true),
                known(8, "/m/other-model", None, false),
                Known { silent: true, ..known(9, "/m/silence", None, false) },
            ]
        };
        let plan_of = |retry| plan(&found, catalogue(), retry);
        let work = |plan: &Plan| plan.work.iter().map(|task| task.path.display().to_string()).collect::<Vec<_>>();
        let first = plan_of(false);
        assert_eq!(work(&first), ["/m/changed", "/m/denied", "/m/new", "/m/other-model"]);
        assert_eq!((first.unchanged, first.failed_before), (2, 1));
        assert_eq!(first.missing, [(TrackId(5), PathBuf::from("/m/gone"))]);
        assert_eq!(first.elsewhere, [known(6, "/elsewhere/song", None, true)]);
        for retried in ["/m/bad", "/m/silence"] {
            assert!(work(&plan_of(true)).contains(&retried.to_owned()));
        }
    }
}
