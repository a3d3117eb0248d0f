//! What listeners mark and put together.

use std::path::Path;

use index::TrackId;
use index::catalogue::Mark;

use super::store_of;

#[test]
fn marks_are_each_listeners_own_and_go_when_nothing_is_left_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let (_store, mut catalogue) = store_of(folder.path(), 3);
    let [one, two, three] = [1, 2, 3].map(TrackId);
    catalogue
        .commit(|writer| {
            writer.set_starred("ann", two, Some(100))?;
            writer.set_rating("ann", two, Some(4))?;
            writer.set_rating("ann", one, Some(1))?;
            writer.set_starred("ben", two, Some(200))?;
            writer.set_rating("ben", three, None)
        })
        .unwrap();
    let mark = |track, starred_at, rating| Mark { track, starred_at, rating };
    assert_eq!(catalogue.marks("ann").unwrap(), [mark(one, None, Some(1)), mark(two, Some(100), Some(4))]);
    assert_eq!(catalogue.marks("ben").unwrap(), [mark(two, Some(200), None)]);
    for rating in [0, 6] {
        assert!(catalogue.commit(|writer| writer.set_rating("ann", one, Some(rating))).is_err());
    }
    assert!(catalogue.commit(|writer| writer.set_starred("ann", TrackId(9), Some(1))).is_err(), "no such track");
    catalogue
        .commit(|writer| {
            writer.set_starred("ann", two, None)?;
            writer.set_rating("ann", one, None)?;
            writer.set_starred("ben", two, Some(300))
        })
        .unwrap();
    assert_eq!(catalogue.marks("ann").unwrap(), [mark(two, None, Some(4))]);
    assert_eq!(catalogue.mark("ann", one).unwrap(), None);
    assert_eq!(catalogue.mark("ben", two).unwrap(), Some(mark(two, Some(300), None)));
    catalogue.commit(|writer| writer.remove(two)).unwrap();
    assert!(catalogue.marks("ann").unwrap().is_empty() && catalogue.marks("ben").unwrap().is_empty());
}

#[test]
fn playlists_keep_their_number_and_may_be_empty() {
    let folder = tempfile::tempdir().unwrap();
    let (_store, mut catalogue) = store_of(folder.path(), 4);
    let [one, two, three] = [1, 2, 3].map(TrackId);
    catalogue
        .commit(|writer| {
            writer.put_playlist(Path::new("/b.m3u8"), &[one, two])?;
            writer.put_playlist(Path::new("/a.m3u8"), &[])?;
            writer.put_playlist(Path::new("/c.m3u8"), &[two])
        })
        .unwrap();
    let before = catalogue.find_playlist(Path::new("/b.m3u8")).unwrap().unwrap();
    catalogue.commit(|writer| writer.put_playlist(Path::new("/b.m3u8"), &[three, one, three])).unwrap();
    let playlists = catalogue.playlists().unwrap();
    let tracks: Vec<_> = playlists.iter().map(|list| list.tracks.as_slice()).collect();
    assert_eq!(tracks, [&[] as &[TrackId], &[three, one, three], &[two]]);
    assert_eq!(playlists[1].id, before.id);
    assert!(playlists.iter().all(|list| list.changed_at.is_some_and(|at| at > 1_700_000_000)));
    assert_eq!(catalogue.playlist(before.id).unwrap().as_ref(), Some(&playlists[1]));
    let remove = |id| move |writer: &index::catalogue::Writer<'_>| writer.remove_playlist(id);
    assert!(catalogue.commit(remove(before.id)).unwrap() && !catalogue.commit(remove(before.id)).unwrap());
    assert_eq!(catalogue.playlist(before.id).unwrap(), None);
    // Its tracks gone, a playlist is still there.
    catalogue.commit(|writer| writer.remove(two)).unwrap();
    assert!(catalogue.playlists().unwrap().iter().all(|list| list.tracks.is_empty()));
    assert_eq!(catalogue.playlists().unwrap().len(), 2);
}
