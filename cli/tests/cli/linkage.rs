//! What the program is linked with.

use std::process::Command;

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
