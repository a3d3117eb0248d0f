//! `similar-tracks mpd`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use index::{Selection, Store};
use mpd_client::Client;
use mpd_client::commands::{Queue, SongPosition, Status};
use mpd_client::protocol::command::{Command, CommandList};

use crate::Outcome;
use crate::args::{FollowArguments, MixArguments, MpdArguments, MpdCommand, QueryFormat};
use crate::failure::hinted;
use crate::library::opened::Opened;
use crate::library::query_vector::{QueryTrack, Resolver};
use crate::listing::{self, Listed};
use crate::mpd::address::Address;
use crate::mpd::connection::{connect, current_song, of_song, told};
use crate::mpd::follow::Follower;
use crate::mpd::mix::Mix;
use crate::mpd::songs::Songs;
use crate::output;
use crate::settings::Settings;

/// What a track counts that the answers are not to be like, as in `query`.
const UNLIKE: f32 = -0.5;

/// Has a Music Player Daemon play similar tracks.
pub fn run(settings: &Settings, arguments: &MpdArguments) -> anyhow::Result<Outcome> {
    // All of it waits for the daemon, most of the time: one thread will do.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match &arguments.command {
        MpdCommand::Follow(arguments) => runtime.block_on(follow(settings, arguments)),
        MpdCommand::Mix(arguments) => runtime.block_on(mix(settings, arguments)),
    }
}

async fn follow(settings: &Settings, arguments: &FollowArguments) -> anyhow::Result<Outcome> {
    // Who has no store is told at once, and not with the first song.
    drop(Store::open(&settings.store)?.catalogue()?);
    Follower::new(settings, arguments).run().await?;
    Ok(Outcome::Done)
}

async fn mix(settings: &Settings, arguments: &MixArguments) -> anyhow::Result<Outcome> {
    let Opened { store, catalogue, searcher } = match Opened::open(settings)? {
        Ok(opened) => opened,
        Err(outcome) => return Ok(outcome),
    };
    let server = &arguments.server;
    let address = Address::new(&server.host, server.port);
    let mut resolver = Resolver::new(&store, &catalogue, searcher.model_id());
    let mut resolve = |names: &[PathBuf], weight| -> anyhow::Result<Vec<(QueryTrack, f32)>> {
        names.iter().map(|name| Ok((resolver.resolve(name)?, weight))).collect()
    };
    let (mut tracks, unlike) = (resolve(&arguments.tracks, 1.0)?, resolve(&arguments.unlike, UNLIKE)?);
    let (client, _events) = connect(&address).await?;
    let mut songs = Songs::new(&client, &address, server.music_directory.as_deref()).await?;
    if tracks.is_empty() {
        let Some(song) = current_song(&client).await? else {
            return Err(hinted(anyhow::anyhow!("MPD has no current song"), "name tracks to be like"));
        };
        let track = songs.tracks_of(&catalogue, std::slice::from_ref(&song.url))?.into_iter().flatten().next();
        let Some(track) = track else {
            let error = anyhow::anyhow!("the current song {} is not in the library", output::one_line(&song.url));
            return Err(hinted(error, "`similar-tracks ingest` takes it in; or name tracks to be like"));
        };
        tracks.push((resolver.resolve_track(track)?, 1.0));
    }
    tracks.extend(unlike);
    let selection = Selection {
        count: arguments.count as usize,
        per_artist: arguments.per_artist.map(NonZeroUsize::get),
        ..Selection::default()
    };
    let filter = arguments.filter.to_filter();
    let mix = Mix { catalogue: &catalogue, searcher: &searcher, tracks: &tracks, filter, selection };
    let answers = mix.songs(&client, &mut songs).await?;
    if answers.is_empty() {
        return Ok(output::nothing("there is no other track that was asked for and that MPD can play"));
    }
    let (answers, songs): (Vec<_>, Vec<_>) = answers.into_iter().unzip();
    let done = fill(&client, arguments, &songs).await?;
    let rows: Vec<Listed> = answers.into_iter().map(Listed::of).collect();
    listing::print(&rows, if arguments.json { QueryFormat::Json } else { QueryFormat::Table })?;
    if !arguments.json {
        output::print(&done)?;
    }
    Ok(Outcome::Done)
}

/// Puts songs into the queue, all at once; tells what was done.
async fn fill(client: &Client, arguments: &MixArguments, songs: &[String]) -> anyhow::Result<String> {
    let state = client.command(Status).await.map_err(told)?;
    let first = state.current_song.map_or(0, |(place, _)| place.0 + 1);
    // The songs themselves and not their places, which others may change meanwhile.
    let gone = match arguments.replace && first < state.playlist_length {
        true => client.command(Queue::range(SongPosition(first)..)).await.map_err(told)?,
        false => Vec::new(),
    };
    let count = output::count(songs.len(), "song");
    let done = match (gone.len(), state.playlist_length) {
        (0, 0) => format!("{count} put into the empty queue\n"),
        (0, queued) => format!("{count} appended to the {queued} of the queue\n"),
        (gone, _) => format!("{count} put in the place of {gone} after the current one\n"),
    };
    if arguments.dry_run {
        return Ok(format!("dry run, nothing was changed: {done}"));
    }
    let mut commands: Vec<Command> = songs.iter().filter_map(|song| of_song("addid", song)).collect();
    commands.extend(gone.iter().filter_map(|song| of_song("deleteid", &song.id.0.to_string())));
    let mut commands = commands.into_iter();
    if let Some(first) = commands.next() {
        let mut list = CommandList::new(first);
        commands.for_each(|command| list.add(command));
        client.raw_command_list(list).await.map_err(told)?;
    }
    Ok(done)
}
