//! Training and validation parts that share no artist.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::Entry;

/// Which entries, by index, belong to which part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Entries to learn from.
    pub training: Vec<usize>,
    /// Entries to judge by.
    pub validation: Vec<usize>,
}

/// One of so many artists is held out where nothing is labelled.
const UNLABELLED_PART: usize = 10;

/// Artists of a genre that have to be held out for one to find the other.
const PAIR: usize = 2;

/// Artists whose part is decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decided {
    /// Held out.
    pub held_out: HashSet<String>,
    /// Learnt from.
    pub learnt: HashSet<String>,
}

/// As [`by_artist`], but for artists whose part is decided: others are added to those that are held out where they are too
/// few by now.
pub fn by_artist_after(entries: &[Entry], validation_share: f64, seed: u64, decided: &Decided) -> Split {
    let chosen = by_artist_among(entries, validation_share, seed, decided);
    split_of(entries, |artist| chosen.contains(artist) || decided.held_out.contains(artist))
}

/// Holds out a share of each genre's artists, by seed: two at least of a genre of four or more, none
/// of a smaller one, in which one alone would find nothing. An artist stands on one side only; where
/// one has several genres, a genre may lose more, but never its last. Whoever made half of a genre's
/// tracks or more is trained on: too little would be left to learn from. So are artists without a genre, unless no
/// track has one: then a tenth of all artists is held out, for stages that need no labels to see their loss. A share
/// of 0 holds out nobody.
pub fn by_artist(entries: &[Entry], validation_share: f64, seed: u64) -> Split {
    by_artist_after(entries, validation_share, seed, &Decided::default())
}

/// The artists that are held out.
fn by_artist_among<'a>(
    entries: &'a [Entry],
    validation_share: f64,
    seed: u64,
    decided: &'a Decided,
) -> HashSet<&'a str> {
    if validation_share == 0.0 {
        return HashSet::new();
    }
    let artists_of = artists_of_genres(entries);
    if artists_of.is_empty() {
        let artists: Artists<'_> = entries.iter().map(|entry| entry.artist.as_str()).collect();
        let count = artists.len() / UNLABELLED_PART;
        let free = |artist: &&str| !decided.learnt.contains(*artist);
        let wanted = count.saturating_sub(decided.held_out.len());
        return ranked(&artists, seed).into_iter().filter(free).take(wanted).collect();
    }
    let genres_of = genres_of_artists(&artists_of);
    let tracks_of = tracks_of_genres(entries);
    let made_half = |artist: &str, genre: &str| {
        let by_artist = &tracks_of[genre];
        2 * by_artist[artist] >= by_artist.values().sum::<usize>()
    };
    let mut held_out: HashSet<&str> = decided.held_out.iter().map(String::as_str).collect();
    for artists in small_first(&artists_of) {
        if artists.len() < 2 * PAIR {
            continue;
        }
        let share = (artists.len() as f64 * validation_share).round() as usize;
        let mut wanted = share.clamp(PAIR, artists.len() - PAIR);
        wanted = wanted.saturating_sub(artists.iter().filter(|artist| held_out.contains(*artist)).count());
        for artist in ranked(artists, seed) {
            if wanted == 0 {
                break;
            }
            let is_last =
                |genre: &&str| artists_of[genre].iter().all(|other| *other == artist || held_out.contains(other));
            let is_needed = genres_of[artist].iter().any(|genre| is_last(genre) || made_half(artist, genre));
            if !held_out.contains(artist) && !decided.learnt.contains(artist) && !is_needed {
                held_out.insert(artist);
                wanted -= 1;
            }
        }
    }
    held_out
}

/// Parts for cross-validation, by seed: every artist that has a genre is in the validation part of
/// exactly one fold, and each genre's artists are spread over the folds as evenly as their other
/// genres allow. A genre of fewer than two artists a fold goes to fewer folds in pairs, since one
/// alone would find nothing. Artists without a genre are trained on in every fold.
pub fn folds(entries: &[Entry], count: usize, seed: u64) -> Vec<Split> {
    let artists_of = artists_of_genres(entries);
    let genres_of = genres_of_artists(&artists_of);
    let mut fold_of: HashMap<&str, usize> = HashMap::new();
    // Artists of each genre, and of all, in each fold.
    let mut filled: HashMap<&str, Vec<usize>> = artists_of.keys().map(|&genre| (genre, vec![0; count])).collect();
    let mut totals = vec![0; count];
    for artists in small_first(&artists_of) {
        for artist in ranked(artists, seed) {
            if fold_of.contains_key(artist) {
                continue;
            }
            let genres = &genres_of[artist];
            let crowd = |fold: usize| {
                let opened = |genre: &&&str| filled[*genre].iter().filter(|&&artists| artists > 0).count();
                let is_full = |genre: &&&str| opened(genre) >= (artists_of[*genre].len() / PAIR).max(1);
                let alone = genres.iter().filter(|genre| filled[*genre][fold] == 0 && is_full(genre)).count();
                let together: usize = genres.iter().map(|genre| filled[genre][fold]).sum();
                (alone, together, totals[fold], fold)
            };
            let Some(fold) = (0..count).min_by_key(|&fold| crowd(fold)) else { continue };
            fold_of.insert(artist, fold);
            totals[fold] += 1;
            for genre in genres {
                if let Some(filled) = filled.get_mut(genre) {
                    filled[fold] += 1;
                }
            }
        }
    }
    (0..count).map(|fold| split_of(entries, |artist| fold_of.get(artist) == Some(&fold))).collect()
}

type Artists<'a> = BTreeSet<&'a str>;

fn artists_of_genres(entries: &[Entry]) -> BTreeMap<&str, Artists<'_>> {
    let mut artists_of: BTreeMap<&str, Artists<'_>> = BTreeMap::new();
    for entry in entries {
        if let Some(genre) = &entry.genre {
            artists_of.entry(genre).or_default().insert(&entry.artist);
        }
    }
    artists_of
}

/// Number of tracks of each artist in each genre.
fn tracks_of_genres(entries: &[Entry]) -> HashMap<&str, HashMap<&str, usize>> {
    let mut tracks_of: HashMap<&str, HashMap<&str, usize>> = HashMap::new();
    for entry in entries {
        if let Some(genre) = &entry.genre {
            *tracks_of.entry(genre).or_default().entry(&entry.artist).or_default() += 1;
        }
    }
    tracks_of
}

fn genres_of_artists<'a>(artists_of: &BTreeMap<&'a str, Artists<'a>>) -> HashMap<&'a str, Vec<&'a str>> {
    let mut genres_of: HashMap<&str, Vec<&str>> = HashMap::new();
    for (genre, artists) in artists_of {
        for artist in artists {
            genres_of.entry(artist).or_default().push(genre);
        }
    }
    genres_of
}

/// Small genres first: a large one finds others where an artist has several genres.
fn small_first<'a, 'b>(artists_of: &'b BTreeMap<&'a str, Artists<'a>>) -> Vec<&'b Artists<'a>> {
    let mut genres: Vec<_> = artists_of.values().collect();
    genres.sort_by_key(|artists| artists.len());
    genres
}

/// In the order of a seeded hash, so that adding an artist moves no other but the one whose place
/// it takes.
fn ranked<'a>(artists: &Artists<'a>, seed: u64) -> Vec<&'a str> {
    let mut ranked: Vec<&str> = artists.iter().copied().collect();
    ranked.sort_by_cached_key(|artist| *blake3::hash(format!("{seed} {artist}").as_bytes()).as_bytes());
    ranked
}

fn split_of(entries: &[Entry], is_held_out: impl Fn(&str) -> bool) -> Split {
    let (validation, training) = (0..entries.len()).partition(|&index| is_held_out(&entries[index].artist));
    Split { training, validation }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::data::{Aliases, Manifest, Names, TaggedFile};

    fn entry(genre: &str, artist: &str) -> Entry {
        Entry { genre: Some(genre.into()), artist: artist.into(), ..Default::default() }
    }

    fn genre_of(genre: &str, artists: std::ops::Range<usize>) -> Vec<Entry> {
        artists.map(|number| entry(genre, &format!("artist {number}"))).collect()
    }

    fn artists<'a>(entries: &'a [Entry], part: &[usize]) -> BTreeSet<&'a str> {
        part.iter().map(|&index| entries[index].artist.as_str()).collect()
    }

    #[test]
    fn of_a_library_without_labels_a_tenth_of_the_artists_is_held_out() {
        let entry = |number: usize| Entry { genre: None, ..entry("none", &format!("artist {}", number / 2)) };
        let entries: Vec<Entry> = (0..60).map(entry).collect();
        let split = by_artist(&entries, 0.35, 1);
        assert_eq!((split.training.len(), split.validation.len()), (54, 6));
        let held_out: BTreeSet<_> = split.validation.iter().map(|&index| &entries[index].artist).collect();
        assert!(split.training.iter().all(|&index| !held_out.contains(&entries[index].artist)));
        assert!(by_artist(&entries[..10], 0.35, 1).validation.is_empty(), "of few, none");
    }

    #[test]
    fn who_judges_goes_on_judging_and_who_was_learnt_from_never_does() {
        let mut entries = genre_of("folk", 0..8);
        let first = by_artist(&entries, 0.25, 1);
        let of = |entries: &[Entry], part: &[usize]| part.iter().map(|&index| entries[index].artist.clone()).collect();
        let decided = Decided { held_out: of(&entries, &first.validation), learnt: of(&entries, &first.training) };
        assert_eq!(decided.held_out.len(), 2);
        entries.extend(genre_of("folk", 8..16));
        for seed in 0..5 {
            let split = by_artist_after(&entries, 0.25, seed, &decided);
            let held_out: HashSet<String> = of(&entries, &split.validation);
            assert_eq!(held_out.len(), 4, "a quarter of 16");
            assert!(decided.held_out.is_subset(&held_out) && decided.learnt.is_disjoint(&held_out));
        }
        assert_eq!(by_artist_after(&entries[..8], 0.25, 9, &decided), first);
    }

    #[test]
    fn who_made_half_of_a_genre_is_trained_on() {
        let mut entries = genre_of("folk", 0..6);
        entries.extend((0..6).map(|_| entry("folk", "one of many songs")));
        for seed in 0..20 {
            let split = by_artist(&entries, 0.5, seed);
            assert!(artists(&entries, &split.training).contains("one of many songs"));
            assert_eq!(split.validation.len(), 4, "half of seven artists, rounded");
        }
    }

    /// Asserts what holds of every split, and of folds.
    fn assert_disjoint(entries: &[Entry], splits: &[Split]) {
        for split in splits {
            assert!(artists(entries, &split.training).is_disjoint(&artists(entries, &split.validation)));
            assert_eq!(split.training.len() + split.validation.len(), entries.len());
        }
    }

    #[test]
    fn no_artist_stands_on_both_sides_and_every_genre_on_each() {
        let genres = ["rock", "jazz", "folk"];
        let entries: Vec<_> = (0..120).map(|n| entry(genres[n % 3], &format!("artist {}", n / 4))).collect();
        for seed in 0..20 {
            let split = by_artist(&entries, 0.2, seed);
            let genres = |part: &[usize]| part.iter().map(|&i| entries[i].genre.clone()).collect::<BTreeSet<_>>();
            assert_disjoint(&entries, std::slice::from_ref(&split));
            assert_eq!((genres(&split.training).len(), genres(&split.validation).len()), (3, 3));
            assert_eq!(split, by_artist(&entries, 0.2, seed));
        }
        assert_ne!(by_artist(&entries, 0.2, 1), by_artist(&entries, 0.2, 2));
    }

    #[test]
    fn two_are_held_out_of_four_none_of_three_and_a_share_of_many() {
        for (count, expected) in [(1, 0), (2, 0), (3, 0), (4, 2), (9, 2), (10, 2), (20, 4)] {
            let entries = genre_of("rock", 0..count);
            assert_eq!(by_artist(&entries, 0.2, 1).validation.len(), expected, "of {count}");
        }
        assert_eq!(by_artist(&genre_of("rock", 0..5), 0.5, 1).validation.len(), 3);
    }

    #[test]
    fn a_share_of_0_holds_out_nobody() {
        let entries = [genre_of("rock", 0..9), vec![Entry::default()]].concat();
        assert_eq!(by_artist(&entries, 0.0, 1), Split { training: (0..10).collect(), validation: vec![] });
    }

    #[test]
    fn artists_held_out_of_another_genre_count_and_no_genre_loses_its_last() {
        // All of jazz's four artists play rock, and each has a genre of his own.
        let mut entries = genre_of("jazz", 0..4);
        entries.extend(genre_of("rock", 0..10));
        for seed in 0..20 {
            let split = by_artist(&entries, 0.2, seed);
            assert_eq!(artists(&entries, &split.validation).len(), 2, "those of jazz are enough for rock");
        }
        entries.extend((0..2).map(|number| entry(&format!("solo {number}"), &format!("artist {number}"))));
        for seed in 0..20 {
            let split = by_artist(&entries, 0.2, seed);
            assert_eq!(artists(&entries, &split.validation), BTreeSet::from(["artist 2", "artist 3"]));
        }
    }

    #[test]
    fn an_added_artist_moves_one_other_at_most() {
        for seed in 0..20 {
            let (before, after) = (genre_of("rock", 0..30), genre_of("rock", 0..31));
            let held_out = |entries: &[Entry]| -> BTreeSet<String> {
                artists(entries, &by_artist(entries, 0.2, seed).validation).into_iter().map(str::to_owned).collect()
            };
            let (before, after) = (held_out(&before), held_out(&after));
            assert!(before.difference(&after).count() <= 1, "{before:?} {after:?}");
        }
    }

    #[test]
    fn each_artist_is_judged_in_one_fold_and_genres_are_spread_evenly() {
        let mut entries = genre_of("rock", 0..11);
        entries.extend(genre_of("jazz", 11..18));
        entries.extend(genre_of("solo", 18..19));
        entries.extend(genre_of("rock", 0..11)); // a second track of each
        entries.push(Entry { artist: "unlabelled".into(), ..Default::default() });
        for seed in 0..20 {
            let folds = folds(&entries, 3, seed);
            assert_disjoint(&entries, &folds);
            let mut judged: Vec<usize> = folds.iter().flat_map(|fold| fold.validation.clone()).collect();
            judged.sort_unstable();
            assert_eq!(judged, (0..30).collect::<Vec<_>>(), "all but the unlabelled one, each once");
            let counts = |genre: &str| {
                let of_genre = |index: &&usize| entries[**index].genre.as_deref() == Some(genre);
                let count = |fold: &Split| {
                    let part: Vec<usize> = fold.validation.iter().filter(of_genre).copied().collect();
                    artists(&entries, &part).len()
                };
                let mut counts: Vec<usize> = folds.iter().map(count).collect();
                counts.sort_unstable();
                counts
            };
            assert_eq!(counts("rock"), [3, 4, 4]);
            assert_eq!(counts("jazz"), [2, 2, 3]);
            assert_eq!(counts("solo"), [0, 0, 1]);
            assert_eq!(folds, super::folds(&entries, 3, seed));
        }
    }

    #[test]
    fn a_genre_of_few_artists_is_judged_in_pairs() {
        let entries = genre_of("rock", 0..5);
        let folds = folds(&entries, 5, 1);
        let mut sizes: Vec<usize> = folds.iter().map(|fold| fold.validation.len()).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [0, 0, 0, 2, 3]);
        assert!(super::folds(&entries, 0, 1).is_empty());
    }

    /// Two genres of eight tracks, two by each of four artists of its own; one has two names.
    fn tagged(number: usize, path: String) -> TaggedFile {
        let genre = if number < 8 { "rock" } else { "jazz" };
        let artist = match number {
            0 => "Annie".to_owned(),
            1 => "ANN".to_owned(),
            _ => format!("Player {}", number / 2),
        };
        TaggedFile { path: path.into(), genre: Some(genre.into()), artist: Some(artist), ..Default::default() }
    }

    fn write(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn splits_are_disjoint_on_every_loader_with_aliases() {
        let root = tempfile::tempdir().unwrap();
        let (aliases, csv) = (root.path().join("aliases.toml"), root.path().join("list.csv"));
        write(&aliases, "[artists]\nAnn = [\"Annie\"]\n");
        let names = Names { aliases: Aliases::read(&aliases).unwrap(), ..Default::default() };
        let mut rows = String::from("path,genre,artist\n");
        let mut fma =
            String::from(",artist,set,track,track,album\n,name,subset,genre_top,title,title\ntrack_id,,,,,\n");
        for number in 0..16 {
            let file = tagged(number, format!("{number}.wav"));
            let (genre, artist) = (file.genre.unwrap(), file.artist.unwrap());
            rows.push_str(&format!("{number}.wav,{genre},{artist}\n"));
            fma.push_str(&format!("{number},{artist},small,{genre},,\n"));
            write(&root.path().join(format!("genres/{genre}/{artist}/{number}.wav")), "");
        }
        write(&csv, &rows);
        write(&root.path().join("fma/fma_metadata/tracks.csv"), &fma);
        write(&root.path().join("fma/fma_small/README.txt"), "");
        let manifests = [
            ("CSV", Manifest::read(&csv, &names).unwrap()),
            ("FMA", Manifest::read(&root.path().join("fma"), &names).unwrap()),
            ("genre folders", Manifest::read(root.path(), &names).unwrap()),
            ("tags", Manifest::from_tags((0..16).map(|number| tagged(number, format!("/{number}.wav"))), &names)),
        ];
        for (loader, manifest) in manifests {
            let entries = &manifest.entries;
            assert_eq!(entries.len(), 16, "{loader}");
            assert_eq!(entries.iter().filter(|entry| entry.artist == "ann").count(), 2, "{loader}");
            for seed in 0..20 {
                let split = by_artist(entries, 0.2, seed);
                assert_eq!(split.validation.len(), 8, "{loader}: two tracks of two artists of two genres");
                assert_disjoint(entries, &[split]);
                let folds = folds(entries, 2, seed);
                assert!(folds.iter().all(|fold| fold.validation.len() == 8), "{loader}");
                assert_disjoint(entries, &folds);
            }
        }
    }
}
