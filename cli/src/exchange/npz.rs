//! NumPy's archive format.

use std::fs::File;
use std::path::Path;

use index::{ContentHash, FileStamp, NewTrack, Passage, TrackState};
use npyz::npz::NpzWriter;
use npyz::{AutoSerialize, DType, WriterBuilder};
use trainer::data::vector_archive::VectorArchive;

use super::{ExchangedTrack, Exported, Imported, Passages, TAGS, tags_of};

/// Arrays of one row a track, beside the tags. Empty texts, year 0 and no-numbers stand for what is not known.
const YEAR: &str = "year";
const SECONDS: &str = "duration_s";
const SIZE: &str = "size_bytes";
const MODIFIED: &str = "modified_ns";
const HASH: &str = "content_hash";
/// Passages of each track, which stand one after the other in the two arrays below.
const PASSAGE_COUNT: &str = "passages";
const PASSAGE_START: &str = "passage_start_s";
const PASSAGE_VECTORS: &str = "passage_emb";
const MODEL: &str = "model";

fn hex(hash: &ContentHash) -> String {
    hash.0.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a library's tracks. Vectors pass through one by one; the rest is in memory.
pub fn write(file: File, exported: &Exported<'_>) -> anyhow::Result<()> {
    let (mut files, mut counts, mut starts) = (Vec::new(), Vec::new(), Vec::new());
    let mut dimensions = 0;
    for track in exported.tracks(Passages::Read) {
        let track = track?;
        dimensions = track.vector.len() as u64;
        counts.push(track.passages.len() as i64);
        starts.extend(track.passages.iter().map(|passage| passage.start_seconds));
        files.push(track.file);
    }
    let mut archive = Archive(NpzWriter::new(file));
    archive.paths(files.iter().map(|file| file.path.as_path()))?;
    let text = |text: Option<&String>| text.cloned().unwrap_or_default();
    for (place, name) in TAGS.into_iter().enumerate() {
        archive.texts(name, files.iter().map(|file| text(tags_of(file)[place])).collect())?;
    }
    archive.texts(HASH, files.iter().map(|file| file.hash.as_ref().map(hex).unwrap_or_default()).collect())?;
    archive.texts(MODEL, vec![exported.model_id.clone()])?;
    let integer = |of: fn(&NewTrack) -> i64| files.iter().map(of).collect::<Vec<i64>>();
    archive.list(YEAR, integer(|file| file.year.map_or(0, i64::from)))?;
    archive.list(SIZE, integer(|file| file.stamp.size_bytes as i64))?;
    archive.list(MODIFIED, integer(|file| file.stamp.modified_ns))?;
    let seconds = files.iter().map(|file| file.duration_seconds.unwrap_or(f64::NAN));
    archive.list(SECONDS, seconds.collect::<Vec<f64>>())?;
    let passages = starts.len() as u64;
    archive.list(PASSAGE_COUNT, counts)?;
    archive.list(PASSAGE_START, starts)?;
    let vectors = exported.tracks(Passages::PassOver).map(|track| Ok(track?.vector));
    archive.rows("emb", [files.len() as u64, dimensions], vectors)?;
    let vector = |passage: Passage| passage.vector;
    let vectors =
        exported.tracks(Passages::Read).map(|track| Ok(track?.passages.into_iter().flat_map(vector).collect()));
    archive.rows(PASSAGE_VECTORS, [passages, dimensions], vectors)
}

/// Writes `files`, text of shape N, `emb`, float32 of shape N × dimensions, and `model`, where its id is given.
pub fn write_table(file: File, rows: &[(std::path::PathBuf, Vec<f32>)], model_id: Option<&str>) -> anyhow::Result<()> {
    let mut archive = Archive(NpzWriter::new(file));
    archive.paths(rows.iter().map(|(path, _)| path.as_path()))?;
    if let Some(model_id) = model_id {
        archive.texts(MODEL, vec![model_id.to_owned()])?;
    }
    let dimensions = rows.first().map_or(0, |(_, vector)| vector.len());
    archive.rows("emb", [rows.len() as u64, dimensions as u64], rows.iter().map(|(_, vector)| Ok(vector.clone())))
}

/// An array may be longer than 4 GiB.
fn large() -> npyz::zip::write::FileOptions {
    npyz::zip::write::FileOptions::default().large_file(true)
}

struct Archive(NpzWriter<File>);

impl Archive {
    fn paths<'a>(&mut self, paths: impl Iterator<Item = &'a Path>) -> anyhow::Result<()> {
        self.texts("files", paths.map(|path| path.to_string_lossy().into_owned()).collect())
    }

    fn texts(&mut self, name: &str, texts: Vec<String>) -> anyhow::Result<()> {
        let longest = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
        let text = DType::Plain(format!("<U{longest}").parse()?);
        let shape = [texts.len() as u64];
        let mut array = self.0.array::<str>(name, large())?.dtype(text).shape(&shape).begin_nd()?;
        for text in &texts {
            array.push(text)?;
        }
        Ok(array.finish()?)
    }

    fn list<T: AutoSerialize>(&mut self, name: &str, numbers: Vec<T>) -> anyhow::Result<()> {
        let shape = [numbers.len() as u64];
        let mut array = self.0.array(name, large())?.default_dtype().shape(&shape).begin_nd()?;
        array.extend(numbers)?;
        Ok(array.finish()?)
    }

    fn rows(
        &mut self,
        name: &str,
        shape: [u64; 2],
        rows: impl Iterator<Item = anyhow::Result<Vec<f32>>>,
    ) -> anyhow::Result<()> {
        let mut array = self.0.array(name, large())?.default_dtype().shape(&shape).begin_nd()?;
        for row in rows {
            array.extend(row?)?;
        }
        Ok(array.finish()?)
    }
}

/// Reads what [`write()`] wrote, or another archive that has `files` and `emb` at least.
pub fn read(path: &Path) -> anyhow::Result<Imported<'static>> {
    let mut archive = VectorArchive::open(path)?;
    let (files, vectors) = (archive.files()?, archive.vectors()?);
    let count = files.len();
    let model_id = archive.text(MODEL)?;
    let lacking = |name: &str, found: usize| {
        anyhow::anyhow!("{}: array {name}: {found} rows, but {count} belong to files", path.display())
    };
    if vectors.rows() != count {
        return Err(lacking("emb", vectors.rows()));
    }
    let mut column = |name: &'static str| match archive.texts(name)? {
        Some(texts) if texts.len() != count => Err(lacking(name, texts.len())),
        texts => Ok(texts.unwrap_or_else(|| vec![String::new(); count])),
    };
    let [artists, titles, albums, genres] = [column(TAGS[0])?, column(TAGS[1])?, column(TAGS[2])?, column(TAGS[3])?];
    let hashes = column(HASH)?;
    let mut column = |name: &'static str| match archive.integers(name)? {
        Some(numbers) if numbers.len() != count => Err(lacking(name, numbers.len())),
        numbers => Ok(numbers.unwrap_or_else(|| vec![0; count])),
    };
    let [years, sizes, modified, counts] = [column(YEAR)?, column(SIZE)?, column(MODIFIED)?, column(PASSAGE_COUNT)?];
    let seconds = match archive.numbers(SECONDS)? {
        Some(seconds) if seconds.len() != count => return Err(lacking(SECONDS, seconds.len())),
        seconds => seconds.unwrap_or_else(|| vec![f64::NAN; count]),
    };
    let mut passages = passages(&mut archive, path)?.into_iter();
    let known = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let mut tracks = Vec::with_capacity(count);
    for (row, file) in files.iter().enumerate() {
        let of_track = usize::try_from(counts[row]).unwrap_or(0);
        let passages: Vec<Passage> = passages.by_ref().take(of_track).collect();
        anyhow::ensure!(passages.len() == of_track, "{}: array {PASSAGE_START} is too short", path.display());
        tracks.push(ExchangedTrack {
            id: None,
            file: NewTrack {
                path: file.clone(),
                stamp: FileStamp { size_bytes: sizes[row].max(0) as u64, modified_ns: modified[row] },
                hash: hash_of(&hashes[row]),
                artist: known(&artists[row]),
                title: known(&titles[row]),
                album: known(&albums[row]),
                genre: known(&genres[row]),
                year: u16::try_from(years[row]).ok().filter(|year| *year > 0),
                duration_seconds: Some(seconds[row]).filter(|seconds| seconds.is_finite()),
            },
            state: TrackState::Embedded,
            vector: vectors.row(row).to_vec(),
            passages,
        });
    }
    Ok(Imported { model_id, batches: Box::new(std::iter::once(Ok(tracks))) })
}

/// Those of all tracks, one after the other.
fn passages(archive: &mut VectorArchive, path: &Path) -> anyhow::Result<Vec<Passage>> {
    let (Some(starts), Some(vectors)) = (archive.numbers(PASSAGE_START)?, archive.matrix(PASSAGE_VECTORS)?) else {
        return Ok(Vec::new());
    };
    let agree = starts.len() == vectors.rows();
    anyhow::ensure!(agree, "{}: arrays {PASSAGE_START} and {PASSAGE_VECTORS} differ in length", path.display());
    let passage =
        |(row, start): (usize, f64)| Passage { start_seconds: start as f32, vector: vectors.row(row).to_vec() };
    Ok(starts.into_iter().enumerate().map(passage).collect())
}

fn hash_of(hex: &str) -> Option<ContentHash> {
    let byte = |place| u8::from_str_radix(hex.get(place..place + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..hex.len()).step_by(2).map(byte).collect();
    Some(ContentHash(bytes?.try_into().ok()?))
}
