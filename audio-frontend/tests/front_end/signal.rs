//! Sounds that can be worked out at any sample rate, and files of them.

use std::f64::consts::TAU;
use std::path::Path;
use std::process::Command;

use audio_frontend::{Coverage, FrontEndConfig, Result, WindowReader, Windows};

/// Pseudo-random numbers in [0, 1): the generator of Numerical Recipes, as `make_golden.py` has it.
pub struct Dice(u32);

impl Dice {
    pub fn new(seed: u32) -> Self {
        Self(seed)
    }

    pub fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(self.0) / 4_294_967_296.0
    }
}

/// Something like music without anything above 10.5 kHz: 300 partials that swell and fade, each at a
/// tempo of its own. The same sound at every rate. Root mean square about 0.1.
pub fn music(seed: u32, seconds: f64, rate_hz: u32) -> Vec<f32> {
    let mut dice = Dice::new(seed);
    let partials: Vec<[f64; 5]> = (0..300)
        .map(|_| {
            let hz = 50.0 * 210_f64.powf(dice.roll());
            [hz, 0.02 * (200.0 / hz).sqrt().min(1.0), TAU * dice.roll(), 0.2 + 4.0 * dice.roll(), TAU * dice.roll()]
        })
        .collect();
    let sample = |n: usize| {
        let time = n as f64 / f64::from(rate_hz);
        let sum: f64 = partials
            .iter()
            .map(|[hz, gain, phase, tempo, beat]| {
                gain * (TAU * hz * time + phase).sin() * (1.2 + (TAU * tempo * time + beat).sin())
            })
            .sum();
        sum as f32
    };
    (0..(seconds * f64::from(rate_hz)) as usize).map(sample).collect()
}

/// Noise whose colour wanders, no two seconds of it alike, and cheap to work out.
pub fn wandering_noise(seed: u32, seconds: f64, rate_hz: u32) -> Vec<f32> {
    let mut dice = Dice::new(seed);
    let (mut low, mut colour) = (0.0, 0.5);
    let sample = |_| {
        colour = (colour + 0.001 * (dice.roll() - 0.5)).clamp(0.02, 0.98);
        low += colour * (dice.roll() - 0.5 - low);
        (0.5 * low) as f32
    };
    (0..(seconds * f64::from(rate_hz)) as usize).map(sample).collect()
}

/// Writes interleaved samples as 32-bit floats.
pub fn write_float(path: &Path, samples: &[f32], channels: u16, sample_rate: u32) {
    let spec = hound::WavSpec { channels, sample_rate, bits_per_sample: 32, sample_format: hound::SampleFormat::Float };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    samples.iter().for_each(|&sample| writer.write_sample(sample).unwrap());
    writer.finalize().unwrap();
}

/// Writes mono as 16-bit integers, which every encoder takes.
pub fn write_16_bit(path: &Path, samples: &[f32], sample_rate: u32) {
    let spec =
        hound::WavSpec { channels: 1, sample_rate, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    samples.iter().for_each(|sample| writer.write_sample((32_767.0 * sample) as i16).unwrap());
    writer.finalize().unwrap();
}

/// Encodes with ffmpeg, which `scripts/setup --tests` installs.
pub fn encode(source: &Path, encoding: &[&str], path: &Path) {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-y", "-i"]).arg(source).args(encoding).arg(path);
    let status = ffmpeg.status().unwrap_or_else(|error| panic!("ffmpeg: {error} (scripts/setup --tests installs it)"));
    assert!(status.success(), "{ffmpeg:?}");
}

/// All windows of a file.
pub fn windows(path: &Path, coverage: Coverage) -> Result<Windows> {
    let config = FrontEndConfig::default();
    let mut reader = WindowReader::open(path, &config, coverage)?;
    let mut all = Windows::none(&config);
    while let Some(windows) = reader.next_windows()? {
        all.starts.extend(windows.starts);
        all.powers.extend(windows.powers);
        all.log_mel.extend(windows.log_mel);
    }
    Ok(all)
}
