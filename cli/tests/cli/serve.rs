//! The library over HTTP: answers are those of the program, and the library goes on changing.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::music::{piece, write_library};
use super::program::World;
use super::served::Served;

fn world() -> World {
    let world = World::new();
    write_library(&world.library(), 8, 12.0);
    world.ingest(&[]);
    world
}

/// Track and similarity of each answer: the latter in single precision, whose digits are written in two ways.
pub fn pairs(answers: &Value) -> Vec<(u64, f32)> {
    let pair = |answer: &Value| {
        let track = answer["track"]["id"].as_u64().or(answer["track"].as_u64()).unwrap();
        (track, answer["similarity"].as_f64().map_or(f32::NEG_INFINITY, |similarity| similarity as f32))
    };
    answers.as_array().unwrap().iter().map(pair).collect()
}

/// The number of a piece.
fn number_of(served: &Served, piece: u64) -> u64 {
    let found = served.json(&format!("/api/v1/tracks?q=piece-{piece}"));
    let name = format!("piece-{piece}");
    let is_it = |track: &&Value| track["title"] == name.as_str();
    found["tracks"].as_array().unwrap().iter().find(is_it).unwrap_or_else(|| panic!("{found}"))["id"].as_u64().unwrap()
}

#[test]
fn answers_are_those_of_the_program() {
    let world = world();
    let served = Served::new(&world);
    let id = number_of(&served, 2);
    let text = id.to_string();
    let ask = |arguments: &[&str]| world.run(&[&["query", &text, "--json"], arguments].concat()).json();
    let similar = |parameters: &str| served.json(&format!("/api/v1/tracks/{id}/similar?{parameters}"));
    let plain = similar("");
    assert_eq!(pairs(&plain["answers"]), pairs(&ask(&[])));
    let score = |answer: &Value| answer["score"].as_f64().unwrap() as f32;
    assert_eq!(score(&plain["answers"][0]), score(&ask(&[])[0]));
    assert_eq!(pairs(&similar("count=2")["answers"]), pairs(&ask(&["-k", "2"])));
    let some = ["--path", "piece-[13].wav"];
    assert_eq!(pairs(&similar("path=piece-%5B13%5D.wav")["answers"]), pairs(&ask(&some)));
    let part = ask(&["--part", "0-5"]);
    assert_ne!(pairs(&part), pairs(&ask(&[])));
    assert_eq!(pairs(&similar("from=0&to=5")["answers"]), pairs(&part));
    let places = |answers: &Value| {
        let pair = |pair: &Value| {
            [&pair["first_seconds"], &pair["second_seconds"]].map(|place| place.as_f64().unwrap() as f32)
        };
        answers[0]["passages"].as_array().unwrap().iter().map(pair).collect::<Vec<_>>()
    };
    assert_eq!(places(&similar("explain=true")["answers"]), places(&ask(&["--explain"])));

    let other = number_of(&served, 5);
    let blended = served.post(
        "/api/v1/similar",
        &json!({ "seeds": [{ "track": id, "weight": 2.0 }, { "track": other, "weight": -0.5 }], "count": 3 }),
    );
    let unlike = ask(&["--weights", "2", "--unlike", &other.to_string(), "-k", "3"]);
    assert_eq!(pairs(&blended.json()["answers"]), pairs(&unlike));

    let stranger = world.path("stranger.wav");
    piece(40, 12.0, 22_050).write(&stranger);
    let by_program = world.run(&["query", stranger.to_str().unwrap(), "--json"]).json();
    let bytes = std::fs::read(&stranger).unwrap();
    let by_upload = served.post_bytes("/api/v1/similar/upload?name=stranger.wav", &bytes).json();
    // By one thread here and by all of them there, whose sums differ in their last digits.
    for (by_upload, by_program) in pairs(&by_upload["answers"]).iter().zip(pairs(&by_program)) {
        assert!(
            by_upload.0 == by_program.0 && (by_upload.1 - by_program.1).abs() < 1e-5,
            "{by_upload:?} {by_program:?}"
        );
    }
    assert_eq!(by_upload["query"]["itself"], json!([]));
    // What is in the library is no answer to itself, wherever it comes from.
    let known = std::fs::read(world.library().join("piece-2.wav")).unwrap();
    let known = served.post_bytes("/api/v1/similar/upload?name=x.wav", &known).json();
    assert_eq!((pairs(&known["answers"]), &known["query"]["itself"]), (pairs(&ask(&[])), &json!([id])));

    let radio = served.post("/api/v1/radio", &json!({ "seeds": [id], "count": 3, "seed": 7 })).json();
    let by_program = world.run(&["radio", &text, "--seed", "7", "--format", "json"]).json();
    assert_eq!(pairs(&radio["tracks"]), pairs(&by_program)[..3]);
    let way = served.json(&format!("/api/v1/path?from={id}&to={other}&count=5"));
    let by_program = world.run(&["path", &text, &other.to_string(), "-n", "5", "--format", "json"]).json();
    assert_eq!(pairs(&way["tracks"]), pairs(&by_program));
}

#[test]
fn tracks_are_found_played_and_drawn() {
    let world = world();
    let served = Served::new(&world);
    let all = served.json("/api/v1/tracks?limit=5");
    assert_eq!((all["total"].as_u64(), all["tracks"].as_array().unwrap().len()), (Some(8), 5));
    assert_eq!(served.json("/api/v1/tracks?limit=5&offset=5")["tracks"].as_array().unwrap().len(), 3);
    let id = number_of(&served, 3);
    let track = served.json(&format!("/api/v1/tracks/{id}"));
    assert_eq!((&track["path"], &track["title"]), (&json!("piece-3.wav"), &json!("piece-3")));

    let file = std::fs::read(world.library().join("piece-3.wav")).unwrap();
    let audio = format!("/api/v1/tracks/{id}/audio");
    let whole = served.get(&audio);
    assert_eq!((whole.header("content-type"), whole.header("accept-ranges")), ("audio/wav", "bytes"));
    assert!(whole.body == file);
    let range = served.get_with(&audio, &[("Range", "bytes=100-199")]);
    assert_eq!((range.status, range.body.as_slice()), (206, &file[100..200]));
    assert_eq!(range.header("content-range"), format!("bytes 100-199/{}", file.len()));
    let end = served.get_with(&audio, &[("Range", "bytes=-10")]);
    assert_eq!((end.status, end.body.as_slice()), (206, &file[file.len() - 10..]));
    served.get_with(&audio, &[("Range", "bytes=999999999-")]).assert_problem(416, "no such range");
    let known = served.get_with(&audio, &[("If-Modified-Since", whole.header("last-modified"))]);
    assert_eq!((known.status, known.body.len()), (304, 0));

    let wave = served.json(&format!("/api/v1/tracks/{id}/waveform?points=40"));
    assert_eq!((wave["peaks"].as_array().unwrap().len(), wave["seconds"].as_f64()), (40, Some(12.0)));
    let passages = served.json(&format!("/api/v1/tracks/{id}/passages"));
    assert!(passages["seconds"].as_f64().unwrap() > 1.0 && passages["starts"][0] == 0.0, "{passages}");
    served.get(&format!("/api/v1/tracks/{id}/cover")).assert_problem(404, "no picture");
    let picture = b"\x89PNG\r\n\x1a\n and so on";
    std::fs::write(world.library().join("cover.png"), picture).unwrap();
    let cover = served.get(&format!("/api/v1/tracks/{id}/cover"));
    assert_eq!((cover.header("content-type"), cover.body.as_slice()), ("image/png", &picture[..]));

    let map = served.json("/api/v1/map");
    let places = |name: &str| map[name].as_array().unwrap().clone();
    assert_eq!([places("ids").len(), places("x").len(), places("y").len(), places("genre").len()], [8; 4]);
    assert!(places("x").iter().chain(&places("y")).all(|place| place.as_f64().unwrap().abs() <= 1.0));
    let stats = served.json("/api/v1/stats");
    assert_eq!((stats["tracks"].as_u64(), stats["failed"].as_u64()), (Some(8), Some(0)));
    assert_eq!(served.json("/api/v1/model")["model"], world.status()["model"]);
    assert_eq!(served.json("/api/v1/duplicates")["recordings"], json!([]));
}

#[test]
fn what_listeners_say_and_hear_is_noted() {
    let world = world();
    let served = Served::new(&world);
    let (query, result) = (number_of(&served, 0), number_of(&served, 1));
    let say = |opinion: &str| {
        served.post("/api/v1/feedback", &json!({ "query": query, "result": result, "opinion": opinion })).status
    };
    let opinions = || served.json(&format!("/api/v1/tracks/{query}"))["opinions"].clone();
    assert_eq!((say("like"), opinions()), (204, json!([{ "result": result, "is_liked": true }])));
    assert_eq!((say("dislike"), opinions()), (204, json!([{ "result": result, "is_liked": false }])));
    assert_eq!((say("forget"), opinions()), (204, json!([])));
    assert_eq!(
        served.post("/api/v1/plays", &json!({ "track": query, "skipped": true, "at": 1_700_000_000 })).status,
        204
    );
    assert_eq!(served.json("/api/v1/stats")["plays"], 1);
}

#[test]
fn what_is_taken_in_meanwhile_is_found_and_told() {
    let world = world();
    let mut served = Served::new(&world);
    let mut events = TcpStream::connect(served.address).unwrap();
    write!(events, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut lines = BufReader::new(events).lines();
    let mut next_state = || -> Value {
        let data = lines.by_ref().find_map(|line| line.unwrap().strip_prefix("data: ").map(str::to_owned));
        serde_json::from_str(&data.unwrap()).unwrap()
    };
    let first = std::iter::repeat_with(&mut next_state).find(|state| state["tracks"] == 8).unwrap();
    assert_eq!(first["run"]["command"], "ingest");
    piece(20, 12.0, 22_050).write(&world.library().join("piece-20.wav"));
    world.ingest(&[]);
    let state = std::iter::repeat_with(&mut next_state).find(|state| state["tracks"] == 9).unwrap();
    assert_eq!(state["model"], first["model"]);
    let id = number_of(&served, 20);
    let answers = served.wait_for("/api/v1/tracks/1/similar", |found| found["answers"].as_array().unwrap().len() == 8);
    assert!(answers["answers"].to_string().contains(&format!("\"id\":{id},")), "{answers}");
    // With the stream of events open.
    assert_eq!(served.end(), Some(0));
}

#[test]
fn generations_change_under_questions() {
    let world = world();
    let served = Served::with(&world, &["--requests-per-second", "0"]);
    let (stop, asked, answers_of) = (AtomicBool::new(false), AtomicUsize::new(0), Mutex::new(HashMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let answers = served.json("/api/v1/tracks/1/similar");
                    assert_eq!(answers["answers"].as_array().unwrap().len(), 7);
                    asked.fetch_add(1, Ordering::Relaxed);
                    // Between a change of what hubs pay and its generation, the catalogue itself is searched.
                    let Some(generation) = answers["generation"].as_u64() else { continue };
                    // What hubs pay differs between generations, and with it every score: one generation has one answer.
                    let mut answers_of = answers_of.lock().unwrap();
                    assert_eq!(*answers_of.entry(generation).or_insert_with(|| answers.clone()), answers);
                }
            });
        }
        let before = world.status()["generation"].as_u64().unwrap();
        for weight in ["0", "0.1", "0.2", "0.3", "0.5", "0.6", "0.7", "0.8", "0.9", "1"] {
            world.ingest(&["--hub-weight", weight]);
        }
        let after = world.status()["generation"].as_u64().unwrap();
        assert_eq!(after - before, 10);
        served.wait_for("/api/v1/model", |model| model["generation"].as_u64() == Some(after));
        stop.store(true, Ordering::Relaxed);
    });
    assert!(asked.load(Ordering::Relaxed) > 100, "{asked:?}");
    let answers_of = answers_of.into_inner().unwrap();
    let different: HashSet<String> = answers_of.values().map(|answers| answers["answers"].to_string()).collect();
    assert!(answers_of.len() > 2 && different.len() == answers_of.len(), "{}", answers_of.len());
}

#[test]
fn the_page_is_part_of_the_program_and_nothing_is_fetched_from_elsewhere() {
    let world = world();
    let served = Served::new(&world);
    let page = served.get("/");
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe") && !policy.contains("http"),
        "{policy}"
    );
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert!(!page.text().contains("http://") && !page.text().contains("https://"), "nothing of other sites");
    let part = served.get("/page/style.css");
    assert_eq!((part.status, part.header("content-type")), (200, "text/css; charset=utf-8"));
    assert_eq!(served.get_with("/page/style.css", &[("If-None-Match", part.header("etag"))]).status, 304);
    served.get("/page/nothing.js").assert_problem(404, "no such page");

    let document = served.json("/api/openapi.json");
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.contains_key("/api/v1/tracks/{track}/similar") && paths.contains_key("/api/v1/events"), "{paths:?}");
    for probe in ["/healthz", "/readyz"] {
        assert_eq!(served.get(probe).status, 200, "{probe}");
    }
    let metrics = served.get("/metrics").text();
    assert!(metrics.contains("similar_tracks_tracks 8"), "{metrics}");
    assert!(metrics.contains("similar_tracks_requests_total{route=\"/page/{name}\",status=\"404\"} 1"), "{metrics}");
}
