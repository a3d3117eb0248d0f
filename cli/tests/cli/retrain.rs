//! Retraining as cron runs it: what is promoted and what refused, what survives a kill, what can be taken back.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use super::music::{piece, write_wav};
use super::program::{Run, World};
use super::serve::pairs;
use super::served::Served;

/// A recipe of seconds, and bounds that so few tracks cannot trip over.
pub const QUICK: &str = "
[train.triplet.fit]
steps = 4
evaluate_every = 2
checkpoint_every = 1
[train.discriminate]
crops_per_track = 4
least_gain = 0.0
weights = [1.0, 2.0]
[promotion]
genre_bound = 1.0
area_bound = 1.0
robustness_bound = 1.0
hubness_bound = 100.0
";

const ARTISTS: u64 = 36;
pub const TRACKS: u64 = 54;

/// What a night's steps are called, in their order.
const STEPS: [&str; 8] = ["ingest", "decide", "train", "judge", "embed", "check", "switch", "collect"];

/// A library of two genres, one of which has a faint high tone, and the recipe.
pub struct Nights {
    pub world: World,
}

impl Nights {
    pub fn new() -> Self {
        Self::of(World::new())
    }

    /// In an empty world.
    pub fn of(world: World) -> Self {
        let nights = Self { world };
        let mut labels = String::from("path,genre,artist\n");
        for number in 0..TRACKS {
            let artist = number % ARTISTS;
            let mut samples = piece(number, 5.0, 22_050).mono();
            let has_tone = artist % 2 == 1;
            for (place, sample) in samples.iter_mut().enumerate().filter(|(place, _)| has_tone && place % 5512 < 1800) {
                *sample += 0.02 * (0.9 * place as f32).sin();
            }
            write_wav(&nights.world.library().join(format!("{number}.wav")), &samples, 1, 22_050, 16);
            let genre = if has_tone { "tone" } else { "plain" };
            writeln!(labels, "library/{number}.wav,{genre},artist {artist}").unwrap();
        }
        std::fs::write(nights.world.path("labels.csv"), labels).unwrap();
        std::fs::write(nights.world.path("retrain.toml"), QUICK).unwrap();
        nights.world.ingest(&[]);
        nights
    }

    fn command(&self, more: &[&str]) -> Command {
        let (labels, config) = (self.path("labels.csv"), self.path("retrain.toml"));
        let mut arguments = vec!["retrain", "--labels", &labels, "--config", &config, "--degraded", "2", "--jobs", "2"];
        arguments.extend(more);
        self.world.command(&arguments)
    }

    pub fn path(&self, name: &str) -> String {
        self.world.path(name).display().to_string()
    }

    pub fn retrain(&self, more: &[&str]) -> Run {
        Run::of(self.command(more).output().unwrap())
    }

    /// Promotes a model and gives its id.
    fn promote(&self) -> String {
        let summary = self.retrain(&["--json"]).json();
        assert_eq!(summary["outcome"], "promoted", "{summary:#}");
        summary["candidate"].as_str().unwrap().to_owned()
    }

    fn answers(&self) -> Vec<Value> {
        (1..=6).map(|track| self.world.run(&["query", &track.to_string(), "--json"]).json()).collect()
    }

    pub fn serving(&self) -> String {
        self.world.status()["model"].as_str().unwrap().to_owned()
    }

    /// Starts a run and kills it as soon as this step has begun; returns whether there was anything left to kill.
    fn kill_in(&self, step: &str) -> bool {
        let mut child = self.command(&["--quiet", "--force"]).stdout(Stdio::null()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(120);
        while !self.has_begun(step) {
            if child.try_wait().unwrap().is_some() {
                return false; // the last steps take milliseconds
            }
            assert!(Instant::now() < deadline, "{step} was not begun in two minutes");
            std::thread::yield_now();
        }
        kill(&mut child);
        true
    }

    /// Whether the latest run is in this step or beyond.
    fn has_begun(&self, step: &str) -> bool {
        let path = self.world.store().join("catalogue.sqlite");
        let Ok(connection) = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY) else { return false };
        let sql = "SELECT EXISTS (SELECT 1 FROM run_steps s WHERE s.name = ?1 AND s.run_id =
                       (SELECT max(id) FROM runs WHERE command = 'retrain' AND finished_at IS NULL))";
        connection.query_row(sql, [step], |row| row.get(0)).unwrap_or(false)
    }
}

fn kill(child: &mut Child) {
    child.kill().unwrap(); // SIGKILL
    child.wait().unwrap();
}

#[test]
fn a_better_model_is_promoted_and_a_rollback_restores_every_answer() {
    let nights = Nights::new();
    let (model, before) = (nights.serving(), nights.answers());
    let config = "[[playlist]]\nfile = 'first.m3u8'\nseeds = [1]\nlength = 10\n";
    std::fs::write(nights.world.store().join("config.toml"), config).unwrap();
    // Whichever model serves, the list on disk is its answer.
    let list_is_up_to_date = || {
        let list = std::fs::read_to_string(nights.world.store().join("playlists/first.m3u8")).unwrap();
        assert_eq!(list, nights.world.run(&["query", "1", "--format", "m3u8"]).stdout);
        list
    };
    let metrics = nights.path("retrain.prom");
    let run = nights.retrain(&["--json", "--log-json", "--metrics-file", &metrics]);
    let summary = run.json();
    assert_eq!(summary["outcome"], "promoted", "{summary:#}");
    let promoted = summary["candidate"].as_str().unwrap().to_owned();
    assert_eq!(nights.serving(), promoted);
    assert_ne!(nights.answers(), before);
    let promoted_list = list_is_up_to_date();
    let told: Vec<Value> = run.stderr.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    for step in STEPS {
        assert!(told.iter().any(|line| line["step"] == step), "{step}: {}", run.stderr);
    }
    let metrics = std::fs::read_to_string(metrics).unwrap();
    assert!(metrics.contains("similar_tracks_retrain_exit_code 0") && metrics.contains("genre=\"tone\""), "{metrics}");

    // Nothing is new: nothing is done.
    let again = nights.retrain(&["--json"]).json();
    assert_eq!(again["outcome"], "nothing-to-learn");

    let shown = nights.world.run(&["runs", "show", "1"]);
    assert_eq!(shown.code, Some(2), "run 1 was an ingest: {shown:?}");
    let runs = nights.world.run(&["runs", "list", "--json"]).json();
    assert_eq!(runs.as_array().unwrap().len(), 2);
    let number = runs[1]["id"].to_string();
    let shown = nights.world.run(&["runs", "show", &number, "--json"]).json();
    let report = std::fs::read_to_string(shown["report"].as_str().unwrap()).unwrap();
    assert!(report.contains("Neighbours") && report.contains("serves, "), "old against new");
    let models = nights.world.run(&["models", "list", "--json"]).json();
    assert_eq!((models[0]["state"].as_str(), models[1]["state"].as_str()), (Some("served"), Some("serves")));
    let after = nights.answers();

    let back = nights.world.run(&["models", "rollback"]);
    assert!(back.code == Some(0) && back.stdout.contains("0 tracks had to be embedded"), "{back:?}");
    assert_eq!((nights.serving(), nights.answers()), (model.clone(), before), "bit for bit");
    assert_ne!(list_is_up_to_date(), promoted_list);
    assert_eq!(nights.world.run(&["models", "rollback"]).code, Some(0), "and the one that served before that");
    assert_eq!(nights.serving(), promoted);
    assert_eq!(nights.world.run(&["models", "rollback"]).code, Some(0));
    let forward = nights.world.run(&["models", "promote", &promoted[..6]]);
    assert_eq!(forward.code, Some(0), "{forward:?}");
    assert_eq!((nights.serving(), nights.answers()), (promoted.clone(), after));
    let diff = nights.world.run(&["models", "diff", &model[..6], &promoted[..6]]);
    assert!(diff.stdout.contains("of the ten nearest of 54 tracks are the same"), "{diff:?}");
    assert_eq!(nights.world.run(&["models", "gc", "--keep", "1"]).stdout, "1 model forgotten\n");
    nights.world.run(&["models", "rollback"]).assert_error("no model served before this one", Some("models list"));
}

#[test]
fn shuffled_labels_and_a_poisoned_file_change_nothing() {
    let nights = Nights::new();
    let (model, before) = (nights.serving(), nights.answers());
    let labels = std::fs::read_to_string(nights.path("labels.csv")).unwrap();
    // As many of each genre, on other artists.
    let shuffled: String = labels
        .lines()
        .enumerate()
        .map(|(line, text)| match line {
            0 => format!("{text}\n"),
            _ => {
                let fields: Vec<&str> = text.split(',').collect();
                let genre = if (line - 1) / 4 % 2 == 0 { "plain" } else { "tone" };
                format!("{},{genre},{}\n", fields[0], fields[2])
            }
        })
        .collect();
    std::fs::write(nights.path("labels.csv"), shuffled).unwrap();
    let refused = nights.retrain(&["--json"]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert_eq!((nights.serving(), nights.answers()), (model.clone(), before.clone()));
    let models = nights.world.run(&["models", "list", "--json"]).json();
    assert_eq!(models[1]["state"], "refused");
    let refused = models[1]["model"].as_str().unwrap().to_owned();
    let report = nights.world.store().join("models").join(&refused).join("report.html");
    assert!(report.exists(), "kept with its report for a week");

    std::fs::write(nights.path("labels.csv"), b"path,genre\n\xff\xfe\0,,,,\n\"").unwrap();
    nights.retrain(&[]).assert_error("labels.csv", None);
    assert_eq!((nights.serving(), nights.answers()), (model.clone(), before.clone()));
    std::fs::write(nights.path("retrain.toml"), "[train]\nsede = 1").unwrap();
    std::fs::write(nights.path("labels.csv"), &labels).unwrap();
    nights.retrain(&[]).assert_error("sede", None);
    std::fs::write(nights.path("retrain.toml"), QUICK).unwrap();
    // And the next night carries on.
    nights.promote();
}

#[test]
fn what_cannot_be_learnt_from_is_refused_once_and_not_every_night() {
    let nights = Nights::new();
    nights.retrain(&[]);
    let catalogue = Connection::open(nights.world.store().join("catalogue.sqlite")).unwrap();
    let mut judges = catalogue.prepare("SELECT artist FROM judges").unwrap();
    let judges: Vec<String> = judges.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    // All artists who do not judge play one genre: there is nothing to tell it from.
    let labels = std::fs::read_to_string(nights.path("labels.csv")).unwrap();
    let relabelled = labels.lines().map(|line| match judges.iter().any(|judge| line.ends_with(&format!(",{judge}"))) {
        true => line.to_owned(),
        false => line.replace(",tone,", ",plain,"),
    });
    std::fs::write(nights.path("labels.csv"), relabelled.collect::<Vec<_>>().join("\n")).unwrap();
    let serving = nights.serving();
    let refused = nights.retrain(&["--json"]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    let summary: Value = serde_json::from_str(&refused.stdout).unwrap();
    assert!(summary["reason"].as_str().unwrap().starts_with("nothing to learn: "), "{summary:#}");
    assert_eq!((nights.serving(), nights.retrain(&[]).code), (serving, Some(0)));
}

#[test]
fn killed_at_every_step_the_next_run_carries_on() {
    let nights = Nights::new();
    let (model, before) = (nights.serving(), nights.answers());
    for step in STEPS {
        let was_killed = nights.kill_in(step);
        assert!(was_killed || ["switch", "collect"].contains(&step), "{step} was not reached");
        let now = nights.serving();
        if now == model {
            assert_eq!(nights.answers(), before, "killed in {step}");
        }
        let status = nights.world.status();
        assert_eq!(status["tracks"]["embedded"], TRACKS, "killed in {step}: nothing is lost");
    }
    let last = nights.retrain(&["--json", "--force"]);
    assert!(matches!(last.code, Some(0 | 3)), "{last:?}");
    let repaired = nights.world.run(&["repair"]);
    assert_eq!(repaired.code, Some(0), "{repaired:?}");
    assert_ne!(nights.serving(), model, "one of these runs came to its end, or the last one did");
}

#[test]
fn queries_go_on_while_models_change_places() {
    let nights = Nights::new();
    let old = (nights.serving(), nights.answers());
    let promoted = nights.promote();
    let new = (promoted.clone(), nights.answers());
    let mut answered = 0;
    let model = old.0.clone();
    std::thread::scope(|scope| {
        let switching = scope.spawn(|| {
            for round in 0..10 {
                let id = if round % 2 == 0 { &model } else { &promoted };
                assert_eq!(nights.world.run(&["models", "promote", id]).code, Some(0));
            }
        });
        // Four at a time; each answer is wholly of the one model or of the other.
        while answered < 1000 || !switching.is_finished() {
            let track = 1 + answered % 6;
            let asked =
                || nights.world.command(&["query", &track.to_string(), "--json"]).stdout(Stdio::piped()).spawn();
            let children: Vec<Child> = (0..4).map(|_| asked().unwrap()).collect();
            for child in children {
                let answer = Run::of(child.wait_with_output().unwrap()).json();
                let places = [&old.1[track - 1], &new.1[track - 1]];
                assert!(places.contains(&&answer), "an answer of no model: {answer:#}");
                answered += 1;
            }
        }
        switching.join().unwrap();
    });
}

#[test]
fn a_server_goes_on_while_models_change_places() {
    questions_go_on_while_models_change_places(&Nights::new());
}

/// Asks a server a thousand times at least; gives how often. Each answer is wholly of the one model or of the other.
pub fn questions_go_on_while_models_change_places(nights: &Nights) -> usize {
    let old = (nights.serving(), nights.answers());
    let new = (nights.promote(), nights.answers());
    let served = Served::with(&nights.world, &["--requests-per-second", "0"]);
    let expected = |model: &Value| if *model == old.0.as_str() { &old.1 } else { &new.1 };
    let upload = std::fs::read(nights.world.library().join("7.wav")).unwrap();
    let stop = AtomicBool::new(false);
    let has_ended = || stop.load(Ordering::Relaxed);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let (mut models, mut answered) = (HashSet::new(), 0);
            for track in (1..=6).cycle() {
                if has_ended() && answered >= 1000 {
                    break;
                }
                let reply = served.json(&format!("/api/v1/tracks/{track}/similar"));
                assert_eq!(
                    pairs(&reply["answers"]),
                    pairs(&expected(&reply["model"])[track - 1]),
                    "{}",
                    reply["model"]
                );
                models.insert(reply["model"].to_string());
                answered += 1;
            }
            (models.len(), answered)
        });
        let sending = scope.spawn(|| {
            let mut answers = HashMap::new();
            while !has_ended() {
                let reply = served.post_bytes("/api/v1/similar/upload?name=7.wav", &upload).json();
                let known = answers.entry(reply["model"].to_string()).or_insert_with(|| reply["answers"].clone());
                assert_eq!(*known, reply["answers"], "{}", reply["model"]);
            }
            answers.len()
        });
        for round in 0..20 {
            let id = if round % 2 == 0 { &old.0 } else { &new.0 };
            assert_eq!(nights.world.run(&["models", "promote", id]).code, Some(0));
        }
        stop.store(true, Ordering::Relaxed);
        let ((models, answered), of_uploads) = (asking.join().unwrap(), sending.join().unwrap());
        assert_eq!((models, of_uploads), (2, 2), "both models were asked");
        answered
    })
}

#[test]
fn a_second_run_says_who_is_at_work() {
    let nights = Nights::new();
    let mut child = nights.command(&["--quiet"]).stdout(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !nights.has_begun("ingest") {
        assert!(Instant::now() < deadline && child.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    let second = nights.retrain(&[]);
    assert_eq!(second.code, Some(0), "{second:?}");
    assert!(second.stdout.contains("`similar-tracks retrain` (process"), "{second:?}");
    assert_eq!(nights.retrain(&["--json"]).json()["outcome"], "under-way");
    kill(&mut child);
}

#[test]
fn a_missing_disk_is_told_before_anything_is_learnt() {
    let nights = Nights::new();
    let before = nights.answers();
    std::fs::rename(nights.world.library(), nights.world.path("elsewhere")).unwrap();
    let failed = nights.retrain(&[]);
    failed.assert_error("54 of 54 tracks cannot be listened to", Some("is a disk missing?"));
    assert!(!failed.stderr.contains("train: begins"), "{failed:?}");
    std::fs::rename(nights.world.path("elsewhere"), nights.world.library()).unwrap();
    assert_eq!(nights.answers(), before);
    nights.promote();
}
