//! What a teacher says of a track's passages: vectors of another system that a model is to learn.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::passage::{Passage, check_starts, distinct_files, passages, whole_files};
use super::table_rows::rows_of_tracks;
use super::vector_archive::{FILES, Matrix, Reason, VECTORS, VectorArchive};
use crate::error::{Result, io};

/// The array whose presence says that rows are of passages.
pub(crate) const STARTS: &str = "start_s";
const NAME: &str = "model";

/// A teacher's vectors of the files that it has heard. A clone shares them.
#[derive(Debug, Clone)]
pub struct TeacherTable {
    rows: Arc<Rows>,
}

/// The vectors, and the passages that they are of.
#[derive(Debug)]
struct Rows {
    name: String,
    digest: String,
    vectors: Matrix,
    /// Each file once.
    files: Vec<PathBuf>,
    /// File by file, each file's in the order in which they are heard.
    passages: Vec<Passage>,
    /// Of `passages`, those of each file: at least one.
    of_file: Vec<Range<usize>>,
}

impl TeacherTable {
    /// Reads a NumPy archive with the arrays `files`, text of shape N, `emb`, float32 or float64 of
    /// shape N × d, and where rows are of passages, `start_s`, float32 or float64 of shape N: the second
    /// of the track at which the row's passage begins. Rows need not be sorted. A passage lasts until the
    /// file's next one begins, the last as long as the one before it, an only one until the track ends.
    /// Without `start_s` a row is of its whole file. A text `model` of shape () or (1,) names the
    /// teacher, or else the archive's file name does.
    ///
    /// # Errors
    /// [`Error::Io`](crate::error::Error::Io); [`Error::Table`](crate::error::Error::Table) where an array
    /// is missing or of another shape or type, there is no row, a vector is not finite or zero, a start is
    /// negative or not finite, or two rows of a file are of the same start, or of the whole file.
    pub fn read(path: &Path) -> Result<Self> {
        let mut archive = VectorArchive::open(path)?;
        let files = archive.files()?;
        if files.is_empty() {
            return Err(archive.error(FILES, "there is no row"));
        }
        let name = match archive.text(NAME)? {
            Some(name) if name.trim().is_empty() => return Err(archive.error(NAME, "names no teacher")),
            Some(name) => name,
            None => path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        };
        let vectors = archive.vectors()?;
        check_vectors(&vectors, &files).map_err(|reason| archive.error(VECTORS, reason))?;
        let (distinct, rows_of_file) = distinct_files(&files);
        let passages_of_file = match archive.numbers(STARTS)? {
            Some(starts) => check_starts(&starts, &files)
                .and_then(|()| passages(&starts, &distinct, rows_of_file))
                .map_err(|reason| archive.error(STARTS, reason))?,
            None => whole_files(&distinct, rows_of_file).map_err(|reason| archive.error(FILES, reason))?,
        };
        let passages = Vec::with_capacity(files.len());
        let mut rows = Rows { name, digest: digest(path)?, vectors, files: distinct, passages, of_file: Vec::new() };
        for passages in passages_of_file {
            let first = rows.passages.len();
            rows.passages.extend(passages);
            rows.of_file.push(first..rows.passages.len());
        }
        Ok(Self { rows: Arc::new(rows) })
    }

    /// All tables side by side ([`TeacherTable::beside`]), or the only one; `None` where there is no path.
    ///
    /// # Errors
    /// As [`TeacherTable::read`].
    pub fn read_all(paths: &[PathBuf]) -> Result<Option<Self>> {
        let tables = paths.iter().map(|path| Self::read(path)).collect::<Result<Vec<_>>>()?;
        Ok(match tables.as_slice() {
            [] => None,
            [only] => Some(only.clone()),
            [first, others @ ..] => Some(first.beside(others)),
        })
    }

    /// The teacher's name.
    pub fn name(&self) -> &str {
        &self.rows.name
    }

    /// Several teachers as one, who says of a passage of this one what all say, side by side, each at unit length. Files
    /// that one of them has not heard are left out.
    pub fn beside(&self, others: &[Self]) -> Self {
        let heard: Vec<Teacher> = others.iter().map(|other| other.of(&self.rows.files)).collect();
        let all = || std::iter::once(self).chain(others);
        let columns = all().map(|table| table.rows.vectors.columns()).sum();
        let digests: String = all().map(|table| table.rows.digest.as_str()).collect();
        let mut rows = Rows {
            name: all().map(Self::name).collect::<Vec<_>>().join(", "),
            digest: short(blake3::hash(digests.as_bytes())),
            vectors: Matrix::of_rows(0, columns, Vec::new()),
            files: Vec::new(),
            passages: Vec::new(),
            of_file: Vec::new(),
        };
        let mut values = Vec::new();
        for (number, file) in self.rows.files.iter().enumerate() {
            if !heard.iter().all(|teacher| teacher.has_heard(number)) {
                continue;
            }
            let first = rows.passages.len();
            for passage in &self.rows.passages[self.rows.of_file[number].clone()] {
                let (start, end) = (passage.start_seconds, passage.end_seconds);
                values.extend(unit(self.rows.vectors.row(passage.row)));
                for teacher in &heard {
                    values.extend(unit(&teacher.vector(number, start, end - start).unwrap_or_default()));
                }
                rows.passages.push(Passage { row: rows.passages.len(), ..*passage });
            }
            rows.of_file.push(first..rows.passages.len());
            rows.files.push(file.clone());
        }
        rows.vectors = Matrix::of_rows(rows.passages.len(), columns, values);
        Self { rows: Arc::new(rows) }
    }

    /// The teacher of these tracks, which are named by their place in the list from here on. A track is
    /// found by its absolute path, or else by as much of the path's end as it takes to tell it from the
    /// others; not all need be in the table. The vectors are shared, not copied.
    pub fn of(&self, tracks: &[PathBuf]) -> Teacher {
        let absolute = |track: &PathBuf| {
            // A path that cannot be made absolute may still be found by its end.
            let path = std::path::absolute(track).unwrap_or_else(|_| track.clone());
            // Text stands for paths in the table, so let both be text.
            PathBuf::from(path.to_string_lossy().into_owned())
        };
        let absolute: Vec<PathBuf> = tracks.iter().map(absolute).collect();
        Teacher { files: rows_of_tracks(&self.rows.files, &absolute), rows: Arc::clone(&self.rows) }
    }
}

/// What a teacher says of a run's tracks. A clone shares the vectors.
#[derive(Debug, Clone)]
pub struct Teacher {
    rows: Arc<Rows>,
    /// One a track; `None` where the table has no row of it.
    files: Vec<Option<usize>>,
}

impl Teacher {
    /// Number of tracks without a row.
    pub fn missing(&self) -> usize {
        self.files.iter().filter(|file| file.is_none()).count()
    }

    /// The teacher's name.
    pub fn name(&self) -> &str {
        &self.rows.name
    }

    /// The first 16 hexadecimal digits of the BLAKE3 hash of the archive's bytes, or of several archives' digests.
    pub fn digest(&self) -> &str {
        &self.rows.digest
    }

    /// Numbers in a vector, at least 1.
    pub fn dimension(&self) -> usize {
        self.rows.vectors.columns()
    }

    /// Whether the table has rows of the track.
    pub fn has_heard(&self, track: usize) -> bool {
        self.passages(track).is_some()
    }

    /// All vectors of a track, in the order of its passages; none where the table has no row of it.
    pub fn rows(&self, track: usize) -> impl Iterator<Item = &[f32]> {
        self.passages(track).unwrap_or_default().iter().map(|passage| self.rows.vectors.row(passage.row))
    }

    /// The vector of the `seconds` from `start_seconds` on, of [`Teacher::dimension`] numbers that are
    /// not scaled: the mean of the passages that overlap them, each weighted by the seconds that it does.
    /// Where none does, the nearest passage's. `None` where the table has no row of the track.
    pub fn vector(&self, track: usize, start_seconds: f64, seconds: f64) -> Option<Vec<f32>> {
        let passages = self.passages(track)?;
        let until = start_seconds + seconds;
        // They follow each other without a gap: the last that has begun is the first to overlap.
        let first = passages.partition_point(|passage| passage.start_seconds <= start_seconds).saturating_sub(1);
        let nearest = passages.get(first)?;
        if passages.len() == 1 {
            return Some(self.rows.vectors.row(nearest.row).to_vec());
        }
        let overlap = |passage: &Passage| passage.end_seconds.min(until) - passage.start_seconds.max(start_seconds);
        let weighted = passages[first..]
            .iter()
            .take_while(|passage| passage.start_seconds < until)
            .map(|passage| (passage.row, overlap(passage)))
            .filter(|(_, seconds)| *seconds > 0.0);
        self.rows.mean(weighted).or_else(|| Some(self.rows.vectors.row(nearest.row).to_vec()))
    }

    /// The mean over the track's rows, of [`Teacher::dimension`] numbers that are not scaled. `None`
    /// where the table has no row of the track.
    pub fn mean(&self, track: usize) -> Option<Vec<f32>> {
        self.rows.mean(self.passages(track)?.iter().map(|passage| (passage.row, 1.0)))
    }

    fn passages(&self, track: usize) -> Option<&[Passage]> {
        let file = (*self.files.get(track)?)?;
        self.rows.passages.get(self.rows.of_file.get(file)?.clone())
    }
}

impl Rows {
    /// The mean of rows with weights; `None` where there are none.
    fn mean(&self, weighted: impl Iterator<Item = (usize, f64)>) -> Option<Vec<f32>> {
        let mut sum = vec![0.0_f64; self.vectors.columns()];
        let mut total = 0.0;
        for (row, weight) in weighted {
            sum.iter_mut().zip(self.vectors.row(row)).for_each(|(sum, value)| *sum += weight * f64::from(*value));
            total += weight;
        }
        (total > 0.0).then(|| sum.into_iter().map(|sum| (sum / total) as f32).collect())
    }
}

fn digest(path: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    File::open(path).and_then(|file| hasher.update_reader(file).map(|_| ())).map_err(io(path))?;
    Ok(short(hasher.finalize()))
}

fn short(hash: blake3::Hash) -> String {
    hash.to_hex()[..16].to_owned()
}

/// In double precision, where no square of a float overflows.
fn unit(vector: &[f32]) -> impl Iterator<Item = f32> {
    let length = vector.iter().fold(0.0, |sum, value| sum + f64::from(*value).powi(2)).sqrt().max(1e-12);
    vector.iter().map(move |value| (f64::from(*value) / length) as f32)
}

fn check_vectors(vectors: &Matrix, files: &[PathBuf]) -> Reason<()> {
    vectors.check_shape(files.len(), vectors.columns())?;
    files.iter().enumerate().try_for_each(|(row, file)| vectors.length(row, file).map(|_| ()))
}

#[cfg(test)]
pub(crate) mod example {
    use npyz::Order;

    use super::*;
    use crate::data::vector_archive::example::Table;

    /// A teacher with one row of each track.
    pub(crate) fn of_rows<const N: usize>(rows: &[[f32; N]]) -> Teacher {
        let files: Vec<String> = (0..rows.len()).map(|track| format!("/m/{track}.wav")).collect();
        let table = Table::new("teacher.npz", &files.iter().map(String::as_str).collect::<Vec<_>>());
        let shape = [rows.len() as u64, N as u64];
        let (_folder, path) = table.with(VECTORS, Order::C, &shape, rows.as_flattened()).finish();
        TeacherTable::read(&path).unwrap().of(&files.iter().map(PathBuf::from).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use npyz::Order;

    use super::*;
    use crate::data::vector_archive::example::Table;

    impl Table {
        fn teacher_table(self) -> Result<TeacherTable> {
            let (_folder, path) = self.finish();
            TeacherTable::read(&path)
        }

        fn starts(self, starts: &[f64]) -> Self {
            self.with(STARTS, Order::C, &[starts.len() as u64], starts)
        }

        /// Vectors of two numbers, row by row.
        fn pairs(self, values: &[f32]) -> Self {
            self.with(VECTORS, Order::C, &[values.len() as u64 / 2, 2], values)
        }
    }

    fn table(files: &[&str]) -> Table {
        Table::new("teacher.npz", files)
    }

    fn paths(tracks: &[&str]) -> Vec<PathBuf> {
        tracks.iter().map(PathBuf::from).collect()
    }

    fn reason(table: Table) -> String {
        table.teacher_table().unwrap_err().to_string()
    }

    /// `a` at 0, 3 and 7 seconds, not sorted, with `b` in between, which begins at 5 seconds.
    fn of_passages() -> Teacher {
        let table = table(&["m/a", "m/b", "m/a", "m/a"]).starts(&[7.0, 5.0, 0.0, 3.0]);
        let table = table.pairs(&[0.0, 8.0, 5.0, 5.0, 4.0, 0.0, 0.0, 4.0]).teacher_table().unwrap();
        table.of(&paths(&["/new/m/b", "/new/m/none", "/new/m/a"]))
    }

    #[test]
    fn passages_count_by_the_seconds_that_they_overlap() {
        let teacher = of_passages();
        let a = |start, seconds| teacher.vector(2, start, seconds).unwrap();
        assert_eq!(a(0.0, 3.0), [4.0, 0.0]);
        assert_eq!(a(3.5, 2.0), [0.0, 4.0]);
        // One second of [4, 0] and three of [0, 4].
        assert_eq!(a(2.0, 4.0), [1.0, 3.0]);
        // One second of [4, 0], four of [0, 4] and three of [0, 8].
        assert_eq!(a(2.0, 8.0), [0.5, 5.0]);
        // The last passage is as long as the one before it, until 11: one second of [0, 4], four of [0, 8].
        assert_eq!(a(6.0, 90.0), [0.0, 7.2]);
    }

    #[test]
    fn the_nearest_passage_speaks_where_none_overlaps() {
        let teacher = of_passages();
        assert_eq!(teacher.vector(2, 11.0, 5.0).unwrap(), [0.0, 8.0]);
        assert_eq!(teacher.vector(2, 400.0, 5.0).unwrap(), [0.0, 8.0]);
        assert_eq!(teacher.vector(2, 4.0, 0.0).unwrap(), [0.0, 4.0]);
        // Alone, from 5 seconds until the end.
        assert_eq!(teacher.vector(0, 100.0, f64::INFINITY).unwrap(), [5.0, 5.0]);
        assert_eq!(teacher.vector(0, 0.0, 1.0).unwrap(), [5.0, 5.0]);
        // Before the first of several.
        let table = table(&["a", "a"]).starts(&[4.0, 2.0]).pairs(&[1.0, 0.0, 0.0, 1.0]).teacher_table().unwrap();
        let teacher = table.of(&paths(&["a"]));
        assert_eq!(teacher.vector(0, 0.0, 1.0).unwrap(), [0.0, 1.0]);
        // Two seconds of each: what lies before the first counts for none.
        assert_eq!(teacher.vector(0, 0.0, 6.0).unwrap(), [0.5, 0.5]);
    }

    #[test]
    fn a_mean_counts_every_row_once_and_missing_tracks_have_none() {
        let teacher = of_passages();
        assert_eq!(teacher.missing(), 1);
        assert_eq!(teacher.mean(2).unwrap(), [4.0 / 3.0, 4.0]);
        assert_eq!(teacher.mean(0).unwrap(), [5.0, 5.0]);
        assert_eq!((teacher.mean(1), teacher.vector(1, 0.0, 3.0)), (None, None));
        assert_eq!((teacher.mean(3), teacher.vector(3, 0.0, 3.0)), (None, None));
    }

    #[test]
    fn without_starts_a_row_is_of_the_whole_file() {
        let table =
            table(&["/m/a", "/m/b"]).with(VECTORS, Order::Fortran, &[2, 3], &[1.0_f64, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let table = table.teacher_table().unwrap();
        assert_eq!(table.of(&[]).dimension(), 3);
        let teacher = table.of(&paths(&["/m/b", "/m/a"]));
        assert_eq!(teacher.vector(0, 20.0, 3.0).unwrap(), [2.0, 4.0, 6.0]);
        assert_eq!(teacher.vector(1, 0.0, 3.0).unwrap(), [1.0, 3.0, 5.0]);
        assert_eq!(teacher.mean(1).unwrap(), [1.0, 3.0, 5.0]);
        assert_eq!(teacher.missing(), 0);
    }

    #[test]
    fn two_teachers_side_by_side_speak_of_the_passages_of_the_first() {
        let first = table(&["/m/a", "/m/a", "/m/b"]).starts(&[0.0, 3.0, 0.0]);
        let first = first.pairs(&[2.0, 0.0, 0.0, 3.0, 1.0, 1.0]).teacher_table().unwrap();
        // Of c, which the first has not heard, and of the halves of the first passage of a and of all after it.
        let second = table(&["c", "m/a", "m/a", "m/a"]).starts(&[0.0, 0.0, 1.5, 3.0]);
        let second = second.pairs(&[1.0, 1.0, 8.0, 0.0, 0.0, 6.0, 0.0, 5.0]).teacher_table().unwrap();
        let both = first.beside(std::slice::from_ref(&second));
        assert_eq!(both.name(), "teacher, teacher");
        let teacher = both.of(&paths(&["/m/a", "/m/b", "/m/c"]));
        assert_eq!((teacher.dimension(), teacher.missing()), (4, 2));
        assert_eq!(teacher.vector(0, 0.0, 3.0).unwrap(), [1.0, 0.0, 0.8, 0.6]);
        assert_eq!(teacher.vector(0, 3.0, 3.0).unwrap(), [0.0, 1.0, 0.0, 1.0]);
        assert_ne!(teacher.digest(), second.beside(std::slice::from_ref(&first)).of(&[]).digest());
        let three = first.beside(&[second, first.clone()]).of(&paths(&["/m/a"]));
        assert_eq!(three.vector(0, 0.0, 3.0).unwrap(), [1.0, 0.0, 0.8, 0.6, 1.0, 0.0]);
    }

    #[test]
    fn a_teacher_is_told_by_name_and_content() {
        let plain = || table(&["a"]).pairs(&[1.0, 2.0]);
        let unnamed = plain().teacher_table().unwrap();
        assert_eq!(unnamed.name(), "teacher");
        let (_folder, path) = plain().finish();
        let hash = blake3::hash(&std::fs::read(&path).unwrap()).to_hex();
        assert_eq!(TeacherTable::read(&path).unwrap().of(&[]).digest(), &hash[..16]);
        for shape in [&[][..], &[1]] {
            let named = plain().with_text(NAME, shape, &["clap"]).teacher_table().unwrap();
            assert_eq!(named.name(), "clap");
            assert_ne!(named.of(&[]).digest(), unnamed.of(&[]).digest());
        }
        let text = reason(plain().with_text(NAME, &[2], &["clap", "mert"]));
        assert!(text.ends_with("teacher.npz: array model: of shape [2], not one text"), "{text}");
        let text = reason(plain().with_text(NAME, &[], &[" "]));
        assert!(text.ends_with("array model: names no teacher"), "{text}");
    }

    #[test]
    fn a_file_has_one_row_a_start() {
        let twice = || table(&["a", "b", "a"]).pairs(&[1.0; 6]);
        let text = reason(twice());
        assert!(text.ends_with("array files: a stands there twice, but there is no array start_s"), "{text}");
        let text = reason(twice().starts(&[3.0, 3.0, 3.0]));
        assert!(text.ends_with("array start_s: two passages of a begin at 3 s"), "{text}");
    }

    #[test]
    fn errors_name_file_array_and_reason() {
        let text = reason(table(&[]).pairs(&[]));
        assert!(text.ends_with("teacher.npz: array files: there is no row"), "{text}");
        let text = reason(table(&["a"]));
        assert!(text.ends_with("array emb: there is no such array"), "{text}");
        let text = reason(table(&["a"]).pairs(&[1.0; 4]));
        assert!(text.ends_with("array emb: 2 × 2 numbers, but 1 × 2 belong to files"), "{text}");
        let text = reason(table(&["a"]).with(VECTORS, Order::C, &[1], &[1.0_f32]));
        assert!(text.ends_with("array emb: of shape [1], not rows and columns"), "{text}");
        let text = reason(table(&["a"]).with(VECTORS, Order::Fortran, &[1, 0], &[0.0_f32; 0]));
        assert!(text.ends_with("array emb: the vector of a has no direction (length 0)"), "{text}");
        let text = reason(table(&["a", "b"]).pairs(&[1.0, 1.0, 1.0, f32::NAN]));
        assert!(text.ends_with("array emb: the vector of b has no direction (length NaN)"), "{text}");
        let pair = || table(&["a", "b"]).pairs(&[1.0; 4]);
        let text = reason(pair().starts(&[1.0]));
        assert!(text.ends_with("array start_s: 1 numbers, but 2 belong to files"), "{text}");
        let text = reason(pair().with(STARTS, Order::C, &[2, 1], &[1.0_f32; 2]));
        assert!(text.ends_with("array start_s: of shape [2, 1], not a list"), "{text}");
        let text = reason(pair().starts(&[0.0, f64::NAN]));
        assert!(text.ends_with("array start_s: a passage of b begins at NaN s"), "{text}");
        let text = reason(pair().starts(&[-3.0, 0.0]));
        assert!(text.ends_with("array start_s: a passage of a begins at -3 s"), "{text}");
        assert!(matches!(TeacherTable::read(Path::new("/no/table.npz")), Err(crate::error::Error::Io { .. })));
    }
}
