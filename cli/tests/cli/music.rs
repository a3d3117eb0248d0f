//! Synthesised music: each number is a piece of its own in chords, tempo, instruments and drums.

use std::f64::consts::TAU;
use std::path::Path;

/// Left and right samples at a sample rate, peak about 0.2: room for 12 dB more.
pub struct Piece {
    pub left: Vec<f32>,
    pub right: Vec<f32>,
    pub rate: u32,
}

/// Pseudo-random numbers in [0, 1).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn pick(&mut self, choices: &[f64]) -> f64 {
        choices[(self.roll() * choices.len() as f64) as usize % choices.len()]
    }
}

/// Piece `number`, `seconds` long.
pub fn piece(number: u64, seconds: f64, rate: u32) -> Piece {
    let mut dice = Dice(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 1);
    for _ in 0..8 {
        dice.roll();
    }
    let beat_seconds = 0.25 + 0.5 * dice.roll();
    let root_hz = 55.0 * 2_f64.powf(2.0 * dice.roll());
    let overtones = 1 + (dice.roll() * 12.0) as usize;
    let decay = dice.pick(&[0.3, 1.5, 6.0]);
    let drums = dice.pick(&[0.0, 0.3, 1.0]);
    let hiss = dice.pick(&[0.0, 0.01, 0.05]);
    let chords: Vec<[f64; 3]> = (0..4)
        .map(|_| {
            let degree = dice.pick(&[0.0, 2.0, 5.0, 7.0, 9.0]);
            [degree, degree + dice.pick(&[3.0, 4.0]), degree + dice.pick(&[7.0, 10.0])]
        })
        .collect();
    let count = (seconds * f64::from(rate)) as usize;
    let mut piece = Piece { left: Vec::with_capacity(count), right: Vec::with_capacity(count), rate };
    for sample in 0..count {
        let time = sample as f64 / f64::from(rate);
        let beat = time / beat_seconds;
        let since_beat = beat.fract() * beat_seconds;
        let chord = chords[(beat / 4.0) as usize % chords.len()];
        let mut voices = [0.0; 3];
        for (voice, semitones) in voices.iter_mut().zip(chord) {
            let hz = root_hz * 2_f64.powf(semitones / 12.0);
            for overtone in 1..=overtones {
                let hz = hz * overtone as f64;
                if hz < 0.45 * f64::from(rate) {
                    *voice += (TAU * hz * time).sin() / overtone as f64;
                }
            }
            *voice *= (-decay * since_beat).exp();
        }
        let noise = dice.roll() - 0.5;
        let drum = drums * noise * (-30.0 * since_beat).exp()
            + drums * (TAU * 60.0 * since_beat).sin() * (-12.0 * since_beat).exp();
        let common = 0.1 * voices[0] + 0.15 * drum + hiss * noise;
        piece.left.push((0.5 * (common + 0.08 * voices[1] + 0.03 * voices[2])) as f32);
        piece.right.push((0.5 * (common + 0.03 * voices[1] + 0.08 * voices[2])) as f32);
    }
    piece
}

impl Piece {
    /// Both channels, interleaved.
    pub fn stereo(&self) -> Vec<f32> {
        self.left.iter().zip(&self.right).flat_map(|(left, right)| [*left, *right]).collect()
    }

    /// The mean of both channels.
    pub fn mono(&self) -> Vec<f32> {
        self.left.iter().zip(&self.right).map(|(left, right)| 0.5 * (left + right)).collect()
    }

    /// Writes 16-bit stereo.
    pub fn write(&self, path: &Path) {
        write_wav(path, &self.stereo(), 2, self.rate, 16);
    }
}

/// Writes interleaved samples as integers of 8 to 32 bits; 0 bits stand for 32-bit floats.
pub fn write_wav(path: &Path, samples: &[f32], channels: u16, rate: u32, bits: u16) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let float = bits == 0;
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample: if float { 32 } else { bits },
        sample_format: if float { hound::SampleFormat::Float } else { hound::SampleFormat::Int },
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    let full_scale = 2_f64.powi(i32::from(bits.max(1)) - 1) - 1.0;
    for sample in samples {
        if float {
            writer.write_sample(*sample).unwrap();
        } else {
            let value = (f64::from(*sample) * full_scale).round().clamp(-full_scale - 1.0, full_scale);
            writer.write_sample(value as i32).unwrap();
        }
    }
    writer.finalize().unwrap();
}

/// Fills a folder with pieces `0..count` of `seconds` each: `piece-0.wav` and so on.
pub fn write_library(folder: &Path, count: u64, seconds: f64) {
    for number in 0..count {
        piece(number, seconds, 22_050).write(&folder.join(format!("piece-{number}.wav")));
    }
}
