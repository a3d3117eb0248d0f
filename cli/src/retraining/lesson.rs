//! What a night learns from: tracks, their labels, who judges, what listeners said.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use index::{Catalogue, TrackId, TrackRecord};
use trainer::ModelCard;
use trainer::card::artist_digest;
use trainer::data::split::{self, Decided};
use trainer::data::{Aliases, Entry, GenreMap, Manifest, Names, Preference, Preferences, TaggedFile};

use super::preferences::{Said, of_opinions, of_playlists, of_plays};
use crate::args::LabelArguments;
use crate::library::data_set::read_manifest;

/// Everything that is known of the library's tracks.
pub struct Lesson {
    /// Numbers of the tracks, one an entry.
    pub tracks: Vec<TrackId>,
    /// What is known of each.
    pub entries: Vec<Entry>,
    /// What listeners said.
    pub said: Vec<Said>,
    /// Number of tracks whose files are not there now: nothing is learnt from them.
    pub missing: usize,
    /// Whether any of those may have a genre.
    pub lacks_labels: bool,
}

/// A lesson in parts that share no artist.
pub struct Parts {
    /// Places of the entries that are learnt from.
    pub training: Vec<usize>,
    /// Of those that judge; none of their artists was ever learnt from.
    pub judges: Vec<usize>,
    /// What is learnt from what listeners said, by places in `training`.
    pub preferences: Preferences,
    /// What listeners said that nothing is learnt from, by numbers of tracks: nearer and farther are known.
    pub held_out: Vec<Said>,
}

impl Lesson {
    /// Of the library as it is now.
    ///
    /// # Errors
    /// Where a file of labels, aliases or genres cannot be read; as all that reads the catalogue.
    pub fn read(catalogue: &Catalogue, arguments: &LabelArguments) -> anyhow::Result<Self> {
        let names = Names {
            aliases: arguments.aliases.as_deref().map(Aliases::read).transpose()?.unwrap_or_default(),
            genres: arguments.genres.as_deref().map(GenreMap::read).transpose()?,
        };
        let labels = arguments.labels.as_deref().map(|path| labels_of(path, &names)).transpose()?.unwrap_or_default();
        let roots = if arguments.genre_folders { catalogue.roots()? } else { Vec::new() };
        let (mut tracks, mut files) = (Vec::new(), Vec::new());
        let (mut missing, mut lacks_labels) = (0, false);
        catalogue.each_audible(|TrackRecord { id, file, .. }| {
            let genre = file.genre.or_else(|| genre_folder(&file.path, &roots));
            if !file.path.exists() {
                missing += 1;
                lacks_labels |= genre.is_some() || arguments.labels.is_some();
                return;
            }
            tracks.push(id);
            files.push(TaggedFile {
                path: file.path,
                genre,
                artist: file.artist,
                album: file.album,
                title: file.title,
            });
        })?;
        let mut entries = Manifest::from_tags(files, &names).entries;
        for entry in &mut entries {
            if let Some(label) = labels.get(&entry.path) {
                // What the file does not say of a track, its tags do.
                let artist = if is_made_up(&label.artist) { entry.artist.clone() } else { label.artist.clone() };
                *entry = Entry { artist, genre: label.genre.clone(), ..entry.clone() };
            }
        }
        let mut said = of_opinions(&catalogue.opinions()?);
        said.extend(of_playlists(&catalogue.playlists()?));
        said.extend(of_plays(&catalogue.plays()?));
        Ok(Self { tracks, entries, said, missing, lacks_labels })
    }

    /// Number of genres.
    pub fn genres(&self) -> usize {
        self.entries.iter().filter_map(|entry| entry.genre.as_ref()).collect::<BTreeSet<_>>().len()
    }

    /// Names what is known of each genre: the same tracks, the same digest.
    pub fn genre_digests(&self) -> BTreeMap<String, String> {
        let mut tracks_of: BTreeMap<&String, Vec<TrackId>> = BTreeMap::new();
        for (track, entry) in self.tracks.iter().zip(&self.entries) {
            if let Some(genre) = &entry.genre {
                tracks_of.entry(genre).or_default().push(*track);
            }
        }
        let digest = |tracks: &[TrackId]| blake3::hash(format!("{tracks:?}").as_bytes()).to_hex()[..16].to_owned();
        tracks_of.into_iter().map(|(genre, tracks)| (genre.clone(), digest(&tracks))).collect()
    }

    /// Whether there is nothing to tell apart and nobody said anything.
    pub fn is_empty(&self) -> bool {
        self.genres() < 2 && self.said.is_empty()
    }

    /// Names all of it: the same lesson, the same digest.
    pub fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (track, entry) in self.tracks.iter().zip(&self.entries) {
            let genre = entry.genre.as_deref().unwrap_or_default();
            hasher.update(format!("{track} {:?} {genre:?} {:?}\n", entry.path, entry.artist).as_bytes());
        }
        let said: BTreeSet<&Said> = self.said.iter().collect();
        for said in said {
            hasher.update(format!("{said:?}\n").as_bytes());
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }

    /// Divides it: artists who judged before go on judging, and whom the serving model was told the genres of never does.
    ///
    /// # Errors
    /// As all that reads the catalogue.
    pub fn divide(&self, catalogue: &Catalogue, serving: &ModelCard, share: f64, seed: u64) -> anyhow::Result<Parts> {
        let learnt = self.told(serving);
        let held_out = catalogue.judges()?.into_iter().filter(|judge| !learnt.contains(judge)).collect();
        let decided = Decided { held_out, learnt };
        let split = split::by_artist_after(&self.entries, share, seed, &decided);
        let training = self.most_of(split.training, MOST_LEARNT);
        let is_learnt: HashMap<TrackId, usize> =
            training.iter().enumerate().map(|(place, &entry)| (self.tracks[entry], place)).collect();
        let (mut preferences, mut held_out) = (Vec::new(), Vec::new());
        for said in &self.said {
            if !judges_by(said.anchor) {
                preferences.extend(learnt_from(said, &is_learnt));
            } else if said.nearer.is_some() && said.farther.is_some() {
                held_out.push(*said);
            }
        }
        held_out.sort_unstable();
        held_out.dedup();
        Ok(Parts { training, judges: split.validation, preferences: Preferences::new(preferences), held_out })
    }

    /// At most `count` of these, the same every night as far as they are there: those that something was said of, then
    /// those with a genre, then others; of these one of each artist, then another of each.
    fn most_of(&self, mut training: Vec<usize>, count: usize) -> Vec<usize> {
        if training.len() <= count {
            return training;
        }
        let said = self.said.iter().flat_map(|said| [Some(said.anchor), said.nearer, said.farther]).flatten();
        let said: HashSet<TrackId> = said.collect();
        training.sort_by_cached_key(|&entry| *blake3::hash(self.tracks[entry].to_string().as_bytes()).as_bytes());
        let mut of_artist: HashMap<&str, usize> = HashMap::new();
        let mut ranked: Vec<_> = training
            .into_iter()
            .map(|place| {
                let entry = &self.entries[place];
                let before = of_artist.entry(&entry.artist).or_default();
                *before += 1;
                ((!said.contains(&self.tracks[place]), entry.genre.is_none(), *before), place)
            })
            .collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        let mut most: Vec<usize> = ranked.into_iter().take(count).map(|(_, place)| place).collect();
        most.sort_unstable();
        most
    }

    /// Artists whose genres the model was told.
    fn told(&self, model: &ModelCard) -> HashSet<String> {
        let told: HashSet<&str> = model.training.told().iter().map(String::as_str).collect();
        let artists = self.entries.iter().map(|entry| &entry.artist);
        artists.filter(|artist| told.contains(artist_digest(artist).as_str())).cloned().collect()
    }
}

impl Parts {
    /// Names of the artists that judge.
    pub fn judging_artists<'a>(&self, lesson: &'a Lesson) -> BTreeSet<&'a str> {
        self.judges.iter().map(|&place| lesson.entries[place].artist.as_str()).collect()
    }
}

/// Tracks that are learnt from at most: decoded they take a gigabyte for each eight hundred, and the disk that they are kept
/// on is not this program's alone.
const MOST_LEARNT: usize = 8000;

/// Whether no artist was named: see [`Entry::artist`].
fn is_made_up(artist: &str) -> bool {
    ["album ", "folder ", "file "].iter().any(|made_up| artist.starts_with(made_up))
}

/// One of so many anchors says what is judged by instead of learnt from.
const HELD_OUT_PART: u8 = 5;

fn judges_by(anchor: TrackId) -> bool {
    blake3::hash(format!("preferences of {anchor}").as_bytes()).as_bytes()[0].is_multiple_of(HELD_OUT_PART)
}

/// By places; `None` where a track of it is not learnt from.
fn learnt_from(said: &Said, places: &HashMap<TrackId, usize>) -> Option<Preference> {
    let place = |track: Option<TrackId>| match track {
        None => Some(None),
        Some(track) => places.get(&track).map(|place| Some(*place)),
    };
    Some(Preference { anchor: *places.get(&said.anchor)?, nearer: place(said.nearer)?, farther: place(said.farther)? })
}

/// What a file of labels says, by the files' real paths.
fn labels_of(path: &Path, names: &Names) -> anyhow::Result<BTreeMap<PathBuf, Entry>> {
    let entries = read_manifest(path, names)?.entries.into_iter();
    Ok(entries
        .filter_map(|entry| {
            let path = entry.path.canonicalize().ok()?;
            Some((path.clone(), Entry { path, ..entry }))
        })
        .collect())
}

/// The folder right below a root that a file lies in.
fn genre_folder(path: &Path, roots: &[PathBuf]) -> Option<String> {
    let below = roots.iter().find_map(|root| path.strip_prefix(root).ok())?;
    let mut parts = below.components();
    let folder = parts.next()?;
    parts.next().map(|_| folder.as_os_str().to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_below_a_root_is_a_genre() {
        let roots = [PathBuf::from("/music")];
        assert_eq!(genre_folder(Path::new("/music/jazz/a/b.ogg"), &roots).as_deref(), Some("jazz"));
        assert_eq!(genre_folder(Path::new("/music/b.ogg"), &roots), None);
        assert_eq!(genre_folder(Path::new("/other/jazz/b.ogg"), &roots), None);
    }

    #[test]
    fn of_a_large_library_every_artist_is_learnt_from_and_all_that_was_said() {
        // Ninety tracks by one artist, ten by others; every second has a genre.
        let entry = |number: usize| Entry {
            artist: if number < 90 { "many".into() } else { format!("artist {number}") },
            genre: number.is_multiple_of(2).then(|| "folk".into()),
            ..Default::default()
        };
        let lesson = Lesson {
            tracks: (0..100).map(TrackId).collect(),
            entries: (0..100).map(entry).collect(),
            said: vec![Said { anchor: TrackId(3), nearer: Some(TrackId(5)), farther: None }],
            missing: 0,
            lacks_labels: false,
        };
        let most = lesson.most_of((0..100).collect(), 12);
        assert!(most.len() == 12 && most.is_sorted() && most.contains(&3) && most.contains(&5), "{most:?}");
        assert_eq!(most.iter().filter(|place| **place >= 90).count(), 5, "all five with a genre: {most:?}");
        assert!(most.iter().all(|place| [3, 5].contains(place) || place.is_multiple_of(2)), "{most:?}");
        let fewer = lesson.most_of((0..100).filter(|place| *place != 92).collect(), 12);
        assert_eq!(fewer.iter().filter(|place| most.contains(place)).count(), 11, "one that is gone changes one");
        assert_eq!(lesson.most_of(vec![7, 1], 12), [7, 1]);
    }

    #[test]
    fn what_is_said_of_tracks_that_judge_is_not_learnt() {
        let places = HashMap::from([(TrackId(1), 0), (TrackId(2), 1)]);
        let said = |anchor, nearer, farther| Said {
            anchor: TrackId(anchor),
            nearer: Some(TrackId(nearer)),
            farther: Option::map(farther, TrackId),
        };
        let expected = Preference { anchor: 0, nearer: Some(1), farther: None };
        assert_eq!(learnt_from(&said(1, 2, None), &places), Some(expected));
        assert_eq!(learnt_from(&said(1, 2, Some(3)), &places), None);
        assert_eq!(learnt_from(&said(3, 2, None), &places), None);
    }
}
