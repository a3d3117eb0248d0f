//! How many times faster than real time is each part of the front end on one core? The rate printed
//! as elements a second is seconds of music a second. The floor is what no front end can go below:
//! decoding alone, and the Fourier transforms alone. Compressed formats need ffmpeg to be made.
#![allow(missing_docs, clippy::expect_used, reason = "criterion's macros; a bench may stop at an error")]

use std::hint::black_box;
use std::path::Path;
use std::process::Command;

use audio_frontend::logmel::MelExtractor;
use audio_frontend::{AudioStream, Coverage, FrontEndConfig, WindowReader};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use realfft::RealFftPlanner;

const MINUTES: u32 = 4;
const RATE_HZ: u32 = 44_100;

fn front_end(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let wav = folder.path().join("song.wav");
    benches::write_minutes(&wav, MINUTES).expect("the song can be written");
    let config = FrontEndConfig::default();
    let mut group = criterion.benchmark_group("front end");
    group.throughput(Throughput::Elements(u64::from(60 * MINUTES))).sample_size(10);
    let encodings: [(&str, &[&str]); 5] = [
        ("song.wav", &[]),
        ("song.flac", &[]),
        ("song.mp3", &["-b:a", "192k"]),
        ("song.ogg", &["-c:a", "libvorbis", "-q:a", "5"]),
        ("song.m4a", &["-b:a", "192k"]),
    ];
    for (name, encoding) in encodings {
        let song = folder.path().join(name);
        if !song.exists() && !encode(&wav, encoding, &song) {
            continue;
        }
        group.bench_function(format!("{name}: decode alone"), |bencher| bencher.iter(|| decode(&song)));
        for coverage in [Coverage::Full, Coverage::Spread] {
            group.bench_function(format!("{name}: {} coverage", coverage.name()), |bencher| {
                bencher.iter(|| windows(&song, &config, coverage));
            });
        }
    }
    let samples = vec![0.1; (60 * MINUTES * RATE_HZ) as usize];
    group.bench_function("log-mel alone", |bencher| {
        bencher.iter(|| {
            let mut extractor = MelExtractor::new(&config, RATE_HZ);
            samples.chunks(1152).for_each(|chunk| extractor.push(chunk));
            extractor.frames()
        });
    });
    group.bench_function("Fourier transforms alone", |bencher| {
        let frame = (config.frame_seconds * f64::from(RATE_HZ)) as usize;
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(frame);
        let (mut input, mut output, mut scratch) =
            (fft.make_input_vec(), fft.make_output_vec(), fft.make_scratch_vec());
        bencher.iter(|| {
            for start in (0..samples.len() - frame).step_by(frame / 2) {
                input.copy_from_slice(&samples[start..start + frame]);
                fft.process_with_scratch(&mut input, &mut output, &mut scratch).expect("the buffers fit");
                black_box(&output);
            }
        });
    });
    group.finish();
}

fn decode(song: &Path) -> u64 {
    let mut stream = AudioStream::open(song).expect("the song opens");
    while stream.next_chunk().expect("the song decodes").is_some() {}
    stream.position()
}

fn windows(song: &Path, config: &FrontEndConfig, coverage: Coverage) -> usize {
    let mut reader = WindowReader::open(song, config, coverage).expect("the song opens");
    let mut count = 0;
    while let Some(windows) = reader.next_windows().expect("the song decodes") {
        count += windows.count();
    }
    count
}

fn encode(wav: &Path, encoding: &[&str], song: &Path) -> bool {
    let status = Command::new("ffmpeg").args(["-v", "error", "-y", "-i"]).arg(wav).args(encoding).arg(song).status();
    status.is_ok_and(|status| status.success())
}

criterion_group!(benches_of_front_end, front_end);
criterion_main!(benches_of_front_end);
