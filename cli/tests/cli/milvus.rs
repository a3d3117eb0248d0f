//! Stores that a real Milvus server serves: they answer as those do that FAISS serves, while models change places, and
//! after the server was killed. `make test-milvus` runs this.
#![allow(clippy::print_stdout, reason = "what was measured is printed")]

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};

use super::milvus_kills::{
    a_backup_that_is_put_back_is_not_searched_in_what_came_after_it, a_killed_program_goes_on_with_what_it_began,
    a_killed_server_loses_nothing,
};
use super::milvus_server::MilvusServer;
use super::music::write_library;
use super::program::{World, path_of};
use super::retrain::{Nights, questions_go_on_while_models_change_places};
use super::served::Served;

#[test]
#[ignore = "needs a Milvus server: `make test-milvus`"]
fn a_store_that_milvus_serves() {
    let Some(mut server) = MilvusServer::start() else {
        println!("not tested: no Milvus server (scripts/setup --milvus fetches one)");
        return;
    };
    answers_are_those_of_faiss(&server);
    let begun = Instant::now();
    let answered = questions_go_on_while_models_change_places(&Nights::of(server.world()));
    println!(
        "{answered} queries while models change places twenty times: 0 errors, 0 mixed, {:.0} s",
        begun.elapsed().as_secs_f64()
    );
    a_backup_that_is_put_back_is_not_searched_in_what_came_after_it(&server);
    a_killed_program_goes_on_with_what_it_began(&server);
    a_killed_server_loses_nothing(&mut server);
}

/// The demo's music, where it was fetched, or else synthesised pieces.
fn music(world: &World) -> PathBuf {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo/music");
    if demo.is_dir() {
        return demo.canonicalize().unwrap();
    }
    write_library(&world.library(), 40, 12.0);
    world.library()
}

/// A store of the same tracks, with the same numbers, that FAISS serves.
fn twin(world: &World) -> World {
    let twin = World::new();
    copy(&world.store(), &twin.store());
    std::fs::remove_file(twin.store().join("config.toml")).unwrap();
    let repaired = twin.run(&["repair"]);
    assert!(repaired.stdout.contains("generation  built anew"), "{repaired:?}");
    twin
}

pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (entry, to) = (entry.as_ref().unwrap(), to.join(entry.as_ref().unwrap().file_name()));
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Answers of two stores to the same questions.
#[derive(Default)]
struct Compared {
    questions: usize,
    same: usize,
    found: usize,
    expected: usize,
}

/// Scores that lie nearer to each other are equal: sums are made in different orders.
const TIE: f64 = 2e-6;

impl Compared {
    /// Compares answers, each a track and its score or similarity.
    fn add(&mut self, what: &str, found: &[(u64, f64)], expected: &[(u64, f64)]) {
        assert_eq!(found.len(), expected.len(), "{what}: {found:?}, expected {expected:?}");
        let place_by_place = found.iter().zip(expected);
        let is_same = |((a, score), (b, other)): (&(u64, f64), &(u64, f64))| a == b || (score - other).abs() < TIE;
        let same = place_by_place.clone().all(is_same);
        assert!(same, "{what}: {found:?}, expected {expected:?}");
        let ten: HashSet<u64> = expected.iter().take(10).map(|(track, _)| *track).collect();
        self.questions += 1;
        self.same += usize::from(place_by_place.clone().all(|(found, expected)| found.0 == expected.0));
        self.found += found.iter().take(10).filter(|(track, _)| ten.contains(track)).count();
        self.expected += ten.len();
    }

    fn recall(&self) -> f64 {
        self.found as f64 / self.expected.max(1) as f64
    }
}

fn scored(answers: &Value, score: &str) -> Vec<(u64, f64)> {
    let pair = |answer: &Value| {
        let track = answer["track"]["id"].as_u64().or(answer["track"].as_u64());
        (track.unwrap(), answer[score].as_f64().unwrap_or(1.0))
    };
    answers.as_array().unwrap().iter().map(pair).collect()
}

fn answers_are_those_of_faiss(server: &MilvusServer) {
    let world = server.world();
    let music = music(&world);
    let begun = Instant::now();
    let summary = world.run(&["ingest", music.to_str().unwrap(), "--json"]).json();
    println!("ingested {} tracks in {:.0} s", summary["added"], begun.elapsed().as_secs_f64());
    let again = world.run(&["ingest", music.to_str().unwrap(), "--json"]).json();
    assert_eq!(again["added"], 0, "{again}");
    let twin = twin(&world);
    let mut compared = Compared::default();
    compare(&mut compared, &world, &twin);
    // On the command line too.
    for arguments in [&["query", "1"][..], &["radio", "2", "--seed", "7"], &["path", "3", "9"]] {
        let [found, expected] =
            [&world, &twin].map(|world| world.run(&[arguments, &["--format", "json"]].concat()).json());
        let paths = |answers: &Value| answers.as_array().unwrap().iter().map(path_of).collect::<Vec<_>>();
        assert_eq!(paths(&found), paths(&expected), "{arguments:?}");
    }
    let gone = world.query(&first_path(&world)).pop().map(|answer| path_of(&answer)).unwrap();
    for world in [&world, &twin] {
        assert_eq!(world.run(&["remove", gone.to_str().unwrap()]).code, Some(0));
        let found = world.query(&first_path(world));
        assert!(found.iter().all(|answer| path_of(answer) != gone), "{}", gone.display());
    }
    compare(&mut compared, &world, &twin);
    println!(
        "{} questions: {} answered with the same tracks in the same order, the others with ties elsewhere; recall@10 {:.4}",
        compared.questions,
        compared.same,
        compared.recall()
    );
    assert!(compared.questions > 200 && compared.recall() >= 0.99);
}

/// The path of the first track.
fn first_path(world: &World) -> PathBuf {
    path_of(&world.run(&["path", "1", "2", "--format", "json"]).json()[0])
}

/// Asks both all that can be asked.
fn compare(compared: &mut Compared, world: &World, twin: &World) {
    let unlimited = ["--requests-per-second", "0"];
    let (ours, theirs) = (Served::with(world, &unlimited), Served::with(twin, &unlimited));
    let tracks = theirs.json("/api/v1/map")["ids"].as_array().unwrap().clone();
    let tracks: Vec<u64> = tracks.iter().map(|track| track.as_u64().unwrap()).collect();
    for track in &tracks {
        let record = theirs.json(&format!("/api/v1/tracks/{track}"));
        let record = record.get("track").unwrap_or(&record);
        let path = PathBuf::from(record["path"].as_str().unwrap());
        let mut filters = vec![
            String::new(),
            "&per_artist=1".into(),
            "&year=..2009".into(),
            "&year=1990..".into(),
            "&duration=1:00..4:00".into(),
            "&min_similarity=0.5".into(),
            format!("&path={}", encoded(&format!("{}/*", path.parent().unwrap().display()))),
            format!("&path={}", encoded("*e*")),
            "&artist=nobody".into(),
        ];
        for name in ["artist", "album", "genre"] {
            filters.extend(record[name].as_str().map(|value| format!("&{name}={}", encoded(&value.to_uppercase()))));
        }
        for filter in filters {
            let question = format!("/api/v1/tracks/{track}/similar?count=20{filter}");
            let [found, expected] = [&ours, &theirs].map(|served| served.get(&question));
            assert_eq!(found.status, expected.status, "{question}");
            if expected.status == 200 {
                let [found, expected] = [found, expected].map(|reply| scored(&reply.json()["answers"], "score"));
                compared.add(&question, &found, &expected);
            }
        }
        let other = tracks[(*track as usize * 7) % tracks.len()];
        let way = format!("/api/v1/path?from={track}&to={other}&count=6");
        let [found, expected] = [&ours, &theirs].map(|served| scored(&served.json(&way)["tracks"], "similarity"));
        compared.add(&way, &found, &expected);
        let station = json!({ "seeds": [track], "count": 10, "seed": 7 });
        let play = |served: &Served| scored(&served.post("/api/v1/radio", &station).json()["tracks"], "similarity");
        compared.add("a radio", &play(&ours), &play(&theirs));
    }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
