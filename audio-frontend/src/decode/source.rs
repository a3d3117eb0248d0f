//! Where a decoder's bytes come from: a file or memory, until its time is up.

use std::fs::File;
use std::io::{Cursor, Error as IoError, ErrorKind, Read, Result as IoResult, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use symphonia::core::io::MediaSource;

use crate::error::{Error, Result};

/// Time that one file may take at most: a hostile one could keep a worker for ever.
pub const TIME_LIMIT: Duration = Duration::from_secs(600);

/// After this time, a demuxer that took in less than [`SLOW_BYTES_A_SECOND`] is busy with something
/// else than music, and gets so few bytes at a time that it comes to the deadline soon.
const SLOW_AFTER: Duration = Duration::from_secs(2);

/// See [`SLOW_AFTER`]. Music is decoded at a hundred times this rate at least.
const SLOW_BYTES_A_SECOND: f64 = 10_000.0;

/// Bytes given to a slow demuxer at a time.
const SLOW_BYTES: usize = 64;

/// RF64 (EBU Tech 3306) is a WAV file whose sizes stand in its first chunk; BW64 (ITU-R BS.2088)
/// is its younger twin.
const LONG_WAVE_MARKERS: [[u8; 4]; 2] = [*b"RF64", *b"BW64"];

/// Bytes to decode. They can be opened any number of times.
#[derive(Debug, Clone)]
pub enum Bytes<'a> {
    /// A regular file.
    File(&'a Path),
    /// A file's content.
    Memory(Arc<[u8]>),
}

/// Opened bytes as Symphonia reads them. A read after the deadline fails, so that no loop of a
/// demuxer goes on for ever.
pub(super) struct Source {
    inner: Inner,
    length_bytes: u64,
    position: u64,
    bytes_read: u64,
    opened: Instant,
    deadline: Instant,
    /// What the first bytes are given out as, and the length of the samples in bytes.
    long_wave: Option<LongWave>,
}

/// A WAV file of 64-bit sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LongWave {
    /// Length of all samples in bytes.
    pub data_bytes: u64,
}

enum Inner {
    File(File),
    Memory(Cursor<Arc<[u8]>>),
}

impl Source {
    /// Opens bytes; `path` names them in errors.
    pub fn open(bytes: &Bytes<'_>, path: &Path, deadline: Instant) -> Result<Self> {
        let io = |source| Error::Io { path: path.into(), source };
        let (inner, length_bytes) = match bytes {
            Bytes::File(file) => {
                // Before opening: a FIFO would block.
                let metadata = std::fs::metadata(file).map_err(io)?;
                if !metadata.is_file() {
                    return Err(Error::NotAFile { path: path.into() });
                }
                (Inner::File(File::open(file).map_err(io)?), metadata.len())
            }
            Bytes::Memory(bytes) => (Inner::Memory(Cursor::new(bytes.clone())), bytes.len() as u64),
        };
        if length_bytes == 0 {
            return Err(Error::EmptyFile { path: path.into() });
        }
        let mut source =
            Self { inner, length_bytes, position: 0, bytes_read: 0, opened: Instant::now(), deadline, long_wave: None };
        source.long_wave = source.find_long_wave().map_err(io)?;
        Ok(source)
    }

    /// Length in bytes.
    pub fn length_bytes(&self) -> u64 {
        self.length_bytes
    }

    /// Set where the bytes are a WAV file of 64-bit sizes.
    pub fn long_wave(&self) -> Option<LongWave> {
        self.long_wave
    }

    fn find_long_wave(&mut self) -> IoResult<Option<LongWave>> {
        // RF64, size, WAVE, ds64, size, RIFF size, data size.
        let mut header = Vec::with_capacity(36);
        Read::by_ref(&mut self.inner).take(36).read_to_end(&mut header)?;
        self.inner.seek(SeekFrom::Start(0))?;
        let is_long = header.len() == 36
            && LONG_WAVE_MARKERS.iter().any(|marker| header.starts_with(marker))
            && header[8..16] == *b"WAVEds64";
        let mut data_bytes = [0; 8];
        if is_long {
            data_bytes.copy_from_slice(&header[28..36]);
        }
        Ok(is_long.then(|| LongWave { data_bytes: u64::from_le_bytes(data_bytes) }))
    }
}

impl Read for Inner {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Memory(bytes) => bytes.read(buffer),
        }
    }
}

impl Seek for Inner {
    fn seek(&mut self, to: SeekFrom) -> IoResult<u64> {
        match self {
            Self::File(file) => file.seek(to),
            Self::Memory(bytes) => bytes.seek(to),
        }
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        let now = Instant::now();
        if now > self.deadline {
            return Err(IoError::from(ErrorKind::TimedOut));
        }
        let elapsed = now - self.opened;
        let is_slow = elapsed > SLOW_AFTER && (self.bytes_read as f64) < SLOW_BYTES_A_SECOND * elapsed.as_secs_f64();
        let most = if is_slow { SLOW_BYTES.min(buffer.len()) } else { buffer.len() };
        let count = self.inner.read(&mut buffer[..most])?;
        self.bytes_read += count as u64;
        if self.long_wave.is_some() && self.position < 4 {
            // Symphonia reads "RIFF" alone; sizes of 2³² − 1 it takes for unknown.
            for (byte, &marker) in buffer[..count].iter_mut().zip(&b"RIFF"[self.position as usize..]) {
                *byte = marker;
            }
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> IoResult<u64> {
        self.position = self.inner.seek(to)?;
        Ok(self.position)
    }
}

impl MediaSource for Source {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(bytes: &[u8], deadline: Instant) -> Source {
        Source::open(&Bytes::Memory(bytes.into()), Path::new("memory"), deadline).unwrap()
    }

    #[test]
    fn a_long_wave_reads_as_riff_and_tells_its_length() {
        let mut bytes = Vec::from(*b"RF64\xff\xff\xff\xffWAVEds64\x1c\0\0\0");
        bytes.extend(100_u64.to_le_bytes());
        bytes.extend((1_u64 << 33).to_le_bytes());
        let mut source = source(&bytes, Instant::now() + TIME_LIMIT);
        assert_eq!(source.long_wave(), Some(LongWave { data_bytes: 1 << 33 }));
        let mut first = [0; 3];
        source.read_exact(&mut first).unwrap();
        let mut rest = Vec::new();
        source.read_to_end(&mut rest).unwrap();
        assert_eq!((&first, &rest[..2]), (b"RIF", &b"F\xff"[..]));
    }

    #[test]
    fn who_reads_slowly_gets_little() {
        let mut source = source(&[1; 1000], Instant::now() + TIME_LIMIT);
        source.opened -= Duration::from_secs(3);
        assert_eq!(source.read(&mut [0; 1000]).unwrap(), SLOW_BYTES);
        source.bytes_read = 1 << 20;
        assert_eq!(source.read(&mut [0; 500]).unwrap(), 500);
    }

    #[test]
    fn reading_ends_with_the_time() {
        let mut late = source(b"RIFF", Instant::now() - Duration::from_millis(1));
        assert_eq!(late.read(&mut [0; 4]).unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(late.read(&mut [0; 4]).unwrap_err().kind(), ErrorKind::TimedOut);
    }
}
