//! Windows that were sought are those that decoding everything finds.

use audio_frontend::logmel::MelExtractor;
use audio_frontend::{AudioStream, Coverage, FrontEndConfig, Windows, mel_power};

use super::signal::{encode, wandering_noise, windows, write_16_bit};

/// Long enough that segments are sought: 32 windows of 4 s are spread over 200 s.
const SECONDS: f64 = 200.0;

#[test]
fn windows_sought_are_windows_decoded() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("song.wav");
    write_16_bit(&source, &wandering_noise(9, SECONDS, 11_025), 11_025);
    let config = FrontEndConfig::default();
    // How far a log-mel may be off, in dB on average: Opus fills in noise that depends on what came
    // before.
    let encodings: [(&str, &[&str], f32); 9] = [
        ("song.wav", &[], 0.0),
        ("song.flac", &["-sample_fmt", "s16"], 0.0),
        ("song.aiff", &["-c:a", "pcm_s16be"], 0.0),
        ("song.ogg", &["-c:a", "libvorbis"], 0.0),
        ("song.mp3", &["-b:a", "96k"], 0.0),
        ("song.m4a", &["-c:a", "aac", "-b:a", "96k"], 0.0),
        ("song.opus", &["-c:a", "libopus", "-b:a", "96k"], 2.0),
        ("song.mka", &["-c:a", "flac"], 0.0),
        ("song.webm", &["-c:a", "libopus", "-b:a", "96k"], 2.0),
    ];
    for (name, encoding, tolerance_db) in encodings {
        let path = folder.path().join(name);
        if path != source {
            encode(&source, encoding, &path);
        }
        let sought = windows(&path, Coverage::Spread).unwrap();
        let mut whole = mel_power(&path, &config).unwrap();
        // An MP4 file holds a few samples more than it states.
        let stream = AudioStream::open(&path).unwrap();
        let extractor = MelExtractor::new(&config, stream.sample_rate_hz());
        whole.truncate(extractor.stft().frame_count(stream.length().unwrap().samples) as usize);
        let decoded = Windows::of_track(&whole, &config, Coverage::Spread).unwrap();
        assert_eq!(sought.count(), decoded.count(), "{name}");
        let far = sought.starts.iter().zip(&decoded.starts).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(far <= Some(1), "{name}: {far:?} frames off");
        let off: f32 = sought.log_mel.iter().zip(&decoded.log_mel).map(|(a, b)| (a - b).abs()).sum();
        let off = off / sought.log_mel.len() as f32;
        assert!(off <= tolerance_db, "{name}: {off} dB off");
    }
}

#[test]
fn an_ogg_file_of_two_streams_is_read_without_seeking() {
    let folder = tempfile::tempdir().unwrap();
    let (source, both) = (folder.path().join("song.wav"), folder.path().join("both.ogg"));
    write_16_bit(&source, &wandering_noise(9, 180.0, 11_025), 11_025);
    encode(&source, &["-map", "0:a", "-map", "0:a", "-c:a", "libvorbis"], &both);
    assert_eq!(windows(&both, Coverage::Spread).unwrap().count(), 32);
}

#[test]
fn full_coverage_reads_every_window_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("song.wav");
    write_16_bit(&path, &wandering_noise(9, 70.0, 11_025), 11_025);
    let windows = windows(&path, Coverage::Full).unwrap();
    // 70 s are 17 windows and a half, and none begins or ends in a gap.
    assert_eq!(windows.starts.len(), 18);
    assert!(
        windows.starts.windows(2).all(|pair| pair[1] > pair[0] && pair[1] - pair[0] <= 200),
        "{:?}",
        windows.starts
    );
}
