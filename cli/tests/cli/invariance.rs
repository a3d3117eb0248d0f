//! Shift, volume and mono must not matter: the reason for learning a distance at all.

use super::music::{Piece, piece, write_library, write_wav};
use super::program::{World, path_of, similarity_of};

const RATE: u32 = 22_050;

/// Asks with one variant of each piece and expects the piece itself.
fn assert_finds_itself(vary: impl Fn(&Piece) -> Vec<f32>, channels: u16) {
    let world = World::new();
    write_library(&world.library(), 12, 20.0);
    world.ingest(&[]);
    for number in [0, 4, 7, 11] {
        let variant = world.path("variant.wav");
        write_wav(&variant, &vary(&piece(number, 20.0, RATE)), channels, RATE, 16);
        let answers = world.query(&variant);
        let (first, similarity) = (path_of(&answers[0]), similarity_of(&answers[0]));
        assert!(first.ends_with(format!("piece-{number}.wav")), "piece {number} finds {answers:?}");
        assert!(similarity >= 0.98, "piece {number}: {similarity}");
    }
}

#[test]
fn a_shift_of_370_ms_forward() {
    let cut = 2 * (0.37 * f64::from(RATE)) as usize;
    assert_finds_itself(|piece| piece.stereo()[cut..].to_vec(), 2);
}

#[test]
fn a_shift_of_370_ms_by_silence() {
    let silence = vec![0.0; 2 * (0.37 * f64::from(RATE)) as usize];
    assert_finds_itself(|piece| [silence.clone(), piece.stereo()].concat(), 2);
}

#[test]
fn twelve_decibels_more_and_less() {
    for gain_db in [-12.0_f32, 12.0] {
        let gain = 10_f32.powf(gain_db / 20.0);
        assert_finds_itself(|piece| piece.stereo().iter().map(|sample| gain * sample).collect(), 2);
    }
}

#[test]
fn mono_instead_of_stereo() {
    assert_finds_itself(Piece::mono, 1);
}

#[test]
fn different_pieces_are_not_all_alike() {
    let world = World::new();
    write_library(&world.library(), 12, 20.0);
    world.ingest(&[]);
    let answers = world.query(&world.library().join("piece-0.wav"));
    assert!(similarity_of(answers.last().unwrap()) < 0.9, "{answers:?}");
}
