//! NumPy archives in which other systems leave what they say of files.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use npyz::npz::NpzArchive;
use npyz::{NpyFile, Order};

use crate::error::{Error, Result, io};

/// Name of the array with the files, one a row of the others.
pub(crate) const FILES: &str = "files";
/// Name of the array with a vector a row.
pub(crate) const VECTORS: &str = "emb";

/// A result whose error says in words what is wrong with an array.
pub type Reason<T> = std::result::Result<T, String>;

/// An open archive (`.npz`); errors name it and the array within it.
pub struct VectorArchive {
    path: PathBuf,
    archive: NpzArchive<BufReader<File>>,
}

impl VectorArchive {
    /// Opens an archive.
    ///
    /// # Errors
    /// [`Error::Io`], also where the file is no archive.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { path: path.into(), archive: NpzArchive::open(path).map_err(io(path))? })
    }

    /// What is wrong with an array of this archive.
    pub fn error(&self, array: &'static str, reason: impl Into<String>) -> Error {
        Error::Table { path: self.path.clone(), array, reason: reason.into() }
    }

    /// The array `files`, text of shape N.
    ///
    /// # Errors
    /// [`Error::Table`].
    pub fn files(&mut self) -> Result<Vec<PathBuf>> {
        let names = self.texts(FILES)?.ok_or_else(|| self.lacks(FILES))?;
        Ok(names.into_iter().map(PathBuf::from).collect())
    }

    /// The array `emb`, float32 or float64 of shape N × d.
    ///
    /// # Errors
    /// [`Error::Table`].
    pub fn vectors(&mut self) -> Result<Matrix> {
        self.matrix(VECTORS)?.ok_or_else(|| self.lacks(VECTORS))
    }

    /// Numbers in rows and columns, float32 or float64; `None` where there is no such array.
    ///
    /// # Errors
    /// [`Error::Table`].
    pub fn matrix(&mut self, name: &'static str) -> Result<Option<Matrix>> {
        self.array(name, Matrix::read)
    }

    /// A list of numbers, float32 or float64 of shape N; `None` where there is no such array.
    ///
    /// # Errors
    /// [`Error::Table`].
    pub fn numbers(&mut self, name: &'static str) -> Result<Option<Vec<f64>>> {
        self.array(name, |array| match array.shape() {
            [_] => read_numbers(array, f64::from, |number| number),
            shape => Err(format!("of shape {shape:?}, not a list")),
        })
    }

    /// A list of whole numbers, int64 of shape N; `None` where there is no such array.
    ///
    /// # Errors
    /// [`Error::Table`].
    pub fn integers(&mut self, name: &'static str) -> Result<Option<Vec<i64>>> {
        self.array(name, |array| match array.shape() {
            [_] => array.into_vec().map_err(|error| error.to_string()),
            shape => Err(format!("of shape {shape:?}, not a list")),
        })
    }

    /// A list of texts, of shape N; `None` where there is no such array.
    ///
    /// # Errors
    /// [`Error::Table`].
    pub fn texts(&mut self, name: &'static str) -> Result<Option<Vec<String>>> {
        self.array(name, |array| match array.shape() {
            [_] => read_text(array, name),
            shape => Err(format!("of shape {shape:?}, not a list")),
        })
    }

    /// One text, of shape () or (1,); `None` where there is no such array.
    ///
    /// # Errors
    /// [`Error::Table`].
    pub fn text(&mut self, name: &'static str) -> Result<Option<String>> {
        let one = |array: Array<'_>| match array.shape() {
            [] | [1] => Ok(read_text(array, name)?.pop()),
            shape => Err(format!("of shape {shape:?}, not one text")),
        };
        Ok(self.array(name, one)?.flatten())
    }

    fn array<T>(&mut self, name: &'static str, read: impl FnOnce(Array<'_>) -> Reason<T>) -> Result<Option<T>> {
        let found = self.archive.by_name(name).map_err(|error| error.to_string());
        let of_any_source = |array: NpyFile<_>| {
            let header = array.header().clone();
            // In blocks, since the numbers are asked for one by one.
            NpyFile::with_header(header, BufReader::new(Box::new(array.into_inner()) as Box<dyn Read + '_>))
        };
        let value = found.and_then(|array| array.map(of_any_source).map(read).transpose());
        value.map_err(|reason| self.error(name, reason))
    }

    fn lacks(&self, array: &'static str) -> Error {
        self.error(array, "there is no such array")
    }
}

/// An array that is about to be read.
type Array<'a> = NpyFile<BufReader<Box<dyn Read + 'a>>>;

fn read_text(array: Array<'_>, name: &str) -> Reason<Vec<String>> {
    if array.uses_pickled_array() {
        return Err(format!("holds Python objects; numpy.array({name}, dtype=str) makes text of them"));
    }
    if array.len() > 0 && array.dtype().num_bytes() == Some(0) {
        return Err("text of no width: nothing stands in its rows".into());
    }
    array.into_vec().map_err(|error| error.to_string())
}

fn read_numbers<T>(array: Array<'_>, of_single: fn(f32) -> T, of_double: fn(f64) -> T) -> Reason<Vec<T>> {
    let numbers = match array.try_data::<f32>() {
        Ok(numbers) => numbers.map(|number| number.map(of_single)).collect::<std::io::Result<Vec<T>>>(),
        Err(array) => match array.try_data::<f64>() {
            Ok(numbers) => numbers.map(|number| number.map(of_double)).collect(),
            Err(array) => return Err(format!("numbers of type {}, not float32 or float64", array.dtype().descr())),
        },
    };
    numbers.map_err(|error| error.to_string())
}

/// Numbers in rows and columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    rows: usize,
    columns: usize,
    /// Row by row.
    values: Vec<f32>,
}

impl Matrix {
    fn read(array: Array<'_>) -> Reason<Self> {
        let &[rows, columns] = array.shape() else {
            return Err(format!("of shape {:?}, not rows and columns", array.shape()));
        };
        let (rows, columns, order) = (rows as usize, columns as usize, array.order());
        let values = read_numbers(array, |number| number, |number| number as f32)?;
        // A shape whose product does not fit in a word comes to another number of values.
        if rows.checked_mul(columns) != Some(values.len()) {
            return Err(format!("{} numbers, not {rows} × {columns}", values.len()));
        }
        let values = match order {
            Order::C => values,
            Order::Fortran => {
                let values = &values;
                (0..rows).flat_map(|row| (0..columns).map(move |column| values[column * rows + row])).collect()
            }
        };
        Ok(Self { rows, columns, values })
    }

    /// Numbers row by row.
    pub fn of_rows(rows: usize, columns: usize, values: Vec<f32>) -> Self {
        debug_assert_eq!(values.len(), rows * columns);
        Self { rows, columns, values }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// A row's numbers.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.columns..][..self.columns]
    }

    /// Euclidean length of the row that belongs to `file`.
    ///
    /// # Errors
    /// In words, where it is zero or no finite number.
    pub fn length(&self, row: usize, file: &Path) -> Reason<f64> {
        // In double precision, where no square of a float overflows.
        let length = self.row(row).iter().fold(0.0, |sum, value| sum + f64::from(*value).powi(2)).sqrt();
        if !length.is_finite() || length <= 0.0 {
            return Err(format!("the vector of {} has no direction (length {length})", file.display()));
        }
        Ok(length)
    }

    /// Whether there is a row for each file.
    ///
    /// # Errors
    /// In words, where the shape is another.
    pub fn check_shape(&self, rows: usize, columns: usize) -> Reason<()> {
        if (self.rows, self.columns) != (rows, columns) {
            let (found_rows, found_columns) = (self.rows, self.columns);
            return Err(format!("{found_rows} × {found_columns} numbers, but {rows} × {columns} belong to {FILES}"));
        }
        Ok(())
    }
}

/// Archives for the tests of those that read them.
#[cfg(test)]
pub(crate) mod example {
    use npyz::npz::NpzWriter;
    use npyz::{AutoSerialize, DType, WriterBuilder};

    use super::*;

    /// An archive that is being written, in a folder of its own.
    pub(crate) struct Table {
        folder: tempfile::TempDir,
        path: PathBuf,
        writer: NpzWriter<std::io::BufWriter<File>>,
    }

    impl Table {
        /// With the array [`FILES`].
        pub(crate) fn new(name: &str, files: &[&str]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(name);
            let writer = NpzWriter::create(&path).unwrap();
            Self { folder, path, writer }.with_text(FILES, &[files.len() as u64], files)
        }

        /// With an array of texts of at most 20 characters.
        pub(crate) fn with_text(mut self, name: &str, shape: &[u64], texts: &[&str]) -> Self {
            let text = DType::Plain("<U20".parse().unwrap());
            let array = self.writer.array::<str>(name, Default::default()).unwrap();
            let mut array = array.dtype(text).shape(shape).begin_nd().unwrap();
            texts.iter().for_each(|text| array.push(text).unwrap());
            array.finish().unwrap();
            self
        }

        /// With an array of numbers, which are given in the order in which they lie in the file.
        pub(crate) fn with<T: AutoSerialize + Copy>(
            mut self,
            name: &str,
            order: Order,
            shape: &[u64],
            values: &[T],
        ) -> Self {
            let array = self.writer.array(name, Default::default()).unwrap();
            let mut array = array.default_dtype().order(order).shape(shape).begin_nd().unwrap();
            array.extend(values.iter().copied()).unwrap();
            array.finish().unwrap();
            self
        }

        /// The archive's folder, which is removed when dropped, and its path.
        pub(crate) fn finish(self) -> (tempfile::TempDir, PathBuf) {
            drop(self.writer);
            (self.folder, self.path)
        }
    }
}
