//! Killed at random moments, and at every place where it would hurt most, a store loses nothing and stays right.
//!
//! `make torture` runs it for 200 rounds with failpoints; without them, kills come by the clock.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use index::{Catalogue, Searcher, Store, TrackId};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom};
use rand::{RngExt, SeedableRng};

use super::music::piece;
use super::program::World;

const ROUNDS: usize = 6;
const TRACKS: u64 = 40;

/// Where the program may be made to end at once.
const FAILPOINTS: [&str; 8] = [
    "commit-begun",
    "commit-done",
    "generation-vectors",
    "generation-manifest",
    "generation-renamed",
    "current-written",
    "current-replaced",
    "generations-removed",
];

struct Torture {
    world: World,
    random: StdRng,
    next_piece: u64,
    /// How long an undisturbed command takes, about.
    usual: Duration,
}

/// Vectors by path.
type Committed = BTreeMap<PathBuf, Vec<f32>>;

impl Torture {
    fn new(seed: u64) -> Self {
        let world = World::new();
        std::fs::create_dir_all(world.library()).unwrap();
        let mut torture =
            Self { world, random: StdRng::seed_from_u64(seed), next_piece: 0, usual: Duration::from_secs(2) };
        (0..TRACKS).for_each(|_| torture.add_piece());
        // Searched by lists, and exactly: what is found is what brute force finds.
        torture.world.ingest(&["--hub-weight", "0", "--exact-up-to", "20", "--recall", "1"]);
        torture
    }

    fn add_piece(&mut self) {
        let path = self.world.library().join(format!("{}.wav", self.next_piece));
        piece(self.next_piece, 4.0, 8000).write(&path);
        self.next_piece += 1;
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(self.world.library()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    /// Changes the library, or not, and says what is to be run and which tracks it may take away or change.
    fn choose(&mut self) -> (Vec<String>, Vec<PathBuf>) {
        let files = self.files();
        let few = self.random.random_range(1..4);
        let touched: Vec<PathBuf> = files.sample(&mut self.random, few).cloned().collect();
        let library = self.world.library().display().to_string();
        match self.random.random_range(0..10) {
            0 => (vec!["compact".into()], Vec::new()),
            1 => {
                // The index is derived: nobody misses it.
                let generations = self.world.store().join("generations");
                for generation in std::fs::read_dir(generations).unwrap() {
                    let file = generation.unwrap().path().join("vectors.faiss");
                    // One that was never finished may have none.
                    let Ok(file) = std::fs::OpenOptions::new().write(true).open(file) else { continue };
                    file.set_len(self.random.random_range(0..2000)).unwrap();
                }
                (vec!["repair".into()], Vec::new())
            }
            2..=4 => {
                let names = touched.iter().map(|path| path.display().to_string());
                (std::iter::once("remove".to_owned()).chain(names).collect(), touched)
            }
            kind => {
                for path in &touched {
                    std::fs::remove_file(path).unwrap();
                    if kind < 7 {
                        // Another piece of the same name.
                        piece(1000 + self.next_piece, 4.0, 8000).write(path);
                        self.next_piece += 1;
                    }
                }
                (0..self.random.random_range(1..4)).for_each(|_| self.add_piece());
                (vec!["ingest".into(), library, "--prune".into(), "--quiet".into()], touched)
            }
        }
    }

    /// Runs a command and kills it, where it does not end before.
    fn run_and_kill(&mut self, arguments: &[String]) -> String {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut command = self.world.command(&arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let at_failpoint = cfg!(feature = "failpoints") && self.random.random_bool(0.6);
        if at_failpoint {
            let (name, passes) = (FAILPOINTS.iter().choose(&mut self.random).unwrap(), self.random.random_range(0..3));
            command.env("FAILPOINTS", format!("{name}={passes}*off->return"));
            let ended = command.status().unwrap();
            return format!("{name} after {passes}: {ended}");
        }
        let moment = self.usual.mul_f64(self.random.random_range(0.0..1.2));
        let start = Instant::now();
        let mut child = command.spawn().unwrap();
        while start.elapsed() < moment {
            if let Some(status) = child.try_wait().unwrap() {
                self.usual = (self.usual + start.elapsed()) / 2;
                return format!("ended before: {status}");
            }
            std::thread::yield_now();
        }
        child.kill().unwrap(); // SIGKILL
        format!("after {moment:?}: {}", child.wait().unwrap())
    }

    /// What the catalogue holds; it is sound, and the index answers as its vectors do.
    fn check(&mut self, what: &str) -> Committed {
        let connection = rusqlite::Connection::open(self.world.store().join("catalogue.sqlite")).unwrap();
        let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(sound, "ok", "{what}");
        drop(connection);
        let store = Store::open(&self.world.store()).unwrap();
        let catalogue = store.catalogue().unwrap();
        let model_id = catalogue.serving_model().unwrap().unwrap();
        let mut vectors = Vec::new();
        catalogue.each_vector(&model_id, |track, vector| vectors.push((track, vector))).unwrap();
        let searcher = store.searcher(&catalogue).unwrap().unwrap();
        let exact = Searcher::from_catalogue(&catalogue, &model_id).unwrap().unwrap();
        let none = std::collections::HashSet::new();
        for (_, query) in vectors.iter().sample(&mut self.random, 10) {
            let ask = |searcher: &Searcher, count| searcher.nearest(&model_id, query, count, &none).unwrap();
            let (found, expected) = (ask(&searcher, 10), ask(&exact, 10));
            let scores = found.iter().zip(&expected);
            assert_eq!(found.len(), expected.len(), "{what}");
            for (found, expected) in scores {
                assert!((found.score - expected.score).abs() < 4e-3, "{what}: {found:?}, expected {expected:?}");
            }
            let all: std::collections::BTreeSet<TrackId> =
                ask(&searcher, vectors.len() + 9).iter().map(|found| found.track).collect();
            assert!(all.iter().eq(vectors.iter().map(|(track, _)| track)), "{what}: every track is found, once");
        }
        paths_of(&catalogue, vectors)
    }
}

fn paths_of(catalogue: &Catalogue, vectors: Vec<(TrackId, Vec<f32>)>) -> Committed {
    let count = vectors.len();
    let committed: Committed =
        vectors.into_iter().map(|(track, vector)| (catalogue.get(track).unwrap().unwrap().file.path, vector)).collect();
    assert_eq!(committed.len(), count, "no file twice");
    committed
}

#[allow(clippy::print_stdout, reason = "what `make torture` is run for")]
#[test]
fn killed_at_any_moment_nothing_is_lost() {
    let number = |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (rounds, seed) = (number("TORTURE_ROUNDS", ROUNDS), number("TORTURE_SEED", 1));
    let mut torture = Torture::new(seed as u64);
    let mut before = torture.check("in the beginning");
    let mut kills: BTreeMap<String, usize> = BTreeMap::new();
    for round in 0..rounds {
        let (arguments, touched) = torture.choose();
        let how = torture.run_and_kill(&arguments);
        let what = format!("round {round} of seed {seed}: {} {how}", arguments[0]);
        let after = torture.check(&what);
        for (path, vector) in before.iter().filter(|(path, _)| !touched.contains(path)) {
            assert_eq!(after.get(path), Some(vector), "{what}: {} is as it was", path.display());
        }
        let was_killed = how.contains("signal");
        let place = if how.starts_with("after") { "by the clock" } else { how.split(' ').next().unwrap_or_default() };
        *kills.entry(format!("{} {place}{}", arguments[0], if was_killed { "" } else { " (ended)" })).or_default() += 1;
        // Once more, undisturbed, everything is in its place.
        torture.world.ingest(&["--prune"]);
        before = torture.check(&format!("{what}, and an ingest"));
        assert!(before.keys().eq(torture.files().iter()), "{what}: all files are there, once");
    }
    if rounds > ROUNDS {
        for (kind, count) in kills {
            println!("{count:4} × {kind}");
        }
    }
}
