//! Figures of a run for Prometheus' textfile collector.

use std::path::Path;
use std::sync::atomic::AtomicU64;

use anyhow::Context;
use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::journal::Step;
use super::judgement::write;
use super::summary::RetrainSummary;

type Numbers = Gauge<f64, AtomicU64>;
type Labels = Vec<(String, String)>;

/// Writes what a run came to; the file is as before or whole.
///
/// # Errors
/// Where it cannot be written.
pub fn write_metrics(path: &Path, summary: &RetrainSummary, seconds: &[(Step, f64)]) -> anyhow::Result<()> {
    let mut registry = Registry::with_prefix("similar_tracks_retrain");
    let mut gauge = |name: &str, help: &str, value: f64| {
        let gauge = Numbers::default();
        gauge.set(value);
        registry.register(name, help, gauge);
    };
    gauge("last_run_timestamp_seconds", "End of the last run", Timestamp::now().as_second() as f64);
    gauge("exit_code", "0: promoted or nothing to do, 2: failed, 3: refused", f64::from(summary.outcome.exit_code()));
    gauge("promoted", "Whether the last run put another model in place", f64::from(u8::from(summary.is_promotion())));
    gauge("tracks", "Tracks in the answers", summary.tracks as f64);
    gauge("learnt_tracks", "Tracks that were learnt from", summary.learnt_tracks as f64);
    gauge("judging_tracks", "Tracks that judged", summary.judging_tracks as f64);
    gauge("preferences", "What listeners said that was learnt from", summary.preferences as f64);
    if let Some(verdict) = &summary.verdict {
        let comparison = &verdict.comparison;
        gauge("map_gain", "Gain in mean average precision", comparison.mean_average_precision.value);
        gauge("map_gain_low", "Lower end of its 95 % interval", comparison.mean_average_precision.low);
        gauge("auc_gain", "Gain in the area under the curve", comparison.area_under_curve.value);
        let genres = Family::<Labels, Numbers>::default();
        for genre in &comparison.genres {
            genres.get_or_create(&vec![("genre".into(), escaped(&genre.genre))]).set(genre.gain.value);
        }
        registry.register("genre_map_gain", "Gain in mean average precision of a genre", genres);
    }
    let steps = Family::<Labels, Numbers>::default();
    for (step, seconds) in seconds {
        steps.get_or_create(&vec![("step".into(), step.as_str().into())]).set(*seconds);
    }
    registry.register("step_seconds", "Time that a step took", steps);
    let mut text = String::new();
    encode(&mut text, &registry).context("figures cannot be written as text")?;
    write(path, &text)
}

/// As the text format wants it, which its writer leaves to others.
fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
