//! What was heard, and what was left early.

use std::time::{Duration, Instant};

use index::TrackId;
use index::catalogue::Play;
use mpd_client::commands::SongId;

/// A song that plays or stands still.
#[derive(Debug, Clone, Copy)]
pub struct Playing {
    /// Its number in the queue.
    pub id: SongId,
    /// The library's track that it is.
    pub track: TrackId,
    /// Whether it plays now.
    pub plays: bool,
    /// How far it is.
    pub elapsed: Duration,
    /// How long it is, where that is known.
    pub length: Option<Duration>,
}

/// The song that is listened to.
#[derive(Debug)]
struct Listening {
    song: Playing,
    began_at: i64,
    /// Without pauses, up to when it last began to play.
    heard: Duration,
    plays_since: Option<Instant>,
}

impl Listening {
    fn new(song: Playing, now: Instant, at: i64) -> Self {
        // What played before somebody listened was heard as well.
        let began_at = at - song.elapsed.as_secs() as i64;
        Self { began_at, heard: song.elapsed, plays_since: song.plays.then_some(now), song }
    }

    fn heard(&self, now: Instant) -> Duration {
        self.heard + self.plays_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    fn end(self, now: Instant) -> Option<Play> {
        let heard = self.heard(now);
        let skipped = self.song.length.is_some_and(|length| 2 * heard < length);
        (!heard.is_zero()).then_some(Play { track: self.song.track, at: self.began_at, skipped })
    }
}

/// Listens to what a daemon plays.
#[derive(Debug, Default)]
pub struct Listener {
    listening: Option<Listening>,
}

impl Listener {
    /// Takes up what plays now; returns what does so no more.
    pub fn listen(&mut self, song: Option<Playing>, now: Instant, at: i64) -> Option<Play> {
        match (&mut self.listening, song) {
            (Some(listening), Some(song)) if (listening.song.id, listening.song.track) == (song.id, song.track) => {
                listening.heard = listening.heard(now);
                listening.plays_since = song.plays.then_some(now);
                None
            }
            (listening, song) => {
                let before = listening.take();
                *listening = song.map(|song| Listening::new(song, now, at));
                before?.end(now)
            }
        }
    }

    /// Ends listening; a song of which less than half was heard goes on without a listener, and is not skipped.
    pub fn end(&mut self, now: Instant) -> Option<Play> {
        self.listening.take()?.end(now).filter(|heard| !heard.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn playing(id: u64, plays: bool, elapsed: u64) -> Option<Playing> {
        let [elapsed, length] = [elapsed, 100].map(Duration::from_secs);
        Some(Playing { id: SongId(id), track: TrackId(id), plays, elapsed, length: Some(length) })
    }

    fn heard(track: u64, at: i64, skipped: bool) -> Option<Play> {
        Some(Play { track: TrackId(track), at, skipped })
    }

    #[test]
    fn pauses_do_not_count_and_half_is_enough() {
        let (mut listener, began) = (Listener::default(), Instant::now());
        let after = |seconds| began + Duration::from_secs(seconds);
        assert_eq!(listener.listen(playing(1, true, 0), after(0), 1000), None);
        assert_eq!(listener.listen(playing(1, false, 30), after(30), 1030), None);
        assert_eq!(listener.listen(playing(1, true, 30), after(300), 1300), None);
        assert_eq!(listener.listen(playing(2, true, 0), after(320), 1320), heard(1, 1000, false));
        assert_eq!(listener.listen(playing(3, false, 0), after(369), 1369), heard(2, 1320, true));
        assert_eq!(listener.listen(playing(4, true, 0), after(400), 1400), None, "it never played");
        assert_eq!(listener.listen(None, after(449), 1449), heard(4, 1400, true));
    }

    #[test]
    fn what_played_before_counts_and_the_end_skips_nothing() {
        let (mut listener, began) = (Listener::default(), Instant::now());
        let after = |seconds| began + Duration::from_secs(seconds);
        listener.listen(playing(1, true, 45), after(0), 1045);
        assert_eq!(listener.end(after(5)), heard(1, 1000, false));
        assert_eq!(listener.end(after(6)), None);
        listener.listen(playing(2, true, 0), after(10), 1100);
        assert_eq!(listener.end(after(20)), None);
    }
}
