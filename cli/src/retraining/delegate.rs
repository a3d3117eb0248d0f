//! Embedding by another program, as on a cluster: the store's `config.toml` names it.

use std::collections::HashSet;
use std::io::{BufWriter, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use audio_frontend::Coverage;
use index::{Catalogue, ConfigFile, Store, TrackState};
use serde::Deserialize;

use crate::exchange::intake::{Intake, Summary, files};
use crate::exchange::{Imported, shards};
use crate::failure::hinted;
use crate::library::plan::Task;
use crate::library::serving::Model;
use crate::library::walk::ListedFile;

/// Who embeds the library with a model that is to serve.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmbeddingConfig {
    /// A program and its first arguments, as scripts/ray_embed.py takes them; empty, the default: this program itself.
    pub command: Vec<String>,
}

impl EmbeddingConfig {
    /// That of a store's folder.
    ///
    /// # Errors
    /// Where its configuration cannot be read, or says what nobody knows.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let hint = "a table [embedding] has a command: a list of texts; see docs/ray.md";
        let config = ConfigFile::read(folder)?.part("embedding").map_err(|error| hinted(error, hint))?;
        Ok(config.unwrap_or_default())
    }

    /// Who does it; `None`: this program itself.
    pub fn delegate(&self, folder: PathBuf) -> Option<Delegate> {
        (!self.command.is_empty()).then(|| Delegate { command: self.command.clone(), folder })
    }
}

/// Another program that embeds.
pub struct Delegate {
    command: Vec<String>,
    /// Where its listing and shards are, until the run has ended: killed, it goes on from them.
    folder: PathBuf,
}

impl Delegate {
    /// Has the program embed these files, and takes in what it has written.
    ///
    /// # Errors
    /// Where it fails or leaves files out; what reading its shards and writing to the catalogue report.
    pub fn embed(
        &self,
        catalogue: &mut Catalogue,
        store: &Store,
        model: &Model,
        tasks: &[Task],
    ) -> anyhow::Result<Summary> {
        let (listing, shards) = (self.folder.join("listing.jsonl"), self.folder.join("shards"));
        std::fs::create_dir_all(&shards).with_context(|| shards.display().to_string())?;
        let listed = write_listing(&listing, tasks).with_context(|| listing.display().to_string())?;
        self.run(&store.model_folder(&model.id.model), model.id.coverage, &shards, &listing)?;
        shards::check(&shards)?;
        let embedding = model.id.to_string();
        let dimension = model.files.parsed_card(&self.folder)?.architecture.embedding_size() as usize;
        let intake = Intake { embedding: &embedding, dimension, among: Some(&listed) };
        let mut summary = Summary::default();
        for file in files(std::slice::from_ref(&shards)).map_err(|error| self.failed(error))? {
            let imported = Imported::open(&file)?;
            if imported.model_id.as_ref() != Some(&embedding) {
                let found = imported.model_id.as_deref().unwrap_or("no model");
                return Err(self.failed(anyhow::anyhow!("{}: of {found}, not {embedding}", file.display())));
            }
            intake.take(catalogue, &file, imported, &mut summary)?;
        }
        let mut left_out = 0;
        for path in &listed {
            let Some(record) = catalogue.find_by_path(path)? else { continue };
            let is_heard = record.state != TrackState::Embedded || catalogue.vector(record.id, &embedding)?.is_some();
            left_out += usize::from(!is_heard);
        }
        if left_out > 0 {
            return Err(self.failed(anyhow::anyhow!("it has left out {left_out} of {} files", listed.len())));
        }
        Ok(summary)
    }

    fn run(&self, model: &Path, coverage: Coverage, shards: &Path, listing: &Path) -> anyhow::Result<()> {
        let (program, arguments) = self.command.split_first().context("the command is empty")?;
        let mut command = Command::new(program);
        command.args(arguments).arg("--program").arg(std::env::current_exe()?).arg("--model").arg(model);
        if coverage == Coverage::Full {
            command.args(["--coverage", "full"]);
        }
        command.arg("--shards").arg(shards).arg(listing);
        // Standard output is for what a run came to.
        let output = std::io::stderr().as_fd().try_clone_to_owned()?;
        let status = command.stdin(Stdio::null()).stdout(output).status();
        let status = status.map_err(|error| self.failed(error.into()))?;
        if status.success() { Ok(()) } else { Err(self.failed(anyhow::anyhow!("{status}"))) }
    }

    fn failed(&self, error: anyhow::Error) -> anyhow::Error {
        let error = error.context(format!("the command for embedding, {}", self.command.join(" ")));
        hinted(error, "it is in the store's config.toml, [embedding]; the next run goes on with what it has embedded")
    }
}

/// A line for each file; returns their paths. What is no text stays as it is until an ingest.
fn write_listing(path: &Path, tasks: &[Task]) -> anyhow::Result<HashSet<PathBuf>> {
    let mut writer = BufWriter::new(std::fs::File::create(path)?);
    let mut listed = HashSet::new();
    for task in tasks {
        if let Some(file) = ListedFile::new(&task.path, task.stamp) {
            serde_json::to_writer(&mut writer, &file)?;
            writer.write_all(b"\n")?;
            listed.insert(task.path.clone());
        }
    }
    writer.flush()?;
    Ok(listed)
}
