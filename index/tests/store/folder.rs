//! The store's folder and its lock.

use index::{Error, Store};

#[test]
fn a_second_writer_is_told_who_holds_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(&folder.path().join("store")).unwrap();
    let held = store.lock("similar-tracks ingest").unwrap();
    let refused = store.lock("similar-tracks ingest").unwrap_err().to_string();
    assert!(
        refused.contains("`similar-tracks ingest`") && refused.contains(&std::process::id().to_string()),
        "{refused}"
    );
    drop(held);
    store.lock("similar-tracks ingest").unwrap();
}

#[test]
fn a_folder_with_other_files_is_not_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("thesis.txt"), "x").unwrap();
    assert!(matches!(Store::create(folder.path()), Err(Error::NotAStore { .. })));
    assert!(matches!(Store::open(folder.path()), Err(Error::NoStore { .. })));
    // But for settings, which may be there first.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.toml"), "").unwrap();
    Store::create(folder.path()).unwrap();
}
