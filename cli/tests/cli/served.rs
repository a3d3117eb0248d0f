//! A server of its own for a test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::Agent;

use super::program::{Run, World};

/// Answers until it is dropped.
pub struct Served {
    process: Child,
    pub address: SocketAddr,
    agent: Agent,
}

/// What was answered.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub body: Vec<u8>,
}

/// How long anything may take here at most.
const PATIENCE: Duration = Duration::from_secs(60);

impl Served {
    /// Starts `serve` on a free port.
    pub fn new(world: &World) -> Self {
        Self::with(world, &[])
    }

    pub fn with(world: &World, arguments: &[&str]) -> Self {
        let mut command = world.command(&[&["serve", "--listen", "127.0.0.1:0"], arguments].concat());
        // Where uploads lie while they are listened to.
        std::fs::create_dir_all(world.path("uploads")).unwrap();
        command.env("TMPDIR", world.path("uploads"));
        let log = std::fs::File::create(world.path("serve.log")).unwrap();
        let mut process = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://").and_then(|line| line.strip_suffix('/'));
        let address = address.unwrap_or_else(|| panic!("{line:?}: {}", log_of(world))).parse().unwrap();
        // A server that refuses a body closes the connection: each request has one of its own.
        let config = Agent::config_builder().http_status_as_error(false).max_idle_connections(0);
        let config = config.timeout_global(Some(PATIENCE)).build();
        Self { process, address, agent: config.into() }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn get(&self, path: &str) -> Reply {
        self.get_with(path, &[])
    }

    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        let request =
            headers.iter().fold(self.agent.get(self.url(path)), |request, (name, value)| request.header(*name, *value));
        Reply::of(request.call().unwrap())
    }

    /// The JSON of a request that went well.
    pub fn json(&self, path: &str) -> Value {
        self.get(path).json()
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        Reply::of(self.agent.post(self.url(path)).send_json(body).unwrap())
    }

    pub fn post_bytes(&self, path: &str, body: &[u8]) -> Reply {
        let request = self.agent.post(self.url(path)).header("Content-Type", "application/octet-stream");
        Reply::of(request.send(body).unwrap())
    }

    /// Sends bytes as they are and gives all that comes back until the server closes.
    pub fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // A server that has seen enough closes before all is sent.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Asks again and again until the answer is what is waited for.
    pub fn wait_for(&self, path: &str, is_there: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let value = self.json(path);
            if is_there(&value) {
                return value;
            }
            assert!(Instant::now() < end, "{value}");
            std::thread::yield_now();
        }
    }

    /// Tells it to end, and gives its exit code.
    pub fn end(&mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.process.wait().unwrap().code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Reply {
    fn of(response: ureq::http::Response<ureq::Body>) -> Self {
        let (parts, mut body) = response.into_parts();
        let body = body.with_config().limit(1 << 30).read_to_vec().unwrap();
        Self { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Asserts problem details of this status, whose detail holds a text.
    pub fn assert_problem(&self, status: u16, detail: &str) {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem["status"], status);
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{problem}");
    }
}

/// What the server has logged.
pub fn log_of(world: &World) -> String {
    std::fs::read_to_string(world.path("serve.log")).unwrap_or_default()
}

/// Adds a user and gives API key and player password.
pub fn add_user(world: &World, name: &str, password: &str) -> (String, String) {
    let mut command = world.command(&["user", "add", name]);
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    writeln!(process.stdin.take().unwrap(), "{password}").unwrap();
    let run = Run::of(process.wait_with_output().unwrap());
    assert_eq!(run.code, Some(0), "{run:?}");
    let secret = |name: &str| {
        let line = run.stdout.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{run:?}"));
        line.trim().to_owned()
    };
    (secret("API key"), secret("player password"))
}
