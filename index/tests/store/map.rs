//! Where tracks lie on the map, and that they stay there.

use index::catalogue::{Place, Writer};
use index::{Catalogue, Store, TrackId};

use super::{MODEL, store_of, track};

/// Unit vectors about one of ten corners.
fn clustered(number: u64) -> Vec<f32> {
    let corner = (number % 10) as usize;
    let values: Vec<f32> = (0..24)
        .map(|place| {
            let noise = ((number * 97 + place * 31) as f32 * 1.7).sin() * 0.18;
            if place as usize == corner { 1.0 + noise } else { noise }
        })
        .collect();
    index::unit(values).unwrap()
}

fn put(catalogue: &mut Catalogue, numbers: impl IntoIterator<Item = u64>) {
    let put = |writer: &Writer<'_>| {
        let mut numbers = numbers.into_iter();
        numbers.try_for_each(|n| writer.put_embedded(&track(n), MODEL, &clustered(n)).map(|_| ()))
    };
    catalogue.commit(put).unwrap();
}

fn update(store: &Store, catalogue: &mut Catalogue) -> (usize, Vec<Place>) {
    let lock = store.lock("test").unwrap();
    let placed = store.update_map(catalogue, MODEL, &lock).unwrap();
    let places = catalogue.places(MODEL).unwrap();
    assert!(places.iter().all(|place| place.x.abs() <= 1.0 && place.y.abs() <= 1.0));
    assert_eq!(store.update_map(catalogue, MODEL, &lock).unwrap(), 0, "nothing has changed");
    (placed, places)
}

/// Share of tracks, track `n` + 1 being of [`clustered`] `n`, whose nearest on the map is of the same corner.
fn together(places: &[Place]) -> f64 {
    let corner = |place: &Place| (place.track.0 - 1) % 10;
    let is_together = |place: &&Place| {
        let distance = |other: &&Place| (place.x - other.x).hypot(place.y - other.y);
        let others = places.iter().filter(|other| other.track != place.track);
        others.min_by(|a, b| distance(a).total_cmp(&distance(b))).is_some_and(|other| corner(other) == corner(place))
    };
    places.iter().filter(is_together).count() as f64 / places.len() as f64
}

#[test]
fn clusters_stay_together_and_the_map_is_drawn_again_as_it_was() {
    let draw = |tracks: u64| {
        let folder = tempfile::tempdir().unwrap();
        let (store, mut catalogue) = store_of(folder.path(), 0);
        put(&mut catalogue, 0..tracks);
        let (placed, places) = update(&store, &mut catalogue);
        assert_eq!((placed as u64, places.len() as u64), (tracks, tracks));
        places
    };
    let places = draw(400);
    assert!(places.iter().all(|place| place.is_landmark));
    assert!(together(&places) > 0.9, "{}", together(&places));
    assert_eq!(places, draw(400));
    let spots: std::collections::HashSet<_> = places.iter().map(|it| (it.x.to_bits(), it.y.to_bits())).collect();
    assert_eq!(spots.len(), 400);
    // Most are placed by landmarks.
    let places = draw(5000);
    assert_eq!(places.iter().filter(|place| place.is_landmark).count(), 2000);
    assert!(together(&places) > 0.9, "{}", together(&places));
}

#[test]
fn what_is_new_moves_nothing_until_the_library_has_doubled() {
    let folder = tempfile::tempdir().unwrap();
    let (store, mut catalogue) = store_of(folder.path(), 0);
    put(&mut catalogue, 0..200);
    let (_, before) = update(&store, &mut catalogue);
    put(&mut catalogue, 200..400);
    let (placed, after) = update(&store, &mut catalogue);
    assert_eq!((placed, after.len()), (200, 400));
    assert_eq!(after[..200], before);
    assert!(after[200..].iter().all(|place| !place.is_landmark));
    assert!(together(&after) > 0.9, "{}", together(&after));
    // Written again as it was, a track stays; with another vector, it goes to its likes.
    put(&mut catalogue, [3]);
    assert_eq!(update(&store, &mut catalogue), (0, after.clone()));
    catalogue.commit(|writer| writer.put_embedded(&track(3), MODEL, &clustered(9))).unwrap();
    let (placed, moved) = update(&store, &mut catalogue);
    assert_eq!((placed, moved[..3] == after[..3], moved[4..] == after[4..]), (1, true, true));
    let distance = |other: &Place| (moved[3].x - other.x).hypot(moved[3].y - other.y);
    assert!(distance(&after[9]) < 0.1 && distance(&after[3]) > 0.2, "{:?}", moved[3]);
    // More than twice as many: all anew.
    put(&mut catalogue, [400]);
    let (placed, anew) = update(&store, &mut catalogue);
    assert_eq!((placed, anew.iter().filter(|place| place.is_landmark).count()), (401, 401));
}

#[test]
fn places_go_with_their_vectors_and_half_of_the_landmarks_are_enough() {
    let folder = tempfile::tempdir().unwrap();
    let (store, mut catalogue) = store_of(folder.path(), 0);
    put(&mut catalogue, 0..100);
    let (_, before) = update(&store, &mut catalogue);
    put(&mut catalogue, 100..150);
    let remove = |catalogue: &mut Catalogue, tracks: std::ops::RangeInclusive<u64>| {
        catalogue.commit(|writer| tracks.into_iter().try_for_each(|id| writer.remove(TrackId(id)))).unwrap();
    };
    remove(&mut catalogue, 1..=50);
    assert_eq!(catalogue.places(MODEL).unwrap(), before[50..]);
    let (placed, places) = update(&store, &mut catalogue);
    assert_eq!((placed, &places[..50]), (50, &before[50..]));
    remove(&mut catalogue, 51..=51);
    let (placed, places) = update(&store, &mut catalogue);
    assert_eq!((placed, places.len()), (99, 99));
    remove(&mut catalogue, 52..=150);
    assert_eq!(update(&store, &mut catalogue), (0, Vec::new()));
}

#[test]
fn few_tracks_have_places_too() {
    for count in [1, 2, 3, 5, 9, 10, 11] {
        let folder = tempfile::tempdir().unwrap();
        let (store, mut catalogue) = store_of(folder.path(), 0);
        put(&mut catalogue, 0..count);
        let (placed, places) = update(&store, &mut catalogue);
        assert_eq!(placed as u64, count);
        let spots: std::collections::HashSet<_> = places.iter().map(|it| (it.x.to_bits(), it.y.to_bits())).collect();
        assert_eq!(spots.len() as u64, count);
    }
    let folder = tempfile::tempdir().unwrap();
    let (store, mut catalogue) = store_of(folder.path(), 0);
    assert_eq!(update(&store, &mut catalogue), (0, Vec::new()));
    // One vector for all of them.
    let same = |writer: &Writer<'_>| {
        (0..20).try_for_each(|n| writer.put_embedded(&track(n), MODEL, &clustered(1)).map(|_| ()))
    };
    catalogue.commit(same).unwrap();
    assert_eq!(update(&store, &mut catalogue).0, 20);
}

#[test]
fn each_model_has_its_map_and_takes_it_along() {
    let folder = tempfile::tempdir().unwrap();
    let (store, mut catalogue) = store_of(folder.path(), 0);
    put(&mut catalogue, 0..30);
    let (_, places) = update(&store, &mut catalogue);
    let other = |writer: &Writer<'_>| {
        (0..30).try_for_each(|n| writer.put_embedded(&track(n), "model-b", &clustered(n * 7)).map(|_| ()))
    };
    catalogue.commit(other).unwrap();
    let lock = store.lock("test").unwrap();
    assert_eq!(store.update_map(&mut catalogue, "model-b", &lock).unwrap(), 30);
    assert_eq!(catalogue.places(MODEL).unwrap(), places);
    store.forget_model(&mut catalogue, "model-b", &folder.path().join("no files"), &lock).unwrap();
    assert!(catalogue.places("model-b").unwrap().is_empty());
    assert_eq!(store.update_map(&mut catalogue, "model-b", &lock).unwrap(), 0);
    assert_eq!(catalogue.places(MODEL).unwrap(), places);
}
