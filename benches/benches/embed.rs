//! How many tracks a second does one core embed once their windows are there?
#![allow(missing_docs, clippy::expect_used, reason = "criterion's macros; a bench may stop at an error")]

use audio_frontend::{Coverage, WindowReader};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use trainer::Embedder;

fn embed(criterion: &mut Criterion) {
    trainer::use_one_thread();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let song = folder.path().join("song.wav");
    benches::write_minutes(&song, 1).expect("the song can be written");
    let embedder = Embedder::built_in().expect("the built-in model loads");
    let windows = WindowReader::open(&song, &embedder.card().front_end, Coverage::Spread)
        .and_then(|mut reader| reader.next_windows())
        .expect("the song decodes")
        .expect("the song is not silent");
    let mut group = criterion.benchmark_group("embedding");
    group.throughput(Throughput::Elements(1)).sample_size(20);
    group.bench_function("all windows of a track", |bencher| {
        bencher.iter(|| embedder.embed(&windows).expect("the song embeds"))
    });
    group.finish();
}

criterion_group!(benches_of_embed, embed);
criterion_main!(benches_of_embed);
