//! Volume does not matter, and silence is no music.

use std::path::Path;

use audio_frontend::windows::loud;
use audio_frontend::{Coverage, Error, FrontEndConfig};

use super::signal::{music, windows, write_float};

fn write_at(folder: &Path, gain_db: f32, samples: &[f32]) -> std::path::PathBuf {
    let path = folder.join(format!("{gain_db}.wav"));
    let gain = 10_f32.powf(gain_db / 20.0);
    write_float(&path, &samples.iter().map(|sample| gain * sample).collect::<Vec<_>>(), 1, 22_050);
    path
}

#[test]
fn gain_from_minus_40_to_12_decibels_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let song = music(3, 8.0, 22_050);
    let plain = windows(&write_at(folder.path(), 0.0, &song), Coverage::Spread).unwrap();
    for gain_db in [-40.0, -20.0, -6.0, 6.0, 12.0] {
        let other = windows(&write_at(folder.path(), gain_db, &song), Coverage::Spread).unwrap();
        assert_eq!(other.starts, plain.starts);
        for (a, b) in other.log_mel.iter().zip(&plain.log_mel) {
            assert!((a - b).abs() < 0.01, "{gain_db} dB: {a} {b}");
        }
    }
}

#[test]
fn what_is_quiet_beside_the_rest_stays_so_at_every_gain() {
    let folder = tempfile::tempdir().unwrap();
    // Four seconds at −20 dBFS, then twelve at −45.
    let song: Vec<f32> = music(3, 16.0, 22_050)
        .into_iter()
        .enumerate()
        .map(|(n, sample)| if n < 88_200 { sample } else { 0.056 * sample })
        .collect();
    let plain = windows(&write_at(folder.path(), 0.0, &song), Coverage::Spread).unwrap();
    let quiet = windows(&write_at(folder.path(), -50.0, &song), Coverage::Spread).unwrap();
    assert_eq!(quiet.starts, plain.starts);
    let config = FrontEndConfig::default();
    let counts = |powers: &[f32]| loud(powers, &config).collect::<Vec<_>>();
    assert_eq!(counts(&quiet.powers), counts(&plain.powers));
}

#[test]
fn silence_a_constant_and_what_is_next_to_silence_are_silent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("quiet.wav");
    let song = music(3, 5.0, 22_050);
    let near_silence: Vec<f32> = song.iter().map(|sample| 1e-5 * sample).collect();
    let denormal: Vec<f32> = song.iter().map(|sample| 1e-39 * sample).collect();
    for samples in [vec![0.0; 100_000], vec![0.5; 100_000], near_silence, denormal] {
        write_float(&path, &samples, 1, 22_050);
        let error = windows(&path, Coverage::Spread).unwrap_err();
        assert!(matches!(error, Error::Silent { .. }), "{error}");
    }
}

#[test]
fn samples_that_are_no_numbers_count_as_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut song = music(3, 5.0, 22_050);
    let path = folder.path().join("song.wav");
    for (index, value) in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY].into_iter().enumerate() {
        song[1000 * index] = value;
    }
    write_float(&path, &song, 1, 22_050);
    let windows = windows(&path, Coverage::Spread).unwrap();
    assert!(windows.log_mel.iter().all(|value| value.is_finite()));
}
