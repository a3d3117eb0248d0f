//! What listeners say and do, and what becomes of it.

use rusqlite::Connection;
use serde_json::Value;

use super::music::piece;
use super::program::World;
use super::retrain::{Nights, QUICK, TRACKS};

#[test]
fn what_listeners_say_is_noted_and_learnt_from_within_bounds() {
    let nights = Nights::new();
    let world = &nights.world;
    let like = world.run(&["feedback", "like", "1", "2", "3"]);
    assert_eq!(like.stdout, "2 opinions noted: the next `retrain` learns from it\n");
    world.run(&["feedback", "dislike", "1", "1"]).assert_error("no answer to itself", Some("was listed"));
    world.run(&["feedback", "like", "1", "999"]).assert_error("no such track", Some("number"));
    assert_eq!(world.run(&["feedback", "forget", "1", "3"]).stdout, "1 opinion forgotten\n");
    let playlist = world.path("list.m3u8");
    std::fs::write(&playlist, "#EXTM3U\nlibrary/4.wav\nlibrary/5.wav\nhttp://radio/\nnowhere.wav\n").unwrap();
    let imported = world.run(&["import-playlists", playlist.to_str().unwrap()]);
    assert!(
        imported.stdout.starts_with("1 playlist with 2 tracks of the library\n1 other entry passed over"),
        "{imported:?}"
    );

    // A night of clicks: everything is said to be unlike what it is like.
    for track in 1..=40 {
        let answers = world.run(&["query", &track.to_string(), "--json", "-k", "6"]).json();
        let ids: Vec<String> = answers.as_array().unwrap().iter().map(|row| row["track"].to_string()).collect();
        let mut arguments = vec!["feedback", "dislike"];
        let track = track.to_string();
        arguments.push(&track);
        arguments.extend(ids.iter().map(String::as_str));
        assert_eq!(world.run(&arguments).code, Some(0));
    }
    // As many steps as this takes to learn all of it, if it were let.
    let clicks = QUICK.replace(
        "[train.triplet.fit]\nsteps = 4",
        "[train]\nstages = ['triplet']\n[train.triplet.fit]\nsteps = 60\nkeep = 'validation-loss'",
    );
    std::fs::write(nights.path("retrain.toml"), clicks).unwrap();
    let before = vectors(world, &nights.serving());
    let run = nights.retrain(&["--json"]);
    assert!(matches!(run.code, Some(0 | 3)), "{run:?}");
    let summary: Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(summary["preferences"].as_u64().unwrap() > 50, "{summary:#}");
    // Whatever became of the model, by it the library sounds much as it did.
    let candidate = summary["candidate"].as_str().unwrap();
    world.run(&["models", "promote", candidate]);
    let after = vectors(world, candidate);
    assert_eq!((before.len(), after.len()), (TRACKS as usize, TRACKS as usize));
    let (before, after) = (cosines(&before), cosines(&after));
    assert_ne!(before, after, "something was learnt");
    let correlation = correlation(&before, &after);
    assert!(correlation > 0.5, "{correlation}");
}

/// Of all pairs.
fn cosines(vectors: &[Vec<f32>]) -> Vec<f32> {
    let pairs = vectors.iter().enumerate().flat_map(|(place, a)| vectors[..place].iter().map(move |b| (a, b)));
    pairs.map(|(a, b)| a.iter().zip(b).map(|(a, b)| a * b).sum()).collect()
}

fn correlation(a: &[f32], b: &[f32]) -> f32 {
    let centred = |values: &[f32]| {
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        values.iter().map(|value| value - mean).collect::<Vec<f32>>()
    };
    let (a, b) = (centred(a), centred(b));
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt()
}

/// Vectors of a model, by track.
fn vectors(world: &World, model: &str) -> Vec<Vec<f32>> {
    let connection = Connection::open(world.store().join("catalogue.sqlite")).unwrap();
    let mut statement = connection.prepare("SELECT vector FROM vectors WHERE model_id = ?1 ORDER BY track_id").unwrap();
    let vector = |row: &rusqlite::Row<'_>| {
        let bytes: Vec<u8> = row.get(0)?;
        Ok(bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect())
    };
    statement.query_map([model], vector).unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_taste_is_near_to_what_was_heard() {
    let nights = Nights::new();
    let log = nights.path("log.csv");
    std::fs::write(&log, "track,time,skipped\n1,2026-11-01,no\n2,2026-11-02,no\n30,2026-11-02,yes\n").unwrap();
    let taste = nights.world.run(&["taste", &log, "--format", "json", "-k", "5"]).json();
    let ids: Vec<u64> = taste.as_array().unwrap().iter().map(|row| row["track"].as_u64().unwrap()).collect();
    assert!(ids.len() == 5 && ids.iter().all(|id| ![1, 2, 30].contains(id)), "{ids:?}");
    std::fs::write(&log, "track,time\n1,2026-11-01\n").unwrap();
    let heard = nights.world.run(&["taste", &log, "--format", "json", "--heard"]).json();
    assert!(heard.as_array().unwrap().iter().any(|row| row["track"] == 1), "{heard:#}");
    let nothing = nights.world.run(&["taste"]);
    assert_eq!(nothing.code, Some(1), "{nothing:?}");
}

#[test]
fn a_library_without_genres_learns_from_listeners_only_where_somebody_can_judge() {
    let world = World::new();
    for number in 0..30 {
        piece(number, 5.0, 22_050).write(&world.library().join(format!("artist {number}/{number}.wav")));
    }
    world.ingest(&[]);
    std::fs::write(world.path("retrain.toml"), QUICK).unwrap();
    let config = world.path("retrain.toml").display().to_string();
    let retrain = || world.run(&["retrain", "--config", &config, "--degraded", "2", "--json"]);
    assert_eq!(retrain().json()["outcome"], "nothing-to-learn");
    for query in 1..=20_u64 {
        let (query, liked, disliked) = (query.to_string(), (query + 1).to_string(), (query + 9).to_string());
        assert_eq!(world.run(&["feedback", "like", &query, &liked]).code, Some(0));
        assert_eq!(world.run(&["feedback", "dislike", &query, &disliked]).code, Some(0));
    }
    let run = retrain();
    assert_eq!(run.code, Some(3), "three tracks of three folders judge: {run:?}");
    let summary: Value = serde_json::from_str(&run.stdout).unwrap();
    let comparison = &summary["verdict"]["comparison"];
    assert_eq!((comparison["tracks"].as_u64(), summary["genres"].as_u64()), (Some(3), Some(0)), "{summary:#}");
    assert!(comparison["watched"].as_array().unwrap().iter().any(|row| row["name"] == "R@1 of degraded copies"));
    assert!(summary["verdict"]["decision"]["losses"][0].as_str().unwrap().contains("cannot judge"), "{summary:#}");
}
