//! Playlists: those that were imported, to be read, and those of listeners, which all of them may change.

use std::path::Path;
use std::sync::PoisonError;

use index::catalogue::Playlist;
use index::{TrackId, TrackRecord};
use serde_json::{Value, json};

use super::Call;
use super::entries::{Entries, moment, whole_seconds};
use super::failure::{Code, Failure};
use super::ids::{Id, playlist_id};
use super::playlist_file::{Folder, line_of, name_of, remove};
use super::settled;
use crate::library::Library;

/// Songs of a playlist at most.
const MOST_SONGS: usize = 10_000;

/// `getPlaylists`.
pub(super) fn all(library: &Library, call: &Call) -> Result<Value, Failure> {
    let folder = Folder::of(library.store())?;
    let told = reading(library, call, |entries| {
        let playlists = entries.catalogue.playlists()?;
        let told = playlists.iter().map(|playlist| Ok(told(entries, call, &folder, playlist)?.0));
        told.collect::<Result<Vec<_>, Failure>>()
    })?;
    Ok(json!({ "playlists": { "playlist": told } }))
}

/// `getPlaylist`.
pub(super) fn one(library: &Library, call: &Call) -> Result<Value, Failure> {
    let id = number_of(call.parameters.id()?)?;
    whole(library, call, |entries| Ok(entries.catalogue.playlist(id)?))
}

/// `createPlaylist`: a new one, or other songs for one that there is.
pub(super) fn create(library: &Library, call: &Call) -> Result<Value, Failure> {
    let _one_at_a_time = call.memory.playlists.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Folder::of(library.store())?;
    let (tracks, name) = (call.parameters.tracks("songId")?, call.parameters.text("name"));
    if call.parameters.text("playlistId").is_some() {
        let playlist = own(library, call, &folder)?;
        let name = name.map_or_else(|| name_of(&playlist.path), line_of);
        save(library, call, &folder, &playlist.path, &name, &tracks)?;
        return whole(library, call, |entries| Ok(entries.catalogue.playlist(playlist.id)?));
    }
    let name = line_of(name.ok_or_else(|| Failure::missing("name"))?);
    let records = records_of(library, call, &tracks)?;
    let is_taken = |path: &Path| library.read(|catalogue| Ok(catalogue.find_playlist(path)?.is_some()));
    let path = folder.add(&name, &records, is_taken)?;
    if let Err(problem) = library.note(|writer| writer.put_playlist(&path, &tracks)) {
        // A file that nobody lists is nobody's.
        remove(&path)?;
        return Err(problem.into());
    }
    whole(library, call, |entries| Ok(entries.catalogue.find_playlist(&path)?))
}

/// `updatePlaylist`: another name, songs less, songs more. It keeps its file.
pub(super) fn update(library: &Library, call: &Call) -> Result<Value, Failure> {
    let _one_at_a_time = call.memory.playlists.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Folder::of(library.store())?;
    let playlist = own(library, call, &folder)?;
    let number =
        |text: &str| text.parse::<usize>().map_err(|_| Failure::new(Code::Generic, "songIndexToRemove is no number"));
    let removed = call.parameters.all("songIndexToRemove").map(number).collect::<Result<Vec<_>, Failure>>()?;
    let kept = playlist.tracks.iter().enumerate().filter(|(place, _)| !removed.contains(place));
    let mut tracks: Vec<TrackId> = kept.map(|(_, track)| *track).collect();
    tracks.extend(call.parameters.tracks("songIdToAdd")?);
    let name = call.parameters.text("name").map_or_else(|| name_of(&playlist.path), line_of);
    save(library, call, &folder, &playlist.path, &name, &tracks)?;
    Ok(json!({}))
}

/// `deletePlaylist`.
pub(super) fn delete(library: &Library, call: &Call) -> Result<Value, Failure> {
    let _one_at_a_time = call.memory.playlists.lock().unwrap_or_else(PoisonError::into_inner);
    let playlist = own(library, call, &Folder::of(library.store())?)?;
    library.note(|writer| writer.remove_playlist(playlist.id))?;
    remove(&playlist.path)?;
    Ok(json!({}))
}

fn save(
    library: &Library,
    call: &Call,
    folder: &Folder,
    path: &Path,
    name: &str,
    tracks: &[TrackId],
) -> Result<(), Failure> {
    folder.replace(path, name, &records_of(library, call, tracks)?)?;
    Ok(library.note(|writer| writer.put_playlist(path, tracks))?)
}

fn records_of(library: &Library, call: &Call, tracks: &[TrackId]) -> Result<Vec<TrackRecord>, Failure> {
    if tracks.len() > MOST_SONGS {
        return Err(Failure::new(Code::Generic, format!("a playlist has {MOST_SONGS} songs at most")));
    }
    reading(library, call, |entries| tracks.iter().map(|track| entries.record(*track)).collect())
}

fn number_of(id: Id) -> Result<i64, Failure> {
    match id {
        Id::Playlist(number) => Ok(number),
        _ => Err(Failure::not_found("this id is no playlist's")),
    }
}

/// The playlist that is to be changed, which has to be a listener's.
fn own(library: &Library, call: &Call, folder: &Folder) -> Result<Playlist, Failure> {
    let name = if call.parameters.text("playlistId").is_some() { "playlistId" } else { "id" };
    let id = Id::parse(call.parameters.needed(name)?).ok_or_else(unknown)?;
    let number = number_of(id)?;
    let playlist = reading(library, call, |entries| entries.catalogue.playlist(number)?.ok_or_else(unknown))?;
    match folder.holds(&playlist.path) {
        true => Ok(playlist),
        false => {
            Err(Failure::new(Code::NotAllowed, "this playlist was imported: change its file, and import it again"))
        }
    }
}

fn unknown() -> Failure {
    Failure::not_found("there is no such playlist")
}

fn reading<T>(
    library: &Library,
    call: &Call,
    read: impl FnOnce(&Entries<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    library.read(|catalogue| settled(Entries::new(catalogue, &call.caller).and_then(|entries| read(&entries))))?
}

/// A playlist with its songs.
fn whole(
    library: &Library,
    call: &Call,
    find: impl FnOnce(&Entries<'_>) -> Result<Option<Playlist>, Failure>,
) -> Result<Value, Failure> {
    let folder = Folder::of(library.store())?;
    reading(library, call, |entries| {
        let playlist = find(entries)?.ok_or_else(unknown)?;
        let (mut told, records) = told(entries, call, &folder, &playlist)?;
        told["entry"] = entries.songs(&records).into();
        Ok(json!({ "playlist": told }))
    })
}

/// A playlist without its songs, and these. Fields that have to be there are, where it is not known since when it is.
fn told(
    entries: &Entries<'_>,
    call: &Call,
    folder: &Folder,
    playlist: &Playlist,
) -> Result<(Value, Vec<TrackRecord>), Failure> {
    let records = playlist.tracks.iter().filter_map(|track| entries.catalogue.get(*track).transpose());
    let records = records.collect::<index::Result<Vec<TrackRecord>>>()?;
    let seconds: f64 = records.iter().filter_map(|record| record.file.duration_seconds).sum();
    let is_own = folder.holds(&playlist.path);
    let changed = moment(playlist.changed_at.unwrap_or_default());
    let id = playlist_id(playlist.id);
    let told = json!({
        "id": id,
        "name": name_of(&playlist.path),
        // Players let those change a playlist whose it is.
        "owner": is_own.then_some(&call.caller.0),
        "public": true,
        "readonly": !is_own,
        "songCount": records.len(),
        "duration": whole_seconds(seconds),
        "created": changed,
        "changed": changed,
        "coverArt": (!records.is_empty()).then_some(id.clone()),
    });
    Ok((told, records))
}
