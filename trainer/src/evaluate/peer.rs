//! Another system's vectors or distances of the evaluated tracks.

use std::path::{Path, PathBuf};

use super::similarity::Similarities;
use crate::data::TeacherTable;
use crate::data::table_rows::rows_of_tracks;
use crate::data::teacher_table::STARTS;
use crate::data::vector_archive::{Matrix, Reason, VECTORS, VectorArchive};
use crate::error::{Error, Result, io};

/// Tracks without a row that an error names.
const EXAMPLES: usize = 3;

const DISTANCES: &str = "dist";

/// What a peer says of the tracks, in their order.
#[derive(Debug, Clone, PartialEq)]
pub enum PeerTable {
    /// One vector a track, scaled to unit length: they are compared by cosine.
    Vectors(Vec<Vec<f32>>),
    /// From each track (rows, as queries) to each (columns); smaller is more alike.
    Distances(Vec<Vec<f32>>),
}

impl PeerTable {
    /// How alike the peer finds the tracks.
    ///
    /// # Errors
    /// [`Error::UnevenVectors`]; [`Error::NotFinite`]; [`Error::WrongCount`] where a row of distances lacks a track.
    pub fn similarities(self) -> Result<Similarities> {
        match self {
            Self::Vectors(vectors) => Similarities::from_vectors(&vectors),
            Self::Distances(rows) => Similarities::from_distances(rows.len(), rows.concat()),
        }
    }
}

/// Reads the rows of `tracks` out of a NumPy archive with the arrays `files`, text of shape N, and
/// `emb`, numbers of shape N × d, or `dist`, numbers of shape N × N; `dist` comes first where both
/// are there. Numbers are float32 or float64. With `start_s`, numbers of shape N, rows are of passages
/// ([`TeacherTable`]), and a track has the mean of its passages' vectors. A file is found by its absolute path, or else by as
/// much of the path's end as it takes to tell it from the others. Rows of other files do not matter.
///
/// # Errors
/// [`Error::Io`], [`Error::Table`], [`Error::TableLacksTracks`].
pub fn read_peer(path: &Path, tracks: &[PathBuf]) -> Result<PeerTable> {
    let mut archive = VectorArchive::open(path)?;
    if archive.numbers(STARTS)?.is_some() {
        return means_of_passages(path, tracks);
    }
    let files = archive.files()?;
    let absolute = tracks
        .iter()
        // Text stands for paths in the table, so let both be text.
        .map(|track| Ok(std::path::absolute(track).map_err(io(track))?.to_string_lossy().into_owned().into()))
        .collect::<Result<Vec<PathBuf>>>()?;
    let rows = rows_of_tracks(&files, &absolute);
    let rows: Vec<usize> = all_of(rows, path, tracks)?;
    if let Some(matrix) = archive.matrix(DISTANCES)? {
        let distances = distances(&matrix, &files, &rows);
        return Ok(PeerTable::Distances(distances.map_err(|reason| archive.error(DISTANCES, reason))?));
    }
    let vectors = unit_vectors(&archive.vectors()?, &files, &rows);
    Ok(PeerTable::Vectors(vectors.map_err(|reason| archive.error(VECTORS, reason))?))
}

/// What was found for each of the tracks, if it was for all.
fn all_of<T>(found: Vec<Option<T>>, path: &Path, tracks: &[PathBuf]) -> Result<Vec<T>> {
    let missing: Vec<&PathBuf> = found.iter().zip(tracks).filter(|(row, _)| row.is_none()).map(|(_, t)| t).collect();
    if !missing.is_empty() {
        return Err(Error::TableLacksTracks {
            path: path.into(),
            missing: missing.len(),
            tracks: tracks.len(),
            examples: missing.into_iter().take(EXAMPLES).cloned().collect(),
        });
    }
    Ok(found.into_iter().flatten().collect())
}

fn means_of_passages(path: &Path, tracks: &[PathBuf]) -> Result<PeerTable> {
    let teacher = TeacherTable::read(path)?.of(tracks);
    let means = all_of((0..tracks.len()).map(|track| teacher.mean(track)).collect(), path, tracks)?;
    let unit = |(mean, track): (Vec<f32>, &PathBuf)| -> Result<Vec<f32>> {
        let length = mean.iter().fold(0.0, |sum, value| sum + f64::from(*value).powi(2)).sqrt();
        if length <= 0.0 {
            let reason = format!("the vectors of {} have no direction on the mean", track.display());
            return Err(Error::Table { path: path.into(), array: VECTORS, reason });
        }
        Ok(mean.into_iter().map(|value| (f64::from(value) / length) as f32).collect())
    };
    Ok(PeerTable::Vectors(means.into_iter().zip(tracks).map(unit).collect::<Result<_>>()?))
}

fn unit_vectors(matrix: &Matrix, files: &[PathBuf], rows: &[usize]) -> Reason<Vec<Vec<f32>>> {
    matrix.check_shape(files.len(), matrix.columns())?;
    let unit = |&row: &usize| {
        let length = matrix.length(row, &files[row])?;
        Ok(matrix.row(row).iter().map(|value| (f64::from(*value) / length) as f32).collect())
    };
    rows.iter().map(unit).collect()
}

fn distances(matrix: &Matrix, files: &[PathBuf], rows: &[usize]) -> Reason<Vec<Vec<f32>>> {
    matrix.check_shape(files.len(), files.len())?;
    let from = |&query: &usize| {
        let distance = |&other: &usize| match matrix.row(query)[other] {
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

#[cfg(test)]
mod tests {
    use npyz::Order;

    use super::*;
    use crate::data::vector_archive::example::Table;

    impl Table {
        fn of(files: &[&str]) -> Self {
            Self::new("peer.npz", files)
        }

        fn read(self, tracks: &[&str]) -> Result<PeerTable> {
            let (_folder, path) = self.finish();
            read_peer(&path, &tracks.iter().map(PathBuf::from).collect::<Vec<_>>())
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
    fn a_track_of_passages_has_their_mean() {
        let table = Table::of(&["/m/b.mp3", "/m/a.mp3", "/m/b.mp3"])
            .with(STARTS, Order::C, &[3], &[3.0, 0.0, 0.0])
            .with(VECTORS, Order::C, &[3, 2], &[4.0_f32, 8.0, 0.0, 2.0, 2.0, 0.0]);
        let expected = PeerTable::Vectors(vec![vec![0.0, 1.0], vec![0.6, 0.8]]);
        assert_eq!(table.read(&["/m/a.mp3", "/m/b.mp3"]).unwrap(), expected);
        let table = Table::of(&["a"]).with(STARTS, Order::C, &[1], &[0.0]).with(VECTORS, Order::C, &[1, 1], &[1.0]);
        assert!(matches!(table.read(&["/m/a", "/m/b"]), Err(Error::TableLacksTracks { missing: 1, .. })));
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
