//! A Music Player Daemon plays similar tracks.

use std::path::Path;
use std::process::{Child, Stdio};

use rusqlite::Connection;

use super::mpd_server::{Daemon, wait_until};
use super::music::{piece, write_library};
use super::program::{Run, World, path_of};

/// Twelve pieces, two of them in folders of their own.
fn world() -> World {
    let world = World::new();
    write_library(&world.library(), 10, 30.0);
    piece(10, 30.0, 22_050).write(&world.library().join("a folder/ten \"10\".wav"));
    piece(11, 30.0, 22_050).write(&world.library().join("a folder/piece-11.wav"));
    world.ingest(&[]);
    world
}

fn mpd(world: &World, daemon: &Daemon, arguments: &[&str]) -> Run {
    let socket = daemon.socket();
    Run::of(world.command(&[&["mpd"], arguments, &["--host", &socket]].concat()).output().unwrap())
}

/// What a command of the program lists, as the daemon calls it.
fn listed(world: &World, run: &Run) -> Vec<String> {
    let tracks = run.json();
    let song = |track| path_of(track).strip_prefix(world.library()).unwrap().to_str().unwrap().to_owned();
    tracks.as_array().unwrap().iter().map(song).collect()
}

/// `mpd follow`, until it is told to end.
struct Following(Option<Child>);

impl Following {
    fn start(world: &World, daemon: &Daemon, arguments: &[&str]) -> Self {
        let socket = daemon.socket();
        let mut command = world.command(&[&["mpd", "follow", "--host", &socket], arguments].concat());
        Self(Some(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()))
    }

    /// Ctrl-C.
    fn end(mut self) -> Run {
        let child = self.0.take().unwrap();
        let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        Run::of(child.wait_with_output().unwrap())
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

#[test]
fn a_mix_is_what_a_query_lists() {
    let world = world();
    let daemon = Daemon::start(&world, "");
    let query = |arguments: &[&str]| listed(&world, &world.run(&[&["query", "--json"], arguments].concat()));
    let asked = ["piece-0.wav", "piece-1.wav", "-k", "5", "--unlike", "piece-2.wav"];
    let expected = query(&asked);
    let mix = |arguments: &[&str]| mpd(&world, &daemon, &[&["mix"], arguments].concat());
    let dry = mix(&[&asked[..], &["--dry-run"]].concat());
    assert!(dry.code == Some(0) && dry.stdout.contains("nothing was changed"), "{dry:?}");
    assert_eq!(daemon.queue(), Vec::<String>::new());

    let done = mix(&asked);
    assert!(done.stdout.ends_with("5 songs put into the empty queue\n"), "{done:?}");
    assert_eq!(daemon.queue(), expected);
    // The answer in every shape, and what stands in the way of being quoted.
    let all = query(&["piece-3.wav", "-k", "20"]);
    assert_eq!(all.len(), 11);
    daemon.ask("play 1");
    wait_until("it plays", || daemon.state("song") == Some(1));
    let replaced = mix(&["piece-3.wav", "-k", "20", "--replace", "--json"]);
    assert_eq!(listed(&world, &replaced), all);
    assert_eq!(daemon.queue(), [&expected[..2], &all].concat());
    assert_eq!(daemon.state("song"), Some(1), "what plays goes on");

    // Without a track, like the current song.
    let current = query(&[&expected[1], "-k", "2", "--path", "piece-[4-9].wav"]);
    let like_current = mix(&["-k", "2", "--path", "piece-[4-9].wav", "--json"]);
    assert_eq!(listed(&world, &like_current), current);
    let nothing = mix(&["piece-0.wav", "--artist", "nobody"]);
    assert_eq!((nothing.code, nothing.stdout.as_str()), (Some(1), ""), "{nothing:?}");
    daemon.ask("clear");
    mix(&[]).assert_error("MPD has no current song", Some("name tracks"));
}

#[test]
fn what_lies_elsewhere_is_played_through_a_socket_and_passed_over_on_the_network() {
    let world = World::new();
    write_library(&world.library(), 4, 30.0);
    write_library(&world.path("elsewhere"), 8, 30.0);
    std::fs::rename(world.library().join("piece-3.wav"), world.library().join("three.wav")).unwrap();
    for number in 0..4 {
        std::fs::remove_file(world.path(&format!("elsewhere/piece-{number}.wav"))).unwrap();
    }
    let elsewhere = world.path("elsewhere").display().to_string();
    world.ingest(&[&elsewhere]);
    let port = free_port();
    let network = format!("bind_to_address \"127.0.0.1\"\nport \"{port}\"\n");
    let daemon = Daemon::start(&world, &network);
    let answers = world.run(&["query", "three.wav", "--json"]).json();
    let paths: Vec<_> = answers.as_array().unwrap().iter().map(path_of).collect();
    assert_eq!(paths.len(), 7);
    // Its own music by what it calls it, other files by their paths.
    mpd(&world, &daemon, &["mix", "three.wav"]);
    let own = |path: &Path| path.strip_prefix(world.library()).map(|path| path.display().to_string());
    let songs: Vec<String> = paths.iter().map(|path| own(path).unwrap_or(path.display().to_string())).collect();
    assert_eq!(daemon.queue(), songs);

    let own: Vec<String> = paths.iter().filter_map(|path| own(path).ok()).collect();
    assert_eq!(own.len(), 3);
    let port = port.to_string();
    let library = world.library().display().to_string();
    for more in [&[][..], &["--music-directory", &library]] {
        daemon.ask("clear");
        let mix = ["mpd", "mix", "three.wav", "--host", "127.0.0.1", "--port", &port];
        let mixed = world.run(&[&mix[..], more].concat());
        assert_eq!(mixed.code, Some(0), "{mixed:?}");
        assert_eq!(daemon.queue(), own);
    }
    // A queue that was filled by its paths is understood as well.
    daemon.ask("clear");
    daemon.ask(&format!("add \"file://{}\"", world.path("elsewhere/piece-5.wav").display()));
    let dry = mpd(&world, &daemon, &["follow", "--dry-run"]);
    assert_eq!(dry.stdout.lines().filter(|line| line.starts_with("would be appended: ")).count(), 2, "{dry:?}");
}

/// A port that nobody listens at.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn a_queue_goes_on_as_a_radio_does() {
    let world = world();
    let mut daemon = Daemon::start(&world, "");
    let songs = ["piece-0.wav", "a folder/piece-11.wav"];
    daemon.fill(&songs);
    let radio = ["radio", songs[0], songs[1], "--seed", "7", "--minutes", "60", "--format", "json"];
    let radio = listed(&world, &world.run(&radio));
    assert_eq!(radio.len(), 10);
    let dry = mpd(&world, &daemon, &["follow", "--seed", "7", "--ahead", "3", "--dry-run"]);
    assert!(dry.code == Some(0) && dry.stdout.contains(&radio[0]), "{dry:?}");
    assert_eq!(daemon.queue(), songs);

    let following = Following::start(&world, &daemon, &["--seed", "7", "--ahead", "3"]);
    // None is the current one: all of them come next.
    wait_until("one is appended", || daemon.queue().len() == 3);
    daemon.ask("play 0");
    for played in 0..6 {
        wait_until("three come after the current one", || {
            let [place, length] = ["song", "playlistlength"].map(|name| daemon.state(name).unwrap_or_default());
            place == played && length >= place + 4
        });
        daemon.ask("next");
    }
    wait_until("three come after the current one", || daemon.queue().len() == 6 + 4);
    assert_eq!(daemon.queue(), [&songs.map(str::to_owned), &radio[..8]].concat());
    // Who puts other songs there hears what is like these, and nothing a second time.
    daemon.fill(&[&radio[9]]);
    wait_until("it begins anew", || daemon.queue().len() == 2);
    assert_eq!(daemon.queue(), [radio[9].clone(), radio[8].clone()], "the one that is left");
    let ended = following.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("no other track may be played"), "{ended:?}");
    assert_eq!(ended.stdout.lines().count(), 9, "{ended:?}");

    // It waits for a daemon that goes away.
    daemon.fill(&["piece-1.wav"]);
    let following = Following::start(&world, &daemon, &["--ahead", "2", "--path", "piece-[2-5].wav"]);
    wait_until("one is appended", || daemon.queue().len() == 2);
    daemon.restart();
    daemon.fill(&["piece-1.wav"]);
    wait_until("one is appended by who has come back", || daemon.queue().len() == 2);
    let ended = following.end();
    assert!(ended.code == Some(0) && ended.stderr.contains("trying again"), "{ended:?}");
}

#[test]
fn what_is_heard_is_noted_and_new_tracks_are_known_at_once() {
    let world = world();
    // So long that whoever waits for a busy machine has not heard half of it.
    piece(30, 300.0, 8000).write(&world.library().join("long.wav"));
    world.ingest(&[]);
    let daemon = Daemon::start(&world, "");
    daemon.fill(&["long.wav", "piece-1.wav", "piece-2.wav"]);
    let only = ["--note-plays", "--ahead", "3", "--path", "new-*.wav", "--path", "piece-3.wav"];
    let following = Following::start(&world, &daemon, &only);
    daemon.ask("play 0");
    let plays = || -> Vec<(String, bool)> {
        let connection = Connection::open(world.store().join("catalogue.sqlite")).unwrap();
        let sql = "SELECT path, skipped FROM plays JOIN tracks ON id = track_id ORDER BY at, track_id";
        let mut statement = connection.prepare(sql).unwrap();
        let name = |path: Vec<u8>| Path::new(&String::from_utf8(path).unwrap()).file_name().unwrap().to_owned();
        let play = |row: &rusqlite::Row<'_>| {
            let path = match row.get_ref(0)? {
                rusqlite::types::ValueRef::Text(path) | rusqlite::types::ValueRef::Blob(path) => path.to_vec(),
                other => panic!("{other:?}"),
            };
            Ok((name(path).into_string().unwrap(), row.get(1)?))
        };
        statement.query_map([], play).unwrap().map(Result::unwrap).collect()
    };
    wait_until("who follows has seen it play", || daemon.queue().len() == 4);
    daemon.ask("next");
    daemon.ask("pause 1");
    wait_until("a skipped song is noted", || plays() == [("long.wav".to_owned(), true)]);
    // A generation that comes while somebody follows, and what mpd does not know at first.
    piece(20, 30.0, 22_050).write(&world.library().join("new-20.wav"));
    world.ingest(&[]);
    daemon.ask("update");
    wait_until("what is new is appended", || daemon.queue().last().is_some_and(|song| song == "new-20.wav"));
    let ended = following.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(plays().len(), 1, "what is left with the program is not skipped");
}

#[test]
fn wrong_uses_are_told() {
    let world = World::new();
    write_library(&world.library(), 2, 5.0);
    world.ingest(&[]);
    let nobody = world.path("nobody").display().to_string();
    for command in ["follow", "mix"] {
        let unreachable = world.run(&["mpd", command, "--host", &nobody]);
        unreachable.assert_error("nobody cannot be reached", Some("--host and --port"));
    }
    let port = free_port().to_string();
    let refused = world.run(&["mpd", "mix", "1", "--host", "secret@127.0.0.1", "--port", &port]);
    refused.assert_error(&format!("MPD at 127.0.0.1:{port} cannot be reached"), Some("is it running?"));
    assert!(!refused.stderr.contains("secret"), "{refused:?}");
    let daemon = Daemon::start(&world, "password \"secret@read,add,control\"\ndefault_permissions \"read\"\n");
    mpd(&world, &daemon, &["mix", "1"]).assert_error("you don't have permission", Some("password@host"));
    let with = |password: &str, arguments: &[&str]| {
        let host = format!("{password}@{}", daemon.socket());
        world.run(&[&["mpd", "mix", "--host", &host], arguments].concat())
    };
    with("wrong", &["1"]).assert_error("does not take this password", Some("password@host"));
    assert_eq!(with("secret", &["1"]).code, Some(0));
    with("secret", &["1", "--music-directory", &nobody]).assert_error("nobody", Some("music folder"));
    with("secret", &["nowhere.wav"]).assert_error("nowhere.wav: no such file", Some("a query is"));
    assert_eq!(with("secret", &["1", "--append", "--replace"]).code, Some(2));
    let other = World::new();
    let none = Run::of(other.command(&["mpd", "follow", "--host", &daemon.socket()]).output().unwrap());
    none.assert_error("no store at", Some("ingest"));
}
