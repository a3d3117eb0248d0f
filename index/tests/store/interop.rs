//! FAISS's own Python package reads what serves, and finds the same.

use std::path::{Path, PathBuf};
use std::process::Command;

use index::{IndexConfig, Store, TrackId, hubs};

use super::{MODEL, lists, store_of, track, vector};

/// A Python that knows FAISS: the user's, or the one that scripts/setup --tests makes.
fn python_with_faiss() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(std::env::home_dir()?.join(".cache")));
    let own = cache.map(|cache| cache.join("similar-tracks/compare/faiss-1.15.1/bin/python"));
    let has_faiss = |python: &PathBuf| {
        Command::new(python).args(["-c", "import faiss"]).output().is_ok_and(|output| output.status.success())
    };
    [Some(PathBuf::from("python3")), own].into_iter().flatten().find(has_faiss)
}

const SCRIPT: &str = "
import faiss, numpy, sys
index = faiss.read_index(sys.argv[1])
if int(sys.argv[2]): faiss.extract_index_ivf(index).nprobe = int(sys.argv[2])
rows = numpy.fromfile(sys.argv[3], dtype='<f4').reshape(-1, index.d)
products, labels = index.search(rows, 10)
for row in labels: print(*row)
";

fn asked_by_python(python: &Path, store: &Store, queries: u64) -> Vec<Vec<u64>> {
    let (number, manifest) = store.current().unwrap().unwrap();
    let vectors = store.folder().join(format!("generations/{number:06}/vectors.faiss"));
    let rows = store.folder().join("rows.f32");
    let bytes: Vec<u8> =
        (0..queries).flat_map(|number| hubs::query(&vector(number))).flat_map(|value| value.to_le_bytes()).collect();
    std::fs::write(&rows, bytes).unwrap();
    let mut command = Command::new(python);
    command.args(["-c", SCRIPT]).arg(&vectors).arg(manifest.layout.probes.to_string()).arg(&rows);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.split(' ').map(|label| label.parse().unwrap()).collect()).collect()
}

#[test]
#[allow(clippy::print_stderr, reason = "a test that cannot be run must say so")]
fn faiss_of_python_finds_the_same() {
    let Some(python) = python_with_faiss() else {
        eprintln!("not compared: no python3 with faiss (scripts/setup --tests installs it)");
        return;
    };
    for config in [IndexConfig::default(), lists()] {
        let folder = tempfile::tempdir().unwrap();
        let (store, mut catalogue) = store_of(folder.path(), 0);
        let put = |writer: &index::catalogue::Writer<'_>| {
            writer.set_index_config(&config)?;
            (0..2000).try_for_each(|number| writer.put_embedded(&track(number), MODEL, &vector(number)).map(|_| ()))
        };
        catalogue.commit(put).unwrap();
        let lock = store.lock("test").unwrap();
        store.publish(&mut catalogue, MODEL, &lock).unwrap();
        let searcher = store.searcher(&catalogue).unwrap().unwrap();
        let of_python = asked_by_python(&python, &store, 50);
        assert_eq!(of_python.len(), 50);
        for (number, found) in of_python.into_iter().enumerate() {
            let own = searcher.nearest(MODEL, &vector(number as u64), 10, &Default::default()).unwrap();
            // Scores that are equal but for rounding may stand in another order.
            for (place, neighbour) in own.iter().enumerate() {
                let score = |track: u64| own.iter().find(|own| own.track == TrackId(track)).map(|own| own.score);
                let theirs = score(found[place]).unwrap_or(f32::NEG_INFINITY);
                assert!((theirs - neighbour.score).abs() < 1e-5, "query {number}: {own:?}, {found:?}");
            }
        }
    }
}
