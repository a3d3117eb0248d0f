//! Keeps a queue going.

use std::time::{Duration, Instant};

use index::catalogue::Play;
use index::{Store, TrackRecord};
use jiff::Timestamp;
use mpd_client::Client;
use mpd_client::client::{ConnectionEvent, ConnectionEvents, Subsystem};
use mpd_client::commands::{Queue, Status};
use mpd_client::responses::{PlayState, Status as State};
use tokio::signal::unix::{SignalKind, signal};

use super::address::Address;
use super::connection::{connect, current_song, is_lost, lost, of_song, told};
use super::listener::{Listener, Playing};
use super::songs::Songs;
use super::station::Station;
use crate::args::FollowArguments;
use crate::failure;
use crate::output;
use crate::playlist::artist_of;
use crate::progress::Progress;
use crate::settings::Settings;

/// Time between two tries to reach a daemon that has gone away.
const RETRY_EVERY: Duration = Duration::from_secs(2);

/// Follows one daemon.
pub struct Follower<'a> {
    settings: &'a Settings,
    arguments: &'a FollowArguments,
    address: Address,
    station: Station<'a>,
    listener: Listener,
    /// Songs that were the current one.
    played: Vec<String>,
    /// Whether all went well once: what fails later may go well again.
    has_begun: bool,
    /// What was told last, so that it is not told at every turn.
    last_told: String,
}

impl<'a> Follower<'a> {
    /// Nothing happens before [`Follower::run`].
    pub fn new(settings: &'a Settings, arguments: &'a FollowArguments) -> Self {
        Self {
            settings,
            arguments,
            address: Address::new(&arguments.server.host, arguments.server.port),
            station: Station::new(settings, arguments),
            listener: Listener::default(),
            played: Vec::new(),
            has_begun: false,
            last_told: String::new(),
        }
    }

    /// Until somebody ends it; where nothing is to be changed, one look.
    ///
    /// # Errors
    /// Where the daemon cannot be reached at first, or refuses what is asked of it; what the store reports at first.
    pub async fn run(&mut self) -> anyhow::Result<()> {
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let ended = tokio::select! {
            ended = self.follow() => ended,
            _ = interrupt.recv() => Ok(()),
            _ = terminate.recv() => Ok(()),
        };
        if let Some(play) = self.listener.end(Instant::now()) {
            self.note(play);
        }
        ended
    }

    /// One connection after the other.
    async fn follow(&mut self) -> anyhow::Result<()> {
        let mut connection = connect(&self.address).await?;
        loop {
            match self.stay(&mut connection).await {
                Err(error) if is_lost(&error) => connection = self.reconnect(&error).await,
                ended => return ended,
            }
        }
    }

    /// As long as a connection holds.
    async fn stay(&mut self, (client, events): &mut (Client, ConnectionEvents)) -> anyhow::Result<()> {
        let mut songs = Songs::new(client, &self.address, self.arguments.server.music_directory.as_deref()).await?;
        loop {
            match self.turn(client, &mut songs).await {
                Err(error) if self.has_begun && !is_lost(&error) => {
                    self.tell(format!("warning: {}", failure::told(&error)))
                }
                Ok(()) if !self.arguments.dry_run => self.has_begun = true,
                ended => return ended,
            }
            // Whatever has changed: of several things that change at once, only one is told.
            match events.next().await {
                Some(ConnectionEvent::SubsystemChange(Subsystem::Database)) => songs.forget_unknown(),
                Some(ConnectionEvent::SubsystemChange(_)) => {}
                Some(ConnectionEvent::ConnectionClosed(error)) => return Err(lost(&error.to_string())),
                None => return Err(lost("the connection was closed")),
            }
        }
    }

    async fn reconnect(&mut self, error: &anyhow::Error) -> (Client, ConnectionEvents) {
        if let Some(play) = self.listener.end(Instant::now()) {
            self.note(play);
        }
        self.tell(format!("warning: {error}: trying again every {} s", RETRY_EVERY.as_secs()));
        loop {
            tokio::time::sleep(RETRY_EVERY).await;
            if let Ok(connection) = connect(&self.address).await {
                self.tell("MPD is there again".into());
                return connection;
            }
        }
    }

    /// Looks at what plays, and appends what is lacking.
    async fn turn(&mut self, client: &Client, songs: &mut Songs) -> anyhow::Result<()> {
        let state = client.command(Status).await.map_err(told)?;
        self.listen(client, songs, &state).await?;
        let after = state.playlist_length.saturating_sub(state.current_song.map_or(0, |(place, _)| place.0 + 1));
        let ahead = usize::from(self.arguments.ahead);
        if !state.random && after >= ahead {
            return if self.arguments.dry_run { tell_enough(after) } else { Ok(()) };
        }
        let queue = client.command(Queue).await.map_err(told)?;
        let mut queue: Vec<String> = queue.into_iter().map(|song| song.song.url).collect();
        // In random order, what has not been played comes after the current one, wherever it stands.
        let after = if state.random { queue.iter().filter(|song| !self.played.contains(song)).count() } else { after };
        if after >= ahead {
            return if self.arguments.dry_run { tell_enough(after) } else { Ok(()) };
        }
        let mut lacking = ahead - after;
        loop {
            let drawn = self.station.draw(client, songs, (&queue, &self.played), lacking).await?;
            let before = lacking;
            for (record, song) in drawn.tracks {
                match self.append(client, &record, &song).await {
                    Ok(()) => {
                        queue.push(song);
                        lacking -= 1;
                    }
                    Err(error) if is_lost(&error) => return Err(error),
                    Err(error) => {
                        self.tell(format!("warning: {song}: {}", failure::told(&error)));
                        self.station.take_back(record.id);
                        songs.note_unknown(record.id);
                    }
                }
            }
            if let Some(reason) = drawn.reason {
                self.tell(reason.into());
            }
            // In the place of what was refused others are drawn, unless all are refused: then the queue may be full.
            if lacking == 0 || lacking == before {
                return Ok(());
            }
        }
    }

    async fn append(&mut self, client: &Client, record: &TrackRecord, song: &str) -> anyhow::Result<()> {
        let name = output::one_line(&format!("{} – {} ({song})", artist_of(record), record.title()));
        if self.arguments.dry_run {
            return output::print(&format!("would be appended: {name}\n"));
        }
        if let Some(command) = of_song("addid", song) {
            client.raw_command(command).await.map_err(told)?;
            output::print(&format!("appended: {name}\n"))?;
            self.last_told.clear();
        }
        Ok(())
    }

    /// Notes which song is the current one, and what was heard of the one before.
    async fn listen(&mut self, client: &Client, songs: &mut Songs, state: &State) -> anyhow::Result<()> {
        let song = current_song(client).await?;
        let id = state.current_song.map(|(_, id)| id);
        if let Some(song) =
            song.as_ref().filter(|song| state.state != PlayState::Stopped && !self.played.contains(&song.url))
        {
            self.played.push(song.url.clone());
        }
        if !self.arguments.note_plays {
            return Ok(());
        }
        let mut playing = None;
        if let (Some(song), Some(id), PlayState::Playing | PlayState::Paused) = (song, id, state.state) {
            let catalogue = Store::open(&self.settings.store)?.catalogue()?;
            let track = songs.tracks_of(&catalogue, &[song.url])?.into_iter().flatten().next();
            playing = track.map(|track| Playing {
                id,
                track,
                plays: state.state == PlayState::Playing,
                elapsed: state.elapsed.unwrap_or_default(),
                length: state.duration.or(song.duration),
            });
        }
        if let Some(play) = self.listener.listen(playing, Instant::now(), Timestamp::now().as_second()) {
            self.note(play);
        }
        Ok(())
    }

    /// Notes a play; where that fails, the music goes on.
    fn note(&mut self, play: Play) {
        let note = || {
            let store = Store::open(&self.settings.store)?;
            store.catalogue_to_note()?.commit(|writer| writer.put_play(play))
        };
        if let Err(error) = note() {
            self.tell(format!("warning: a play of track {} was not noted: {error}", play.track));
        }
    }

    fn tell(&mut self, text: String) {
        if text != self.last_told {
            Progress::new(self.settings, "", 0).println(&text);
            self.last_told = text;
        }
    }
}

fn tell_enough(after: usize) -> anyhow::Result<()> {
    output::print(&format!("{} after the current one: nothing would be appended\n", output::count(after, "song")))
}
