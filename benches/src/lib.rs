//! Measurements live in `benches/`, one question a file; programs that answer one in `examples/`;
//! comparisons with other systems in `compare/`; figures that were measured in `results/`; the corpus'
//! list and its fetcher in `corpus/`.

use std::path::Path;

/// Writes minutes of 16-bit stereo at 44.1 kHz: chords with a beat and some noise.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_minutes(path: &Path, minutes: u32) -> Result<(), hound::Error> {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 44_100,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec)?;
    let mut noise = 1_u32;
    for sample in 0..minutes * 60 * 44_100 {
        let seconds = f64::from(sample) / 44_100.0;
        let chord: f64 = [220.0, 277.2, 329.6].iter().map(|hz| (std::f64::consts::TAU * hz * seconds).sin()).sum();
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let hiss = f64::from(noise >> 16) / 65_536.0 - 0.5;
        let value = (3000.0 * chord * (-3.0 * (2.0 * seconds).fract()).exp() + 300.0 * hiss) as i16;
        writer.write_sample(value)?;
        writer.write_sample(value / 2)?;
    }
    writer.finalize()
}

/// Seconds of processor time of this process so far, of all threads, from Linux; 0 elsewhere.
pub fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Fields 14 and 15, counted from 1; the second may hold spaces and ends with a parenthesis.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |field: usize| fields.get(field - 3).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(14) + ticks(15)) / 100.0
}
