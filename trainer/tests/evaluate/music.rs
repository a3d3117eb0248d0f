//! Synthesised music.

use std::f64::consts::TAU;
use std::path::Path;

/// Chords of decaying tones with overtones, another each half second; root mean square about 0.1.
pub fn music(seconds: f64, rate_hz: u32) -> Vec<f32> {
    let rate = f64::from(rate_hz);
    let sample = |n: usize| {
        let time = n as f64 / rate;
        let (beat, since) = ((2.0 * time) as usize, time % 0.5);
        let root_hz = 110.0 * 2_f64.powf([0.0, 5.0, 7.0, 3.0, 10.0][beat * beat % 5] / 12.0);
        let tone = |ratio: f64| (TAU * root_hz * ratio * time).sin() / ratio;
        (0.2 * (-3.0 * since).exp() * [1.0, 1.5, 2.0, 5.0].map(tone).iter().sum::<f64>()) as f32
    };
    (0..(seconds * rate) as usize).map(sample).collect()
}

/// Writes interleaved samples as 32-bit floats.
pub fn write_float(path: &Path, samples: &[f32], channels: u16, sample_rate: u32) {
    let spec = hound::WavSpec { channels, sample_rate, bits_per_sample: 32, sample_format: hound::SampleFormat::Float };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    samples.iter().for_each(|&sample| writer.write_sample(sample).unwrap());
    writer.finalize().unwrap();
}
