//! Panics in other people's code, such as a codec's on a hostile file, become errors here.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static ACTIVE: Cell<bool> = const { Cell::new(false) };
}

/// A panic's message, its first line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Panicked(pub String);

/// Runs work whose panics are to be errors.
///
/// # Errors
/// [`Panicked`] where the work panicked.
pub fn guard<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    let outer = ACTIVE.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    ACTIVE.set(outer);
    result.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unknown reason");
        Panicked(text.lines().next().unwrap_or_default().to_owned())
    })
}

/// Whether the calling thread is inside of [`guard`]: a panic hook need not tell of it then.
pub fn is_guarded() -> bool {
    ACTIVE.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message() {
        assert_eq!(guard(|| 7), Ok(7));
        assert_eq!(guard(|| -> () { panic!("bad packet\nin detail") }), Err(Panicked("bad packet".into())));
        assert!(!is_guarded());
        assert_eq!(guard(is_guarded), Ok(true));
    }
}
