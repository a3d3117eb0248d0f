//! Which audio files lie below a folder.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::Context;
use audio_frontend::formats::has_audio_extension;
use index::FileStamp;

use crate::failure::hinted;

/// What a walk found.
#[derive(Debug, Default)]
pub struct Found {
    /// The roots, absolute and without links.
    pub roots: Vec<PathBuf>,
    /// Audio files with their stamps, by path: each once, whichever roots it lies under.
    pub files: BTreeMap<PathBuf, FileStamp>,
    /// Folders and links that could not be read, with the reason.
    pub unreadable: Vec<(PathBuf, String)>,
}

/// A file as listings of JSON lines have it.
#[derive(serde::Serialize)]
pub struct ListedFile<'a> {
    path: &'a str,
    size_bytes: u64,
    modified_ns: i64,
}

impl<'a> ListedFile<'a> {
    /// `None`: its name is no text, and cannot stand in JSON.
    pub fn new(path: &'a Path, FileStamp { size_bytes, modified_ns }: FileStamp) -> Option<Self> {
        Some(Self { path: path.to_str()?, size_bytes, modified_ns })
    }
}

/// Walks folders, following links but no loops. A root may be a single file, whatever its name.
///
/// # Errors
/// Where a root is missing or cannot be read. What lies below is only noted.
pub fn walk(roots: &[PathBuf]) -> anyhow::Result<Found> {
    let mut found = Found::default();
    for root in roots {
        let canonical = root.canonicalize().with_context(|| root.display().to_string());
        let canonical =
            canonical.map_err(|error| hinted(error, "name a folder of music that exists and can be read"))?;
        let metadata = std::fs::metadata(&canonical).with_context(|| root.display().to_string())?;
        if metadata.is_dir() {
            std::fs::read_dir(&canonical).with_context(|| root.display().to_string())?;
            let before = found.files.len();
            walk_folder(&canonical, &mut found);
            if found.files.len() == before && roots.len() > 1 {
                // Perhaps a disk that is not mounted: what was known of it is not gone.
                found.unreadable.push((canonical.clone(), "no audio files".into()));
            }
        } else {
            found.files.insert(canonical.clone(), stamp_of(&metadata));
        }
        found.roots.push(canonical);
    }
    Ok(found)
}

fn walk_folder(root: &Path, found: &mut Found) {
    let mut folder = RealFolder::default();
    for entry in walkdir::WalkDir::new(root).follow_links(true) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.loop_ancestor().is_some() => continue,
            Err(error) => {
                let path = error.path().unwrap_or(root).to_owned();
                let reason = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                found.unreadable.push((path, reason));
                continue;
            }
        };
        if entry.file_type().is_dir() {
            if entry.path_is_symlink() {
                // What is gone from behind a link is gone from the library.
                found.roots.extend(entry.path().canonicalize().ok());
            }
            continue;
        }
        if !has_audio_extension(entry.path()) {
            continue;
        }
        // The real place of what was reached through a link, so that it is taken in once.
        let path = if entry.path_is_symlink() { entry.path().canonicalize() } else { folder.real_path(entry.path()) };
        match path.and_then(|path| Ok((std::fs::metadata(&path)?, path))) {
            Ok((metadata, path)) => {
                found.files.insert(path, stamp_of(&metadata));
            }
            Err(error) => found.unreadable.push((entry.path().to_owned(), error.to_string())),
        }
    }
}

/// The real place of the folder that was asked for last: files come folder by folder.
#[derive(Default)]
struct RealFolder {
    named: PathBuf,
    real: PathBuf,
}

impl RealFolder {
    fn real_path(&mut self, file: &Path) -> std::io::Result<PathBuf> {
        let parent = file.parent().unwrap_or(file);
        if parent != self.named {
            self.real = parent.canonicalize()?;
            self.named = parent.to_owned();
        }
        Ok(file.file_name().map_or_else(|| self.real.clone(), |name| self.real.join(name)))
    }
}

/// The stamp of a file, from its metadata.
pub fn stamp_of(metadata: &Metadata) -> FileStamp {
    let modified_ns = metadata.modified().ok().map_or(0, |time| match time.duration_since(UNIX_EPOCH) {
        Ok(after) => after.as_nanos() as i64,
        Err(before) => -(before.duration().as_nanos() as i64),
    });
    FileStamp { size_bytes: metadata.len(), modified_ns }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linked_file_is_found_once_and_a_loop_ends() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("album")).unwrap();
        std::fs::write(root.join("album/song.WAV"), "x").unwrap();
        std::fs::write(root.join("cover.jpg"), "x").unwrap();
        std::os::unix::fs::symlink(&root, root.join("album/loop")).unwrap();
        std::os::unix::fs::symlink(root.join("album/song.WAV"), root.join("favourite.wav")).unwrap();
        std::os::unix::fs::symlink(root.join("album"), root.join("same-album")).unwrap();
        let found = walk(std::slice::from_ref(&root)).unwrap();
        assert_eq!(found.files.keys().collect::<Vec<_>>(), [&root.join("album/song.WAV")]);
        assert!(found.unreadable.is_empty(), "{:?}", found.unreadable);
    }
}
