//! Who goes on asking keeps up with the store.

use index::{Catalogue, Renewal, Searcher, Store, TrackId};

use super::{MODEL, lists, nearest, store_of, track, vector};

fn put(catalogue: &mut Catalogue, numbers: std::ops::Range<u64>) {
    let put = |writer: &index::catalogue::Writer<'_>| {
        numbers.into_iter().try_for_each(|n| writer.put_embedded(&track(n), MODEL, &vector(n)).map(|_| ()))
    };
    catalogue.commit(put).unwrap();
}

/// It answers what one that is opened now does.
fn assert_as_opened(store: &Store, catalogue: &Catalogue, searcher: &Searcher) {
    let opened = store.resident_searcher(catalogue).unwrap().unwrap();
    assert_eq!((searcher.model_id(), searcher.generation()), (opened.model_id(), opened.generation()));
    assert_eq!(searcher.revision(), catalogue.revision(searcher.model_id()).unwrap());
    for query in (0..20).chain(3000..3010) {
        let ask = |searcher: &Searcher| {
            searcher.nearest(searcher.model_id(), &vector(query), 10, &std::collections::HashSet::new()).unwrap()
        };
        assert_eq!(ask(searcher), ask(&opened));
    }
}

fn is_unchanged(store: &Store, catalogue: &Catalogue, searcher: &Searcher) -> bool {
    matches!(store.renewed(catalogue, searcher).unwrap(), Renewal::Unchanged)
}

fn beside(store: &Store, catalogue: &Catalogue, searcher: &Searcher) -> Searcher {
    match store.renewed(catalogue, searcher).unwrap() {
        Renewal::Beside(searcher) => searcher,
        Renewal::Unchanged | Renewal::Anew(_) => panic!("the generation is the same, its vectors are not"),
    }
}

fn anew(store: &Store, catalogue: &Catalogue, searcher: &Searcher) -> Option<Searcher> {
    match store.renewed(catalogue, searcher).unwrap() {
        Renewal::Anew(searcher) => searcher,
        Renewal::Unchanged | Renewal::Beside(_) => panic!("something else serves"),
    }
}

#[test]
fn a_renewed_searcher_answers_as_one_that_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let (store, mut catalogue) = store_of(folder.path(), 0);
    put(&mut catalogue, 0..2000);
    catalogue.commit(|writer| writer.set_index_config(&lists())).unwrap();
    let lock = store.lock("test").unwrap();
    store.publish(&mut catalogue, MODEL, &lock).unwrap();
    let first = store.resident_searcher(&catalogue).unwrap().unwrap();
    assert_eq!(first.generation(), Some(1));
    assert!(is_unchanged(&store, &catalogue, &first));
    let before = nearest(&first, 3000, 5, &[]);

    put(&mut catalogue, 3000..3010);
    let second = beside(&store, &catalogue, &first);
    assert_as_opened(&store, &catalogue, &second);
    assert_eq!(nearest(&second, 3000, 1, &[])[0].0, 2001);
    assert!(is_unchanged(&store, &catalogue, &second));
    // The one before goes on as it was.
    assert_eq!((nearest(&first, 3000, 5, &[]), first.revision()), (before, second.revision() - 10));
    catalogue.commit(|writer| writer.remove(TrackId(2001))).unwrap();
    let third = beside(&store, &catalogue, &second);
    assert_as_opened(&store, &catalogue, &third);
    // They wait: it is still this generation that serves.
    store.publish(&mut catalogue, MODEL, &lock).unwrap();
    assert!(is_unchanged(&store, &catalogue, &third));

    put(&mut catalogue, 4000..4100);
    store.publish(&mut catalogue, MODEL, &lock).unwrap();
    let fourth = anew(&store, &catalogue, &third).unwrap();
    assert_eq!(fourth.generation(), Some(2));
    assert_as_opened(&store, &catalogue, &fourth);
    // Others are ranked by what hubs pay now.
    catalogue.commit(|writer| writer.set_hub_weight(0.4)).unwrap();
    let fifth = anew(&store, &catalogue, &fourth).unwrap();
    assert_eq!(fifth.generation(), None);
    assert_as_opened(&store, &catalogue, &fifth);
    assert!(is_unchanged(&store, &catalogue, &fifth));
}

#[test]
fn a_change_of_models_is_noticed_when_it_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let (store, mut catalogue) = store_of(folder.path(), 20);
    let lock = store.lock("test").unwrap();
    let first = store.resident_searcher(&catalogue).unwrap().unwrap();
    let other = |writer: &index::catalogue::Writer<'_>| {
        (0..20).try_for_each(|n| writer.put_embedded(&track(n), "model-b", &vector(n + 50)).map(|_| ()))
    };
    catalogue.commit(other).unwrap();
    let generation = store.prepare(&catalogue, "model-b", &lock).unwrap().unwrap();
    assert!(is_unchanged(&store, &catalogue, &first));
    store.switch(&mut catalogue, "model-b", generation, &lock).unwrap();
    let second = anew(&store, &catalogue, &first).unwrap();
    assert_eq!((second.model_id(), second.generation()), ("model-b", Some(generation)));
    assert_as_opened(&store, &catalogue, &second);
}

#[test]
fn what_was_read_from_the_catalogue_is_read_again_only_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let (store, mut catalogue) = store_of(folder.path(), 20);
    // A generation that is damaged is not verified each time.
    std::fs::write(store.folder().join("generations/000001/vectors.faiss"), "IxM").unwrap();
    let first = store.resident_searcher(&catalogue).unwrap().unwrap();
    assert!(first.fault().is_some() && first.generation().is_none());
    assert!(is_unchanged(&store, &catalogue, &first));
    put(&mut catalogue, 3000..3002);
    let second = anew(&store, &catalogue, &first).unwrap();
    assert_as_opened(&store, &catalogue, &second);
    let lock = store.lock("test").unwrap();
    store.rebuild(&mut catalogue, MODEL, &lock).unwrap();
    let third = anew(&store, &catalogue, &second).unwrap();
    assert_eq!((third.generation(), third.fault()), (Some(2), None));
    for track in 1..=22 {
        catalogue.commit(|writer| writer.remove(TrackId(track))).unwrap();
    }
    store.publish(&mut catalogue, MODEL, &lock).unwrap();
    assert!(anew(&store, &catalogue, &third).is_none_or(|searcher| nearest(&searcher, 0, 1, &[]).is_empty()));
}

#[test]
fn threads_share_a_searcher() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Searcher>();
    is_shared::<Renewal>();
}
