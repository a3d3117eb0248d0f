//! Degraded copies are files like any other.

use std::path::{Path, PathBuf};

use audio_frontend::{AudioStream, FrontEndConfig};
use trainer::baseline::windows_of_file;
use trainer::evaluate::{Degradation, Original};

use super::music::{music, write_float};

const SECONDS: f64 = 41.0;
const RATE: u32 = 44_100;

/// A stereo file whose channels differ, and its mix.
fn song(folder: &Path) -> (PathBuf, Vec<f32>) {
    let left = music(SECONDS, RATE);
    let stereo: Vec<f32> = left.iter().flat_map(|sample| [*sample, 0.5 * sample]).collect();
    let path = folder.join("song.wav");
    write_float(&path, &stereo, 2, RATE);
    (path, left.iter().map(|sample| 0.75 * sample).collect())
}

fn decoded(path: &Path) -> (Vec<f32>, u32) {
    let mut stream = AudioStream::open(path).unwrap();
    let rate = stream.sample_rate_hz();
    let mut samples = Vec::new();
    while let Some(chunk) = stream.next_chunk().unwrap() {
        samples.extend_from_slice(chunk);
    }
    (samples, rate)
}

fn level_db(samples: &[f32]) -> f64 {
    10.0 * (samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / samples.len() as f64).log10()
}

fn difference(a: &[f32], b: &[f32]) -> Vec<f32> {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn assert_equal(a: &[f32], b: &[f32]) {
    assert!(difference(a, b).iter().all(|difference| difference.abs() < 1e-6));
}

#[test]
fn every_copy_is_what_its_name_says() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mix) = song(folder.path());
    let original = Original::decode(&path).unwrap();
    assert!((original.seconds() - SECONDS).abs() < 1e-3);
    for degradation in Degradation::ALL {
        let name = degradation.name();
        let copy = original.write_degraded(degradation, folder.path(), 7).unwrap().unwrap();
        let (samples, rate) = decoded(&copy);
        let seconds = samples.len() as f64 / f64::from(rate);
        match degradation {
            Degradation::Quieter => {
                assert_equal(&samples, &mix.iter().map(|sample| 0.251_188_64 * sample).collect::<Vec<_>>());
                assert!((level_db(&mix) - level_db(&samples) - 12.0).abs() < 1e-3);
            }
            Degradation::Louder => {
                assert_equal(&samples, &mix.iter().map(|sample| 3.981_071_7 * sample).collect::<Vec<_>>());
            }
            Degradation::Limited => {
                let peak = |samples: &[f32]| samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
                // tanh of 10^(6 / 20), and nearly all of the 6 dB for what is soft.
                assert!((peak(&samples) - 0.9637).abs() < 1e-3, "{}", peak(&samples));
                let soft = mix.iter().position(|sample| (1e-4..1e-3).contains(sample)).unwrap();
                let factor = samples[soft] / mix[soft] * peak(&mix);
                assert!((factor - 1.9953).abs() < 1e-3, "{factor}");
            }
            Degradation::PinkNoise => {
                let snr_db = level_db(&mix) - level_db(&difference(&samples, &mix));
                assert!((snr_db - 20.0).abs() < 0.2, "{snr_db} dB");
            }
            // 20 s from the middle of 41 s begin at 10.5 s.
            Degradation::Crop => assert_equal(&samples, &mix[463_050..1_345_050]),
            Degradation::Shift => assert_equal(&samples, &mix[441_000..]),
            Degradation::ShortShift => assert_equal(&samples, &mix[44_100..]),
            Degradation::Mp3 => {
                assert!((seconds - SECONDS).abs() < 0.1, "{seconds} s");
                assert!((level_db(&samples) - level_db(&mix)).abs() < 0.5);
                let bytes = std::fs::read(&copy).unwrap();
                let kbit = bytes.len() as f64 * 8.0 / 1000.0 / seconds;
                assert!((kbit - 64.0).abs() < 1.0, "{kbit} kbit/s");
                // The first frame is ffmpeg's Xing header, the second the encoder's.
                let frames = bytes.windows(4).filter(|header| header[..2] == [0xFF, 0xFB]);
                assert_eq!(frames.map(|header| header[3] >> 6).nth(1), Some(1), "joint stereo");
            }
            Degradation::LowRateMono => {
                assert!((seconds - SECONDS).abs() < 0.01, "{seconds} s");
                // Nothing in this music is above 11 kHz.
                // ffmpeg mixes floats with √½ where a mean has ½.
                let gain_db = level_db(&samples) - level_db(&mix);
                assert!((gain_db - 3.01).abs() < 0.1, "{gain_db} dB");
                assert_eq!(hound::WavReader::open(&copy).unwrap().spec().channels, 1);
            }
        }
        assert_eq!(rate, if degradation == Degradation::LowRateMono { 22_050 } else { RATE }, "{name}");
        assert!(windows_of_file(&copy, &FrontEndConfig::default()).unwrap().count() > 10, "{name}");
    }
}

#[test]
fn halves_put_together_are_the_track() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("song.wav");
    let song = music(3.0, 22_050);
    write_float(&path, &song, 1, 22_050);
    let halves = Original::decode(&path).unwrap().write_halves(folder.path()).unwrap();
    let [first, second] = halves.map(|half| decoded(&half).0);
    assert_eq!(first.len(), 33_075);
    assert_equal(&[first, second].concat(), &song);
}

#[test]
fn an_excerpt_is_the_middle_in_every_copy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ramp.wav");
    // Of each sample its own value: where a copy begins can be read off it.
    let samples: Vec<f32> = (0..60 * 8000).map(|sample| sample as f32 / 1e6).collect();
    write_float(&path, &samples, 1, 8000);
    let excerpt = Original::decode(&path).unwrap().excerpt(30.0);
    assert_eq!(excerpt.seconds(), 30.0);
    let middle = &samples[15 * 8000..45 * 8000];
    assert_equal(&decoded(&excerpt.write_clean(folder.path()).unwrap()).0, middle);
    let copy = |degradation| decoded(&excerpt.write_degraded(degradation, folder.path(), 1).unwrap().unwrap()).0;
    assert_equal(&copy(Degradation::Crop), &middle[5 * 8000..25 * 8000]);
    assert_equal(&copy(Degradation::Shift), &middle[10 * 8000..]);
    let resampled = copy(Degradation::LowRateMono);
    assert!((resampled.len() as f64 / 22_050.0 - 30.0).abs() < 0.01, "ffmpeg cuts the same part");
    let centre = resampled.len() / 2;
    assert!((resampled[centre] - middle[middle.len() / 2]).abs() < 1e-3);
    assert_eq!(Original::decode(&path).unwrap().excerpt(90.0).seconds(), 60.0, "a shorter track stays whole");
}

#[test]
fn a_short_track_is_not_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("short.wav");
    write_float(&path, &music(27.0, 8_000), 1, 8_000);
    let original = Original::decode(&path).unwrap();
    for (degradation, is_made) in [
        (Degradation::Crop, false),
        (Degradation::Shift, false),
        (Degradation::ShortShift, false),
        (Degradation::PinkNoise, true),
    ] {
        let copy = original.write_degraded(degradation, folder.path(), 1).unwrap();
        assert_eq!(copy.is_some(), is_made, "{}", degradation.name());
    }
}

#[test]
fn what_lies_behind_ten_minutes_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.wav");
    write_float(&path, &vec![0.1; 620 * 1_000], 1, 1_000);
    assert_eq!(Original::decode(&path).unwrap().seconds(), 600.0);
}

#[test]
fn the_reason_of_a_failure_is_ffmpegs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("song.wav");
    write_float(&path, &music(1.0, 8_000), 1, 8_000);
    let original = Original::decode(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let error = original.write_degraded(Degradation::Mp3, folder.path(), 1).unwrap_err().to_string();
    assert!(error.contains("song.wav: ffmpeg failed: ") && error.contains("No such file"), "{error}");
}
