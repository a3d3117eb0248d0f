//! How loud a track is in its parts, for drawing.

use std::path::Path;

use crate::decode::AudioStream;
use crate::error::Result;
use crate::reader::guarded;

/// Samples are looked at in blocks of this length: finer than a part of any drawing, and few for an hour.
const BLOCK_SECONDS: f64 = 0.02;

/// The outline of a track.
#[derive(Debug, Clone, PartialEq)]
pub struct Waveform {
    /// Length of the track.
    pub seconds: f64,
    /// The largest sample of each part, all parts being of one length, beside that of the loudest: 0 to 1.
    pub peaks: Vec<f32>,
}

/// Decodes a file and divides it into `points` parts; fewer where it is that short.
///
/// # Errors
/// As [`AudioStream::open`] and [`AudioStream::next_chunk`]; [`crate::Error::DecoderPanicked`].
pub fn waveform(path: &Path, points: usize) -> Result<Waveform> {
    guarded(path, || {
        let mut stream = AudioStream::open(path)?;
        let rate = stream.sample_rate_hz();
        let block_samples = ((f64::from(rate) * BLOCK_SECONDS) as usize).max(1);
        let (mut blocks, mut peak, mut samples) = (Vec::new(), 0.0_f32, 0_usize);
        while let Some(chunk) = stream.next_chunk()? {
            for sample in chunk {
                peak = peak.max(sample.abs());
                samples += 1;
                if samples.is_multiple_of(block_samples) {
                    blocks.push(std::mem::take(&mut peak));
                }
            }
        }
        if !samples.is_multiple_of(block_samples) {
            blocks.push(peak);
        }
        Ok(Waveform { seconds: samples as f64 / f64::from(rate), peaks: outline(&blocks, points) })
    })
}

/// The largest of each of so many parts, beside the largest of all.
fn outline(blocks: &[f32], points: usize) -> Vec<f32> {
    let points = points.min(blocks.len());
    let largest = |blocks: &[f32]| blocks.iter().copied().fold(0.0, f32::max);
    let most = largest(blocks).max(f32::MIN_POSITIVE);
    let begin = |point: usize| point * blocks.len() / points;
    (0..points).map(|point| largest(&blocks[begin(point)..begin(point + 1)]) / most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outline_has_the_largest_of_each_part() {
        assert_eq!(outline(&[0.1, 0.5, 0.2, 0.25, 0.0], 2), [1.0, 0.5]);
        assert_eq!(outline(&[0.0, 0.0], 4), [0.0, 0.0]);
        assert!(outline(&[], 4).is_empty());
    }

    #[test]
    fn a_file_is_as_long_as_its_samples() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("steps.wav");
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        for sample in 0..16_000 {
            let size = if sample < 8000 { 4000 } else { 16_000 };
            writer.write_sample(if sample % 2 == 0 { size } else { -size }).unwrap();
        }
        writer.finalize().unwrap();
        let waveform = waveform(&path, 4).unwrap();
        assert_eq!(waveform.seconds, 2.0);
        let rounded: Vec<f32> = waveform.peaks.iter().map(|peak| (peak * 100.0).round() / 100.0).collect();
        assert_eq!(rounded, [0.25, 0.25, 1.0, 1.0]);
        assert!(super::waveform(&folder.path().join("none.wav"), 4).is_err());
    }
}
