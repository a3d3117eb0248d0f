//! A training run as a user sees it: progress, and errors that say how to go on.

use trainer::config::StageName;
use trainer::run::{Finished, Run};
use trainer::stage::fit::Progress as StageProgress;

use super::corpus_search::CorpusSearch;
use crate::failure::hinted;
use crate::progress::Progress;
use crate::settings::Settings;

/// Runs all stages.
///
/// # Errors
/// What the run reports, with hints.
pub fn learn(settings: &Settings, run: &Run<'_>) -> anyhow::Result<Finished> {
    let mut shown: Option<(StageName, Progress)> = None;
    let mut mean_loss = 0.0;
    let mut report = |stage: StageName, now: StageProgress| {
        if shown.as_ref().is_none_or(|(name, _)| *name != stage) {
            if let Some((_, progress)) = &shown {
                progress.finish();
            }
            let progress = Progress::new(settings, stage.as_str(), run.config.steps_of(stage) as u64);
            progress.advance(now.step.saturating_sub(1) as u64); // resumed
            mean_loss = now.loss;
            shown = Some((stage, progress));
        }
        let Some((_, progress)) = &shown else { return };
        mean_loss += 0.05 * (now.loss - mean_loss);
        let rate = now.learning_rate;
        progress.message(format!("loss {mean_loss:.3}, rate {rate:.1e}, waited {:.1} %", 100.0 * now.waited_share));
        progress.advance(1);
        if let (Some(point), Some(validation)) = (now.point, now.validation) {
            let watched = [
                point.validation_loss.map(|loss| format!("validation loss {loss:.3}")),
                point.embedding_variance.map(|variance| format!("variance {variance:.2}")),
                point.active_triplets.map(|active| format!("active triplets {active:.2}")),
            ];
            let judged = (validation.queries > 0).then(|| {
                let (precision, area) = (validation.mean_average_precision, validation.area_under_curve);
                format!("validation artists: mAP {precision:.3}  AUC {area:.3}  ({} queries)", validation.queries)
            });
            let seen: Vec<String> = judged.into_iter().chain(watched.into_iter().flatten()).collect();
            let (name, step, loss) = (stage.as_str(), now.step, point.loss);
            progress.println(&format!("{name} {step:5}  loss {loss:.3}  {}", seen.join("  ")));
        }
    };
    let finished = run.run(&mut CorpusSearch, &mut report);
    if let Some((_, progress)) = &shown {
        progress.finish();
    }
    finished.map_err(|error| match error {
        trainer::Error::OtherRun { .. } => {
            hinted(error, "name another folder with -o, or discard that run with --fresh")
        }
        trainer::Error::NoTeacher => hinted(error, "name them with --teacher"),
        trainer::Error::Checkpoint { .. } => hinted(error, "discard the interrupted run with --fresh"),
        error => error.into(),
    })
}
