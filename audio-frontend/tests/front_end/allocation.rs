//! No memory is asked for while frames are worked on.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use audio_frontend::FrontEndConfig;
use audio_frontend::logmel::MelExtractor;

use super::signal::music;

/// Counts what each thread asks for.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is handed on to the system's allocator, as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn frames_are_worked_on_without_allocating() {
    let song = music(1, 4.0, 44_100);
    let mut extractor = MelExtractor::new(&FrontEndConfig::default(), 44_100);
    extractor.reserve(2000);
    extractor.push(&song[..20_000]); // the buffers of samples grow to their size
    let before = COUNT.get();
    for chunk in song[20_000..].chunks(4096) {
        extractor.push(chunk);
    }
    assert_eq!(COUNT.get() - before, 0);
    assert_eq!(extractor.frames(), 199);
    assert!(!Vec::<u8>::with_capacity(1).is_empty() || COUNT.get() > before, "the counter counts");
}
