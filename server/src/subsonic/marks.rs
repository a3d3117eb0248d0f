//! What listeners do and say, which retraining learns from: plays, stars and ratings. A star or a rating of a song that was
//! an answer is an opinion of that answer, too.

use index::TrackId;
use index::catalogue::{Mark, Play, Writer, Written};
use serde_json::{Value, json};

use super::Call;
use super::answered::{Change, is_liked};
use super::browse::tracks_of;
use super::entries::Entries;
use super::failure::{Code, Failure};
use super::ids::Id;
use super::settled;
use crate::clock::now;
use crate::library::Library;

/// The last second of the year 9999, in milliseconds.
const LAST_MOMENT_MS: i64 = 253_402_300_799_000;

/// Songs that are marked, or told to have been heard, at once.
const MOST_MARKED: usize = 1000;

/// What is to be marked.
struct Marked {
    track: TrackId,
    before: Option<Mark>,
    /// Whether it was named itself, and not its album or artist.
    is_itself: bool,
}

/// `star`.
pub(super) fn star(library: &Library, call: &Call) -> Result<Value, Failure> {
    set_stars(library, call, true)
}

/// `unstar`.
pub(super) fn unstar(library: &Library, call: &Call) -> Result<Value, Failure> {
    set_stars(library, call, false)
}

fn set_stars(library: &Library, call: &Call, is_starred: bool) -> Result<Value, Failure> {
    let marked = library.read(|catalogue| {
        settled(Entries::new(catalogue, &call.caller).and_then(|entries| to_star(&entries, call)))
    })??;
    let changes = changes(library, call, &marked, |before| (is_starred, before.and_then(|mark| mark.rating)))?;
    let at = is_starred.then(now);
    library.note(|writer| {
        for Marked { track, before, .. } in &marked {
            // A star stays where it is.
            let at = at.map(|at| before.and_then(|mark| mark.starred_at).unwrap_or(at));
            writer.set_starred(&call.caller.0, *track, at)?;
        }
        write_all(writer, &changes)
    })?;
    Ok(json!({}))
}

/// Songs, and those of albums and artists.
fn to_star(entries: &Entries<'_>, call: &Call) -> Result<Vec<Marked>, Failure> {
    let mut marked = Vec::new();
    for name in ["id", "albumId", "artistId"] {
        for id in call.parameters.ids(name)?.into_iter().take(MOST_MARKED) {
            if marked.len() > MOST_MARKED {
                break;
            }
            for record in tracks_of(entries, &id)? {
                let before = entries.catalogue.mark(&call.caller.0, record.id)?;
                marked.push(Marked { track: record.id, before, is_itself: matches!(id, Id::Track(_)) });
            }
        }
    }
    if marked.len() > MOST_MARKED {
        return Err(Failure::new(Code::Generic, format!("{MOST_MARKED} songs may be starred at once")));
    }
    if marked.is_empty() { Err(Failure::missing("id, albumId or artistId")) } else { Ok(marked) }
}

/// `setRating`, of songs.
pub(super) fn set_rating(library: &Library, call: &Call) -> Result<Value, Failure> {
    let Id::Track(track) = call.parameters.id()? else {
        return Err(Failure::new(Code::Generic, "songs are rated here, not albums and artists"));
    };
    let rating: u8 = call.parameters.number("rating")?.ok_or_else(|| Failure::missing("rating"))?;
    if rating > 5 {
        return Err(Failure::new(Code::Generic, "rating is from 1 to 5, or 0 for none"));
    }
    let rating = (rating > 0).then_some(rating);
    let before = library.read(|catalogue| {
        settled(Entries::new(catalogue, &call.caller).and_then(|entries| {
            entries.record(track)?;
            Ok(catalogue.mark(&call.caller.0, track)?)
        }))
    })??;
    let marked = [Marked { track, before, is_itself: true }];
    let is_starred = |before: Option<Mark>| before.is_some_and(|mark| mark.starred_at.is_some());
    let changes = changes(library, call, &marked, |before| (is_starred(before), rating))?;
    library.note(|writer| {
        writer.set_rating(&call.caller.0, track, rating)?;
        write_all(writer, &changes)
    })?;
    Ok(json!({}))
}

/// What becomes of opinions where marks become what `after` says.
fn changes(
    library: &Library,
    call: &Call,
    marked: &[Marked],
    after: impl Fn(Option<Mark>) -> (bool, Option<u8>),
) -> Result<Vec<Change>, Failure> {
    let change = |marked: &Marked| {
        let (is_starred, rating) = after(marked.before);
        call.memory.answered.judge(&call.caller, marked.track, is_liked(is_starred, rating))
    };
    let changes: Vec<Change> = marked.iter().filter(|marked| marked.is_itself).filter_map(change).collect();
    // A track that was asked with may be gone.
    Ok(library.read(|catalogue| {
        let mut known = Vec::with_capacity(changes.len());
        for change in changes {
            if catalogue.get(change.query())?.is_some() {
                known.push(change);
            }
        }
        Ok(known)
    })?)
}

fn write_all(writer: &Writer<'_>, changes: &[Change]) -> Written {
    changes.iter().try_for_each(|change| match *change {
        Change::Put(opinion) => writer.put_opinion(opinion),
        Change::Remove { query, result } => writer.remove_opinion(query, result).map(|_| ()),
    })
}

/// `scrobble`: songs that were heard, each with the time at which it was. That one is being heard is not noted.
pub(super) fn scrobble(library: &Library, call: &Call) -> Result<Value, Failure> {
    let tracks = call.parameters.tracks("id")?;
    if tracks.is_empty() {
        return Err(Failure::missing("id"));
    }
    if tracks.len() > MOST_MARKED {
        return Err(Failure::new(Code::Generic, format!("{MOST_MARKED} songs may be scrobbled at once")));
    }
    let moment = |text: &str| match text.parse::<i64>() {
        Ok(milliseconds @ 0..=LAST_MOMENT_MS) => Ok(milliseconds / 1000),
        _ => Err(Failure::new(Code::Generic, "time is in milliseconds since 1970")),
    };
    let moments = call.parameters.all("time").map(moment).collect::<Result<Vec<_>, Failure>>()?;
    let is_heard = call.parameters.flag("submission", true)?;
    library.read(|catalogue| {
        settled(
            Entries::new(catalogue, &call.caller)
                .and_then(|entries| tracks.iter().try_for_each(|track| entries.record(*track).map(|_| ()))),
        )
    })??;
    if is_heard {
        let moments = moments.into_iter().chain(std::iter::repeat(now()));
        let plays = tracks.into_iter().zip(moments).map(|(track, at)| Play { track, at, skipped: false });
        library.note(|writer| {
            for play in plays {
                writer.put_play(play)?;
            }
            Ok(())
        })?;
    }
    Ok(json!({}))
}
