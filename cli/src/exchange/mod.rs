//! File formats that tracks and their vectors are written in, and read from.

pub mod intake;
mod jsonl;
mod npz;
mod parquet;
pub mod shards;
pub mod target;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::Context;
use index::{Catalogue, NewTrack, Passage, TrackId, TrackState};

pub use npz::write_table;

use crate::args::ExportFormat;

/// A track with what a model says of it.
pub struct ExchangedTrack {
    /// Its number in the catalogue that it comes from; `None`: the file does not tell.
    pub id: Option<TrackId>,
    /// The file and its tags.
    pub file: NewTrack,
    /// Whether it has a vector, or why not.
    pub state: TrackState,
    /// Its unit vector; none where it has none.
    pub vector: Vec<f32>,
    /// What that is made of; none where nobody knows.
    pub passages: Vec<Passage>,
}

/// Names of the tags that are texts.
const TAGS: [&str; 4] = ["artist", "title", "album", "genre"];

/// The tags of these names.
fn tags_of(file: &NewTrack) -> [Option<&String>; 4] {
    [file.artist.as_ref(), file.title.as_ref(), file.album.as_ref(), file.genre.as_ref()]
}

/// Whether tracks come with their passages, which are most of what there is to read.
#[derive(Clone, Copy)]
enum Passages {
    Read,
    PassOver,
}

/// What is written: the tracks of a model, in one state of the catalogue.
pub struct Exported<'a> {
    catalogue: &'a Catalogue,
    model_id: String,
    tracks: Vec<TrackId>,
}

impl<'a> Exported<'a> {
    /// All tracks of the serving model; `None`: there are none.
    pub fn new(catalogue: &'a Catalogue) -> index::Result<Option<Self>> {
        let Some(model_id) = catalogue.serving_model()? else { return Ok(None) };
        let tracks = catalogue.embedded_tracks(&model_id)?;
        Ok((!tracks.is_empty()).then_some(Self { catalogue, model_id, tracks }))
    }

    /// Writes them all.
    pub fn write(&self, format: ExportFormat, file: File) -> anyhow::Result<()> {
        match format {
            ExportFormat::Npz => npz::write(file, self),
            ExportFormat::Jsonl => jsonl::write(file, self),
            ExportFormat::Parquet => parquet::write(file, self),
        }
    }

    /// One by one, the same each time.
    fn tracks(&self, passages: Passages) -> impl Iterator<Item = anyhow::Result<ExchangedTrack>> {
        self.tracks.iter().filter_map(move |&id| self.track(id, passages).transpose())
    }

    fn track(&self, id: TrackId, passages: Passages) -> anyhow::Result<Option<ExchangedTrack>> {
        let (record, vector) = (self.catalogue.get(id)?, self.catalogue.vector(id, &self.model_id)?);
        let passages = match passages {
            Passages::Read => self.catalogue.passages(id, &self.model_id)?,
            Passages::PassOver => Vec::new(),
        };
        let track = |(record, vector): (index::TrackRecord, _)| ExchangedTrack {
            id: Some(id),
            file: record.file,
            state: TrackState::Embedded,
            vector,
            passages,
        };
        Ok(record.zip(vector).map(track))
    }
}

/// Tracks that are read, some at a time.
type Batches<'a> = Box<dyn Iterator<Item = anyhow::Result<Vec<ExchangedTrack>>> + 'a>;

/// What a file holds.
pub struct Imported<'a> {
    /// The model that made the vectors; `None`: it does not tell.
    pub model_id: Option<String>,
    /// The tracks.
    pub batches: Batches<'a>,
}

impl Imported<'_> {
    /// Opens a file, whose format is told by its first bytes.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let mut magic = [0; 4];
        let mut file = File::open(path).with_context(|| path.display().to_string())?;
        file.read_exact(&mut magic).with_context(|| path.display().to_string())?;
        match &magic {
            b"PAR1" => parquet::read(file).with_context(|| path.display().to_string()),
            b"PK\x03\x04" => npz::read(path),
            _ => anyhow::bail!("{}: neither Parquet nor .npz", path.display()),
        }
    }
}
