//! Lists of albums and songs.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use index::TrackId;
use index::catalogue::{AlbumEntry, Bounds, Filter};
use rand::seq::{IndexedRandom, SliceRandom};
use serde_json::{Value, json};

use super::Call;
use super::browse::{album_tracks, artist_entry};
use super::entries::{Entries, album_of};
use super::failure::{Code, Failure};
use super::ids::{album_id, artist_id};

/// Things of a list at most.
const MOST: usize = 500;

/// `getAlbumList2`.
pub(super) fn albums(entries: &Entries<'_>, call: &Call) -> Result<Value, Failure> {
    let albums = listed(entries, call)?;
    let albums = albums.iter().map(|album| entries.album(album)).collect::<Result<Vec<_>, Failure>>()?;
    Ok(json!({ "albumList2": { "album": albums } }))
}

/// `getAlbumList`, where albums are folders.
pub(super) fn album_folders(entries: &Entries<'_>, call: &Call) -> Result<Value, Failure> {
    let albums = listed(entries, call)?;
    let albums = albums.iter().map(|album| entries.album_folder(album)).collect::<Result<Vec<_>, Failure>>()?;
    Ok(json!({ "albumList": { "album": albums } }))
}

fn listed(entries: &Entries<'_>, call: &Call) -> Result<Vec<AlbumEntry>, Failure> {
    let parameters = &call.parameters;
    let (kind, size) = (parameters.needed("type")?, parameters.count("size", 10, MOST)?);
    let offset = parameters.number("offset")?.unwrap_or(0);
    let mut albums = entries.catalogue.albums()?;
    match kind {
        "alphabeticalByName" => albums.sort_by_cached_key(|album| album.name.to_lowercase()),
        "alphabeticalByArtist" => {}
        // Numbers are given as tracks are taken in.
        "newest" => albums.sort_by_key(|album| Reverse(album.cover)),
        "random" => albums.shuffle(&mut rand::rng()),
        "byYear" => by_year(&mut albums, parameters.number("fromYear")?, parameters.number("toYear")?)?,
        "byGenre" => {
            let genre = parameters.needed("genre")?;
            albums.retain(|album| album.genre.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(genre)));
        }
        "starred" => retain_ranked(&mut albums, |id, album| {
            let marked = entries.marked(id)?;
            Ok((marked.starred > 0 && marked.starred >= album.tracks).then_some(marked.starred_at as f64))
        })?,
        "highest" => retain_ranked(&mut albums, |id, _| Ok(entries.marked(id)?.rating()))?,
        "frequent" => {
            let heard = heard(entries)?;
            retain_ranked(&mut albums, |id, _| Ok(heard.get(id).map(|(times, _)| *times as f64)))?;
        }
        "recent" => {
            let heard = heard(entries)?;
            retain_ranked(&mut albums, |id, _| Ok(heard.get(id).map(|(_, at)| *at as f64)))?;
        }
        _ => return Err(Failure::new(Code::Generic, "there is no list of albums of this type")),
    }
    Ok(albums.into_iter().skip(offset).take(size).collect())
}

/// From the one year to the other, backwards where the first is the later one.
fn by_year(albums: &mut Vec<AlbumEntry>, from: Option<u16>, to: Option<u16>) -> Result<(), Failure> {
    let from = from.ok_or_else(|| Failure::missing("fromYear"))?;
    let to = to.ok_or_else(|| Failure::missing("toYear"))?;
    let years = from.min(to)..=from.max(to);
    albums.retain(|album| album.year.is_some_and(|year| years.contains(&year)));
    albums.sort_by_key(|album| album.year);
    if from > to {
        albums.reverse();
    }
    Ok(())
}

/// Those that have a rank, the highest first.
fn retain_ranked(
    albums: &mut Vec<AlbumEntry>,
    rank: impl Fn(&str, &AlbumEntry) -> Result<Option<f64>, Failure>,
) -> Result<(), Failure> {
    let mut ranked = Vec::new();
    for album in albums.drain(..) {
        let id = album_id(album.artist.as_deref(), &album.name);
        ranked.extend(rank(&id, &album)?.map(|rank| (rank, album)));
    }
    ranked.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    albums.extend(ranked.into_iter().map(|(_, album)| album));
    Ok(())
}

/// How often something of an album was heard, and when last.
fn heard(entries: &Entries<'_>) -> Result<HashMap<String, (usize, i64)>, Failure> {
    let mut tracks: HashMap<TrackId, (usize, i64)> = HashMap::new();
    for play in entries.catalogue.plays()?.into_iter().filter(|play| !play.skipped) {
        let (times, at) = tracks.entry(play.track).or_default();
        *times += 1;
        *at = (*at).max(play.at);
    }
    let mut albums: HashMap<String, (usize, i64)> = HashMap::new();
    for (track, (more, last)) in tracks {
        let Some(record) = entries.catalogue.get(track)? else { continue };
        let Some(album) = record.file.album else { continue };
        let (times, at) = albums.entry(album_id(record.file.artist.as_deref(), &album)).or_default();
        *times += more;
        *at = (*at).max(last);
    }
    Ok(albums)
}

/// Embedded tracks that are what a filter says, by their numbers.
fn matching(entries: &Entries<'_>, filter: &Filter) -> Result<Vec<TrackId>, Failure> {
    let Some(model) = entries.catalogue.serving_model()? else { return Ok(Vec::new()) };
    let mut tracks = entries.catalogue.embedded_tracks(&model)?;
    if let Some(among) = entries.catalogue.matching(filter)? {
        tracks.retain(|track| among.contains(*track));
    }
    Ok(tracks)
}

fn songs(entries: &Entries<'_>, tracks: impl Iterator<Item = TrackId>) -> Result<Vec<Value>, Failure> {
    tracks.map(|track| Ok(entries.song(&entries.record(track)?))).collect()
}

/// `getRandomSongs`.
pub(super) fn random_songs(entries: &Entries<'_>, call: &Call) -> Result<Value, Failure> {
    let parameters = &call.parameters;
    let filter = Filter {
        genres: parameters.text("genre").map(str::to_owned).into_iter().collect(),
        years: Bounds { least: parameters.number("fromYear")?, most: parameters.number("toYear")? },
        ..Filter::default()
    };
    let tracks = matching(entries, &filter)?;
    let chosen = tracks.sample(&mut rand::rng(), parameters.count("size", 10, MOST)?);
    Ok(json!({ "randomSongs": { "song": songs(entries, chosen.copied())? } }))
}

/// `getSongsByGenre`.
pub(super) fn songs_by_genre(entries: &Entries<'_>, call: &Call) -> Result<Value, Failure> {
    let parameters = &call.parameters;
    let filter = Filter { genres: vec![parameters.needed("genre")?.to_owned()], ..Filter::default() };
    let (offset, count) = (parameters.number("offset")?.unwrap_or(0), parameters.count("count", 10, MOST)?);
    let tracks = matching(entries, &filter)?.into_iter().skip(offset).take(count);
    Ok(json!({ "songsByGenre": { "song": songs(entries, tracks)? } }))
}

/// `getTopSongs`: what was heard most of an artist.
pub(super) fn top_songs(entries: &Entries<'_>, call: &Call) -> Result<Value, Failure> {
    let count = call.parameters.count("count", 50, MOST)?;
    let mut times: HashMap<TrackId, usize> = HashMap::new();
    let plays = entries.catalogue.plays()?.into_iter().filter(|play| !play.skipped);
    plays.for_each(|play| *times.entry(play.track).or_default() += 1);
    let mut tracks = entries.catalogue.tracks_of_artist(call.parameters.needed("artist")?)?;
    tracks.retain(|record| times.contains_key(&record.id));
    tracks.sort_by_key(|record| Reverse(times.get(&record.id).copied()));
    Ok(json!({ "topSongs": { "song": entries.songs(tracks.iter().take(count)) } }))
}

/// What has a star: songs, and albums and artists of which every song has one.
struct Starred {
    artists: Vec<Value>,
    albums: Vec<AlbumEntry>,
    songs: Vec<Value>,
}

fn starred_of(entries: &Entries<'_>) -> Result<Starred, Failure> {
    let records = entries.starred()?;
    let is_starred = |told: &Value| !told["starred"].is_null();
    let (mut artists, mut albums) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    for file in records.iter().map(|record| &record.file) {
        if let Some(artist) = file.artist.as_ref().filter(|artist| seen.insert(artist_id(artist))) {
            let told = artist_entry(entries, artist)?;
            artists.extend(Some(told).filter(is_starred));
        }
        if let Some(album) = &file.album
            && seen.insert(album_id(file.artist.as_deref(), album))
        {
            let tracks = album_tracks(entries, file.artist.as_deref(), album)?;
            if let Some(album) = album_of(&tracks)
                && is_starred(&entries.album(&album)?)
            {
                albums.push(album);
            }
        }
    }
    Ok(Starred { artists, albums, songs: entries.songs(&records) })
}

/// `getStarred2`.
pub(super) fn starred(entries: &Entries<'_>, _: &Call) -> Result<Value, Failure> {
    let Starred { artists, albums, songs } = starred_of(entries)?;
    let albums = albums.iter().map(|album| entries.album(album)).collect::<Result<Vec<_>, Failure>>()?;
    Ok(json!({ "starred2": { "artist": artists, "album": albums, "song": songs } }))
}

/// `getStarred`, where albums are folders.
pub(super) fn starred_folders(entries: &Entries<'_>, _: &Call) -> Result<Value, Failure> {
    let Starred { artists, albums, songs } = starred_of(entries)?;
    let albums = albums.iter().map(|album| entries.album_folder(album)).collect::<Result<Vec<_>, Failure>>()?;
    Ok(json!({ "starred": { "artist": artists, "album": albums, "song": songs } }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn album(name: &str, year: Option<u16>) -> AlbumEntry {
        AlbumEntry { name: name.into(), artist: None, tracks: 1, seconds: 0.0, year, genre: None, cover: TrackId(1) }
    }

    fn names(albums: &[AlbumEntry]) -> Vec<&str> {
        albums.iter().map(|album| album.name.as_str()).collect()
    }

    #[test]
    fn years_run_forwards_and_backwards() {
        let all = [album("b", Some(2001)), album("a", Some(1999)), album("c", None), album("d", Some(1980))];
        for (from, to, expected) in [(1990, 2010, ["a", "b"]), (2010, 1990, ["b", "a"])] {
            let mut albums = all.to_vec();
            by_year(&mut albums, Some(from), Some(to)).unwrap();
            assert_eq!(names(&albums), expected);
        }
        assert_eq!(by_year(&mut Vec::new(), None, Some(1)), Err(Failure::missing("fromYear")));
    }

    #[test]
    fn what_has_no_rank_is_not_listed() {
        let mut albums = vec![album("a", None), album("bb", None), album("ccc", None)];
        retain_ranked(&mut albums, |_, album| Ok(Some(album.name.len() as f64).filter(|&length| length > 1.0)))
            .unwrap();
        assert_eq!(names(&albums), ["ccc", "bb"]);
    }
}
