//! How libtorch's threads wait for each other.

use std::env;

/// libgomp's name for what its threads do while they wait; read once, when the program is loaded.
const WAIT_POLICY: &str = "OMP_WAIT_POLICY";

/// Starts the program again, as the same process, with threads that sleep while they wait for each other, unless the
/// environment says how they are to wait. By default they spin, hundreds of times a step, and hold the cores that the
/// awaited thread needs wherever anything else runs: two threads on two busy cores then made a seventh of the steps
/// (benches/results/training.md). Where starting again fails they spin: slower, not wrong.
pub fn let_threads_sleep() {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;

        let mut arguments = env::args_os();
        if let (None, Some(name), Ok(program)) = (env::var_os(WAIT_POLICY), arguments.next(), env::current_exe()) {
            let mut again = std::process::Command::new(program);
            let failure = again.arg0(name).args(arguments).env(WAIT_POLICY, "passive").exec();
            drop(failure);
        }
    }
}
