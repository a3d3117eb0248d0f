//! What the program is linked with, and how that is set up.

use std::process::Command;

use super::program::{Run, World};

/// libtorch and Debian's BLAS define the same products of matrices. The first in this order is used by both
/// libtorch and FAISS, and only libtorch's is fast.
#[test]
#[cfg(target_os = "linux")]
fn libtorch_comes_before_blas() {
    let listed = Command::new("readelf").arg("-d").arg(env!("CARGO_BIN_EXE_similar-tracks")).output().unwrap();
    let text = String::from_utf8_lossy(&listed.stdout);
    let place = |library: &str| text.lines().position(|line| line.contains("NEEDED") && line.contains(library));
    let (torch, blas) = (place("libtorch_cpu.so"), place("blas.so"));
    assert!(torch.is_some(), "{text}");
    assert!(blas.is_none_or(|blas| torch < Some(blas)), "{text}");
}

/// What spins in training holds the cores that others wait for. libgomp tells how it waits once it is loaded.
#[test]
#[cfg(target_os = "linux")]
fn threads_of_training_sleep_while_they_wait() {
    let world = World::new();
    let policies = |set: &[(&str, &str)]| {
        let mut command = world.command(&["train", "none.csv", "-o", "model"]);
        command.env("OMP_DISPLAY_ENV", "true").env_remove("OMP_WAIT_POLICY").envs(set.iter().copied());
        let run = Run::of(command.output().unwrap());
        assert!(run.stderr.contains("none.csv") && run.code == Some(2), "{run:?}");
        let shown = run.stderr.lines().filter(|line| line.contains("OMP_WAIT_POLICY"));
        shown.map(|line| line.rsplit(' ').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(policies(&[]).last().map(String::as_str), Some("'PASSIVE'"));
    // Whoever wants otherwise is not overruled, nor is the program started again.
    assert_eq!(policies(&[("OMP_WAIT_POLICY", "active")]), ["'ACTIVE'"]);
}
