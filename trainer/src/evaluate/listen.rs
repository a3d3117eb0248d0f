//! Listening to the evaluated tracks, their halves and their degraded copies, once for all systems.

use std::path::{Path, PathBuf};

use audio_frontend::{FrontEndConfig, Windows};
use rayon::prelude::*;

use super::degrade::{Degradation, Original};
use super::halves::other_half_recall;
use super::robustness::{DegradedCopy, robustness};
use super::scores::RobustnessRow;
use super::similarity::{Similarities, UnitVectors};
use super::system::System;
use crate::Embedder;
use crate::baseline::{Standardiser, mfcc_features, windows_of_file};
use crate::embed::ModelFiles;
use crate::error::{Error, Result};

/// A system that listens.
#[derive(Debug, Clone)]
pub enum Listener {
    /// A model, whose vectors are compared by cosine.
    Model {
        /// Name for tables.
        name: String,
        /// Card and weights.
        files: ModelFiles,
    },
    /// Mean and deviation of MFCC, standardised over the evaluated tracks: see [`crate::baseline::mfcc`]. They
    /// are of the default front end, whatever a model's is.
    Mfcc,
}

impl Listener {
    fn name(&self) -> &str {
        match self {
            Self::Model { name, .. } => name,
            Self::Mfcc => "MFCC",
        }
    }
}

/// What is listened to.
#[derive(Debug, Clone)]
pub struct Listening<'a> {
    /// The tracks.
    pub paths: &'a [PathBuf],
    /// Who listens.
    pub listeners: &'a [Listener],
    /// Tracks of which degraded copies are made, from all over the list.
    pub degraded_tracks: usize,
    /// Seconds around the middle that stand for a track; `None`: all of it. See [`Original::excerpt`].
    pub excerpt_seconds: Option<f64>,
    /// Folder for the copies of a track, a few at a time.
    pub scratch: &'a Path,
    /// Seed of the noise.
    pub seed: u64,
}

/// What was heard.
#[derive(Debug)]
pub struct Heard {
    /// Places of the tracks that could be heard in the list.
    pub tracks: Vec<usize>,
    /// The systems, one a listener.
    pub systems: Vec<System>,
    /// The first listener's vectors.
    pub vectors: Vec<Vec<f32>>,
    /// Degradations that could not be measured, with the reason.
    pub not_measured: Vec<(Degradation, String)>,
}

/// One vector a listener.
type Vectors = Vec<Vec<f32>>;

struct TrackHeard {
    clean: Vectors,
    halves: [Vectors; 2],
    degraded: Vec<HeardCopy>,
}

/// One vector a listener, or why there is none.
type HeardCopy = (Degradation, std::result::Result<Vectors, String>);

/// Listens with all listeners, on all cores of the calling pool. A track that cannot be heard is handed
/// to `failed` and left out; each is told to `done`.
///
/// # Errors
/// What loading the models reports; [`Error::Io`] where copies cannot be written; [`Error::NotFinite`].
pub fn listen(listening: &Listening<'_>, done: impl Fn() + Sync, failed: impl Fn(Error) + Sync) -> Result<Heard> {
    let Listening { paths, listeners, degraded_tracks, .. } = *listening;
    let degraded = spread_over(paths.len(), degraded_tracks);
    let hear = |ears: &mut Result<Ears>, place: usize| -> Result<Option<(usize, TrackHeard)>> {
        let ears = ears.as_mut().map_err(|error| Error::Listener { reason: error.to_string() })?;
        let heard = ears.track(listening, place, degraded.binary_search(&place).is_ok());
        done();
        match heard {
            Ok(heard) => Ok(Some((place, heard))),
            Err(error @ (Error::Audio(_) | Error::Part { .. })) => {
                failed(error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    };
    let heard: Vec<(usize, TrackHeard)> = (0..paths.len())
        .into_par_iter()
        .map_init(|| Ears::new(listeners), |ears, place| hear(ears, place))
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .flatten()
        .collect();
    let mut vectors = Vec::new();
    let systems = listeners
        .iter()
        .enumerate()
        .map(|(listener, kind)| {
            let system = Collected::of(&heard, listener, matches!(kind, Listener::Mfcc));
            if listener == 0 {
                vectors.clone_from(&system.clean);
            }
            system.system(kind.name())
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Heard {
        tracks: heard.iter().map(|(place, _)| *place).collect(),
        systems,
        vectors,
        not_measured: not_measured(&heard),
    })
}

/// `count` places spread evenly over `all`, ascending.
fn spread_over(all: usize, count: usize) -> Vec<usize> {
    let count = count.min(all);
    (0..count).map(|number| number * all / count).collect()
}

/// The first reason of each degradation that failed.
fn not_measured(heard: &[(usize, TrackHeard)]) -> Vec<(Degradation, String)> {
    let reason = |degradation: Degradation| {
        let of_kind = |(_, heard): &(usize, TrackHeard)| {
            heard.degraded.iter().find(|(kind, _)| *kind == degradation).and_then(|(_, copy)| copy.clone().err())
        };
        heard.iter().find_map(of_kind).map(|reason| (degradation, reason))
    };
    Degradation::ALL.into_iter().filter_map(reason).collect()
}

/// One thread's listeners.
struct Ears {
    /// One a listener; `None`: MFCC.
    embedders: Vec<Option<Embedder>>,
}

impl Ears {
    fn new(listeners: &[Listener]) -> Result<Self> {
        let embedder = |listener: &Listener| match listener {
            Listener::Model { name, files } => Embedder::from_files(files, Path::new(name)).map(Some),
            Listener::Mfcc => Ok(None),
        };
        Ok(Self { embedders: listeners.iter().map(embedder).collect::<Result<_>>()? })
    }

    fn track(&self, listening: &Listening<'_>, place: usize, degrade: bool) -> Result<TrackHeard> {
        let path = &listening.paths[place];
        let mut original = Original::decode(path)?;
        let folder = listening.scratch.join(place.to_string());
        let io = |source| Error::Io { path: folder.clone(), source };
        std::fs::create_dir_all(&folder).map_err(io)?;
        let heard = (|| {
            let clean = match listening.excerpt_seconds {
                None => self.file(path)?,
                Some(seconds) => {
                    original = original.excerpt(seconds);
                    self.part(path, "its middle", &original.write_clean(&folder)?)?
                }
            };
            let [first, second] = original.write_halves(&folder)?;
            let halves = [self.part(path, "its first half", &first)?, self.part(path, "its second half", &second)?];
            let degraded =
                if degrade { self.degraded(&original, &folder, listening.seed ^ place as u64)? } else { vec![] };
            Ok(TrackHeard { clean, halves, degraded })
        })();
        std::fs::remove_dir_all(&folder).map_err(io)?;
        heard
    }

    /// All degraded copies that can be made.
    fn degraded(&self, original: &Original, folder: &Path, seed: u64) -> Result<Vec<HeardCopy>> {
        let mut degraded = Vec::new();
        for degradation in Degradation::ALL {
            match original.write_degraded(degradation, folder, seed) {
                Ok(Some(copy)) => degraded.push((degradation, self.file(&copy).map_err(|error| error.to_string()))),
                Ok(None) => {}
                Err(error @ Error::Io { .. }) => return Err(error),
                Err(error) => degraded.push((degradation, Err(error.to_string()))),
            }
        }
        Ok(degraded)
    }

    /// As [`Self::file`], of a file made out of a track: an error names the track.
    fn part(&self, path: &Path, what: &'static str, file: &Path) -> Result<Vectors> {
        self.file(file).map_err(|error| match error {
            Error::Audio(source) => Error::Part { path: path.into(), what, reason: source.reason() },
            error => error,
        })
    }

    /// One vector a listener. Listeners of the same front end share its windows.
    fn file(&self, path: &Path) -> Result<Vectors> {
        let own = FrontEndConfig::default();
        let mut known: Vec<(&FrontEndConfig, Windows)> = Vec::new();
        let mut vectors = Vec::with_capacity(self.embedders.len());
        for embedder in &self.embedders {
            let front_end = embedder.as_ref().map_or(&own, |embedder| &embedder.card().front_end);
            let place = match known.iter().position(|(config, _)| *config == front_end) {
                Some(place) => place,
                None => {
                    known.push((front_end, windows_of_file(path, front_end)?));
                    known.len() - 1
                }
            };
            let windows = &known[place].1;
            vectors.push(match embedder {
                Some(embedder) => embedder.embed(windows)?,
                None => mfcc_features(windows)?,
            });
        }
        Ok(vectors)
    }
}

/// All vectors of one listener, ready to be compared by cosine.
struct Collected {
    clean: Vec<Vec<f32>>,
    halves: [Vec<Vec<f32>>; 2],
    degraded: Vec<(Degradation, usize, Vec<f32>)>,
}

impl Collected {
    fn of(heard: &[(usize, TrackHeard)], listener: usize, standardise: bool) -> Self {
        let clean: Vec<Vec<f32>> = heard.iter().map(|(_, track)| track.clean[listener].clone()).collect();
        let standardiser = standardise.then(|| Standardiser::fit(&clean));
        let scaled = |vector: &Vec<f32>| match &standardiser {
            Some(standardiser) => standardiser.unit_vector(vector),
            None => vector.clone(),
        };
        let half = |half: usize| heard.iter().map(|(_, track)| scaled(&track.halves[half][listener])).collect();
        let copies = |(original, (_, track)): (usize, &(usize, TrackHeard))| {
            let measured = track.degraded.iter().filter_map(|(kind, copy)| Some((*kind, copy.as_ref().ok()?)));
            measured.map(|(kind, vectors)| (kind, original, scaled(&vectors[listener]))).collect::<Vec<_>>()
        };
        Self {
            halves: [half(0), half(1)],
            degraded: heard.iter().enumerate().flat_map(copies).collect(),
            clean: clean.iter().map(scaled).collect(),
        }
    }

    fn system(&self, name: &str) -> Result<System> {
        let clean = UnitVectors::new(&self.clean)?;
        let mut rows: Vec<RobustnessRow> = Vec::new();
        for degradation in Degradation::ALL {
            let of_kind = self.degraded.iter().filter(|(kind, ..)| *kind == degradation);
            let copies: Vec<DegradedCopy<'_>> =
                of_kind.map(|(_, original, vector)| DegradedCopy { original: *original, vector }).collect();
            if !copies.is_empty() {
                rows.push(robustness(degradation.name(), &clean, &copies)?);
            }
        }
        Ok(System {
            name: name.to_owned(),
            similarities: Similarities::from_unit_vectors(&clean),
            other_half_recall: Some(other_half_recall(&self.halves[0], &self.halves[1])?),
            robustness: rows,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_made_of_tracks_from_all_over_the_list() {
        assert_eq!(spread_over(10, 3), [0, 3, 6]);
        assert_eq!(spread_over(3, 10), [0, 1, 2]);
        assert!(spread_over(0, 3).is_empty());
    }
}
