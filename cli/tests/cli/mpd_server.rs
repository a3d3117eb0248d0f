//! Debian's Music Player Daemon, playing to nobody.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::program::World;

/// A daemon of a test's own, on a socket in its folder; its music is the library.
pub struct Daemon {
    folder: PathBuf,
    child: Child,
}

/// Waits for something that takes a moment.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        std::thread::yield_now();
    }
}

impl Daemon {
    /// Starts one and waits until it knows the library; `more` is added to its configuration.
    pub fn start(world: &World, more: &str) -> Self {
        let folder = world.path("mpd");
        std::fs::create_dir_all(folder.join("playlists")).unwrap();
        let path = |name: &str| folder.join(name).display().to_string();
        let config = format!(
            "music_directory \"{}\"\nplaylist_directory \"{}\"\ndb_file \"{}\"\nlog_file \"{}\"\nbind_to_address \"{}\"\n\
             restore_paused \"yes\"\naudio_output {{\n  type \"null\"\n  name \"nobody\"\n}}\n{more}",
            world.library().display(),
            path("playlists"),
            path("database"),
            path("log"),
            path("socket"),
        );
        std::fs::write(folder.join("mpd.conf"), config).unwrap();
        let mut daemon = Self { child: spawn(&folder), folder };
        daemon.wait();
        daemon
    }

    fn wait(&mut self) {
        let files = |daemon: &Self| daemon.try_ask("stats").is_some_and(|stats| !stats.contains("songs: 0\n"));
        let is_updating = |daemon: &Self| daemon.ask("status").contains("updating_db");
        wait_until("mpd knows the library", || {
            assert!(self.child.try_wait().unwrap().is_none(), "{}", self.log());
            files(self) && !is_updating(self)
        });
    }

    /// Ends it and starts it again, with an empty queue.
    pub fn restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = spawn(&self.folder);
        self.wait();
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Where it listens.
    pub fn socket(&self) -> String {
        self.folder.join("socket").display().to_string()
    }

    fn try_ask(&self, command: &str) -> Option<String> {
        let stream = UnixStream::connect(self.socket()).ok()?;
        let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
        lines.next()?.ok()?;
        (&stream).write_all(format!("{command}\n").as_bytes()).ok()?;
        let mut answer = String::new();
        for line in lines {
            let line = line.ok()?;
            if line == "OK" {
                return Some(answer);
            }
            assert!(!line.starts_with("ACK"), "{command}: {line}");
            answer.push_str(&line);
            answer.push('\n');
        }
        None
    }

    /// What it answers to a command.
    pub fn ask(&self, command: &str) -> String {
        self.try_ask(command).unwrap_or_else(|| panic!("{command}: no answer: {}", self.log()))
    }

    /// What stands in its queue.
    pub fn queue(&self) -> Vec<String> {
        let answer = self.ask("playlistinfo");
        answer.lines().filter_map(|line| line.strip_prefix("file: ")).map(str::to_owned).collect()
    }

    /// Empties the queue and puts songs into it.
    pub fn fill(&self, songs: &[&str]) {
        self.ask("clear");
        songs.iter().for_each(|song| _ = self.ask(&format!("add \"{song}\"")));
    }

    /// A number that it tells as a part of its state.
    pub fn state(&self, name: &str) -> Option<usize> {
        let state = self.ask("status");
        let prefix = format!("{name}: ");
        state.lines().find_map(|line| line.strip_prefix(&prefix)).map(|number| number.parse().unwrap())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(folder: &std::path::Path) -> Child {
    let mut command = Command::new("mpd");
    command.arg("--no-daemon").arg(folder.join("mpd.conf")).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap_or_else(|error| panic!("mpd: {error} (scripts/setup --tests installs it)"))
}
