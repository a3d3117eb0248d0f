//! Whether two files hold the same recording, by Chromaprint: what is heard, whatever the format, the level and the tags.

use std::path::Path;

use rusty_chromaprint::{Configuration, Fingerprinter, match_fingerprints};

use crate::decode::AudioStream;
use crate::error::{Error, Result};
use crate::reader::guarded;

/// A track's beginning that is compared, in seconds.
const LISTENED_SECONDS: u64 = 180;

/// Bits of 32 that may differ, on average over all that two copies have in common. Of 122 copies all but one differ in 3.4 at
/// most, and the nearest of other recordings, variations of one piece, in 5.6: benches/results/copies.md.
const MOST_BITS_DIFFERENT: f64 = 4.0;

/// Part of the shorter fingerprint that has to be found in the other one.
const LEAST_COMMON_PART: f64 = 0.9;

/// The chroma of a track's beginning in sub-fingerprints of 32 bits, one every 0.12 s (L. Lalinský, "How does Chromaprint
/// work?", 2011, after Ke, Hoiem and Sukthankar 2005 and Jang, Yoo, Lee, Kim and Kalker 2009).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(pub Vec<u32>);

impl Fingerprint {
    /// Of a file's first three minutes.
    ///
    /// # Errors
    /// As [`crate::mel_power`].
    pub fn of_file(path: &Path) -> Result<Self> {
        guarded(path, || {
            let mut stream = AudioStream::open(path)?;
            let rate_hz = stream.sample_rate_hz();
            let mut printer = Fingerprinter::new(&configuration());
            let unsupported = |_| Error::Unsupported { path: path.into(), what: format!("a rate of {rate_hz} Hz") };
            printer.start(rate_hz, 1).map_err(unsupported)?;
            let mut samples = Vec::new();
            while stream.position() < LISTENED_SECONDS * u64::from(rate_hz) {
                let Some(chunk) = stream.next_chunk()? else { break };
                samples.clear();
                samples.extend(chunk.iter().map(|sample| (sample * f32::from(i16::MAX)) as i16));
                printer.consume(&samples);
            }
            printer.finish();
            Ok(Self(printer.fingerprint().to_vec()))
        })
    }

    /// Whether both are of the same recording. A copy that differs too much is taken for another recording, rather than
    /// another recording for a copy.
    pub fn is_same_recording(&self, other: &Self) -> bool {
        self.difference(other).is_some_and(|bits| bits <= MOST_BITS_DIFFERENT)
    }

    /// Bits of 32 that differ, on average over what both have in common; `None`: that is too little.
    pub fn difference(&self, other: &Self) -> Option<f64> {
        // What is too long to be compared is longer than three minutes make it.
        let segments = match_fingerprints(&self.0, &other.0, &configuration()).ok()?;
        let common: usize = segments.iter().map(|segment| segment.items_count).sum();
        let shorter = self.0.len().min(other.0.len());
        let bits = segments.iter().map(|segment| segment.score * segment.items_count as f64).sum::<f64>();
        (common > 0 && common as f64 >= LEAST_COMMON_PART * shorter as f64).then(|| bits / common as f64)
    }
}

/// The one that AcoustID uses.
fn configuration() -> Configuration {
    Configuration::preset_test2()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sub-fingerprints as of a minute of a piece.
    fn piece(number: u32) -> Vec<u32> {
        let mut state = number;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state
        };
        (0..500).map(|_| next() ^ (next() >> 16)).collect()
    }

    #[test]
    fn bits_that_differ_are_counted_wherever_a_copy_begins() {
        let original = Fingerprint(piece(1));
        assert_eq!(original.difference(&original), Some(0.0));
        // Three low bits of each, and begun 20 later.
        let blurred: Vec<u32> = original.0[20..].iter().map(|number| number ^ 0b111).collect();
        assert_eq!(original.difference(&Fingerprint(blurred.clone())), Some(3.0));
        assert!(original.is_same_recording(&Fingerprint(blurred)));
        let other_performance: Vec<u32> = original.0.iter().map(|number| number ^ 0b11_1111).collect();
        assert_eq!(original.difference(&Fingerprint(other_performance.clone())), Some(6.0));
        assert!(!original.is_same_recording(&Fingerprint(other_performance)));
    }

    #[test]
    fn other_music_and_half_of_a_track_are_no_copy() {
        let original = Fingerprint(piece(1));
        assert!(!original.is_same_recording(&Fingerprint(piece(2))));
        let half = [&original.0[..250], &piece(3)[..250]].concat();
        assert_eq!(original.difference(&Fingerprint(half)), None);
        assert!(!original.is_same_recording(&Fingerprint(Vec::new())));
    }
}
