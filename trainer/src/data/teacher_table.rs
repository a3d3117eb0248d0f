//! A teacher's vectors in a NumPy archive, and several teachers' side by side.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::passage::{Passage, check_starts, distinct_files, passages, whole_files};
use super::table_rows::rows_of_tracks;
use super::teacher::{Rows, Teacher};
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
        Teacher::new(Arc::clone(&self.rows), rows_of_tracks(&self.rows.files, &absolute))
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

    impl Table {
        pub(crate) fn teacher_table(self) -> Result<TeacherTable> {
            let (_folder, path) = self.finish();
            TeacherTable::read(&path)
        }

        pub(crate) fn starts(self, starts: &[f64]) -> Self {
            self.with(STARTS, Order::C, &[starts.len() as u64], starts)
        }

        /// Vectors of two numbers, row by row.
        pub(crate) fn pairs(self, values: &[f32]) -> Self {
            self.with(VECTORS, Order::C, &[values.len() as u64 / 2, 2], values)
        }
    }

    pub(crate) fn table(files: &[&str]) -> Table {
        Table::new("teacher.npz", files)
    }

    pub(crate) fn paths(tracks: &[&str]) -> Vec<PathBuf> {
        tracks.iter().map(PathBuf::from).collect()
    }
}

#[cfg(test)]
mod tests {
    use npyz::Order;

    use super::example::{paths, table};
    use super::*;
    use crate::data::vector_archive::example::Table;

    fn reason(table: Table) -> String {
        table.teacher_table().unwrap_err().to_string()
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
