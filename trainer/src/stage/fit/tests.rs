use std::path::Path;

use audio_frontend::MelPower;

use super::*;
use crate::data::Roster;
use crate::metric::miner::corpus::BruteForce;
use crate::stage::example::World;
use crate::stage::{classify, triplet};

impl World {
    fn classify(&self, checkpoint: Option<&Path>, report: &mut dyn FnMut(Progress)) -> Result<Fitted> {
        let surroundings = Surroundings { checkpoint, max_duration: None, search: &mut BruteForce, report };
        let (setup, start) = (self.config.setup(), Start::Random);
        classify::train("classify", &self.config.classify, setup, self.material(), &start, surroundings)
    }

    fn triplet(&self, start: &Start, checkpoint: Option<&Path>, report: &mut dyn FnMut(Progress)) -> Result<Fitted> {
        let surroundings = Surroundings { checkpoint, max_duration: None, search: &mut BruteForce, report };
        triplet::train(&self.config.triplet, self.config.setup(), self.material(), start, surroundings)
    }
}

#[test]
fn the_loss_falls_genres_separate_and_a_seed_repeats_the_run() {
    let world = World::new(60);
    let mut losses = Vec::new();
    let fitted = world.classify(None, &mut |now| losses.push(now.loss)).unwrap();
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    assert!(mean(&losses[50..]) < 0.8 * mean(&losses[..5]), "{losses:?}");
    assert!(fitted.validation.mean_average_precision > 0.95, "{:?}", fitted.validation);
    assert_eq!(fitted.weights.genres, ["bass", "treble"]);
    assert_eq!(fitted.curve.points.len(), 6);
    assert_eq!(fitted.ended, Ended::AllSteps);
    assert_eq!(fitted.weights, world.classify(None, &mut |_| ()).unwrap().weights);
}

#[test]
fn triplets_refine_and_corpus_wide_negatives_are_found() {
    let world = World::new(30);
    let start = Start::Weights(world.classify(None, &mut |_| ()).unwrap().weights);
    let mut losses = Vec::new();
    let fitted = world.triplet(&start, None, &mut |now| losses.push(now.loss)).unwrap();
    assert!(losses.iter().all(|loss| loss.is_finite()));
    assert!(fitted.validation.mean_average_precision > 0.95, "{:?}", fitted.validation);
    let point = fitted.curve.points.last().unwrap();
    assert!(
        point.active_triplets.is_some()
            && point.embedding_variance.is_some_and(|variance| variance > COLLAPSED_VARIANCE)
    );
}

/// A run with its checkpoint, and what is told of it.
type Stoppable<'a> = dyn Fn(&Path, &mut dyn FnMut(Progress)) -> Result<Fitted> + 'a;

/// Killed after each of these steps and started again, a run ends with the same weights and curve.
#[test]
fn a_run_that_is_killed_and_resumed_ends_as_if_it_had_not_been() {
    struct Killed;
    let world = World::new(24);
    let folder = tempfile::tempdir().unwrap();
    let plain = world.classify(None, &mut |_| ()).unwrap();
    let start = Start::Weights(plain.weights.clone());
    let plain_triplet = world.triplet(&start, None, &mut |_| ()).unwrap();
    for kill_at in [1, 7, 11, 20, 23] {
        let path = folder.path().join(format!("{kill_at}.safetensors"));
        let run = |run: &Stoppable<'_>| {
            let killed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                run(&path, &mut |now| {
                    if now.step == kill_at {
                        std::panic::resume_unwind(Box::new(Killed));
                    }
                })
            }));
            assert!(killed.is_err());
            let resumed = run(&path, &mut |_| ()).unwrap();
            std::fs::remove_file(&path).unwrap();
            resumed
        };
        let resumed = run(&|path, report| world.classify(Some(path), report));
        assert_eq!(resumed.weights, plain.weights, "killed at {kill_at}");
        assert_eq!(resumed.curve, plain.curve);
        let resumed = run(&|path, report| world.triplet(&start, Some(path), report));
        assert_eq!(resumed.weights, plain_triplet.weights, "killed at {kill_at}");
        assert_eq!(resumed.curve, plain_triplet.curve);
    }
}

#[test]
fn weights_that_gain_too_little_are_not_kept() {
    let mut world = World::new(30);
    world.config.triplet.fit.keep = Keep::Retrieval;
    // Some random weights tell bass from treble as well as can be.
    let mut kept = |least_gain: f64| -> Vec<usize> {
        world.config.triplet.fit.least_gain = least_gain;
        let of_seed = |seed| {
            world.config.seed = seed;
            let random = Network::random(world.config.setup(), &world.roster.genres).unwrap();
            let start = Start::Weights(random.weights().unwrap());
            world.triplet(&start, None, &mut |_| ()).unwrap().curve.kept_step
        };
        (0..8).map(of_seed).collect()
    };
    let (any, none) = (kept(0.0), kept(1.0));
    assert!(any.iter().any(|step| *step > 0), "{any:?}");
    assert!(none.iter().all(|step| *step == 0), "no precision rises by that much: {none:?}");
}

/// Everything into one point.
struct Collapse;

impl Objective for Collapse {
    fn name(&self) -> &'static str {
        "collapse"
    }

    fn loss(&self, network: &Network, log_mel: &Tensor, _batch: &Batch, mode: Mode) -> Result<StepLoss> {
        let vectors = network.encoder.forward(log_mel, mode);
        // Beyond the neck's reach: the vectors themselves are drawn to one place.
        let place = network.classifier.forward(&vectors).select(1, 0);
        Ok(StepLoss { loss: -place.mean(Kind::Float), vectors, active_triplets: Some(1.0) })
    }
}

#[test]
fn collapse_ends_a_stage_and_the_best_weights_are_kept() {
    let mut world = World::new(400);
    // Batch normalisation keeps a batch from collapsing as a whole; one kind of track has nothing to differ in.
    let only = world.tracks[0].clone();
    world.tracks = vec![only.clone(), only];
    world.roster = Roster::of(&world.tracks);
    world.config.augment = crate::augment::AugmentConfig::OFF;
    let flat = MelPower::from_rows(8, vec![1.0; 8 * 40]);
    for track in &mut world.tracks {
        track.power = crate::data::TrackPower::Held(flat.clone());
    }
    let stage = Stage {
        setup: world.config.setup(),
        material: world.material(),
        fit: &world.config.classify.fit,
        batch: &world.config.classify.batch,
        corpus: None,
        objective: &|_| Ok(Box::new(Collapse)),
        teachers: None,
    };
    let surroundings =
        Surroundings { checkpoint: None, max_duration: None, search: &mut BruteForce, report: &mut |_| () };
    let fitted = fit(&stage, &Start::Random, surroundings).unwrap();
    assert!(matches!(fitted.ended, Ended::Collapsed { step, .. } if step < 400), "{:?}", fitted.ended);
    assert!(fitted.curve.kept_step <= fitted.curve.points.last().unwrap().step);
}

#[test]
fn patience_ends_a_stage() {
    let mut world = World::new(200);
    world.config.classify.fit.patience = 2;
    // Genres separate at once: nothing gets better any more.
    let fitted = world.classify(None, &mut |_| ()).unwrap();
    assert_eq!(fitted.ended, Ended::Patience);
    assert!(fitted.curve.kept_step + 20 == fitted.curve.points.last().unwrap().step);
}

#[test]
fn one_genre_is_too_little() {
    let mut world = World::new(1);
    world.tracks.retain(|track| track.entry.genre.as_deref() == Some("bass"));
    world.roster = Roster::of(&world.tracks);
    assert!(matches!(world.classify(None, &mut |_| ()), Err(Error::TooLittleData { genres: 1, .. })));
}
