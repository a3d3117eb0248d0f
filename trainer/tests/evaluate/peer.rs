//! A table that NumPy itself wrote.

use std::path::{Path, PathBuf};

use trainer::evaluate::{PeerTable, read_peer};

/// `peer.npz` is written by NumPy 1.24:
///
/// ```python
/// numpy.savez_compressed("peer.npz", files=["rock/one.mp3", "jazz/zwölf.flac"], emb=numpy.array([[3.0, 0.0], [4.0, 5.0]]).T)
/// ```
#[test]
fn a_table_of_numpys_is_read() {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/evaluate/peer.npz");
    let tracks = ["/music/jazz/zwölf.flac", "/music/rock/one.mp3"].map(PathBuf::from);
    let expected = PeerTable::Vectors(vec![vec![0.0, 1.0], vec![0.6, 0.8]]);
    assert_eq!(read_peer(&table, &tracks).unwrap(), expected);
}
