//! How many times faster than real time are decoding, and decoding with log-mel, on one core?
//! The rate printed as elements a second is seconds of music a second.
#![allow(missing_docs, clippy::expect_used, reason = "criterion's macros; a bench may stop at an error")]

use audio_frontend::{AudioStream, FrontEndConfig, Windows};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn front_end(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let song = folder.path().join("song.wav");
    benches::write_minute(&song).expect("the song can be written");
    let config = FrontEndConfig::default();
    let mut group = criterion.benchmark_group("front end, 16-bit 44.1 kHz stereo WAV");
    group.throughput(Throughput::Elements(60)).sample_size(20);
    group.bench_function("decode", |bencher| {
        bencher.iter(|| {
            let mut stream = AudioStream::open(&song).expect("the song opens");
            while stream.next_chunk().expect("the song decodes").is_some() {}
            stream.decoded_samples()
        });
    });
    group.bench_function("decode and mel powers", |bencher| {
        bencher.iter(|| audio_frontend::mel_power(&song, &config).expect("the song decodes"));
    });
    let power = audio_frontend::mel_power(&song, &config).expect("the song decodes");
    group.bench_function("log-mel windows of mel powers", |bencher| {
        bencher.iter(|| Windows::spread(&power, &config).expect("the song is not silent"));
    });
    group.finish();
}

criterion_group!(benches_of_front_end, front_end);
criterion_main!(benches_of_front_end);
