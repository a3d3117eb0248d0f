//! The rows of all tracks on disk, where what is in memory are codes of them: what a search by codes finds is compared once
//! more by these.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use half::f16;

use crate::error::{Error, Result};
use crate::track::TrackId;

/// A file of records, each at the place of its track's number: a row in half precision, and the first bytes of its BLAKE3
/// hash. Places of numbers that no track has are holes.
pub(crate) struct Rows {
    file: File,
    path: PathBuf,
    numbers: usize,
}

const CHECKSUM_BYTES: usize = 4;

impl Rows {
    /// An empty file for rows of so many numbers, in the place of what is there.
    pub fn create(path: &Path, numbers: usize) -> Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
        }
        let file = File::options().read(true).write(true).create(true).truncate(true).open(path);
        Ok(Self { file: file.map_err(|error| Error::io(path, error))?, path: path.into(), numbers })
    }

    /// A file for reading, with places for tracks below `end`.
    ///
    /// # Errors
    /// [`Error::Damaged`] where it is shorter, [`Error::Io`].
    pub fn open(path: &Path, numbers: usize, end: u64) -> Result<Self> {
        let io = |error| Error::io(path, error);
        let file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        let rows = Self { file, path: path.into(), numbers };
        if length < rows.place(TrackId(end)) {
            return Err(Error::Damaged { path: path.into(), reason: "it is shorter than it was".into() });
        }
        Ok(rows)
    }

    /// A copy that can be added to.
    pub fn copied_to(&self, path: &Path) -> Result<Self> {
        std::fs::copy(&self.path, path).map_err(|error| Error::io(path, error))?;
        let file = File::options().read(true).write(true).open(path).map_err(|error| Error::io(path, error))?;
        Ok(Self { file, path: path.into(), numbers: self.numbers })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn record_bytes(&self) -> usize {
        self.numbers * size_of::<f16>() + CHECKSUM_BYTES
    }

    fn place(&self, track: TrackId) -> u64 {
        track.0 * self.record_bytes() as u64
    }

    /// Writes rows, one after the other in `rows`.
    pub fn put(&self, tracks: &[TrackId], rows: &[f32]) -> Result<()> {
        let mut record = Vec::with_capacity(self.record_bytes());
        for (track, row) in tracks.iter().zip(rows.chunks(self.numbers)) {
            record.clear();
            record.extend(row.iter().flat_map(|number| f16::from_f32(*number).to_le_bytes()));
            let checksum = checksum(&record);
            record.extend(checksum);
            self.file.write_all_at(&record, self.place(*track)).map_err(|error| Error::io(&self.path, error))?;
        }
        Ok(())
    }

    /// Tracks that were found, with their inner products with `query` computed by their rows; largest first.
    ///
    /// # Errors
    /// [`Error::Damaged`] where a row is not what was written, [`Error::Io`].
    pub fn compared(&self, query: &[f32], found: &[(TrackId, f32)]) -> Result<Vec<(TrackId, f32)>> {
        let mut record = vec![0; self.record_bytes()];
        let mut compared = Vec::with_capacity(found.len());
        for &(track, _) in found {
            self.file.read_exact_at(&mut record, self.place(track)).map_err(|error| Error::io(&self.path, error))?;
            let (row, written) = record.split_at(self.record_bytes() - CHECKSUM_BYTES);
            if checksum(row) != written {
                let reason = format!("the row of track {track} is not what was written");
                return Err(Error::Damaged { path: self.path.clone(), reason });
            }
            let numbers = row.chunks_exact(2).map(|bytes| f16::from_le_bytes([bytes[0], bytes[1]]).to_f32());
            compared.push((track, numbers.zip(query).map(|(number, query)| number * query).sum()));
        }
        compared.sort_by(|a: &(TrackId, f32), b| b.1.total_cmp(&a.1));
        Ok(compared)
    }
}

fn checksum(row: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let hash = *blake3::hash(row).as_bytes();
    [hash[0], hash[1], hash[2], hash[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_compared_and_damage_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("generations/rows.f16");
        let rows = Rows::create(&path, 2).unwrap();
        rows.put(&[TrackId(7), TrackId(2)], &[1.0, 0.5, -0.25, 2.0]).unwrap();
        let found = [(TrackId(7), 0.0), (TrackId(2), 9.0)];
        // 1·2 + 0.5·1 and −0.25·2 + 2·1.
        let expected = vec![(TrackId(7), 2.5), (TrackId(2), 1.5)];
        assert_eq!(rows.compared(&[2.0, 1.0], &found).unwrap(), expected);
        let copy = Rows::open(&path, 2, 8).unwrap().copied_to(&folder.path().join("copy.f16")).unwrap();
        copy.put(&[TrackId(2)], &[8.0, 0.0]).unwrap();
        assert_eq!(copy.compared(&[2.0, 1.0], &found).unwrap(), [(TrackId(2), 16.0), (TrackId(7), 2.5)]);
        assert_eq!(rows.compared(&[2.0, 1.0], &found).unwrap(), expected);

        let mut bytes = std::fs::read(&path).unwrap();
        bytes[2 * 8 + 1] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let damaged = Rows::open(&path, 2, 8).unwrap();
        assert!(matches!(Rows::open(&path, 2, 9), Err(Error::Damaged { .. })));
        let error = damaged.compared(&[2.0, 1.0], &found).unwrap_err();
        assert!(matches!(error, Error::Damaged { reason, .. } if reason.contains("track 2 ")));
        assert!(damaged.compared(&[2.0, 1.0], &found[..1]).is_ok());
        // A hole, and behind the end.
        for missing in [3, 8] {
            assert!(damaged.compared(&[2.0, 1.0], &[(TrackId(missing), 0.0)]).is_err());
        }
    }
}
