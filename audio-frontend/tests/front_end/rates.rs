//! The same music gives the same log-mels at every sample rate.

use audio_frontend::{Coverage, FrontEndConfig};

use super::signal::{music, windows, write_float};

#[test]
fn log_mels_agree_within_half_a_decibel() {
    let folder = tempfile::tempdir().unwrap();
    let log_mel = |rate| {
        let path = folder.path().join(format!("{rate}.wav"));
        write_float(&path, &music(5, 6.0, rate), 1, rate);
        windows(&path, Coverage::Spread).unwrap()
    };
    let reference = log_mel(44_100);
    assert_eq!(reference.count(), 3);
    for rate in [22_050, 32_000, 48_000, 88_200, 96_000] {
        let other = log_mel(rate);
        assert_eq!(other.starts, reference.starts, "{rate} Hz");
        let difference = |(a, b): (&f32, &f32)| (a - b).abs();
        let largest = other.log_mel.iter().zip(&reference.log_mel).map(difference).fold(0.0, f32::max);
        assert!(largest < 0.5, "{rate} Hz: {largest} dB");
    }
}

#[test]
fn bands_below_a_low_nyquist_frequency_agree() {
    let folder = tempfile::tempdir().unwrap();
    let bands = FrontEndConfig::default().mel_bands;
    // Chords without anything above 4 kHz, so that nothing but the rate differs.
    let chord = |rate: u32| -> Vec<f32> {
        let tone = |hz: f64, n: u32| (std::f64::consts::TAU * hz * f64::from(n) / f64::from(rate)).sin();
        (0..6 * rate)
            .map(|n| [110.0, 440.0, 660.0, 2000.0].iter().map(|&hz| 0.05 * tone(hz, n)).sum::<f64>() as f32)
            .collect()
    };
    let log_mel = |rate: u32| {
        let path = folder.path().join(format!("{rate}.wav"));
        write_float(&path, &chord(rate), 1, rate);
        windows(&path, Coverage::Spread).unwrap().log_mel
    };
    let (narrow, wide) = (log_mel(8_000), log_mel(44_100));
    for (index, (a, b)) in narrow.iter().zip(&wide).enumerate() {
        // The lower 40 of 64 bands end below 4 kHz.
        if index % bands < 40 {
            assert!((a - b).abs() < 0.5, "band {}: {a} {b}", index % bands);
        }
    }
}
