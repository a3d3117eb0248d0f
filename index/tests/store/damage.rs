//! Damage is found, named and made good.

use std::path::Path;

use index::{Error, Store, TrackId};

use super::{MODEL, nearest, size, store_of, track, vector};

#[test]
fn derived_data_that_is_damaged_or_gone_is_replaced() {
    type Damage = fn(&Path);
    let damage: [(&str, Damage); 7] = [
        ("a generation of format 1", |store| {
            let manifest = store.join("generations/000001/manifest.toml");
            let text = std::fs::read_to_string(&manifest).unwrap();
            let text = text.replace("format_version = 3", "format_version = 1").replace("hub_weight = 0.0\n", "");
            assert!(!text.contains("hub_weight"));
            std::fs::write(&manifest, text).unwrap();
        }),
        ("a flipped bit", |store| {
            let vectors = store.join("generations/000001/vectors.faiss");
            let mut bytes = std::fs::read(&vectors).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(&vectors, &bytes).unwrap();
        }),
        ("cut vectors", |store| std::fs::write(store.join("generations/000001/vectors.faiss"), "IxM").unwrap()),
        ("an empty manifest", |store| std::fs::write(store.join("generations/000001/manifest.toml"), "").unwrap()),
        ("a bad CURRENT", |store| std::fs::write(store.join("CURRENT"), "no number").unwrap()),
        ("an empty CURRENT", |store| std::fs::write(store.join("CURRENT"), "").unwrap()),
        ("no generations", |store| std::fs::remove_dir_all(store.join("generations")).unwrap()),
    ];
    for (what, damage) in damage {
        let folder = tempfile::tempdir().unwrap();
        let (store, mut catalogue) = store_of(folder.path(), 5);
        damage(store.folder());
        let searcher = store.searcher(&catalogue).unwrap().unwrap();
        assert_eq!(nearest(&searcher, 3, 1, &[])[0].0, 4, "{what}");
        // Though nothing has changed.
        let lock = store.lock("test").unwrap();
        store.publish(&mut catalogue, MODEL, &lock).unwrap();
        drop(lock);
        let (number, manifest) = store.current().unwrap().unwrap();
        let vectors = std::fs::read(store.folder().join(format!("generations/{number:06}/vectors.faiss"))).unwrap();
        assert_eq!(Some(blake3::hash(&vectors).to_hex().to_string()), manifest.checksums.vectors, "{what}");
        catalogue.commit(|writer| writer.put_embedded(&track(8), MODEL, &vector(8))).unwrap();
        let lock = store.lock("test").unwrap();
        store.publish(&mut catalogue, MODEL, &lock).unwrap();
        assert_eq!(store.changes_since_current(&catalogue).unwrap(), Some(0), "{what}");
        assert_eq!(size(&store, &catalogue), 6, "{what}");
    }
}

#[test]
fn a_flipped_bit_of_a_vector_is_named_and_its_track_embedded_again() {
    let folder = tempfile::tempdir().unwrap();
    let (store, catalogue) = store_of(folder.path(), 50);
    drop(catalogue);
    let path = store.folder().join("catalogue.sqlite");
    let sought: Vec<u8> = vector(20).iter().flat_map(|value| value.to_le_bytes()).collect();
    let mut bytes = std::fs::read(&path).unwrap();
    // Pages that are no longer in use may have a copy of it.
    let places: Vec<usize> = (0..bytes.len() - sought.len()).filter(|&at| bytes[at..].starts_with(&sought)).collect();
    places.iter().for_each(|place| bytes[place + 5] ^= 1);
    std::fs::write(&path, &bytes).unwrap();
    let catalogue = store.catalogue().unwrap();
    let damaged = |error: Error| matches!(error, Error::Damaged { reason, .. } if reason.contains("track 21 "));
    assert!(damaged(catalogue.vector(TrackId(21), MODEL).unwrap_err()));
    // The index was built before.
    assert_eq!(nearest(&store.searcher(&catalogue).unwrap().unwrap(), 20, 1, &[])[0].0, 21);
    drop(catalogue);
    let lock = store.lock("test").unwrap();
    let mut catalogue = store.catalogue_to_write(&lock).unwrap();
    assert!(damaged(store.rebuild(&mut catalogue, MODEL, &lock).unwrap_err()));
    let repair = store.repair(&lock).unwrap();
    assert_eq!((repair.vectors, repair.faults.len(), repair.generation), (vec![TrackId(21)], 0, None));
    assert!(!catalogue.known(MODEL).unwrap().iter().find(|known| known.id == TrackId(21)).unwrap().has_vector);
    assert_eq!(size(&store, &catalogue), 49);
    assert!(store.repair(&lock).unwrap().is_needless());
}

#[test]
fn of_a_damaged_catalogue_of_format_1_what_can_be_read_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(&folder.path().join("store")).unwrap();
    let lock = store.lock("test").unwrap();
    let path = store.folder().join("catalogue.sqlite");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch(include_str!("../fixtures/catalogue_1.sql")).unwrap();
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'tracks_by_content_hash'";
    let page: usize = connection.query_row(root, [], |row| row.get::<_, i64>(0)).unwrap() as usize;
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(connection);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[(page - 1) * 4096..page * 4096].fill(0xA5);
    std::fs::write(&path, &bytes).unwrap();
    let salvaged = store.repair(&lock).unwrap().salvaged.unwrap();
    assert_eq!((salvaged.tracks, salvaged.vectors), (2, 3));
    assert_eq!(store.catalogue().unwrap().serving_model().unwrap().as_deref(), Some(MODEL));
}

#[test]
fn of_a_damaged_catalogue_what_can_be_read_is_kept() {
    for (damage, least) in [("a page", 150), ("cut off", 50), ("the header", 0)] {
        let folder = tempfile::tempdir().unwrap();
        let (store, catalogue) = store_of(folder.path(), 300);
        drop(catalogue);
        let path = store.folder().join("catalogue.sqlite");
        let mut bytes = std::fs::read(&path).unwrap();
        // The tables' own pages, few of them, come first.
        let place = bytes.len() / 4 * 3 / 4096 * 4096;
        match damage {
            "a page" => bytes[place..place + 4096].fill(0xA5),
            "cut off" => bytes.truncate(place),
            _ => bytes[..4096].fill(0),
        }
        std::fs::write(&path, &bytes).unwrap();
        let lock = store.lock("test").unwrap();
        if damage == "a page" {
            // Killed when all was copied, and the damaged file just away: the next who opens the store goes on.
            let repaired = store.repair(&lock).unwrap().salvaged.unwrap();
            std::fs::rename(&path, path.with_extension("salvaged")).unwrap();
            let again = Store::open(store.folder()).unwrap();
            assert_eq!(again.catalogue().unwrap().counts(MODEL).unwrap().embedded, repaired.vectors);
            // As it was before.
            drop(again);
            std::fs::write(&path, &bytes).unwrap();
        }
        let repair = store.repair(&lock).unwrap();
        let salvaged = repair.salvaged.clone().unwrap();
        assert!(!repair.faults.is_empty() && salvaged.damaged.exists(), "{damage}: {repair:?}");
        assert!(salvaged.tracks >= least && salvaged.tracks <= 300, "{damage}: {salvaged:?}");
        // Sound, and of its own rows alone.
        let mut catalogue = store.catalogue_to_write(&lock).unwrap();
        assert_eq!(catalogue.faults().unwrap(), [] as [String; 0]);
        let mut kept = 0;
        catalogue
            .each_vector(MODEL, |track, found| {
                assert_eq!(found, vector(track.0 - 1));
                assert_eq!(catalogue.get(track).unwrap().unwrap().file.path, path_of(track));
                kept += 1;
            })
            .unwrap();
        assert!(kept >= least, "{damage}: {kept} vectors");
        // An ingest brings the rest.
        catalogue
            .commit(|writer| {
                writer.set_serving_model(MODEL)?;
                (0..300).try_for_each(|n| writer.put_embedded(&track(n), MODEL, &vector(n)).map(|_| ()))
            })
            .unwrap();
        store.publish(&mut catalogue, MODEL, &lock).unwrap();
        assert_eq!(size(&store, &catalogue), 300, "{damage}");
        assert!(store.repair(&lock).unwrap().is_needless(), "{damage}");
    }
}

#[test]
fn a_damaged_index_of_words_is_made_anew_and_what_listeners_marked_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (store, mut catalogue) = store_of(folder.path(), 50);
    let lock = store.lock("test").unwrap();
    store.update_map(&mut catalogue, MODEL, &lock).unwrap();
    catalogue
        .commit(|writer| {
            writer.set_rating("ann", TrackId(7), Some(5))?;
            writer.put_playlist(Path::new("/empty.m3u8"), &[])
        })
        .unwrap();
    let (places, marks) = (catalogue.places(MODEL).unwrap(), catalogue.marks("ann").unwrap());
    drop(catalogue);
    let connection = rusqlite::Connection::open(store.folder().join("catalogue.sqlite")).unwrap();
    connection.execute_batch("UPDATE track_words_data SET block = zeroblob(length(block)) WHERE id > 10").unwrap();
    drop(connection);
    assert!(matches!(store.catalogue().unwrap().search_text("artist", 0, 9), Err(Error::Damaged { .. })));
    let repair = store.repair(&lock).unwrap();
    assert!(repair.salvaged.is_some(), "{repair:?}");
    let mut catalogue = store.catalogue_to_write(&lock).unwrap();
    assert_eq!(catalogue.faults().unwrap(), [] as [String; 0]);
    assert_eq!(catalogue.search_text("artist 4", 0, 99).unwrap().0, 11, "4, 40 to 49");
    assert_eq!((catalogue.places(MODEL).unwrap(), catalogue.marks("ann").unwrap()), (places.clone(), marks));
    assert_eq!(catalogue.playlists().unwrap().len(), 1);
    // Its revisions are others; its places stay.
    assert_eq!(store.update_map(&mut catalogue, MODEL, &lock).unwrap(), 0);
    assert_eq!(catalogue.places(MODEL).unwrap(), places);
}

/// Where track `id` of [`store_of`] lies.
fn path_of(id: TrackId) -> std::path::PathBuf {
    track(id.0 - 1).path
}

#[test]
fn a_newer_catalogue_and_a_file_that_is_none_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (store, catalogue) = store_of(folder.path(), 1);
    drop(catalogue);
    let path = folder.path().join("store/catalogue.sqlite");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    assert!(matches!(store.catalogue(), Err(Error::NewerFormat { found: 99, supported: 5, .. })));
    std::fs::write(&path, "this is no database, but a text that is long enough to be taken for one".repeat(20))
        .unwrap();
    assert!(matches!(store.catalogue(), Err(Error::Damaged { .. })));
}
