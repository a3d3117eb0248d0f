//! Mel spectrograms agree with librosa's; `tests/golden/make_golden.py` made the files.

use std::f64::consts::TAU;
use std::path::Path;

use audio_frontend::FrontEndConfig;
use audio_frontend::logmel::MelExtractor;

use super::signal::Dice;

/// As `signal` in `make_golden.py`.
fn signal(rate: u32) -> Vec<f32> {
    let mut dice = Dice::new(rate);
    (0..rate)
        .map(|n| {
            let time = f64::from(n) / f64::from(rate);
            let sweep = 0.3 * (TAU * (200.0 * time + 4000.0 * time * time)).sin();
            let tone = 0.2 * (TAU * 3000.0 * time).sin();
            (sweep + tone + 0.1 * (dice.roll() - 0.5)) as f32
        })
        .collect()
}

#[test]
fn mel_powers_are_those_of_librosa() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for rate in [22_050, 32_000, 44_100, 48_000, 96_000] {
        let bytes = std::fs::read(folder.join(format!("{rate}.f32"))).unwrap();
        let expected: Vec<f32> =
            bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect();
        let mut extractor = MelExtractor::new(&FrontEndConfig::default(), rate);
        extractor.push(&signal(rate));
        let powers = extractor.take(usize::MAX);
        assert_eq!(powers.all_rows().len(), expected.len(), "{rate} Hz");
        for (index, (power, expected)) in powers.all_rows().iter().zip(&expected).enumerate() {
            let error = (power - expected).abs() / expected;
            assert!(error <= 1e-4, "{rate} Hz, frame {}, band {}: {power} {expected}", index / 64, index % 64);
        }
    }
}
