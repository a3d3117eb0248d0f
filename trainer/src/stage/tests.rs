//! What every stage promises, alone and after any other.

use std::path::Path;

use npyz::Order;
use tch::Tensor;

use super::example::World;
use super::fit::{Ended, Progress};
use super::network::{NetworkWeights, Start};
use crate::augment::AugmentConfig;
use crate::config::StageName;
use crate::data::vector_archive::example::Table;
use crate::data::{Teacher, TeacherTable};
use crate::error::{Error, Result};
use crate::model::weights;
use crate::run::{Finished, FinishedStage};

/// A teacher that has heard which bands a track uses, every half second.
fn teacher(world: &World) -> Teacher {
    let (mut files, mut starts, mut vectors) = (Vec::new(), Vec::new(), Vec::<f32>::new());
    // The last one is unknown to it.
    for track in &world.tracks[..world.tracks.len() - 1] {
        for passage in 0..4 {
            let mut rows = Vec::new();
            track.power.read(passage * 25..passage * 25 + 20, &mut rows).unwrap();
            files.push(track.entry.path.to_string_lossy().into_owned());
            starts.push(passage as f64 * 0.5);
            vectors.extend((0..8).map(|band| rows.iter().skip(band).step_by(8).sum::<f32>()));
        }
    }
    let count = files.len() as u64;
    let table = Table::new("bands.npz", &files.iter().map(String::as_str).collect::<Vec<_>>());
    let table = table.with("start_s", Order::C, &[count], &starts).with("emb", Order::C, &[count, 8], &vectors);
    let (_folder, path) = table.finish();
    let paths: Vec<_> = world.tracks.iter().map(|track| track.entry.path.clone()).collect();
    let teacher = TeacherTable::read(&path).unwrap().of(&paths);
    assert_eq!(teacher.missing(), 1);
    teacher
}

fn world_for(stage: StageName, steps: usize) -> World {
    let mut world = World::new(steps);
    for (number, track) in world.tracks.iter_mut().enumerate() {
        track.entry.path = format!("/music/{number}.wav").into();
    }
    // Seven short tracks, varied as music is, are one to a network of this size.
    world.config.augment = AugmentConfig::OFF;
    match stage {
        StageName::Masked => world.with_vit(),
        _ => world,
    }
}

fn last(finished: Finished) -> FinishedStage {
    finished.stages.into_iter().next_back().unwrap()
}

const LABEL_FREE: [StageName; 3] = [StageName::Simclr, StageName::Masked, StageName::Distill];

#[test]
fn the_validation_loss_of_stages_without_labels_falls_and_a_seed_repeats_them() {
    for stage in LABEL_FREE {
        let world = world_for(stage, 60);
        let teacher = teacher(&world);
        let run = || {
            let folder = tempfile::tempdir().unwrap();
            last(world.run(&[stage], Start::Random, Some(&teacher), folder.path(), &mut |_| ()).unwrap())
        };
        let finished = run();
        assert_eq!(finished.ended, Ended::AllSteps);
        let losses: Vec<f64> = finished.curve.points.iter().map(|point| point.validation_loss.unwrap()).collect();
        let kept = finished.curve.points.iter().position(|point| point.step == finished.curve.kept_step).unwrap();
        assert!(losses[kept] < 0.95 * losses[0], "{stage:?}: {losses:?}");
        assert!(losses.iter().all(|loss| *loss >= losses[kept]), "the smallest is kept: {losses:?}");
        assert_eq!(finished.serving_weights, run().serving_weights, "{stage:?}");
    }
}

/// Killed after each of these steps and started again, a run ends with the same weights and curve.
#[test]
fn stages_without_labels_that_are_killed_end_as_if_they_had_not_been() {
    struct Killed;
    for stage in LABEL_FREE {
        let world = world_for(stage, 16);
        let teacher = teacher(&world);
        let run = |folder: &Path, report: &mut dyn FnMut(Progress)| -> Result<FinishedStage> {
            world.run(&[stage], Start::Random, Some(&teacher), folder, report).map(last)
        };
        let folder = tempfile::tempdir().unwrap();
        let plain = run(folder.path(), &mut |_| ()).unwrap();
        for kill_at in [1, 7, 11] {
            let folder = tempfile::tempdir().unwrap();
            let killed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                run(folder.path(), &mut |now| {
                    if now.step == kill_at {
                        std::panic::resume_unwind(Box::new(Killed));
                    }
                })
            }));
            assert!(killed.is_err());
            let resumed = run(folder.path(), &mut |_| ()).unwrap();
            assert_eq!(resumed.serving_weights, plain.serving_weights, "{stage:?} killed at {kill_at}");
            assert_eq!(resumed.curve, plain.curve);
        }
    }
}

#[test]
fn every_stage_goes_on_from_every_other_and_leaves_nothing_of_its_own() {
    let both = [(StageName::Classify, &StageName::ALL[..]), (StageName::Masked, &StageName::ALL[..])];
    for (network_of, stages) in both {
        let teacher = teacher(&world_for(network_of, 1));
        let is_possible = |stage: &StageName| network_of == StageName::Masked || *stage != StageName::Masked;
        let world_of = |steps: usize| {
            let mut world = world_for(network_of, steps);
            world.config.whiten.crops_per_track = 2;
            world.config.fits_mut().into_iter().for_each(|fit| fit.weight_decay = 0.0);
            world
        };
        // Three steps move the weights; a single one, whose rate is 0, leaves them.
        let (moving, standing) = (world_of(3), world_of(1));
        let run = |world: &World, stage: StageName, start: Start| {
            let folder = tempfile::tempdir().unwrap();
            world.run(&[stage], start, Some(&teacher), folder.path(), &mut |_| ()).unwrap()
        };
        for &first in stages.iter().filter(|stage| is_possible(stage)) {
            let begun = run(&moving, first, Start::Random);
            let untouched = run(&standing, StageName::Simclr, Start::Random);
            // Discriminants are taken only where they help.
            let moves = first == StageName::Discriminate || matrices(&begun.weights) != matrices(&untouched.weights);
            assert!(moves, "{first:?}");
            let names = weights::deserialise(&begun.weights.bytes).unwrap();
            let own = names.keys().find(|name| !name.starts_with("encoder.") && !name.starts_with("classifier."));
            assert_eq!(own, None, "{first:?} leaves");
            for &next in stages.iter().filter(|stage| is_possible(stage)) {
                let gone_on = run(&standing, next, Start::Weights(begun.weights.clone()));
                assert_eq!(gone_on.weights.genres, ["bass", "treble"], "{first:?}, {next:?}");
                let unchanged = matrices(&gone_on.weights) == matrices(&begun.weights);
                let sets_head = matches!(next, StageName::Whiten | StageName::Discriminate);
                assert!(unchanged || sets_head, "{first:?}, {next:?}");
            }
        }
    }
}

/// Matrices and kernels whose names begin so: what is drawn and trained, without statistics.
fn below(weights: &NetworkWeights, prefix: &str) -> Vec<(String, Tensor)> {
    let named = weights::deserialise(&weights.bytes).unwrap();
    let is_wanted = |(name, value): &(String, Tensor)| name.starts_with(prefix) && value.dim() > 1;
    let mut below: Vec<_> = named.into_iter().filter(is_wanted).collect();
    below.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(!below.is_empty(), "{prefix}");
    below
}

fn matrices(weights: &NetworkWeights) -> Vec<(String, Tensor)> {
    below(weights, "encoder.")
}

#[test]
fn stages_without_labels_move_what_they_train_and_nothing_else() {
    for stage in LABEL_FREE {
        let teacher = teacher(&world_for(stage, 12));
        let after = |steps: usize| {
            let mut world = world_for(stage, steps);
            world.config.fits_mut().into_iter().for_each(|fit| {
                fit.weight_decay = 0.0;
            });
            let folder = tempfile::tempdir().unwrap();
            world.run(&[stage], Start::Random, Some(&teacher), folder.path(), &mut |_| ()).unwrap().weights
        };
        let (early, late) = (after(1), after(12));
        // The learning rate of a single step is 0.
        assert_eq!(below(&early, "classifier."), below(&late, "classifier."), "{stage:?} has no labels");
        let moved = |prefix: &str| below(&early, prefix) != below(&late, prefix);
        assert_eq!(moved("encoder.head."), stage != StageName::Masked, "{stage:?}");
        assert!(moved("encoder.blocks.0."), "{stage:?}");
    }
}

#[test]
fn a_track_has_its_share_in_what_its_crops_are_taught() {
    let after = |track_share: f64| {
        let mut world = world_for(StageName::Distill, 12);
        world.config.distill.track_share = track_share;
        let folder = tempfile::tempdir().unwrap();
        let teacher = teacher(&world);
        last(world.run(&[StageName::Distill], Start::Random, Some(&teacher), folder.path(), &mut |_| ()).unwrap())
    };
    assert_ne!(after(0.0).serving_weights, after(1.0).serving_weights);
}

#[test]
fn what_a_stage_lacks_is_told() {
    let world = world_for(StageName::Distill, 1);
    let folder = tempfile::tempdir().unwrap();
    let run = |stage| world.run(&[stage], Start::Random, None, folder.path(), &mut |_| ()).unwrap_err();
    assert!(matches!(run(StageName::Distill), Error::NoTeacher));
    let folder = tempfile::tempdir().unwrap();
    let error = world.run(&[StageName::Masked], Start::Random, None, folder.path(), &mut |_| ()).unwrap_err();
    assert!(error.to_string().contains("kind = \"vit\""), "{error}");
}

#[test]
fn a_masked_stage_shows_what_it_made_of_windows() {
    let world = world_for(StageName::Masked, 60);
    let folder = tempfile::tempdir().unwrap();
    let finished = last(world.run(&[StageName::Masked], Start::Random, None, folder.path(), &mut |_| ()).unwrap());
    let shown = &finished.curve.reconstructions;
    assert_eq!(shown.len(), 3);
    for window in shown {
        assert_eq!((window.frames, window.bands, window.input.len()), (16, 8, 128));
        assert!((window.seconds - 0.32).abs() < 1e-9);
        let hidden = window.hidden.iter().filter(|hidden| **hidden).count();
        assert_eq!(hidden, 96, "three quarters");
        let seen = (0..128).filter(|&cell| !window.hidden[cell]);
        assert!(seen.into_iter().all(|cell| window.input[cell] == window.predicted[cell]));
        let hidden = (0..128).filter(|&cell| window.hidden[cell]);
        assert!(hidden.into_iter().all(|cell| window.input[cell] != window.predicted[cell]), "nothing is copied");
    }
}
