//! From a file to a unit vector.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use audio_frontend::windows::loud;
use audio_frontend::{Coverage, FrontEndConfig, WindowReader, Windows};
use tch::nn::VarStore;
use tch::{Device, Tensor};

use crate::card::{CARD_FILE, ModelCard, WEIGHTS_FILE};
use crate::error::{Error, Result};
use crate::model::pool::LayerPooling;
use crate::model::{Encoder, Mode, weights};
use crate::torch::guard;

const BUILT_IN_CARD: &str = include_str!("../model/card.toml");
const BUILT_IN_WEIGHTS: &[u8] = include_bytes!("../model/encoder.safetensors");

/// Windows in a batch at most: it bounds the memory of activations, about 1 MB a window.
const BATCH_WINDOWS: usize = 16;

/// Computes embeddings with one model. Not shared between threads: each worker has its own, the
/// weights are about 2 MB.
pub struct Embedder {
    card: ModelCard,
    encoder: Encoder,
    output: Output,
    // Holds the weights that `encoder` computes with.
    _variables: VarStore,
}

/// What a track sounds like.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackEmbedding {
    /// The track's unit vector.
    pub vector: Vec<f32>,
    /// What it is made of, in the order of time.
    pub passages: Vec<PassageVector>,
}

/// What a passage sounds like.
#[derive(Debug, Clone, PartialEq)]
pub struct PassageVector {
    /// Where it begins, in seconds; it is as long as a window.
    pub start_seconds: f32,
    /// Its unit vector.
    pub vector: Vec<f32>,
}

/// What is taken of the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Output {
    /// Its unit vectors.
    Embedding,
    /// Activations of a layer, pooled over time.
    Layer { name: String, pooling: LayerPooling },
}

/// A model's files in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFiles {
    /// card.toml.
    pub card: String,
    /// encoder.safetensors.
    pub weights: Vec<u8>,
}

impl ModelFiles {
    /// The model in this program.
    pub fn built_in() -> Self {
        Self { card: BUILT_IN_CARD.into(), weights: BUILT_IN_WEIGHTS.into() }
    }

    /// A model's folder.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn read(folder: &Path) -> Result<Self> {
        let io = |path: std::path::PathBuf| move |source| Error::Io { path, source };
        let (card, weights) = (folder.join(CARD_FILE), folder.join(WEIGHTS_FILE));
        Ok(Self {
            card: std::fs::read_to_string(&card).map_err(io(card))?,
            weights: std::fs::read(&weights).map_err(io(weights))?,
        })
    }

    /// The card, verified; `path` names the model in errors.
    ///
    /// # Errors
    /// As [`ModelCard::parse`].
    pub fn parsed_card(&self, path: &Path) -> Result<ModelCard> {
        ModelCard::parse(&self.card, &self.weights, path)
    }

    /// Writes a model's folder, the card last: a folder with a card is whole.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, folder: &Path) -> Result<()> {
        let io = |source| Error::Io { path: folder.into(), source };
        std::fs::create_dir_all(folder).map_err(io)?;
        for (name, bytes) in [(WEIGHTS_FILE, self.weights.as_slice()), (CARD_FILE, self.card.as_bytes())] {
            write_durably(&folder.join(name), bytes)?;
        }
        Ok(())
    }
}

/// A name that no other process and no other call has.
pub(crate) fn unique_name() -> String {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    format!("{}-{}", std::process::id(), CALLS.fetch_add(1, Ordering::Relaxed))
}

/// Writes, syncs and renames, so that a file is either as before or whole.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> Result<()> {
    let io = |source| Error::Io { path: path.into(), source };
    let partial = path.with_extension(format!("{}.partial", unique_name()));
    let write = || {
        std::fs::write(&partial, bytes)?;
        std::fs::File::open(&partial)?.sync_all()?;
        std::fs::rename(&partial, path)
    };
    write().map_err(io)
}

impl Embedder {
    /// The model in this program.
    ///
    /// # Errors
    /// As [`Embedder::from_files`].
    pub fn built_in() -> Result<Self> {
        Self::from_files(&ModelFiles::built_in(), Path::new("the built-in model"))
    }

    /// A model's folder.
    ///
    /// # Errors
    /// [`Error::Io`], and as [`Embedder::from_files`].
    pub fn load(folder: &Path) -> Result<Self> {
        Self::from_files(&ModelFiles::read(folder)?, folder)
    }

    /// From files in memory; `path` names them in errors.
    ///
    /// # Errors
    /// [`Error::Model`] where the card or the weights are damaged or do not belong together.
    pub fn from_files(files: &ModelFiles, path: &Path) -> Result<Self> {
        let card = files.parsed_card(path)?;
        let damaged = |reason: String| Error::Model { path: path.into(), reason };
        guard("loading a model", || {
            let variables = VarStore::new(Device::Cpu);
            let encoder = Encoder::new(&variables, &card.architecture);
            weights::from_bytes(&variables, "encoder.", &files.weights).map_err(|error| damaged(error.to_string()))?;
            Ok(Self { card, encoder, output: Output::Embedding, _variables: variables })
        })
    }

    /// The same model, but instead of its embeddings the activations of a layer, pooled over time and scaled
    /// to unit length.
    ///
    /// # Errors
    /// [`Error::NoLayer`] with the names that there are.
    pub fn with_layer(self, name: &str, pooling: LayerPooling) -> Result<Self> {
        let layers = self.encoder.layer_names();
        if !layers.iter().any(|layer| layer == name) {
            return Err(Error::NoLayer { name: name.into(), layers });
        }
        Ok(Self { output: Output::Layer { name: name.into(), pooling }, ..self })
    }

    /// The model's card.
    pub fn card(&self) -> &ModelCard {
        &self.card
    }

    /// Decodes a file and returns its vectors. Ingest and query both come through here; memory
    /// does not grow with the length of the file.
    ///
    /// # Errors
    /// [`Error::Audio`] where the file cannot be read, [`Error::Torch`], [`Error::NotFinite`].
    pub fn embed_file(&self, path: &Path, coverage: Coverage) -> Result<TrackEmbedding> {
        let mut reader = WindowReader::open(path, &self.card.front_end, coverage)?;
        let mut track = TrackWindows::default();
        while let Some(windows) = reader.next_windows()? {
            track.add(&self.encoder, &self.output, &windows)?;
        }
        let front_end = &self.card.front_end;
        Ok(TrackEmbedding { vector: track.vector(front_end)?, passages: track.passages(front_end) })
    }

    /// The track vector of windows: the mean of their vectors, scaled to unit length. Those that are
    /// far below the loudest do not count.
    ///
    /// # Errors
    /// [`Error::WrongWindows`], [`Error::Torch`], [`Error::NotFinite`].
    pub fn embed(&self, windows: &Windows) -> Result<Vec<f32>> {
        self.check_shape(windows)?;
        let mut track = TrackWindows::default();
        track.add(&self.encoder, &self.output, windows)?;
        track.vector(&self.card.front_end)
    }

    /// One unit vector a window.
    ///
    /// # Errors
    /// [`Error::WrongWindows`], [`Error::Torch`].
    pub fn embed_windows(&self, windows: &Windows) -> Result<Vec<Vec<f32>>> {
        self.check_shape(windows)?;
        window_vectors(&self.encoder, &self.output, windows)
    }

    fn check_shape(&self, windows: &Windows) -> Result<()> {
        let front_end = &self.card.front_end;
        let (frames, bands) = (front_end.window_frames, front_end.mel_bands);
        if (windows.frames, windows.bands) == (frames, bands) {
            return Ok(());
        }
        let (found_frames, found_bands) = (windows.frames, windows.bands);
        Err(Error::WrongWindows { found_frames, found_bands, frames, bands })
    }
}

/// What is kept of a track's windows until its vector is made.
#[derive(Default)]
struct TrackWindows {
    vectors: Vec<Vec<f32>>,
    powers: Vec<f32>,
    starts: Vec<usize>,
}

impl TrackWindows {
    fn add(&mut self, encoder: &Encoder, output: &Output, windows: &Windows) -> Result<()> {
        self.vectors.extend(window_vectors(encoder, output, windows)?);
        self.powers.extend(&windows.powers);
        self.starts.extend(&windows.starts);
        Ok(())
    }

    fn vector(&self, front_end: &FrontEndConfig) -> Result<Vec<f32>> {
        let mut sum = vec![0.0; self.vectors.first().map_or(0, Vec::len)];
        for (vector, _) in self.vectors.iter().zip(loud(&self.powers, front_end)).filter(|(_, loud)| *loud) {
            for (sum, value) in sum.iter_mut().zip(vector) {
                *sum += value;
            }
        }
        unit(sum)
    }

    /// Of the windows that count.
    fn passages(self, front_end: &FrontEndConfig) -> Vec<PassageVector> {
        let is_loud: Vec<bool> = loud(&self.powers, front_end).collect();
        let passage = |((start, vector), is_loud): ((usize, Vec<f32>), bool)| {
            let start_seconds = (start as f64 * front_end.hop_seconds) as f32;
            is_loud.then_some(PassageVector { start_seconds, vector })
        };
        self.starts.into_iter().zip(self.vectors).zip(is_loud).filter_map(passage).collect()
    }
}

/// One unit vector a window.
fn window_vectors(encoder: &Encoder, output: &Output, windows: &Windows) -> Result<Vec<Vec<f32>>> {
    let (frames, bands) = (windows.frames, windows.bands);
    let mut vectors = Vec::with_capacity(windows.count());
    for batch in windows.log_mel.chunks(BATCH_WINDOWS * frames * bands) {
        let rows: Vec<Vec<f32>> = guard("embedding", || {
            let _no_gradients = tch::no_grad_guard();
            let input = Tensor::f_from_slice(batch)?.f_view([-1, frames as i64, bands as i64])?;
            let rows = match output {
                Output::Embedding => Some(encoder.forward(&input, Mode::Serve)),
                Output::Layer { name, pooling } => encoder.layer(&input, name, *pooling),
            };
            let no_layer = || Error::NoLayer { name: format!("{output:?}"), layers: encoder.layer_names() };
            Ok(Vec::try_from(rows.ok_or_else(no_layer)?)?)
        })?;
        vectors.extend(rows);
    }
    Ok(vectors)
}

/// The track vector of windows that lie in memory.
pub(crate) fn track_vector(encoder: &Encoder, windows: &Windows, front_end: &FrontEndConfig) -> Result<Vec<f32>> {
    let mut track = TrackWindows::default();
    track.add(encoder, &Output::Embedding, windows)?;
    track.vector(front_end)
}

/// Scales to unit length.
fn unit(mut vector: Vec<f32>) -> Result<Vec<f32>> {
    let norm = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if !norm.is_finite() || norm <= 0.0 {
        return Err(Error::NotFinite { what: "the embedding" });
    }
    vector.iter_mut().for_each(|value| *value /= norm);
    Ok(vector)
}
