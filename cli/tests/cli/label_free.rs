//! Training without labels, and from a teacher, from the command line.

use super::training::Corpus;

/// A vision transformer so small that a run takes seconds.
const TINY_VIT: &str = "
validation_windows = 2
[architecture]
kind = \"vit\"
width = 16
depth = 2
embedding_size = 16
[masked]
decoder_width = 16
[masked.batch]
unlabelled_tracks = 6
";

#[test]
fn a_library_without_any_label_is_learnt_from() {
    let corpus = Corpus::new();
    let labelled = std::fs::read_to_string(&corpus.manifest).unwrap();
    std::fs::write(&corpus.manifest, labelled.replace(",even,", ",,").replace(",odd,", ",,")).unwrap();
    let run = corpus.train("model", &["--stages", "simclr", "--steps", "4"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("was not judged"), "{run:?}");
    let card = corpus.card("model");
    assert_eq!(card["training"]["stages"].as_array().unwrap()[0].as_str(), Some("simclr"));
    // One of thirteen artists is held out for the loss.
    assert_eq!(card["training"]["unlabelled_tracks"].as_integer(), Some(12));
    let report = std::fs::read_to_string(corpus.world.path("model/report.html")).unwrap();
    assert!(report.contains("Stage 1: simclr"), "its curves are shown all the same");
    // It embeds, and can be asked.
    let (folder, model, vectors) = (corpus.model("corpus"), corpus.model("model"), corpus.model("vectors.npz"));
    assert_eq!(corpus.world.run(&["embed", &folder, "--model", &model, "-o", &vectors]).code, Some(0));
    // Genres cannot be told apart.
    let run = corpus.train("other", &["--stages", "simclr,classify", "--steps", "4"]);
    run.assert_error("nothing to learn: 12 tracks of 0 genres", None);
}

#[test]
fn everything_is_learnt_from_where_nothing_is_to_be_held_out() {
    let corpus = Corpus::new();
    let settings = std::fs::read_to_string(&corpus.config).unwrap();
    std::fs::write(&corpus.config, format!("validation_share = 0.0\n{settings}")).unwrap();
    let run = corpus.train("model", &["--stages", "simclr", "--steps", "4"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("all tracks are learnt from"), "{run:?}");
    assert!(!run.stderr.contains("validation artists"), "{run:?}");
    let card = corpus.card("model");
    assert_eq!(card["training"]["validation_tracks"].as_integer(), Some(0));
    assert!(card.get("metrics").is_none_or(|metrics| metrics.as_table().unwrap().is_empty()), "{card:?}");
}

#[test]
fn masked_patches_are_predicted_shown_and_trained_on_from() {
    let corpus = Corpus::new();
    let config = corpus.model("vit.toml");
    std::fs::write(&config, TINY_VIT).unwrap();
    let model = corpus.model("model");
    let train = |output: &str, more: &[&str]| {
        let mut arguments = vec!["train", &corpus.manifest, "-o", output, "--config", &config, "--jobs", "1"];
        arguments.extend(more);
        corpus.world.run(&arguments)
    };
    let run = train(&model, &["--stages", "masked,whiten", "--steps", "12"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("validation loss"), "{run:?}");
    let card = corpus.card("model");
    assert_eq!(card["architecture"]["kind"].as_str(), Some("vit"));
    assert_eq!(card["format_version"].as_integer(), Some(4));
    let report = std::fs::read_to_string(corpus.world.path("model/report.html")).unwrap();
    assert!(report.contains("Reconstruction") && report.contains("What the encoder saw"));
    assert!(!std::fs::read_to_string(corpus.world.path("model/metrics.json")).unwrap().contains("predicted"));

    let (folder, vectors) = (corpus.model("corpus"), corpus.model("layer.npz"));
    let embed = |layer: &str| {
        corpus.world.run(&["embed", &folder, "--model", &model, "-o", &vectors, "--layer", layer, "--pooling", "mean"])
    };
    assert_eq!(embed("blocks.1").code, Some(0));
    embed("blocks.2").assert_error("its layers are embed, blocks.0, blocks.1", Some("--layer"));

    // What serves is enough to train on from, and all variables are.
    let classified = corpus.model("classified");
    let classify = ["--stages", "classify", "--steps", "4", "--from", &model];
    assert_eq!(train(&classified, &classify).code, Some(0));
    std::fs::remove_file(corpus.world.path("model/training.safetensors")).unwrap();
    let again = corpus.model("again");
    let run = train(&again, &classify);
    assert_eq!(run.code, Some(0), "{run:?}");
}

#[test]
fn any_models_vectors_teach() {
    let corpus = Corpus::new();
    let (folder, vectors) = (corpus.model("corpus"), corpus.model("built-in.npz"));
    assert_eq!(corpus.world.run(&["embed", &folder, "-o", &vectors]).code, Some(0));
    let run = corpus.train("student", &["--stages", "distill", "--steps", "4", "--teacher", &vectors]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("built-in"), "the teacher is judged as well: {run:?}");
    let card = corpus.card("student");
    let (teacher, _) = card["training"]["teachers"][0].as_str().unwrap().split_once(" (table ").unwrap();
    let is_id = |name: &str| name.len() == 16 && name.chars().all(|digit| digit.is_ascii_hexdigit());
    assert!(is_id(teacher), "named by the model that the table names: {card}");
    let report = std::fs::read_to_string(corpus.world.path("student/report.html")).unwrap();
    assert!(report.contains("Teachers"));

    corpus.train("other", &["--stages", "distill"]).assert_error("needs a teacher's vectors", Some("--teacher"));
    let unheard = corpus.model("unheard.npz");
    let song = corpus.world.path("unheard.wav");
    super::music::piece(99, 6.0, 22_050).write(&song);
    assert_eq!(corpus.world.run(&["embed", &song.display().to_string(), "-o", &unheard]).code, Some(0));
    let run = corpus.train("other", &["--stages", "distill", "--teacher", &unheard]);
    run.assert_error("has heard 0 of the training tracks", None);
    assert!(run.stderr.contains("has not heard 13 tracks"), "{run:?}");
    let run = corpus.train("other", &["--stages", "simclr", "--teacher", &vectors]);
    run.assert_error("no stage learns from it", Some("--stages"));
    // Who taught the model before is not forgotten.
    let (from, steps) = (corpus.model("student"), ["--stages", "classify", "--steps", "2"]);
    assert_eq!(corpus.train("grown", &[&["--from", &from][..], &steps].concat()).code, Some(0));
    assert_eq!(corpus.card("grown")["training"]["teachers"], card["training"]["teachers"]);
    let run = corpus.train("other", &["--stages", "distil"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("stages are classify, finetune, triplet, simclr"), "{run:?}");
}
