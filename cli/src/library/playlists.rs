//! Playlists on disk that are what the library answers now.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use index::radio::RadioConfig;
use index::{Selection, Store, TrackRecord};

use super::answering::{answers, radio};
use super::opened::Opened;
use super::query_vector::{QueryTrack, Resolver};
use crate::failure::told;
use crate::output;
use crate::playlist::config::{DEFAULT_LENGTH, PlaylistConfig, PlaylistKind, TrackName};
use crate::playlist::{jspf, m3u8, xspf};
use crate::progress::Progress;
use crate::settings::Settings;

/// Folder in the store of files that are named by relative paths.
const PLAYLISTS: &str = "playlists";

/// What a track counts that a list is not to be like, as in `query`.
const UNLIKE: f32 = -0.5;

/// A store's playlists.
#[derive(Debug)]
pub struct Playlists(Vec<PlaylistConfig>);

/// What became of playlists.
#[derive(Debug, Default, serde::Serialize)]
pub struct Refreshed {
    /// Files that were written, as their lists have changed.
    pub written: usize,
    /// Files that are what they were.
    pub unchanged: usize,
    /// Files that stay as they were, though they may not be what they should.
    pub kept: Vec<Kept>,
}

/// A playlist that stays as it was.
#[derive(Debug, serde::Serialize)]
pub struct Kept {
    /// Its file.
    pub file: String,
    /// Why.
    pub reason: String,
}

impl Playlists {
    /// Those of a store's folder.
    ///
    /// # Errors
    /// As [`PlaylistConfig::read`].
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        PlaylistConfig::read(folder).map(Self)
    }

    /// Writes those whose tracks have changed. What is wrong with one is told and noted, and does the others no harm.
    pub fn refresh(&self, settings: &Settings, store: &Store) -> Refreshed {
        let mut refreshed = Refreshed::default();
        if self.0.is_empty() {
            return refreshed;
        }
        let opened = Opened::open(settings);
        for playlist in &self.0 {
            let file = store.folder().join(PLAYLISTS).join(&playlist.file);
            let content = match &opened {
                Ok(Ok(opened)) => content(playlist, opened),
                Ok(Err(_)) => Err(anyhow::anyhow!("the library is empty")),
                Err(error) => Err(anyhow::anyhow!(told(error))),
            };
            match content.and_then(|content| write(&file, &content, playlist.file.is_relative())) {
                Ok(true) => refreshed.written += 1,
                Ok(false) => refreshed.unchanged += 1,
                Err(error) => {
                    let kept = Kept { file: file.display().to_string(), reason: told(&error) };
                    let warning = format!("warning: playlist {} is not refreshed: {}", kept.file, kept.reason);
                    Progress::new(settings, "", 0).println(&warning);
                    refreshed.kept.push(kept);
                }
            }
        }
        refreshed
    }
}

impl Refreshed {
    /// In a line; `None`: there are no playlists.
    pub fn to_text(&self) -> Option<String> {
        let Self { written, unchanged, kept } = self;
        if written + unchanged + kept.len() == 0 {
            return None;
        }
        let mut text = format!("{} written, {unchanged} unchanged", output::count(*written, "playlist"));
        if !kept.is_empty() {
            text.push_str(&format!(", {} not refreshed", kept.len()));
        }
        Some(text)
    }
}

/// What a playlist's file is to hold.
fn content(playlist: &PlaylistConfig, opened: &Opened) -> anyhow::Result<Vec<u8>> {
    let Opened { store, catalogue, searcher } = opened;
    let resolver = Resolver::new(store, catalogue, searcher.model_id());
    let resolve = |names: &[TrackName], weight| -> anyhow::Result<Vec<(QueryTrack, f32)>> {
        names.iter().map(|name| Ok((resolver.resolve_known(Path::new(&name.to_text()))?, weight))).collect()
    };
    let mut tracks = resolve(&playlist.seeds, 1.0)?;
    tracks.extend(resolve(&playlist.unlike, UNLIKE)?);
    let records = match playlist.kind {
        PlaylistKind::Similar => similar(playlist, opened, &tracks)?,
        PlaylistKind::Radio => {
            let among = searcher.among(catalogue, &playlist.to_filter()?)?;
            let defaults = RadioConfig::default();
            let config = RadioConfig {
                drift: playlist.drift.unwrap_or(defaults.drift),
                seed: playlist.seed.unwrap_or(defaults.seed),
                ..defaults
            };
            taken(playlist, radio(catalogue, searcher, &tracks, among, config)?)?
        }
    };
    anyhow::ensure!(!records.is_empty(), "no other track is what is asked for");
    Ok(match playlist.extension().as_deref() {
        Some("xspf") => xspf(&records)?.into_bytes(),
        Some("jspf") => serde_json::to_string_pretty(&jspf(&records))?.into_bytes(),
        _ => m3u8(&records),
    })
}

/// The nearest tracks: as many as were asked for, or as many as last so long.
fn similar(
    playlist: &PlaylistConfig,
    Opened { catalogue, searcher, .. }: &Opened,
    tracks: &[(QueryTrack, f32)],
) -> anyhow::Result<Vec<TrackRecord>> {
    let among = searcher.among(catalogue, &playlist.to_filter()?)?;
    let mut count = playlist.length.or(playlist.minutes).unwrap_or(DEFAULT_LENGTH) as usize;
    loop {
        let selection = Selection {
            count,
            min_similarity: playlist.min_similarity,
            per_artist: playlist.per_artist.map(Into::into),
            per_album: playlist.per_album.map(Into::into),
            ..Selection::default()
        };
        let answers = answers(catalogue, searcher, tracks, among.clone(), selection)?;
        let found = answers.len();
        let records = taken(playlist, answers.into_iter().map(|answer| Ok(answer.record)))?;
        // Where not all are needed, or there are no more, it is long enough.
        if playlist.minutes.is_none() || records.len() < found || found < count {
            return Ok(records);
        }
        count *= 2;
    }
}

/// The first tracks, as many as were asked for or as last so long.
fn taken(
    playlist: &PlaylistConfig,
    tracks: impl Iterator<Item = index::Result<TrackRecord>>,
) -> anyhow::Result<Vec<TrackRecord>> {
    let most = match playlist.minutes {
        Some(_) => usize::MAX,
        None => playlist.length.unwrap_or(DEFAULT_LENGTH) as usize,
    };
    let least_seconds = playlist.minutes.map_or(f64::INFINITY, |minutes| 60.0 * f64::from(minutes));
    let (mut records, mut seconds) = (Vec::new(), 0.0);
    for record in tracks {
        let record = record?;
        seconds += record.file.duration_seconds.unwrap_or(0.0);
        records.push(record);
        if records.len() == most || seconds >= least_seconds {
            break;
        }
    }
    Ok(records)
}

/// Writes a file whose content has changed, in one go: who reads it meanwhile reads what it was. Returns whether it had to be
/// written.
fn write(file: &Path, content: &[u8], makes_folder: bool) -> anyhow::Result<bool> {
    let place = || file.display().to_string();
    if std::fs::read(file).is_ok_and(|before| before == content) {
        return Ok(false);
    }
    // Where a link leads, so that it stays one.
    let file: PathBuf = file.canonicalize().unwrap_or_else(|_| file.into());
    let folder = file.parent().unwrap_or(&file);
    // The folder of an absolute path may be missing because a disk is.
    if makes_folder {
        std::fs::create_dir_all(folder).with_context(place)?;
    }
    let mut partial = tempfile::NamedTempFile::new_in(folder).with_context(place)?;
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    let written = partial.write_all(content).and_then(|()| partial.as_file().set_permissions(permissions));
    written.and_then(|()| partial.as_file().sync_all()).with_context(place)?;
    partial.persist(&file).map_err(|error| error.error).with_context(place)?;
    Ok(true)
}
