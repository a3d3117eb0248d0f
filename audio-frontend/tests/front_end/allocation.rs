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
    static HELD_BYTES: Cell<isize> = const { Cell::new(0) };
    static PEAK_BYTES: Cell<isize> = const { Cell::new(0) };
}

fn count(more_bytes: isize) {
    COUNT.set(COUNT.get() + usize::from(more_bytes > 0));
    HELD_BYTES.set(HELD_BYTES.get() + more_bytes);
    PEAK_BYTES.set(PEAK_BYTES.get().max(HELD_BYTES.get()));
}

/// How many bytes more than before this thread held at most during some work.
pub fn peak_bytes(work: impl FnOnce()) -> usize {
    let before = HELD_BYTES.get();
    PEAK_BYTES.set(before);
    work();
    (PEAK_BYTES.get() - before) as usize
}

// SAFETY: everything is handed on to the system's allocator, as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
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
    assert_eq!(peak_bytes(|| drop(vec![0_u8; 5000])), 5000, "the counter counts");
}
