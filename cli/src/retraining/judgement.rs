//! The candidate beside the model that serves.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use index::{Catalogue, TrackId};
use serde::{Deserialize, Serialize};
use trainer::embed::ModelFiles;
use trainer::evaluate::promotion::Heeded;
use trainer::evaluate::scores::StageCurve;
use trainer::evaluate::turnover::Turnover;
use trainer::evaluate::{Bootstrap, Comparison, Decision, PromotionConfig};

use super::candidate::Candidacy;
use super::lesson::{Lesson, Parts};
use super::preferences::Said;
use crate::examination::{Examination, Examined, Findings, METRICS_FILE, REPORT_FILE};
use crate::library::serving::Model;

/// File of a [`Verdict`] in a model's folder.
pub const VERDICT_FILE: &str = "verdict.json";

/// How a stage went, until the findings hold it.
const CURVES_FILE: &str = "curves.json";

/// What was compared, and what follows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Id of the model that served.
    pub serving: String,
    /// The figures.
    pub comparison: Comparison,
    /// Whether the candidate is promoted, and why.
    pub decision: Decision,
}

/// Who is judged, and by what.
pub struct Trial<'a> {
    /// Between which two models.
    pub candidacy: &'a Candidacy<'a>,
    /// The catalogue.
    pub catalogue: &'a Catalogue,
    /// What is to succeed.
    pub candidate: &'a ModelFiles,
    /// By what it is promoted.
    pub promotion: &'a PromotionConfig,
    /// Tracks of which degraded copies are judged.
    pub degraded: usize,
}

/// Tracks that judge at most, and preferences: they are listened to anew.
const MOST_TRACKS: usize = 400;
const MOST_PREFERENCES: usize = 200;

impl Trial<'_> {
    /// Judges, unless that was done before the run was interrupted, and writes figures and report.
    ///
    /// # Errors
    /// What listening reports.
    pub fn run(&self, lesson: &Lesson, parts: &Parts) -> anyhow::Result<Verdict> {
        let Candidacy { settings, serving, jobs, .. } = self.candidacy;
        let folder = self.candidacy.model_folder();
        if let Some(verdict) = read_verdict(&folder)? {
            // What is asked of a model may have changed since.
            let verdict = Verdict { decision: Decision::new(&verdict.comparison, self.promotion), ..verdict };
            write_verdict(&folder, &verdict)?;
            return Ok(verdict);
        }
        let labelled = |place: &usize| lesson.entries[*place].genre.is_some();
        let mut judging: Vec<usize> = parts.judges.iter().copied().filter(labelled).collect();
        if judging.is_empty() {
            // Without genres they still say whether copies are recognised and hubs arise.
            judging.clone_from(&parts.judges);
        }
        let count = judging.len().min(MOST_TRACKS);
        let entries: Vec<_> =
            (0..count).map(|number| lesson.entries[judging[number * judging.len() / count]].clone()).collect();
        let pool = settings.thread_pool(*jobs)?;
        let examination = Examination {
            model: self.candidate,
            others: vec![(format!("serves, {}", &serving.id.model[..8]), serving.files.clone())],
            has_baselines: false,
            peers: &[],
            entries: &entries,
            degraded_tracks: self.degraded,
            excerpt_seconds: None,
            protocol: format!(
                "{} of the library by artists that are never learnt from, the same every night; a query never finds its \
                 own artist; averaged within each genre, then over genres; 95 % intervals over artists.",
                crate::output::count(entries.len(), "track")
            ),
        };
        let Examined { evaluation, judgements, genres } = examination.run(settings, &pool)?;
        let [of_candidate, of_serving] = judgements.as_slice() else {
            anyhow::bail!("one of the models was not judged")
        };
        let heeded = self.heeded(&parts.held_out)?;
        let comparison =
            Comparison::new(of_candidate, of_serving, evaluation.tracks, &genres, &heeded, &Bootstrap::default())?;
        let decision = Decision::new(&comparison, self.promotion);
        let verdict = Verdict { serving: serving.id.to_string(), comparison, decision };
        let curves = folder.join(CURVES_FILE);
        let curves: Vec<StageCurve> =
            serde_json::from_slice(&std::fs::read(&curves).unwrap_or_default()).unwrap_or_default();
        let findings = Findings { evaluation, curves, turnover: None };
        let card = self.candidate.parsed_card(&folder)?;
        write(&folder.join(METRICS_FILE), &(serde_json::to_string_pretty(&findings)? + "\n"))?;
        write(&folder.join(REPORT_FILE), &findings.page(&card))?;
        // The last: what is not whole is done again.
        write_verdict(&folder, &verdict)?;
        Ok(verdict)
    }

    /// Which preferences hold by each of the models.
    fn heeded(&self, held_out: &[Said]) -> anyhow::Result<Vec<Heeded>> {
        let count = held_out.len().min(MOST_PREFERENCES);
        let said: Vec<Said> = (0..count).map(|number| held_out[number * held_out.len() / count]).collect();
        if said.is_empty() {
            return Ok(Vec::new());
        }
        let tracks = said.iter().flat_map(|said| [Some(said.anchor), said.nearer, said.farther]).flatten();
        let serving = self.candidacy.serving;
        let embedder = trainer::Embedder::from_files(self.candidate, &self.candidacy.model_folder())?;
        let mut vectors: BTreeMap<TrackId, [Vec<f32>; 2]> = BTreeMap::new();
        for track in tracks.collect::<std::collections::BTreeSet<_>>() {
            let before = self.catalogue.vector(track, &serving.id.to_string())?;
            let (Some(before), Some(record)) = (before, self.catalogue.get(track)?) else { continue };
            // A file that is gone says nothing.
            let Ok(after) = embedder.embed_file(&record.file.path, serving.id.coverage) else { continue };
            vectors.insert(track, [before, after.vector]);
        }
        let holds = |said: &Said, model: usize| -> Option<bool> {
            let of = |track: TrackId| vectors.get(&track).map(|vectors| vectors[model].as_slice());
            let anchor = of(said.anchor)?;
            Some(index::cosine(anchor, of(said.nearer?)?) > index::cosine(anchor, of(said.farther?)?))
        };
        let heeded = said.iter().filter_map(|said| {
            Some(Heeded { anchor: said.anchor.0 as usize, before: holds(said, 0)?, after: holds(said, 1)? })
        });
        Ok(heeded.collect())
    }
}

/// Adds to a model's figures and report what putting it in place did to neighbours.
///
/// # Errors
/// Where the files cannot be read or written.
pub fn add_turnover(model: &Model, folder: &Path, turnover: &Turnover) -> anyhow::Result<()> {
    let path = folder.join(METRICS_FILE);
    let place = || path.display().to_string();
    let mut findings: Findings =
        serde_json::from_slice(&std::fs::read(&path).with_context(place)?).with_context(place)?;
    findings.turnover = Some(turnover.clone());
    let card = model.files.parsed_card(folder)?;
    write(&path, &(serde_json::to_string_pretty(&findings)? + "\n"))?;
    write(&folder.join(REPORT_FILE), &findings.page(&card))
}

fn write_verdict(folder: &Path, verdict: &Verdict) -> anyhow::Result<()> {
    write(&folder.join(VERDICT_FILE), &(serde_json::to_string_pretty(verdict)? + "\n"))
}

/// The verdict on a model; `None`: there is none.
///
/// # Errors
/// Where the file cannot be read, or is not what was written.
pub fn read_verdict(folder: &Path) -> anyhow::Result<Option<Verdict>> {
    let path = folder.join(VERDICT_FILE);
    match std::fs::read(&path) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text).with_context(|| path.display().to_string())?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

/// Keeps how the stages went for the report.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_curves(folder: &Path, curves: &[StageCurve]) -> anyhow::Result<()> {
    write(&folder.join(CURVES_FILE), &serde_json::to_string(curves)?)
}

/// Writes a file that is as before or whole.
///
/// # Errors
/// Where it cannot be written.
pub fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let place = || path.display().to_string();
    let folder = path.parent().unwrap_or(path);
    // Others may read it, as the collector of figures does.
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    let mut file = tempfile::Builder::new().permissions(readable).tempfile_in(folder).with_context(place)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).with_context(place)?;
    file.as_file().sync_all().with_context(place)?;
    file.persist(path).with_context(place)?;
    Ok(())
}
