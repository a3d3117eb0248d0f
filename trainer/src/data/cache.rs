//! Decoded tracks on disk, so that a second run, and every crop of a run, costs no decoding.
//!
//! A file holds the mel band powers of a track as half floats in dB, before level and normalisation,
//! frames × bands, behind a header of 16 bytes. Its name is the hash of the audio file's content, in a
//! folder named after all that changes the powers: so nothing has to be invalidated, a renamed track
//! is found again, and an interrupted run goes on where it was.

use std::collections::BTreeSet;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::SystemTime;

use audio_frontend::content::hash_file;
use audio_frontend::{Coverage, FrontEndConfig, MelPower, Windows};
use half::f16;
use memmap2::Mmap;

use crate::embed::{unique_name, write_durably};
use crate::error::{Error, Result};

/// Changes when the files' layout or the front end's arithmetic does.
const CACHE_VERSION: u32 = 1;

const MAGIC: &[u8; 4] = b"stlm";
const HEADER_BYTES: usize = 16;

/// Lowest power that is told from silence, far below what any window shows.
const FLOOR_DB: f32 = -130.0;

/// A folder of decoded tracks.
#[derive(Debug)]
pub struct LogMelCache {
    root: PathBuf,
    /// Where this front end's files are.
    folder: PathBuf,
    config: FrontEndConfig,
    limit_bytes: u64,
    /// Tells other runs that files are in use.
    user: User,
    contents: Mutex<Contents>,
}

/// What the cache holds.
#[derive(Debug, Default)]
struct Contents {
    total_bytes: u64,
    /// Files that this run has not used, the longest unused first.
    unused: BTreeSet<(SystemTime, PathBuf, u64)>,
}

impl LogMelCache {
    /// Opens or creates a cache of at most `limit_bytes`, all front ends together, for the first
    /// `track_seconds` of tracks.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(root: &Path, front_end: &FrontEndConfig, track_seconds: f64, limit_bytes: u64) -> Result<Self> {
        let config =
            FrontEndConfig { max_seconds: front_end.max_seconds.min(track_seconds as f32), ..front_end.clone() };
        let folder = root.join(digest(&config));
        std::fs::create_dir_all(&folder).map_err(io(&folder))?;
        let user = User::enter(root)?;
        let contents = Mutex::new(Contents::read(root));
        Ok(Self { root: root.into(), folder, config, limit_bytes, user, contents })
    }

    /// The track of a file, decoded now or before.
    ///
    /// # Errors
    /// [`Error::Audio`] where it cannot be read or is silent; [`Error::Io`]; [`Error::CacheFull`].
    pub fn track(&self, path: &Path) -> Result<CachedTrack> {
        let unreadable = |source| audio_frontend::Error::Io { path: path.into(), source };
        let hash = hash_file(path).map_err(unreadable)?;
        let name: String = hash[..NAME_BYTES].iter().map(|byte| format!("{byte:02x}")).collect();
        let file = self.folder.join(name);
        let track = match CachedTrack::open(&file, self.config.mel_bands) {
            Some(track) => {
                self.contents().forget(&file, Bytes::Kept);
                // The time of use is what decides which files go first; without it an older one counts.
                let _ = File::open(&file).and_then(|file| file.set_modified(SystemTime::now()));
                track
            }
            None => self.decode(path, &file)?,
        };
        if track.frames == 0 {
            return Err(audio_frontend::Error::Silent { path: path.into() }.into());
        }
        Ok(track)
    }

    fn decode(&self, path: &Path, file: &Path) -> Result<CachedTrack> {
        let power = audio_frontend::mel_power(path, &self.config)?;
        // Silence is worth remembering as well: as a track without frames.
        let frames = Windows::of_track(&power, &self.config, Coverage::Spread).map_or(0, |_| power.frames());
        let mut bytes = Vec::with_capacity(HEADER_BYTES + 2 * frames * power.bands());
        bytes.extend(MAGIC);
        for number in [CACHE_VERSION, power.bands() as u32, frames as u32] {
            bytes.extend(number.to_le_bytes());
        }
        for power in power.rows(0, frames) {
            let db = (10.0 * power.log10()).max(FLOOR_DB);
            bytes.extend(f16::from_f32(db).to_le_bytes());
        }
        // One that is damaged is written anew.
        self.contents().forget(file, Bytes::Gone);
        self.make_room(bytes.len() as u64)?;
        write_durably(file, &bytes)?;
        Ok(CachedTrack { file: file.into(), frames, bands: power.bands() })
    }

    fn contents(&self) -> std::sync::MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes the longest unused files until `bytes` more fit. While another run uses the cache nothing goes:
    /// its files must not vanish under it.
    fn make_room(&self, bytes: u64) -> Result<()> {
        let mut contents = self.contents();
        if contents.total_bytes + bytes > self.limit_bytes {
            let _gate = gate(&self.root)?;
            let others = self.user.others(&self.root)?;
            while !others && contents.total_bytes + bytes > self.limit_bytes {
                let Some((_, path, size)) = contents.unused.pop_first() else { break };
                std::fs::remove_file(&path).map_err(io(&path))?;
                contents.total_bytes -= size;
            }
            if contents.total_bytes + bytes > self.limit_bytes {
                let (folder, limit_bytes) = (self.root.clone(), self.limit_bytes);
                return Err(Error::CacheFull { folder, limit_bytes, others });
            }
        }
        contents.total_bytes += bytes;
        Ok(())
    }
}

/// What becomes of the bytes of a file that is no longer unused.
enum Bytes {
    /// It stays, and is in use.
    Kept,
    /// It is about to be replaced.
    Gone,
}

/// Bytes of a content hash that name a file, and digits of a front end's digest that name a folder.
const NAME_BYTES: usize = 16;
const FOLDER_DIGITS: usize = 16;

impl Contents {
    /// What is certainly the cache's own: the folder may hold other things as well.
    fn read(root: &Path) -> Self {
        let named = |path: &Path, digits: usize| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.len() == digits && name.chars().all(|digit| digit.is_ascii_hexdigit())
        };
        let mut contents = Self::default();
        for entry in walkdir::WalkDir::new(root).min_depth(2).max_depth(2).into_iter().flatten() {
            let path = entry.path();
            let in_place = path.parent().is_some_and(|folder| named(folder, FOLDER_DIGITS));
            let Ok(metadata) = entry.metadata() else { continue };
            if !in_place || !named(path, 2 * NAME_BYTES) || !metadata.is_file() {
                continue;
            }
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            contents.total_bytes += metadata.len();
            contents.unused.insert((used, path.into(), metadata.len()));
        }
        contents
    }

    /// A file is no longer among the unused.
    fn forget(&mut self, file: &Path, bytes: Bytes) {
        if let Some(entry) = self.unused.iter().find(|(_, path, _)| path == file).cloned() {
            self.unused.remove(&entry);
            if matches!(bytes, Bytes::Gone) {
                self.total_bytes -= entry.2;
            }
        }
    }
}

/// A run that uses the cache: a file of its own that it keeps locked.
#[derive(Debug)]
struct User {
    path: PathBuf,
    _lock: File,
}

/// Folder of the users' files within the cache.
const USERS: &str = "users";

impl User {
    fn enter(root: &Path) -> Result<Self> {
        let folder = root.join(USERS);
        std::fs::create_dir_all(&folder).map_err(io(&folder))?;
        let _gate = gate(root)?;
        let path = folder.join(unique_name());
        let lock = File::create(&path).map_err(io(&path))?;
        lock.lock().map_err(io(&path))?;
        Ok(Self { path, _lock: lock })
    }

    /// Whether another run uses the cache. What killed runs have left is removed.
    fn others(&self, root: &Path) -> Result<bool> {
        let folder = root.join(USERS);
        for entry in std::fs::read_dir(&folder).map_err(io(&folder))?.flatten() {
            let path = entry.path();
            if path == self.path {
                continue;
            }
            let Ok(file) = File::open(&path) else { continue };
            if file.try_lock().is_err() {
                return Ok(true);
            }
            let _ = std::fs::remove_file(&path); // nobody's: whether it goes does not matter
        }
        Ok(false)
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path); // the lock is what counts, and goes with the file
    }
}

/// Held while somebody enters, or finds out who is there and removes files; given up when dropped.
fn gate(root: &Path) -> Result<File> {
    let path = root.join("lock");
    let gate = File::create(&path).map_err(io(&path))?;
    gate.lock().map_err(io(&path))?;
    Ok(gate)
}

/// Names all that changes a track's powers.
fn digest(config: &FrontEndConfig) -> String {
    let FrontEndConfig { frame_seconds, hop_seconds, mel_bands, min_hz, max_hz, max_seconds, .. } = config;
    let text = format!("{CACHE_VERSION} {frame_seconds} {hop_seconds} {mel_bands} {min_hz} {max_hz} {max_seconds}");
    blake3::hash(text.as_bytes()).to_hex()[..16].to_owned()
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::Io { path, source }
}

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
    fn open(file: &Path, bands: usize) -> Option<Self> {
        let bytes = map(file).ok()?;
        let number = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let frames = number(12)? as usize;
        let whole = bytes.len() == HEADER_BYTES + 2 * frames * bands;
        let valid = bytes.starts_with(MAGIC) && number(4)? == CACHE_VERSION && number(8)? as usize == bands && whole;
        valid.then(|| Self { file: file.into(), frames, bands })
    }

    /// Number of frames.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Appends the powers of some frames, row-major.
    ///
    /// # Errors
    /// [`Error::Io`] where the cache was removed meanwhile.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn write_wav(path: &Path, seconds: f32, amplitude: f32) {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8000,
            bits_per_sample: 32,
            sample_format: hound::SampleFormat::Float,
        };
        let mut writer = hound::WavWriter::create(path, spec).unwrap();
        for sample in 0..(seconds * 8000.0) as usize {
            writer.write_sample(amplitude * (sample as f32 * 0.3).sin()).unwrap();
        }
        writer.finalize().unwrap();
    }

    fn open(root: &Path, limit_bytes: u64) -> LogMelCache {
        LogMelCache::open(root, &FrontEndConfig::default(), 600.0, limit_bytes).unwrap()
    }

    fn files(cache: &LogMelCache) -> usize {
        std::fs::read_dir(&cache.folder).unwrap().count()
    }

    #[test]
    fn powers_come_back_within_the_half_floats_precision_and_are_found_by_content() {
        let folder = tempfile::tempdir().unwrap();
        let (song, renamed) = (folder.path().join("song.wav"), folder.path().join("renamed.wav"));
        write_wav(&song, 5.0, 0.1);
        let cache = open(&folder.path().join("cache"), 1 << 30);
        let track = cache.track(&song).unwrap();
        let exact = audio_frontend::mel_power(&song, &FrontEndConfig::default()).unwrap();
        let cached = track.whole().unwrap();
        assert_eq!(cached.frames(), exact.frames());
        let db = |power: f32| 10.0 * power.max(1e-12).log10();
        let error = |(a, b): (&f32, &f32)| (db(*a) - db(*b)).abs();
        assert!(cached.all_rows().iter().zip(exact.all_rows()).map(error).fold(0.0, f32::max) < 0.07);
        let mut rows = Vec::new();
        track.read(3..5, &mut rows).unwrap();
        assert_eq!(rows, cached.rows(3, 2));
        std::fs::rename(&song, &renamed).unwrap();
        cache.track(&renamed).unwrap();
        assert_eq!(files(&cache), 1);
    }

    #[test]
    fn damaged_files_are_made_again_and_silence_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let (song, silent) = (folder.path().join("song.wav"), folder.path().join("silent.wav"));
        write_wav(&song, 5.0, 0.1);
        write_wav(&silent, 5.0, 0.0);
        let cache = open(&folder.path().join("cache"), 1 << 30);
        let track = cache.track(&song).unwrap();
        let bytes = std::fs::read(&track.file).unwrap();
        std::fs::write(&track.file, &bytes[..bytes.len() - 2]).unwrap();
        assert_eq!(cache.track(&song).unwrap().frames(), track.frames());
        assert_eq!(std::fs::read(&track.file).unwrap(), bytes);
        for _ in 0..2 {
            let error = cache.track(&silent).unwrap_err();
            assert!(matches!(error, Error::Audio(audio_frontend::Error::Silent { .. })), "{error}");
        }
        assert_eq!(files(&cache), 2);
    }

    #[test]
    fn the_longest_unused_goes_first_and_what_is_in_use_stays() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("cache");
        let song = |number: usize| folder.path().join(format!("{number}.wav"));
        for number in 0..4 {
            write_wav(&song(number), 5.0, 0.1 + number as f32);
        }
        let size = {
            let cache = open(&root, 1 << 30);
            for number in 0..3 {
                let track = cache.track(&song(number)).unwrap();
                let used = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(10 - number as u64);
                File::open(&track.file).unwrap().set_modified(used).unwrap();
            }
            let total = cache.contents().total_bytes;
            total / 3
        };
        // Room for three: number 2 is the longest unused, but in use; so 1 has to go.
        let cache = open(&root, 3 * size + 10);
        let (second, third) = (cache.track(&song(2)).unwrap(), cache.track(&song(3)).unwrap());
        assert_eq!(files(&cache), 3);
        assert!(second.whole().is_ok() && third.whole().is_ok());
        cache.track(&song(0)).unwrap();
        // All three are in use: nothing can go.
        assert!(matches!(cache.track(&song(1)), Err(Error::CacheFull { .. })));
        drop(cache);
        // Another run holds the cache: nothing of its may go.
        let other = open(&root, 1 << 30);
        let cache = open(&root, 3 * size + 10);
        assert!(matches!(cache.track(&song(1)), Err(Error::CacheFull { .. })));
        drop(other);
        assert!(cache.track(&song(1)).is_ok());
    }
}
