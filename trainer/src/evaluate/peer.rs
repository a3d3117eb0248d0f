//! Another system's vectors or distances of the evaluated tracks.

use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use npyz::npz::NpzArchive;
use npyz::{NpyFile, Order};

use super::peer_rows::rows_of_tracks;
use crate::error::{Error, Result};

/// Tracks without a row that an error names.
const EXAMPLES: usize = 3;

const FILES: &str = "files";
const VECTORS: &str = "emb";
const DISTANCES: &str = "dist";

/// What a peer says of the tracks, in their order.
#[derive(Debug, Clone, PartialEq)]
pub enum PeerTable {
    /// One vector a track, scaled to unit length: they are compared by cosine.
    Vectors(Vec<Vec<f32>>),
    /// From each track (rows, as queries) to each (columns); smaller is more alike.
    Distances(Vec<Vec<f32>>),
}

/// Reads the rows of `tracks` out of a NumPy archive with the arrays `files`, text of shape N, and
/// `emb`, numbers of shape N × d, or `dist`, numbers of shape N × N; `dist` comes first where both
/// are there. Numbers are float32 or float64. A file is found by its absolute path, or else by as
/// much of the path's end as it takes to tell it from the others. Rows of other files do not matter.
///
/// # Errors
/// [`Error::Io`], [`Error::Peer`], [`Error::PeerLacksTracks`].
pub fn read_peer(path: &Path, tracks: &[PathBuf]) -> Result<PeerTable> {
    let io = |path: &Path| {
        let path = path.to_path_buf();
        move |source| Error::Io { path, source }
    };
    let mut archive = NpzArchive::open(path).map_err(io(path))?;
    let files = read_files(&mut archive).map_err(|reason| peer_error(path, FILES, reason))?;
    let absolute = tracks
        .iter()
        // Text stands for paths in the table, so let both be text.
        .map(|track| Ok(std::path::absolute(track).map_err(io(track))?.to_string_lossy().into_owned().into()))
        .collect::<Result<Vec<PathBuf>>>()?;
    let rows = rows_of_tracks(&files, &absolute);
    let missing: Vec<&PathBuf> = rows.iter().zip(tracks).filter(|(row, _)| row.is_none()).map(|(_, t)| t).collect();
    if !missing.is_empty() {
        return Err(Error::PeerLacksTracks {
            path: path.into(),
            missing: missing.len(),
            tracks: tracks.len(),
            examples: missing.into_iter().take(EXAMPLES).cloned().collect(),
        });
    }
    let rows: Vec<usize> = rows.into_iter().flatten().collect();
    let matrix = read_matrix(&mut archive, DISTANCES).map_err(|reason| peer_error(path, DISTANCES, reason))?;
    if let Some(matrix) = matrix {
        let distances = matrix.distances(&files, &rows);
        return Ok(PeerTable::Distances(distances.map_err(|reason| peer_error(path, DISTANCES, reason))?));
    }
    let matrix = read_matrix(&mut archive, VECTORS).and_then(|matrix| matrix.ok_or("there is no such array".into()));
    let vectors = matrix.and_then(|matrix| matrix.vectors(&files, &rows));
    Ok(PeerTable::Vectors(vectors.map_err(|reason| peer_error(path, VECTORS, reason))?))
}

fn peer_error(path: &Path, array: &'static str, reason: String) -> Error {
    Error::Peer { path: path.into(), array, reason }
}

type Reason<T> = std::result::Result<T, String>;

fn read_files<R: Read + Seek>(archive: &mut NpzArchive<R>) -> Reason<Vec<PathBuf>> {
    let array = archive.by_name(FILES).map_err(|error| error.to_string())?.ok_or("there is no such array")?;
    if array.shape().len() != 1 {
        return Err(format!("of shape {:?}, not a list", array.shape()));
    }
    if array.uses_pickled_array() {
        return Err("holds Python objects; numpy.array(files, dtype=str) makes text of them".into());
    }
    let names: Vec<String> = array.into_vec().map_err(|error| error.to_string())?;
    Ok(names.into_iter().map(PathBuf::from).collect())
}

/// Numbers in rows and columns.
struct Matrix {
    rows: usize,
    columns: usize,
    order: Order,
    values: Vec<f32>,
}

fn read_matrix<R: Read + Seek>(archive: &mut NpzArchive<R>, name: &str) -> Reason<Option<Matrix>> {
    let Some(array) = archive.by_name(name).map_err(|error| error.to_string())? else { return Ok(None) };
    let &[rows, columns] = array.shape() else {
        return Err(format!("of shape {:?}, not rows and columns", array.shape()));
    };
    let order = array.order();
    Ok(Some(Matrix { rows: rows as usize, columns: columns as usize, order, values: read_numbers(array)? }))
}

fn read_numbers<R: Read>(array: NpyFile<R>) -> Reason<Vec<f32>> {
    let values = match array.try_data::<f32>() {
        Ok(values) => values.collect::<std::io::Result<Vec<f32>>>(),
        Err(array) => match array.try_data::<f64>() {
            Ok(values) => values.map(|value| value.map(|value| value as f32)).collect(),
            Err(array) => return Err(format!("numbers of type {}, not float32 or float64", array.dtype().descr())),
        },
    };
    values.map_err(|error| error.to_string())
}

impl Matrix {
    fn at(&self, row: usize, column: usize) -> f32 {
        match self.order {
            Order::C => self.values[row * self.columns + column],
            Order::Fortran => self.values[column * self.rows + row],
        }
    }

    fn vectors(&self, files: &[PathBuf], rows: &[usize]) -> Reason<Vec<Vec<f32>>> {
        self.check_shape(files.len(), self.columns)?;
        let unit = |&row: &usize| {
            let vector: Vec<f32> = (0..self.columns).map(|column| self.at(row, column)).collect();
            // In double precision, where no square of a float overflows.
            let norm = vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
            if !norm.is_finite() || norm <= 0.0 {
                return Err(format!("the vector of {} has no direction (length {norm})", files[row].display()));
            }
            Ok(vector.into_iter().map(|value| (f64::from(value) / norm) as f32).collect())
        };
        rows.iter().map(unit).collect()
    }

    fn distances(&self, files: &[PathBuf], rows: &[usize]) -> Reason<Vec<Vec<f32>>> {
        self.check_shape(files.len(), files.len())?;
        let from = |&query: &usize| {
            let distance = |&other: &usize| match self.at(query, other) {
                // Many fill the diagonal with something that keeps a track from finding itself.
                _ if query == other => Ok(0.0),
                distance if distance.is_nan() => {
                    Err(format!("from {} to {} is not a number", files[query].display(), files[other].display()))
                }
                distance => Ok(distance),
            };
            rows.iter().map(distance).collect()
        };
        rows.iter().map(from).collect()
    }

    fn check_shape(&self, rows: usize, columns: usize) -> Reason<()> {
        if (self.rows, self.columns) != (rows, columns) {
            let (found_rows, found_columns) = (self.rows, self.columns);
            return Err(format!("{found_rows} × {found_columns} numbers, but {rows} × {columns} belong to {FILES}"));
        }
        if self.values.len() != rows * columns {
            return Err(format!("{} numbers, not {rows} × {columns}", self.values.len()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use npyz::npz::NpzWriter;
    use npyz::{AutoSerialize, DType, WriterBuilder};

    use super::*;

    struct Table {
        _folder: tempfile::TempDir,
        path: PathBuf,
        writer: NpzWriter<std::io::BufWriter<std::fs::File>>,
    }

    impl Table {
        fn of(files: &[&str]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("peer.npz");
            let mut writer = NpzWriter::create(&path).unwrap();
            let text = DType::Plain("<U20".parse().unwrap());
            let array = writer.array::<str>(FILES, Default::default()).unwrap();
            let mut array = array.dtype(text).shape(&[files.len() as u64]).begin_nd().unwrap();
            files.iter().for_each(|file| array.push(file).unwrap());
            array.finish().unwrap();
            Self { _folder: folder, path, writer }
        }

        fn with<T: AutoSerialize + Copy>(mut self, name: &str, order: Order, shape: &[u64], values: &[T]) -> Self {
            let array = self.writer.array(name, Default::default()).unwrap();
            let mut array = array.default_dtype().order(order).shape(shape).begin_nd().unwrap();
            array.extend(values.iter().copied()).unwrap();
            array.finish().unwrap();
            self
        }

        fn read(self, tracks: &[&str]) -> Result<PeerTable> {
            drop(self.writer);
            read_peer(&self.path, &tracks.iter().map(PathBuf::from).collect::<Vec<_>>())
        }
    }

    fn reason(result: Result<PeerTable>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn rows_come_in_the_order_of_the_tracks_at_unit_length() {
        let expected = PeerTable::Vectors(vec![vec![0.0, 1.0], vec![0.6, 0.8]]);
        let files = ["/m/b.mp3", "/m/c.mp3", "/m/a.mp3"];
        let values = [3.0_f32, 4.0, 9.0, 9.0, 0.0, 2.0];
        let table = Table::of(&files).with(VECTORS, Order::C, &[3, 2], &values);
        assert_eq!(table.read(&["/m/a.mp3", "/m/b.mp3"]).unwrap(), expected);
        // The same table transposed, as numpy saves `x.T`, in double precision.
        let table = Table::of(&files).with(VECTORS, Order::Fortran, &[3, 2], &[3.0_f64, 9.0, 0.0, 4.0, 9.0, 2.0]);
        assert_eq!(table.read(&["/m/a.mp3", "/m/b.mp3"]).unwrap(), expected);
    }

    #[test]
    fn distances_are_taken_from_rows_and_columns() {
        let nan = f64::NAN;
        let values = [nan, 0.1, 0.2, 0.3, nan, 0.4, 0.5, 0.6, nan];
        let table = Table::of(&["a", "b", "c"]).with(DISTANCES, Order::C, &[3, 3], &values);
        let expected = vec![vec![0.0, 0.5], vec![0.2, 0.0]];
        assert_eq!(table.read(&["/m/c", "/m/a"]).unwrap(), PeerTable::Distances(expected));
    }

    #[test]
    fn missing_tracks_are_counted_and_named() {
        let table = Table::of(&["a"]).with(VECTORS, Order::C, &[1, 1], &[1.0_f32]);
        let text = reason(table.read(&["/m/a", "/m/b", "/m/c", "/m/d", "/m/e"]));
        assert!(text.ends_with("peer.npz: no row for 4 of 5 tracks, such as /m/b, /m/c, /m/d"), "{text}");
    }

    #[test]
    fn errors_name_file_array_and_reason() {
        let text = reason(Table::of(&["a"]).read(&["/m/a"]));
        assert!(text.ends_with("peer.npz: array emb: there is no such array"), "{text}");
        let text = reason(Table::of(&["a"]).with(VECTORS, Order::C, &[2, 3], &[1.0_f32; 6]).read(&["/m/a"]));
        assert!(text.ends_with("array emb: 2 × 3 numbers, but 1 × 3 belong to files"), "{text}");
        let text = reason(Table::of(&["a"]).with(DISTANCES, Order::C, &[1], &[1.0_f32]).read(&["/m/a"]));
        assert!(text.ends_with("array dist: of shape [1], not rows and columns"), "{text}");
        let text = reason(Table::of(&["a"]).with(VECTORS, Order::C, &[1, 1], &[1_i64]).read(&["/m/a"]));
        assert!(text.ends_with("array emb: numbers of type '<i8', not float32 or float64"), "{text}");
        let text = reason(Table::of(&["a"]).with(VECTORS, Order::C, &[1, 2], &[0.0_f32; 2]).read(&["/m/a"]));
        assert!(text.ends_with("array emb: the vector of a has no direction (length 0)"), "{text}");
        let bad = [0.0, f32::NAN, 0.0, 0.0];
        let text = reason(Table::of(&["a", "b"]).with(DISTANCES, Order::C, &[2, 2], &bad).read(&["/m/a", "/m/b"]));
        assert!(text.ends_with("array dist: from a to b is not a number"), "{text}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text.npz");
        std::fs::write(&path, "no archive").unwrap();
        assert!(matches!(read_peer(&path, &[]), Err(Error::Io { .. })));
    }
}
