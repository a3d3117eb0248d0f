//! Decoded tracks on disk, so that a second run, and every crop of a run, costs no decoding.
//!
//! A file ([`CachedTrack`]) is named after the hash of the audio file's content, in a
//! folder named after all that changes the powers: so nothing has to be invalidated, a renamed track
//! is found again, and an interrupted run goes on where it was.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use audio_frontend::content::hash_file;
use audio_frontend::{Coverage, FrontEndConfig, Windows};

use super::cache_users::{User, gate};
use super::cached_track::{CACHE_VERSION, CachedTrack};
use crate::embed::write_durably;
use crate::error::{Error, Result, io};

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
        if track.frames() == 0 {
            return Err(audio_frontend::Error::Silent { path: path.into() }.into());
        }
        Ok(track)
    }

    fn decode(&self, path: &Path, file: &Path) -> Result<CachedTrack> {
        let power = audio_frontend::mel_power(path, &self.config)?;
        // Silence is worth remembering as well: as a track without frames.
        let frames = Windows::of_track(&power, &self.config, Coverage::Spread).map_or(0, |_| power.frames());
        let bytes = CachedTrack::encode(&power, frames);
        // One that is damaged is written anew.
        self.contents().forget(file, Bytes::Gone);
        self.make_room(bytes.len() as u64)?;
        write_durably(file, &bytes)?;
        CachedTrack::open(file, power.bands()).ok_or_else(|| io(file)(std::io::ErrorKind::InvalidData.into()))
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

/// Names all that changes a track's powers.
fn digest(config: &FrontEndConfig) -> String {
    let FrontEndConfig { frame_seconds, hop_seconds, mel_bands, min_hz, max_hz, max_seconds, .. } = config;
    let text = format!("{CACHE_VERSION} {frame_seconds} {hop_seconds} {mel_bands} {min_hz} {max_hz} {max_seconds}");
    blake3::hash(text.as_bytes()).to_hex()[..16].to_owned()
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
        let bytes = std::fs::read(track.file()).unwrap();
        std::fs::write(track.file(), &bytes[..bytes.len() - 2]).unwrap();
        assert_eq!(cache.track(&song).unwrap().frames(), track.frames());
        assert_eq!(std::fs::read(track.file()).unwrap(), bytes);
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
                File::open(track.file()).unwrap().set_modified(used).unwrap();
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
