//! What listeners said and did, as preferences between tracks.

use std::collections::BTreeMap;

use index::TrackId;
use index::catalogue::{Opinion, Play, Playlist};

/// Of two tracks, the one that is more like a third to a listener; see [`trainer::data::Preference`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Said {
    /// Who is compared with.
    pub anchor: TrackId,
    /// The one that is more like it.
    pub nearer: Option<TrackId>,
    /// The one that is less like it.
    pub farther: Option<TrackId>,
}

/// Pairs of liked and disliked answers of one query at most.
const MOST_PAIRS: usize = 100;

/// Time between two plays, in seconds, after which another session begins.
const SESSION_GAP: i64 = 30 * 60;

/// (query, liked, disliked), each with each; where only one kind is there, what is liked is nearer than anything else, and
/// what is disliked farther than the query itself.
pub fn of_opinions(opinions: &[Opinion]) -> Vec<Said> {
    let mut by_query: BTreeMap<TrackId, (Vec<TrackId>, Vec<TrackId>)> = BTreeMap::new();
    for opinion in opinions {
        let (liked, disliked) = by_query.entry(opinion.query).or_default();
        if opinion.is_liked { liked.push(opinion.result) } else { disliked.push(opinion.result) }
    }
    let mut said = Vec::new();
    for (anchor, (liked, disliked)) in by_query {
        let pairs = liked.iter().flat_map(|near| disliked.iter().map(move |far| (Some(*near), Some(*far))));
        let lone_likes = liked.iter().filter(|_| disliked.is_empty()).map(|near| (Some(*near), None));
        let lone_dislikes = disliked.iter().filter(|_| liked.is_empty()).map(|far| (None, Some(*far)));
        let all = pairs.chain(lone_likes).chain(lone_dislikes).take(MOST_PAIRS);
        said.extend(all.map(|(nearer, farther)| Said { anchor, nearer, farther }));
    }
    said
}

/// Tracks that follow each other are nearer to each other than anything else.
pub fn of_playlists(playlists: &[Playlist]) -> Vec<Said> {
    let pairs = playlists.iter().flat_map(|playlist| playlist.tracks.windows(2));
    let both_ways = pairs.filter(|pair| pair[0] != pair[1]).flat_map(|pair| [(pair[0], pair[1]), (pair[1], pair[0])]);
    both_ways.map(|(anchor, near)| Said { anchor, nearer: Some(near), farther: None }).collect()
}

/// In a session, what was heard to its end after a track is nearer to it than what was skipped in between. Plays are in the
/// order of time.
pub fn of_plays(plays: &[Play]) -> Vec<Said> {
    let mut said = Vec::new();
    let (mut before, mut skipped, mut last) = (None, Vec::new(), None);
    for play in plays {
        if last.is_some_and(|last| play.at - last > SESSION_GAP) {
            before = None;
            skipped.clear();
        }
        last = Some(play.at);
        if play.skipped {
            skipped.push(play.track);
            continue;
        }
        if let Some(anchor) = before.filter(|anchor| *anchor != play.track) {
            let others = skipped.iter().filter(|track| **track != anchor && **track != play.track);
            said.extend(others.map(|far| Said { anchor, nearer: Some(play.track), farther: Some(*far) }));
        }
        before = Some(play.track);
        skipped.clear();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(anchor: u64, nearer: Option<u64>, farther: Option<u64>) -> Said {
        Said { anchor: TrackId(anchor), nearer: nearer.map(TrackId), farther: farther.map(TrackId) }
    }

    #[test]
    fn liked_answers_are_nearer_than_disliked_ones() {
        let opinion = |query, result, is_liked| Opinion { query: TrackId(query), result: TrackId(result), is_liked };
        let opinions = [
            opinion(1, 2, true),
            opinion(1, 3, false),
            opinion(1, 4, false),
            opinion(5, 6, true),
            opinion(7, 8, false),
        ];
        let expected =
            [said(1, Some(2), Some(3)), said(1, Some(2), Some(4)), said(5, Some(6), None), said(7, None, Some(8))];
        assert_eq!(of_opinions(&opinions), expected);
        let flood: Vec<Opinion> = (2..2000).map(|result| opinion(1, result, result % 2 == 0)).collect();
        assert_eq!(of_opinions(&flood).len(), MOST_PAIRS);
    }

    #[test]
    fn neighbours_in_a_playlist_are_near() {
        let tracks = [1, 2, 2, 3].map(TrackId).to_vec();
        let playlist = Playlist { id: 1, path: "a.m3u8".into(), changed_at: None, tracks };
        let expected = [said(1, Some(2), None), said(2, Some(1), None), said(2, Some(3), None), said(3, Some(2), None)];
        assert_eq!(of_playlists(&[playlist]), expected);
    }

    #[test]
    fn what_was_skipped_is_farther_than_what_was_heard_next() {
        let play = |track, at, skipped| Play { track: TrackId(track), at, skipped };
        let plays =
            [play(1, 0, false), play(2, 200, true), play(3, 210, false), play(4, 9000, true), play(5, 9010, false)];
        // The second session has nothing before what was skipped.
        assert_eq!(of_plays(&plays), [said(1, Some(3), Some(2))]);
    }
}
