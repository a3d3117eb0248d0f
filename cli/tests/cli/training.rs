//! Training and judging from the command line: what is written, what survives a kill, who is judged.

use std::fmt::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::music::piece;
use super::program::{Run, World};

/// A network and stages so small that a run takes seconds.
const TINY: &str = "
validation_windows = 2
[architecture]
channels = [16, 16]
embedding_size = 16
[classify.batch]
tracks_per_genre = 2
[classify.fit]
evaluate_every = 20
checkpoint_every = 5
[triplet.batch]
tracks_per_genre = 2
[triplet.corpus]
refresh_every = 7
[triplet.fit]
evaluate_every = 20
checkpoint_every = 5
";

pub struct Corpus {
    pub world: World,
    pub manifest: String,
    pub config: String,
}

impl Corpus {
    /// Twelve pieces of two genres by twelve artists, one more without a genre.
    pub fn new() -> Self {
        let world = World::new();
        let mut manifest = String::from("path,genre,artist,title\n");
        for number in 0..13 {
            piece(number, 6.0, 22_050).write(&world.path(&format!("corpus/{number}.wav")));
            let genre = ["even", "odd", ""][if number == 12 { 2 } else { number as usize % 2 }];
            writeln!(manifest, "{number}.wav,{genre},artist {number},piece {number}").unwrap();
        }
        let (path, config) = (world.path("corpus/corpus.csv"), world.path("tiny.toml"));
        std::fs::write(&path, manifest).unwrap();
        std::fs::write(&config, TINY).unwrap();
        Self { manifest: path.display().to_string(), config: config.display().to_string(), world }
    }

    pub fn model(&self, name: &str) -> String {
        self.world.path(name).display().to_string()
    }

    fn command(&self, model: &str, more: &[&str]) -> Command {
        let model = self.model(model);
        let mut arguments = vec!["train", &self.manifest, "-o", &model, "--config", &self.config, "--jobs", "1"];
        arguments.extend(more);
        self.world.command(&arguments)
    }

    pub fn train(&self, model: &str, more: &[&str]) -> Run {
        Run::of(self.command(model, more).output().unwrap())
    }

    pub fn card(&self, model: &str) -> toml::Table {
        std::fs::read_to_string(self.world.path(model).join("card.toml")).unwrap().parse().unwrap()
    }
}

#[test]
fn a_model_comes_with_card_metrics_and_report_and_judges_only_whom_it_has_not_heard() {
    let corpus = Corpus::new();
    let run = corpus.train("model", &["--steps", "20"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    for part in [
        "MFCC",
        "random weights",
        "after classify",
        "after triplet",
        "model before",
        "−12 dB",
        "MP3 64 kbit/s",
        "crop 20 s",
    ] {
        // The pieces are too short to be cropped.
        assert_eq!(run.stdout.contains(part), part != "crop 20 s", "{part}: {}", run.stdout);
    }
    let model = corpus.world.path("model");
    let mut files: Vec<_> =
        std::fs::read_dir(&model).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    assert_eq!(files, ["card.toml", "encoder.safetensors", "metrics.json", "report.html", "training.safetensors"]);
    let card = corpus.card("model");
    let training = card["training"].as_table().unwrap();
    let stages: Vec<_> = training["stages"].as_array().unwrap().iter().filter_map(|name| name.as_str()).collect();
    assert_eq!(stages, ["classify", "triplet", "whiten"]);
    assert_eq!(card["architecture"]["folded"].as_bool(), Some(true));
    assert_eq!(training["unlabelled_tracks"].as_integer(), Some(1));
    let heard = training["heard_artists"].as_array().unwrap().len();
    let report = std::fs::read_to_string(model.join("report.html")).unwrap();
    assert!(report.contains("after classify") && report.contains("<svg"));

    // Judged again, the artists that it was trained on are left out.
    let (name, page) = (corpus.model("model"), corpus.model("page.html"));
    let eval = ["eval", &corpus.manifest, "--model", &name, "--report", &page, "--json"];
    let found = corpus.world.run(&eval).json();
    assert_eq!(found["tracks"], 13 - heard);
    assert_eq!(found["systems"].as_array().unwrap().len(), 4);
    assert!(found["protocol"].as_str().unwrap().contains("trained on were left out"));
    let again = corpus.world.run(&eval).json();
    assert_eq!(found, again, "an evaluation is the same every time");
    assert!(std::fs::read_to_string(page).unwrap().contains("triplet"), "with the model's own training curves");
    // The pieces are shorter, so an excerpt is the whole piece.
    let excerpts = corpus.world.run(&["eval", &corpus.manifest, "--model", &name, "--excerpt", "30", "--json"]).json();
    assert!(excerpts["protocol"].as_str().unwrap().contains("30 s of the middle of each"));
    assert_eq!(excerpts["systems"][0]["filtered"], found["systems"][0]["filtered"]);
    let too_short = corpus.world.run(&["eval", &corpus.manifest, "--excerpt", "3"]);
    too_short.assert_error("must be in 10..=600", None);
    let all = corpus.world.run(&["eval", &corpus.manifest, "--model", &name, "--include-heard", "--json"]).json();
    assert_eq!(all["tracks"], 12);
    assert!(all["protocol"].as_str().unwrap().contains("figures flatter"));
}

#[test]
fn peers_and_layers_are_judged_beside_the_model() {
    let corpus = Corpus::new();
    let (folder, vectors) = (corpus.world.path("corpus").display().to_string(), corpus.model("stem.npz"));
    let embed = ["embed", &folder, "-o", &vectors, "--layer", "stem", "--pooling", "both"];
    assert_eq!(corpus.world.run(&embed).code, Some(0));
    let found =
        corpus.world.run(&["eval", &corpus.manifest, "--compare", &vectors, "--degraded", "0", "--json"]).json();
    let names: Vec<&str> =
        found["systems"].as_array().unwrap().iter().map(|system| system["name"].as_str().unwrap()).collect();
    assert_eq!((names[1..3].to_vec(), names[3]), (vec!["MFCC", "random weights"], "stem"));
    let unknown = corpus.world.run(&["embed", &folder, "-o", &vectors, "--layer", "nose"]);
    unknown.assert_error("the model has no layer `nose`: its layers are stem, blocks.0", Some("--layer"));
    let missing = corpus.world.run(&["eval", &corpus.manifest, "--compare", "/no/such.npz"]);
    missing.assert_error("/no/such.npz", None);
}

#[test]
fn a_killed_run_goes_on_and_ends_with_the_same_model() {
    let corpus = Corpus::new();
    let more = ["--steps", "40", "--degraded", "0"];
    let plain = corpus.train("plain", &more);
    assert_eq!(plain.code, Some(0), "{plain:?}");
    // Killed once in each stage, as soon as it has left a checkpoint.
    for checkpoint in ["0-classify.safetensors", "1-triplet.safetensors"] {
        let mut child = corpus.command("killed", &more).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let path = corpus.world.path("killed/.training").join(checkpoint);
        let patience = Instant::now();
        while !path.exists() && child.try_wait().unwrap().is_none() && patience.elapsed() < Duration::from_secs(120) {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(path.exists(), "{checkpoint} was never written");
    }
    // Other settings do not go on with what lies there.
    let other = corpus.train("killed", &["--steps", "30"]);
    other.assert_error("the state of a run with other settings", Some("--fresh"));
    let resumed = corpus.train("killed", &more);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    assert_eq!(corpus.card("killed")["id"], corpus.card("plain")["id"], "{resumed:?}");
    assert!(!corpus.world.path("killed/.training").exists());
}

#[test]
fn a_model_is_trained_on_from_another() {
    let corpus = Corpus::new();
    assert_eq!(corpus.train("first", &["--steps", "4", "--degraded", "0"]).code, Some(0));
    let (first, second) = (corpus.model("first"), corpus.model("second"));
    let arguments =
        ["train", &corpus.manifest, "-o", &second, "--from", &first, "--steps", "4", "--degraded", "0", "--jobs", "1"];
    let run = corpus.world.run(&arguments);
    assert_eq!(run.code, Some(0), "{run:?}");
    let card = corpus.card("second");
    assert_eq!(card["training"]["stages"][0].as_str(), Some("finetune"));
    assert_eq!(card["architecture"]["channels"].as_array().unwrap().len(), 2, "the first model's, not the default");
    assert!(run.stdout.contains("model before"), "{run:?}");
}

#[test]
fn settings_that_are_wrong_are_told_with_their_place() {
    let corpus = Corpus::new();
    let config = corpus.world.path("wrong.toml");
    std::fs::write(&config, "[classify.fit]\nstepps = 5\n").unwrap();
    let (config, model) = (config.display().to_string(), corpus.model("model"));
    let run = corpus.world.run(&["train", &corpus.manifest, "-o", &model, "--config", &config]);
    run.assert_error("stepps", None);
    std::fs::write(&config, "[triplet]\nmargin = 9.0\n").unwrap();
    let run = corpus.world.run(&["train", &corpus.manifest, "-o", &model, "--config", &config]);
    run.assert_error("margin must be in (0, 4]", None);
}
