//! Runs the program on a store of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A folder that holds a store and a library, and goes with the test.
pub struct World {
    folder: tempfile::TempDir,
}

/// What a run printed and how it ended.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl World {
    pub fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(world.library()).unwrap();
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        // Without links, as the program prints paths.
        self.folder.path().canonicalize().unwrap().join(name)
    }

    pub fn store(&self) -> PathBuf {
        self.path("store")
    }

    pub fn library(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("library")
    }

    /// The program with `--store`, ready to run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_similar-tracks"));
        command
            .arg("--store")
            .arg(self.store())
            .args(arguments)
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env_remove("SIMILAR_TRACKS_STORE")
            .env_remove("COLUMNS");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments).output().unwrap())
    }

    /// Ingests the library and gives the summary.
    pub fn ingest(&self, more: &[&str]) -> Value {
        let library = self.library();
        let mut arguments = vec!["ingest", library.to_str().unwrap(), "--json"];
        arguments.extend(more);
        self.run(&arguments).json()
    }

    pub fn query(&self, file: &Path) -> Vec<Value> {
        self.run(&["query", file.to_str().unwrap(), "--json"]).json().as_array().unwrap().clone()
    }

    pub fn status(&self) -> Value {
        self.run(&["status", "--json", "--failed"]).json()
    }
}

impl Run {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The output of a run that went well.
    pub fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts a failure of one line that holds `message`, with a hint that holds `hint`.
    pub fn assert_error(&self, message: &str, hint: Option<&str>) {
        assert_eq!(self.code, Some(2), "{self:?}");
        let errors: Vec<&str> = self.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(errors.len(), 1, "{self:?}");
        assert!(errors[0].contains(message), "{self:?}");
        let hints: Vec<&str> = self.stderr.lines().filter(|line| line.starts_with("hint: ")).collect();
        match hint {
            Some(hint) => assert!(hints.len() == 1 && hints[0].contains(hint), "{self:?}"),
            None => assert!(hints.is_empty(), "{self:?}"),
        }
    }
}

/// A Python that knows NumPy.
pub fn python_with_numpy() -> Command {
    let has_numpy = |python: &&str| {
        Command::new(python).args(["-c", "import numpy"]).output().is_ok_and(|output| output.status.success())
    };
    let python = ["python3", "/usr/bin/python3"].into_iter().find(has_numpy);
    Command::new(python.unwrap_or_else(|| panic!("no python3 with numpy (scripts/setup --tests installs it)")))
}

/// The path of an answer.
pub fn path_of(answer: &Value) -> PathBuf {
    answer["path"].as_str().unwrap().into()
}

/// The similarity of an answer.
pub fn similarity_of(answer: &Value) -> f64 {
    answer["similarity"].as_f64().unwrap()
}
