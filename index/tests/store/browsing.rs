//! Tracks by words, and as one browses them.

use index::catalogue::{Transient, Writer};
use index::{Catalogue, NewTrack, TrackId};

use super::{MODEL, store_of, track, vector};

/// Artist, album, title and genre of a track; an empty one is not known.
type Tags = [&'static str; 4];

fn tagged(number: u64, tags: Tags) -> NewTrack {
    let [artist, album, title, genre] = tags.map(|tag| (!tag.is_empty()).then(|| tag.to_owned()));
    let path = format!("/music/{number:02} take.wav").into();
    NewTrack { path, artist, album, title, genre, year: Some(1990 + number as u16), ..track(number) }
}

const TAGS: [Tags; 8] = [
    ["Björk", "Debut", "Venus as a Boy", "Pop"],
    ["BJÖRK", "debut", "Come to Me", "pop"],
    ["Björk", "Post", "Hyperballad", "Electronic"],
    ["abba", "Arrival", "Dancing Queen", "Pop"],
    ["ABBA", "", "Boy Boy Boy", ""],
    ["The Posts", "Boy Tales", "Rain", "Rock"],
    ["", "Debut", "Untold", ""],
    ["", "", "", ""],
];

fn put(writer: &Writer<'_>, number: u64, tags: Tags) -> rusqlite::Result<TrackId> {
    writer.put_embedded(&tagged(number, tags), MODEL, &vector(number))
}

/// Tracks 1 to 8.
fn library(folder: &std::path::Path) -> Catalogue {
    let (_store, mut catalogue) = store_of(folder, 0);
    let put_all = |writer: &Writer<'_>| (0..).zip(TAGS).try_for_each(|(n, tags)| put(writer, n, tags).map(|_| ()));
    catalogue.commit(put_all).unwrap();
    catalogue
}

fn found(catalogue: &Catalogue, text: &str) -> Vec<u64> {
    let (total, tracks) = catalogue.search_text(text, 0, 100).unwrap();
    assert_eq!(total, tracks.len(), "{text:?}");
    tracks.iter().map(|record| record.id.0).collect()
}

#[test]
fn words_are_found_by_their_beginning_the_best_first() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = library(folder.path());
    // By title, then by album; more of the word is better.
    assert_eq!(found(&catalogue, "boy"), [5, 1, 6]);
    // An artist's name before an album's.
    assert_eq!(found(&catalogue, "post"), [6, 3]);
    for text in ["bjork", "BJÖRK", "bjo\u{308}rk", "bj"] {
        let mut tracks = found(&catalogue, text);
        tracks.sort_unstable();
        assert_eq!(tracks, [1, 2, 3], "{text:?}");
    }
    assert_eq!(found(&catalogue, "debut björk venus"), [1]);
    assert_eq!(found(&catalogue, "abba rain"), [] as [u64; 0]);
    // By path alone.
    assert_eq!(found(&catalogue, "take").len(), 8);
    // No word of FTS5's own, and nothing that ends its quotes.
    for text in
        ["boy OR rain", "title:boy", "boy NOT queen", "\"boy", "boy\" OR \"rain", "NEAR(boy rain)", "^boy*", "b\0oy"]
    {
        assert!(catalogue.search_text(text, 0, 10).is_ok(), "{text:?}");
    }
    assert_eq!(found(&catalogue, "boy OR rain"), [] as [u64; 0]);
    assert_eq!(found(&catalogue, "(boy)"), found(&catalogue, "boy"));
}

#[test]
fn pages_are_of_one_order_and_without_words_all_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = library(folder.path());
    // By artist, album and title, those that have none last.
    for text in ["", " - "] {
        assert_eq!(found(&catalogue, text), [4, 5, 2, 1, 3, 6, 7, 8]);
    }
    for text in ["", "take"] {
        let all = found(&catalogue, text);
        for offset in 0..9 {
            let (total, page) = catalogue.search_text(text, offset, 3).unwrap();
            let page: Vec<u64> = page.iter().map(|record| record.id.0).collect();
            assert_eq!((total, page.as_slice()), (8, &all[offset.min(8)..(offset + 3).min(8)]), "{text:?}");
        }
    }
}

#[test]
fn words_follow_their_tracks() {
    let folder = tempfile::tempdir().unwrap();
    let mut catalogue = library(folder.path());
    let [venus, come] = [1, 2].map(TrackId);
    catalogue.commit(|writer| put(writer, 0, ["Björk", "Debut", "Crying", "Pop"])).unwrap();
    assert_eq!((found(&catalogue, "venus"), found(&catalogue, "crying")), (vec![], vec![1]));
    // What fails is not found, and is again when it does not.
    let failed = tagged(1, TAGS[1]);
    catalogue.commit(|writer| writer.put_failed(&failed, "away", Transient(true))).unwrap();
    assert_eq!((found(&catalogue, "come"), found(&catalogue, "").len()), (vec![], 7));
    assert_eq!(catalogue.album(Some("bJÖrK"), "debut").unwrap().len(), 0);
    let stamp = failed.stamp;
    catalogue.commit(|writer| writer.set_place(come, std::path::Path::new("/elsewhere/Moved.wav"), stamp)).unwrap();
    assert_eq!((found(&catalogue, "come"), found(&catalogue, "elsewhere moved")), (vec![2], vec![2]));
    catalogue.commit(|writer| writer.remove(venus)).unwrap();
    assert_eq!(found(&catalogue, "crying"), [] as [u64; 0]);
    // A file at the place of another.
    catalogue.commit(|writer| writer.set_place(come, &tagged(2, TAGS[2]).path, stamp)).unwrap();
    assert_eq!((found(&catalogue, "hyperballad"), found(&catalogue, "take").len()), (vec![], 6));
    assert_eq!(catalogue.faults().unwrap(), [] as [String; 0]);
}

#[test]
fn artists_albums_and_genres_are_those_of_embedded_tracks() {
    let folder = tempfile::tempdir().unwrap();
    let mut catalogue = library(folder.path());
    catalogue.commit(|writer| writer.put_silent(&tagged(20, ["John Cage", "4'33''", "I", "Classical"]))).unwrap();
    let artists: Vec<_> = catalogue.artists().unwrap().into_iter().map(|it| (it.name, it.albums, it.tracks)).collect();
    let name = |name: &str| name.to_owned();
    // Ö is another letter than ö to a name.
    let expected = [(name("ABBA"), 1, 2), (name("BJÖRK"), 1, 1), (name("Björk"), 2, 2), (name("The Posts"), 1, 1)];
    assert_eq!(artists, expected);
    let albums: Vec<_> =
        catalogue.albums().unwrap().into_iter().map(|it| (it.artist, it.name, it.tracks, it.cover.0)).collect();
    let expected = [
        (Some(name("abba")), name("Arrival"), 1, 4),
        (Some(name("BJÖRK")), name("debut"), 1, 2),
        (Some(name("Björk")), name("Debut"), 1, 1),
        (Some(name("Björk")), name("Post"), 1, 3),
        (Some(name("The Posts")), name("Boy Tales"), 1, 6),
        (None, name("Debut"), 1, 7),
    ];
    assert_eq!(albums, expected);
    let post = &catalogue.albums_of("bJörk").unwrap()[1];
    assert_eq!((post.name.as_str(), post.seconds, post.year), ("Post", 60.0, Some(1992)));
    assert_eq!(post.genre.as_deref(), Some("Electronic"));
    let ids = |tracks: Vec<index::TrackRecord>| tracks.iter().map(|record| record.id.0).collect::<Vec<_>>();
    assert_eq!(ids(catalogue.album(Some("Björk"), "DEBUT").unwrap()), [1]);
    assert_eq!(ids(catalogue.album(None, "Debut").unwrap()), [1, 2, 7]);
    assert_eq!(ids(catalogue.tracks_of_artist("ABBA").unwrap()), [4, 5]);
    let genres: Vec<_> = catalogue.genres().unwrap().into_iter().map(|it| (it.name, it.tracks, it.albums)).collect();
    assert_eq!(genres, [(name("Electronic"), 1, 1), (name("Pop"), 3, 3), (name("Rock"), 1, 1)]);
}
