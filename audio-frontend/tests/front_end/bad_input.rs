//! Whatever stands in a file: an error that names it, or windows; never a panic, a hang or much
//! memory.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use audio_frontend::decode::{Bytes, TIME_LIMIT};
use audio_frontend::{AudioStream, Coverage, Error, FrontEndConfig, WindowReader, Windows};

use super::allocation::peak_bytes;
use super::signal::{encode, music, windows, write_16_bit, write_float};

/// Reads bytes as a file named `name` and gives what comes of it.
fn read(bytes: &[u8], name: &str, coverage: Coverage) -> Result<usize, Error> {
    let config = FrontEndConfig::default();
    let path = Path::new(name);
    let stream = AudioStream::open_bytes(Bytes::Memory(bytes.into()), path, TIME_LIMIT)?;
    let mut reader = WindowReader::of_stream(stream, path, &config, coverage);
    let mut count = 0;
    while let Some(windows) = reader.next_windows()? {
        assert!(windows.log_mel.iter().all(|value| value.is_finite()), "{name}");
        count += windows.count();
    }
    Ok(count)
}

/// A second of sound in each format that the fuzzing targets name.
fn encoded() -> Vec<(&'static str, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.wav");
    write_16_bit(&source, &music(2, 1.0, 22_050), 22_050);
    let encodings: [(&str, &[&str]); 6] = [
        ("a.wav", &["-c:a", "pcm_s16le"]),
        ("a.flac", &[]),
        ("a.mp3", &[]),
        ("a.ogg", &["-c:a", "libvorbis"]),
        ("a.m4a", &["-c:a", "aac"]),
        ("a.opus", &["-c:a", "libopus"]),
    ];
    let encode = |(name, options): (&'static str, &[&str])| {
        let path = folder.path().join(name);
        encode(&source, options, &path);
        (name, std::fs::read(path).unwrap())
    };
    encodings.into_iter().map(encode).collect()
}

#[test]
fn a_file_cut_anywhere_gives_windows_or_an_error() {
    for (name, bytes) in encoded() {
        assert!(read(&bytes, name, Coverage::Spread).is_ok(), "{name}");
        // Every byte of the header, then some of the rest.
        let cuts = (1..bytes.len().min(400)).chain((400..bytes.len()).step_by(bytes.len() / 150 + 1));
        for cut in cuts {
            if let Err(error) = read(&bytes[..cut], name, Coverage::Spread) {
                assert!(error.to_string().starts_with(name), "{error}");
            }
        }
    }
}

#[test]
fn a_stated_length_that_is_not_there_is_told() {
    for (name, bytes) in encoded().into_iter().filter(|(name, _)| ["a.wav", "a.flac"].contains(name)) {
        let error = read(&bytes[..bytes.len() / 2], name, Coverage::Spread).unwrap_err();
        assert!(matches!(error, Error::Truncated { .. }), "{name}: {error}");
    }
}

#[test]
fn bytes_changed_anywhere_give_windows_or_an_error() {
    let mut dice = super::signal::Dice::new(4);
    for (name, bytes) in encoded() {
        for _ in 0..150 {
            let mut bytes = bytes.clone();
            for _ in 0..4 {
                // Mostly in the header, where the lies are.
                let range = if dice.roll() < 0.7 { bytes.len().min(200) } else { bytes.len() };
                let place = (dice.roll() * range as f64) as usize;
                bytes[place] = (dice.roll() * 256.0) as u8;
            }
            let peak = peak_bytes(|| drop(read(&bytes, name, Coverage::Full)));
            assert!(peak < 200 << 20, "{name}: {peak} bytes");
        }
    }
}

#[test]
fn what_fuzzing_found_stays_mended() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/regressions");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for coverage in [Coverage::Spread, Coverage::Full] {
            let _ = read(&bytes, path.file_name().unwrap().to_str().unwrap(), coverage);
        }
    }
}

#[test]
fn headers_that_lie() {
    let header = |channels: u16, rate: u32, bits: u16, data_bytes: u32| {
        let block = channels.wrapping_mul(bits / 8);
        let mut wav = Vec::from(*b"RIFF\xff\xff\xff\x7fWAVEfmt \x10\0\0\0\x01\0");
        wav.extend(channels.to_le_bytes());
        wav.extend(rate.to_le_bytes());
        wav.extend(rate.wrapping_mul(u32::from(block)).to_le_bytes());
        wav.extend(block.to_le_bytes());
        wav.extend(bits.to_le_bytes());
        wav.extend(b"data");
        wav.extend(data_bytes.to_le_bytes());
        wav.extend(vec![1; 1000]);
        wav
    };
    for (channels, rate, bits, data_bytes) in [
        (0, 44_100, 16, 1000),
        (255, 44_100, 16, 1000),
        (65_535, 44_100, 16, 1000),
        (2, 0, 16, 1000),
        (2, u32::MAX, 16, 1000),
        (2, 44_100, 0, 1000),
        (2, 44_100, 13, 1000),
        (2, 44_100, 255, 1000),
        (2, 44_100, 16, 0x7fff_0000),
    ] {
        let result = read(&header(channels, rate, bits, data_bytes), "lie.wav", Coverage::Spread);
        assert!(result.is_err(), "{channels} channels, {rate} Hz, {bits} bits: {result:?}");
    }
}

#[test]
fn no_frame_one_frame_and_one_sample() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("short.wav");
    let song = music(1, 1.0, 22_050);
    write_float(&path, &[], 1, 22_050);
    assert!(matches!(windows(&path, Coverage::Spread), Err(Error::NoSamples { .. })));
    // One sample alone lies where a frame's window is zero.
    write_float(&path, &song[..1], 1, 22_050);
    assert!(matches!(windows(&path, Coverage::Spread), Err(Error::Silent { .. })));
    for samples in [100, 441, 882, 883, 22_050] {
        write_float(&path, &song[..samples], 1, 22_050);
        assert_eq!(windows(&path, Coverage::Spread).map(|windows| windows.count()).unwrap(), 1, "{samples}");
    }
}

#[test]
fn a_tag_of_fifty_megabytes_is_passed_over() {
    let mp3 = encoded().into_iter().find(|(name, _)| *name == "a.mp3").unwrap().1;
    let audio = mp3.windows(2).position(|pair| pair[0] == 0xff && pair[1] & 0xe0 == 0xe0).unwrap();
    let size: u32 = 50 << 20;
    let mut file = Vec::from(*b"ID3\x03\0\0");
    file.extend((0..4).rev().map(|byte| (size >> (7 * byte) & 0x7f) as u8));
    // One frame: a private one that fills the tag.
    file.extend(b"PRIV");
    file.extend((size - 10).to_be_bytes());
    file.extend([0, 0]);
    file.resize(10 + size as usize, b'x');
    file.extend(&mp3[audio..]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tag.mp3");
    std::fs::write(&path, &file).unwrap();
    let peak = peak_bytes(|| {
        assert_eq!(windows(&path, Coverage::Spread).unwrap().count(), 1);
        let _ = audio_frontend::tags::read(&path);
    });
    assert!(peak < 200 << 20, "{peak} bytes");
}

#[test]
fn folders_pipes_and_devices_are_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.wav");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [folder.path(), &pipe, Path::new("/dev/zero")] {
        assert!(matches!(AudioStream::open(path).err(), Some(Error::NotAFile { .. })), "{}", path.display());
    }
}

#[test]
fn a_file_has_a_time_limit() {
    let wav = encoded().remove(0).1;
    let limit = Duration::ZERO;
    let stream = AudioStream::open_bytes(Bytes::Memory(wav.as_slice().into()), Path::new("slow.wav"), limit);
    let error = stream.and_then(|mut stream| stream.next_chunk().map(drop)).unwrap_err();
    assert!(matches!(error, Error::TookTooLong { .. }), "{error}");
}

#[test]
fn names_may_be_anything() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.wav");
    write_float(&source, &music(2, 5.0, 22_050), 1, 22_050);
    let expected: Windows = windows(&source, Coverage::Spread).unwrap();
    for name in [&b"caf\xe9.wav"[..], b"line\nbreak.wav", b"-v.wav", b"file:pipe:0.wav", b"100%d.wav"] {
        let path = folder.path().join(std::ffi::OsStr::from_bytes(name));
        std::fs::copy(&source, &path).unwrap();
        assert_eq!(windows(&path, Coverage::Spread).unwrap(), expected);
        // The same for what ffmpeg reads.
        let au = folder.path().join("plain.au");
        encode(&source, &["-c:a", "pcm_f32be"], &au);
        let path = path.with_extension("au");
        std::fs::rename(au, &path).unwrap();
        assert_eq!(windows(&path, Coverage::Spread).unwrap().starts, expected.starts);
    }
}

#[test]
fn ten_hours_take_no_longer_than_ten_minutes() {
    let folder = tempfile::tempdir().unwrap();
    // A sparse file: its middle is zeros, its header says ten hours of 8 bit at 8 kHz.
    let hour_bytes = 3600 * 8000;
    let path = folder.path().join("long.wav");
    let spec =
        hound::WavSpec { channels: 1, sample_rate: 8000, bits_per_sample: 8, sample_format: hound::SampleFormat::Int };
    let mut writer = hound::WavWriter::create(&path, spec).unwrap();
    music(1, 10.0, 8000).iter().for_each(|sample| writer.write_sample((sample * 127.0) as i8).unwrap());
    writer.finalize().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let data_bytes = 10 * hour_bytes as u32;
    let place = bytes.windows(4).position(|window| window == b"data").unwrap() + 4;
    bytes[place..place + 4].copy_from_slice(&data_bytes.to_le_bytes());
    bytes[4..8].copy_from_slice(&(data_bytes + place as u32 - 4).to_le_bytes());
    std::fs::write(&path, &bytes).unwrap();
    let length = place as u64 + 4 + u64::from(data_bytes);
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
    let mut stream = AudioStream::open(&path).unwrap();
    assert_eq!(stream.length().unwrap().samples, 10 * 3600 * 8000);
    // Decoding all of it takes seconds; 2 s of it are decoded here.
    let started = Instant::now();
    stream.seek(9 * 3600 * 8000).unwrap();
    assert!(stream.next_chunk().unwrap().is_some());
    assert!(stream.position() < 9 * 3600 * 8000 + 16_000, "the decoder went straight there");
    assert!(started.elapsed() < Duration::from_secs(60));
}
