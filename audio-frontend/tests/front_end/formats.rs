//! Every variant that the README's table names is read by what the table says.

use std::path::{Path, PathBuf};

use audio_frontend::formats::{Reader, has_audio_extension};
use audio_frontend::{AudioStream, FrontEndConfig, MelPower, mel_power};

use super::signal::{encode, music, write_float};

const SECONDS: f64 = 6.0;

/// How a variant is made out of a stereo WAV file of floats.
enum Make {
    Ffmpeg(&'static [&'static str]),
    Dsf,
}

struct Variant {
    name: &'static str,
    extension: &'static str,
    make: Make,
    reader: Reader,
}

const fn variant(name: &'static str, extension: &'static str, options: &'static [&'static str]) -> Variant {
    Variant { name, extension, make: Make::Ffmpeg(options), reader: Reader::Symphonia }
}

const fn only_ffmpeg(name: &'static str, extension: &'static str, options: &'static [&'static str]) -> Variant {
    Variant { name, extension, make: Make::Ffmpeg(options), reader: Reader::Ffmpeg }
}

const VARIANTS: &[Variant] = &[
    variant("WAV, PCM 8 bit", "wav", &["-c:a", "pcm_u8"]),
    variant("WAV, PCM 16 bit", "wav", &["-c:a", "pcm_s16le"]),
    variant("WAV, PCM 24 bit", "wav", &["-c:a", "pcm_s24le"]),
    variant("WAV, PCM 32 bit", "wav", &["-c:a", "pcm_s32le"]),
    variant("WAV, float 32", "wav", &["-c:a", "pcm_f32le"]),
    variant("WAV, float 64", "wav", &["-c:a", "pcm_f64le"]),
    variant("WAV, A-law", "wav", &["-c:a", "pcm_alaw"]),
    variant("WAV, µ-law", "wav", &["-c:a", "pcm_mulaw"]),
    variant("WAV, IMA ADPCM", "wav", &["-c:a", "adpcm_ima_wav"]),
    variant("WAV, Microsoft ADPCM", "wav", &["-c:a", "adpcm_ms"]),
    variant("WAV, extensible, 5.1", "wav", &["-c:a", "pcm_s24le", "-ac", "6"]),
    variant("WAV, RF64", "wav", &["-c:a", "pcm_s16le", "-rf64", "always"]),
    variant("AIFF, PCM 16 bit", "aiff", &["-c:a", "pcm_s16be"]),
    variant("AIFF, PCM 24 bit", "aif", &["-c:a", "pcm_s24be"]),
    variant("AIFF-C, float 32", "aifc", &["-c:a", "pcm_f32be", "-f", "aiff"]),
    variant("CAF, PCM", "caf", &["-c:a", "pcm_s16be"]),
    variant("CAF, ALAC", "caf", &["-c:a", "alac"]),
    variant("FLAC, 16 bit", "flac", &["-sample_fmt", "s16"]),
    variant("FLAC, 24 bit", "flac", &["-sample_fmt", "s32", "-bits_per_raw_sample", "24"]),
    variant("MPEG layer 2", "mp2", &["-c:a", "mp2", "-b:a", "192k"]),
    variant("MP3, constant rate", "mp3", &["-b:a", "192k"]),
    variant("MP3, variable rate", "mp3", &["-q:a", "4"]),
    variant("MP3, no Xing header", "mp3", &["-b:a", "128k", "-write_xing", "0", "-id3v2_version", "0"]),
    variant("MP3, MPEG-2, mono", "mp3", &["-ar", "22050", "-ac", "1", "-b:a", "64k"]),
    variant("AAC, ADTS", "aac", &["-b:a", "160k"]),
    variant("MP4, AAC", "m4a", &["-c:a", "aac", "-b:a", "160k"]),
    variant("MP4, ALAC", "m4a", &["-c:a", "alac"]),
    variant("MP4, MP3", "mp4", &["-c:a", "libmp3lame"]),
    variant("MP4, FLAC", "mp4", &["-c:a", "flac", "-strict", "-2"]),
    variant("MP4, Opus", "mp4", &["-c:a", "libopus"]),
    variant("Ogg, Vorbis", "ogg", &["-c:a", "libvorbis"]),
    variant("Ogg, FLAC", "oga", &["-c:a", "flac"]),
    variant("Ogg, Opus, mono", "opus", &["-c:a", "libopus", "-ac", "1"]),
    variant("Ogg, Opus, stereo", "opus", &["-c:a", "libopus"]),
    only_ffmpeg("Ogg, Opus, 5.1", "opus", &["-c:a", "libopus", "-ac", "6", "-mapping_family", "1"]),
    variant("Matroska, Vorbis", "mka", &["-c:a", "libvorbis"]),
    variant("Matroska, Opus", "mka", &["-c:a", "libopus"]),
    variant("Matroska, FLAC", "mka", &["-c:a", "flac"]),
    variant("Matroska, AAC", "mka", &["-c:a", "aac"]),
    variant("Matroska, MP3", "mka", &["-c:a", "libmp3lame"]),
    variant("Matroska, PCM", "mka", &["-c:a", "pcm_s16le"]),
    variant("WebM, Opus", "webm", &["-c:a", "libopus"]),
    variant("WebM, Vorbis", "webm", &["-c:a", "libvorbis"]),
    only_ffmpeg("Windows Media, WMA 1", "wma", &["-c:a", "wmav1"]),
    only_ffmpeg("Windows Media, WMA 2", "wma", &["-c:a", "wmav2"]),
    only_ffmpeg("WavPack", "wv", &[]),
    only_ffmpeg("True Audio", "tta", &[]),
    only_ffmpeg("AC-3", "ac3", &[]),
    only_ffmpeg("E-AC-3", "eac3", &[]),
    only_ffmpeg("DTS", "dts", &["-c:a", "dca", "-strict", "-2"]),
    only_ffmpeg("Speex", "spx", &["-ar", "32000", "-ac", "1", "-c:a", "libspeex"]),
    only_ffmpeg("Sun AU", "au", &[]),
    only_ffmpeg("Wave64", "w64", &[]),
    Variant { name: "DSD, DSF", extension: "dsf", make: Make::Dsf, reader: Reader::Ffmpeg },
];

#[test]
fn every_variant_is_read_by_what_the_readme_says() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.wav");
    let song = music(11, SECONDS, 44_100);
    // Left and right differ, and a mix knows both.
    let stereo: Vec<f32> = song.iter().flat_map(|sample| [*sample, 0.7 * sample]).collect();
    write_float(&source, &stereo, 2, 44_100);
    let expected = spectrum(&mel_power(&source, &FrontEndConfig::default()).unwrap());
    let mut table = String::from("| variant | extension | read by |\n|---|---|---|\n");
    for (number, variant) in VARIANTS.iter().enumerate() {
        let path = folder.path().join(format!("{number}.{}", variant.extension));
        match variant.make {
            Make::Ffmpeg(options) => encode(&source, options, &path),
            Make::Dsf => write_dsf(&path, &song),
        }
        assert!(has_audio_extension(&path), "{}", variant.name);
        assert_eq!(reader_of(&path), variant.reader, "{}", variant.name);
        assert_sounds_like(&path, &expected, variant.name);
        table += &format!("| {} | {} | {} |\n", variant.name, variant.extension, variant.reader.name());
    }
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    assert!(readme.contains(&table), "the README's table of formats should be:\n\n{table}");
}

fn reader_of(path: &Path) -> Reader {
    AudioStream::open(path).unwrap_or_else(|error| panic!("{error}")).reader()
}

fn assert_sounds_like(path: &Path, expected: &[f32], name: &str) {
    let power = mel_power(path, &FrontEndConfig::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let seconds = power.frames() as f64 * 0.02;
    assert!((seconds - SECONDS).abs() < 0.2, "{name}: {seconds} s");
    let spectrum = spectrum(&power);
    // Up to 7 kHz, which the lowest rate of all variants still holds.
    let (a, b) = (&spectrum[2..50], &expected[2..50]);
    let correlation = correlation(a, b);
    assert!(correlation > 0.97, "{name}: {correlation}");
}

/// The mean power of each band in dB.
fn spectrum(power: &MelPower) -> Vec<f32> {
    let mut sums = vec![0.0; power.bands()];
    for row in power.all_rows().chunks_exact(power.bands()) {
        sums.iter_mut().zip(row).for_each(|(sum, power)| *sum += power);
    }
    sums.iter().map(|sum| 10.0 * (sum / power.frames() as f32 + 1e-12).log10()).collect()
}

/// Pearson's.
fn correlation(a: &[f32], b: &[f32]) -> f32 {
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let product = |x: &[f32], mean_x: f32, y: &[f32], mean_y: f32| -> f32 {
        x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum()
    };
    product(a, mean_a, b, mean_b) / (product(a, mean_a, a, mean_a) * product(b, mean_b, b, mean_b)).sqrt()
}

/// Writes mono at 44.1 kHz as DSD64: each sample held, as the bits of a delta-sigma modulator of the second order, in the DSF layout
/// (DSF file format specification 1.01, Sony).
fn write_dsf(path: &PathBuf, samples: &[f32]) {
    const BLOCK_BYTES: usize = 4096;
    let (mut first, mut second, mut output) = (0.0_f64, 0.0_f64, 1.0_f64);
    let mut bytes = vec![0_u8; (samples.len() * 8).next_multiple_of(BLOCK_BYTES)];
    let held = samples.iter().flat_map(|sample| std::iter::repeat_n(sample, 64));
    for (index, sample) in held.enumerate() {
        first += f64::from(*sample) - output;
        second += first - output;
        output = if second >= 0.0 { 1.0 } else { -1.0 };
        // The oldest sample in the lowest bit.
        bytes[index / 8] |= u8::from(output > 0.0) << (index % 8);
    }
    let mut file = Vec::new();
    let long = |value: usize| (value as u64).to_le_bytes();
    file.extend(b"DSD ");
    file.extend(long(28));
    file.extend(long(28 + 52 + 12 + bytes.len()));
    file.extend(long(0)); // no metadata
    file.extend(b"fmt ");
    file.extend(long(52));
    // Version, format DSD, mono, one channel, rate, bits a sample.
    for value in [1_u32, 0, 1, 1, 2_822_400, 1] {
        file.extend(value.to_le_bytes());
    }
    file.extend(long(samples.len() * 64));
    file.extend((BLOCK_BYTES as u32).to_le_bytes());
    file.extend(0_u32.to_le_bytes());
    file.extend(b"data");
    file.extend(long(12 + bytes.len()));
    file.extend(bytes);
    std::fs::write(path, file).unwrap();
}
