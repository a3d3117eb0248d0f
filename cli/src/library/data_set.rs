//! Which tracks are learnt from: those of a manifest, or the library's own.

use std::path::Path;

use index::{Store, TrackRecord};
use trainer::Error;
use trainer::data::{Aliases, GenreMap, Manifest, Names, TaggedFile};

use crate::args::DataArguments;
use crate::failure::hinted;
use crate::output;
use crate::progress::Progress;
use crate::settings::Settings;

/// Tracks, and how their names were read: further manifests are read in the same way.
pub struct DataSet {
    /// The tracks.
    pub manifest: Manifest,
    /// Aliases of artists, genres of tags.
    pub names: Names,
}

const MANIFEST_HINT: &str = "a manifest is a CSV file with the columns path and genre, a folder of genre folders, or \
                             fma_metadata/tracks.csv beside fma_small";
const ALIASES_HINT: &str = "below [artists], each artist has one list: \"Joseph Toscano\" = [\"ZhayTee\"]";
const GENRES_HINT: &str = "below [genres], each genre has one list of tags: rock = [\"hard rock\", \"classic rock\"]";

impl DataSet {
    /// Reads what the arguments ask for.
    pub fn read(settings: &Settings, arguments: &DataArguments) -> anyhow::Result<Self> {
        let aliases = arguments.aliases.as_deref().map(Aliases::read).transpose();
        let genres = arguments.genres.as_deref().map(GenreMap::read).transpose();
        let names = Names {
            aliases: aliases.map_err(|error| explained(error, ALIASES_HINT))?.unwrap_or_default(),
            genres: genres.map_err(|error| explained(error, GENRES_HINT))?,
        };
        let manifest = match &arguments.manifest {
            Some(path) => read_manifest(path, &names)?,
            None => of_library(settings, &names)?,
        };
        let unknown = manifest.entries.iter().filter(|entry| entry.is_on_its_own()).count();
        if unknown > 0 {
            let unknown = output::count(unknown, "track");
            let warning =
                format!("warning: {unknown} by unknown artists: each counts as another's, so figures flatter");
            Progress::new(settings, "", 0).println(&warning);
        }
        Ok(Self { manifest, names })
    }
}

/// Reads a manifest of any kind.
pub fn read_manifest(path: &Path, names: &Names) -> anyhow::Result<Manifest> {
    Manifest::read(path, names).map_err(|error| match error {
        Error::NoDataSet { .. } => hinted(error, MANIFEST_HINT),
        Error::NoFmaAudio { .. } => hinted(error, "unpack fma_small.zip there: https://github.com/mdeff/fma"),
        _ => error.into(),
    })
}

/// The store's tracks, with the tags that they had when they were taken in.
fn of_library(settings: &Settings, names: &Names) -> anyhow::Result<Manifest> {
    let store = Store::open(&settings.store)?;
    let mut files = Vec::new();
    store.catalogue()?.each_audible(|TrackRecord { file, .. }| {
        let (path, genre, artist, album, title) = (file.path, file.genre, file.artist, file.album, file.title);
        files.push(TaggedFile { path, genre, artist, album, title });
    })?;
    let tagged = files.iter().filter(|file| file.genre.is_some()).count();
    let manifest = Manifest::from_tags(files, names);
    if manifest.entries.iter().any(|entry| entry.genre.is_some()) {
        return Ok(manifest);
    }
    if tagged > 0 {
        let error = anyhow::anyhow!("none of the library's {} is in --genres", output::count(tagged, "genre tag"));
        return Err(hinted(error, GENRES_HINT));
    }
    let tracks = output::count(manifest.entries.len(), "track");
    let error = anyhow::anyhow!("the library's {tracks} have no genre tags");
    Err(hinted(error, "tag some and ingest them again, or train on a CSV file with the columns path and genre"))
}

/// What is wrong in a file, with a hint at how it is written; a file that cannot be read is another
/// matter.
fn explained(error: Error, hint: &str) -> anyhow::Error {
    match error {
        Error::Io { .. } => error.into(),
        _ => hinted(error, hint),
    }
}
