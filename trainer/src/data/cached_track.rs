//! A decoded track on disk: mel band powers as half floats in dB, before level and normalisation, frames ×
//! bands, behind a header of 16 bytes.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use audio_frontend::MelPower;
use half::f16;
use memmap2::Mmap;

use crate::error::{Result, io};

/// Changes when the files' layout or the front end's arithmetic does.
pub(super) const CACHE_VERSION: u32 = 1;

const MAGIC: &[u8; 4] = b"stlm";
const HEADER_BYTES: usize = 16;

/// Lowest power that is told from silence, far below what any window shows.
const FLOOR_DB: f32 = -130.0;

/// A decoded track in the cache. Its file is mapped when rows are read, so that a corpus may have
/// more tracks than a process may have mappings.
#[derive(Debug, Clone)]
pub struct CachedTrack {
    file: PathBuf,
    frames: usize,
    bands: usize,
}

/// The power that a half float in dB stands for.
static POWER_OF_BITS: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let power = |bits: u16| {
        let db = f16::from_bits(bits).to_f32();
        if db <= FLOOR_DB || db.is_nan() { 0.0 } else { 10_f32.powf(db / 10.0) }
    };
    (0..=u16::MAX).map(power).collect()
});

impl CachedTrack {
    /// `None` where there is no such file, or one that was cut short or is damaged.
    pub(super) fn open(file: &Path, bands: usize) -> Option<Self> {
        let bytes = map(file).ok()?;
        let number = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let frames = number(12)? as usize;
        let whole = bytes.len() == HEADER_BYTES + 2 * frames * bands;
        let valid = bytes.starts_with(MAGIC) && number(4)? == CACHE_VERSION && number(8)? as usize == bands && whole;
        valid.then(|| Self { file: file.into(), frames, bands })
    }

    /// The file of a track's first `frames` frames.
    pub(super) fn encode(power: &MelPower, frames: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + 2 * frames * power.bands());
        bytes.extend(MAGIC);
        for number in [CACHE_VERSION, power.bands() as u32, frames as u32] {
            bytes.extend(number.to_le_bytes());
        }
        for power in power.rows(0, frames) {
            let db = (10.0 * power.log10()).max(FLOOR_DB);
            bytes.extend(f16::from_f32(db).to_le_bytes());
        }
        bytes
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Number of frames.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Appends the powers of some frames, row-major.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) where the cache was removed meanwhile.
    pub fn read(&self, frames: Range<usize>, rows: &mut Vec<f32>) -> Result<()> {
        let bytes = map(&self.file).map_err(io(&self.file))?;
        let place = |frame: usize| HEADER_BYTES + 2 * frame * self.bands;
        let cut_short = || io(&self.file)(std::io::ErrorKind::UnexpectedEof.into());
        let halves = bytes.get(place(frames.start)..place(frames.end)).ok_or_else(cut_short)?;
        rows.extend(
            halves.chunks_exact(2).map(|half| POWER_OF_BITS[usize::from(u16::from_le_bytes([half[0], half[1]]))]),
        );
        Ok(())
    }

    /// All of it.
    ///
    /// # Errors
    /// As [`CachedTrack::read`].
    pub fn whole(&self) -> Result<MelPower> {
        let mut rows = Vec::with_capacity(self.frames * self.bands);
        self.read(0..self.frames, &mut rows)?;
        Ok(MelPower::from_rows(self.bands, rows))
    }
}

#[allow(unsafe_code, reason = "mapping a file")]
fn map(file: &Path) -> std::io::Result<Mmap> {
    let file = File::open(file)?;
    // SAFETY: files of the cache are written under another name and renamed, never written to or cut
    // short afterwards, and a removed file stays as long as it is mapped.
    unsafe { Mmap::map(&file) }
}
