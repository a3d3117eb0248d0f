//! What others have heard comes into a catalogue.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use index::catalogue::Transient;
use index::{Catalogue, NewTrack, Passage, TrackState};
use walkdir::WalkDir;

use super::{ExchangedTrack, Imported};

/// Tracks in a commit.
const COMMIT_TRACKS: usize = 1024;

/// How far a vector's length may lie from 1: that of one in half precision does.
const LENGTH_TOLERANCE: f32 = 0.01;

/// What lies so near to 1 is kept as it is, number by number.
const ROUNDING: f32 = 1e-5;

/// What became of the tracks.
#[derive(Default)]
pub struct Summary {
    /// Files that are new.
    pub added: usize,
    /// Files that were known in an older state, or without a vector.
    pub renewed: usize,
    /// Files that were known as they are.
    pub known: usize,
    /// Files that others could not use, which are kept with the reason.
    pub failed: usize,
    /// Files of which nothing is to be heard.
    pub silent: usize,
}

impl Summary {
    /// In words.
    pub fn to_text(&self) -> String {
        let Self { added, renewed, known, failed, silent } = self;
        let mut text = format!("{added} added, {renewed} changed, {known} already there");
        for (count, what) in [(failed, "failed"), (silent, "silent")] {
            if *count > 0 {
                text.push_str(&format!(", {count} {what}"));
            }
        }
        text
    }
}

/// Those that are named, and those of folders that are named.
///
/// # Errors
/// Where a path cannot be read, or there are none.
pub fn files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        for entry in WalkDir::new(path).sort_by_file_name() {
            let entry = entry?;
            let extension = entry.path().extension().unwrap_or_default();
            // A single file may be named as it likes.
            if entry.file_type().is_file() && (entry.depth() == 0 || extension == "parquet" || extension == "npz") {
                files.push(entry.into_path());
            }
        }
    }
    anyhow::ensure!(!files.is_empty(), "no .parquet or .npz files there");
    Ok(files)
}

/// Where tracks go.
pub struct Intake<'a> {
    /// What their vectors are kept under.
    pub embedding: &'a str,
    /// Numbers of a vector.
    pub dimension: usize,
    /// Files that are taken in, if not all.
    pub among: Option<&'a HashSet<PathBuf>>,
}

impl Intake<'_> {
    /// Takes in what a file holds.
    ///
    /// # Errors
    /// Where it cannot be read or holds what is no vector of the model; what the catalogue reports.
    pub fn take(
        &self,
        catalogue: &mut Catalogue,
        file: &Path,
        imported: Imported<'_>,
        summary: &mut Summary,
    ) -> anyhow::Result<()> {
        let place = || file.display().to_string();
        let is_wanted = |track: &&ExchangedTrack| self.among.is_none_or(|among| among.contains(&track.file.path));
        for batch in imported.batches {
            let batch = batch.with_context(place)?;
            for tracks in batch.chunks(COMMIT_TRACKS) {
                let tracks: Vec<ExchangedTrack> = tracks
                    .iter()
                    .filter(is_wanted)
                    .map(|track| checked(track, self.dimension))
                    .collect::<anyhow::Result<_>>()
                    .with_context(place)?;
                put(catalogue, self.embedding, &tracks, summary)?;
            }
        }
        Ok(())
    }
}

/// With an absolute path and a vector that can be searched.
fn checked(track: &ExchangedTrack, dimension: usize) -> anyhow::Result<ExchangedTrack> {
    let name = track.file.path.display();
    let sound = |vector: &[f32]| {
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        match (length - 1.0).abs() {
            _ if vector.len() != dimension => None,
            off if off <= ROUNDING => Some(vector.to_vec()),
            off if off <= LENGTH_TOLERANCE => index::unit(vector.to_vec()),
            _ => None,
        }
    };
    let no_vector = || {
        let found = track.vector.len();
        anyhow::anyhow!("{name}: no vector of {dimension} numbers and length 1, but of {found} numbers")
    };
    let passage =
        |passage: &Passage| Some(Passage { start_seconds: passage.start_seconds, vector: sound(&passage.vector)? });
    let passages = track.passages.iter().map(passage).collect::<Option<_>>();
    let is_embedded = track.state == TrackState::Embedded;
    let vector = if is_embedded { sound(&track.vector).ok_or_else(no_vector)? } else { Vec::new() };
    Ok(ExchangedTrack {
        id: track.id,
        file: NewTrack { path: absolute(&track.file.path)?, ..track.file.clone() },
        state: track.state.clone(),
        vector,
        passages: passages.ok_or_else(|| anyhow::anyhow!("{name}: passages that are no vectors of the model"))?,
    })
}

/// An address stays what it is: `s3://bucket/song.flac` lies below no folder.
fn absolute(path: &Path) -> std::io::Result<PathBuf> {
    let is_address = path.to_str().is_some_and(|path| path.contains("://")) && path.is_relative();
    if is_address { Ok(path.to_owned()) } else { std::path::absolute(path) }
}

/// Where the catalogue knows a file already, the state of it that is newer stays.
fn put(
    catalogue: &mut Catalogue,
    embedding: &str,
    tracks: &[ExchangedTrack],
    summary: &mut Summary,
) -> index::Result<()> {
    let (mut taken, mut paths) = (Vec::new(), HashSet::new());
    for (place, track) in tracks.iter().enumerate() {
        if !paths.insert(&track.file.path) {
            // Told of twice: what comes later is compared with what was taken.
            put(catalogue, embedding, &tracks[..place], summary)?;
            return put(catalogue, embedding, &tracks[place..], summary);
        }
    }
    for track in tracks {
        let known = catalogue.find_by_path(&track.file.path)?;
        let (is_to_be_taken, count) = match &known {
            None => (true, &mut summary.added),
            Some(known) => {
                let has_vector = catalogue.vector(known.id, embedding)?.is_some();
                let (theirs, ours) = (track.file.stamp.modified_ns, known.file.stamp.modified_ns);
                let is_newer = track.file.hash.is_some() && track.file.hash != known.file.hash && theirs > ours;
                // That it failed is told once of a state of a file.
                let is_known = known.state == track.state && known.state != TrackState::Embedded && theirs == ours;
                (is_newer || !has_vector && theirs >= ours && !is_known, &mut summary.renewed)
            }
        };
        let count = match track.state {
            _ if !is_to_be_taken => &mut summary.known,
            TrackState::Embedded => count,
            TrackState::Silent => &mut summary.silent,
            TrackState::Failed { .. } => &mut summary.failed,
        };
        *count += 1;
        if is_to_be_taken {
            let file = known.map_or_else(|| track.file.clone(), |known| with_what_is_known(&track.file, known.file));
            taken.push((file, track));
        }
    }
    catalogue.commit(|writer| {
        for (file, track) in &taken {
            match &track.state {
                TrackState::Embedded => {
                    let id = writer.put_embedded(file, embedding, &track.vector)?;
                    writer.put_passages(id, embedding, &track.passages)?;
                }
                TrackState::Silent => {
                    writer.put_silent(file)?;
                }
                TrackState::Failed { reason, transient } => {
                    writer.put_failed(file, reason, Transient(*transient))?;
                }
            }
        }
        Ok(())
    })
}

/// Who embeds need not read tags: those of the same bytes stay. Who died of a file has not come to its hash.
fn with_what_is_known(file: &NewTrack, known: NewTrack) -> NewTrack {
    let file = file.clone();
    let is_same = match file.hash {
        None => file.stamp == known.stamp,
        hash => hash == known.hash,
    };
    if !is_same {
        return file;
    }
    NewTrack {
        hash: known.hash,
        artist: file.artist.or(known.artist),
        title: file.title.or(known.title),
        album: file.album.or(known.album),
        genre: file.genre.or(known.genre),
        year: file.year.or(known.year),
        duration_seconds: file.duration_seconds.or(known.duration_seconds),
        ..file
    }
}

#[cfg(test)]
mod tests {
    use index::{ContentHash, FileStamp};

    use super::*;

    #[test]
    fn a_file_that_ended_whoever_heard_it_keeps_what_serves() {
        let folder = tempfile::tempdir().unwrap();
        let mut catalogue = Catalogue::open(&folder.path().join("catalogue.sqlite")).unwrap();
        let file = NewTrack {
            path: "/music/deadly.wav".into(),
            stamp: FileStamp { size_bytes: 9, modified_ns: 7 },
            hash: Some(ContentHash([3; 32])),
            artist: Some("somebody".into()),
            title: None,
            album: None,
            genre: None,
            year: None,
            duration_seconds: None,
        };
        let id = catalogue.commit(|writer| writer.put_embedded(&file, "serving", &[1.0, 0.0])).unwrap();
        let failed = ExchangedTrack {
            id: None,
            // It ended before it came to the hash and the tags.
            file: NewTrack { hash: None, artist: None, ..file.clone() },
            state: TrackState::Failed { reason: "ended whoever heard it".into(), transient: false },
            vector: Vec::new(),
            passages: Vec::new(),
        };
        let mut summary = Summary::default();
        put(&mut catalogue, "candidate", &[failed], &mut summary).unwrap();
        let known = catalogue.get(id).unwrap().unwrap();
        assert_eq!((summary.failed, known.file), (1, file));
        assert!(matches!(known.state, TrackState::Failed { .. }));
        assert!(catalogue.vector(id, "serving").unwrap().is_some(), "its bytes are those that were known");
    }
}
