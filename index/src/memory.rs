//! Memory that is no longer needed.

/// Gives the system back what allocations no longer use. A generation is read into many pieces, and glibc keeps such pieces for
/// each thread that ever read one: a server whose generations change a hundred times would hold a dozen of them.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it touches nothing that is in use, and may be called by any thread at any time.
    unsafe {
        libc::malloc_trim(0);
    }
}
