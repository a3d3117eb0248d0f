//! A Milvus server of its own for a test.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ureq::Agent;

use super::program::World;

/// Answers until it is dropped.
pub struct MilvusServer {
    python: PathBuf,
    folder: tempfile::TempDir,
    process: Option<Child>,
}

/// Where it listens: one that does so elsewhere must not be taken for it.
const PORT: u16 = 19_630;
const METRICS_PORT: u16 = 19_631;

/// How long it may take to come up, after a kill too.
const PATIENCE: Duration = Duration::from_secs(180);

impl MilvusServer {
    /// Starts it; `None`: there is none to be started.
    pub fn start() -> Option<Self> {
        let cache = std::env::var_os("SIMILAR_TRACKS_CACHE").map(PathBuf::from).or_else(|| {
            let own = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
            Some(own.or_else(|| Some(std::env::home_dir()?.join(".cache")))?.join("similar-tracks"))
        })?;
        let environment = cache.join("compare/milvus-2.3.5");
        if !environment.join("complete").exists() {
            return None;
        }
        let python = environment.join("bin/python");
        let mut server = Self { python, folder: tempfile::tempdir().unwrap(), process: None };
        server.restart();
        Some(server)
    }

    /// Starts it with what it had on disk, and waits until it answers.
    pub fn restart(&mut self) {
        self.come_up();
        let found = TcpStream::connect(("127.0.0.1", PORT));
        assert!(found.is_ok(), "it listens elsewhere: {}", self.log());
    }

    fn come_up(&mut self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/milvus_server.py");
        let log = || Stdio::from(std::fs::File::create(self.folder.path().join("log")).unwrap());
        let mut command = Command::new(&self.python);
        command
            .arg(script)
            .arg(self.folder.path().join("data"))
            .args([PORT, METRICS_PORT].map(|port| port.to_string()))
            // Seconds after which its parts are taken for dead: one that was killed and is back waits for that.
            .env("COMMON_SESSION_TTL", "5");
        self.process = Some(command.stdout(log()).stderr(log()).spawn().unwrap());
        let agent: Agent = Agent::config_builder().timeout_global(Some(Duration::from_secs(2))).build().into();
        let begun = Instant::now();
        let is_well = || {
            let answer = agent.get(format!("http://127.0.0.1:{METRICS_PORT}/healthz")).call();
            answer.is_ok_and(|mut answer| answer.body_mut().read_to_string().is_ok_and(|text| text == "OK"))
        };
        while !is_well() {
            let ended = self.process.as_mut().and_then(|process| process.try_wait().unwrap());
            assert!(ended.is_none() && begun.elapsed() < PATIENCE, "{ended:?}: {}", self.log());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Ends it as a power cut does.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap(); // SIGKILL
            process.wait().unwrap();
        }
    }

    /// Makes a store's vectors be searched here, by collections that no other store has.
    pub fn serves(&self, store: &Path) {
        std::fs::create_dir_all(store).unwrap();
        let settings = format!("[index]\nbackend = \"milvus\"\naddress = \"http://127.0.0.1:{PORT}\"\n");
        std::fs::write(store.join("config.toml"), settings).unwrap();
    }

    /// An empty library whose store it serves.
    pub fn world(&self) -> World {
        let world = World::new();
        self.serves(&world.store());
        world
    }

    /// The end of what it says.
    fn log(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        log.lines().rev().take(5).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for MilvusServer {
    fn drop(&mut self) {
        self.kill();
    }
}
