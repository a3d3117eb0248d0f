//! An evaluation as tables for a person.

use trainer::evaluate::scores::{Evaluation, Interval, SystemScores};

use crate::output::Table;

/// All figures but those of single genres.
pub fn text(evaluation: &Evaluation) -> String {
    let mut text = format!("{}\n\n", evaluation.protocol);
    text.push_str(&retrieval(evaluation));
    let degraded = robustness(evaluation);
    if !degraded.is_empty() {
        text.push_str("\nDegraded copies: own original first / top five as of the clean query\n");
        text.push_str(&degraded);
    }
    text
}

fn retrieval(evaluation: &Evaluation) -> String {
    let mut table = Table::new(&[
        "",
        "mAP",
        "95 %",
        "AUC",
        "95 %",
        "lead in AUC",
        "kNN",
        "P@10",
        "no filter: mAP",
        "other half",
        "hubness",
        "never",
    ]);
    for system in &evaluation.systems {
        let filtered = &system.filtered;
        table.row(vec![
            system.name.clone(),
            value(filtered.mean_average_precision),
            range(filtered.mean_average_precision),
            value(filtered.area_under_curve),
            range(filtered.area_under_curve),
            system.area_under_curve_lead.map_or_else(String::new, |lead| format!("{} {}", value(lead), range(lead))),
            value(filtered.knn_accuracy),
            filtered.precision_at.last().map_or_else(String::new, |last| value(last.precision)),
            value(system.unfiltered.mean_average_precision),
            system.other_half_recall.map_or_else(|| "–".into(), |recall| format!("{recall:.3}")),
            format!("{:.2}", system.hubness.skewness),
            format!("{:.0} %", 100.0 * system.hubness.never_returned),
        ]);
    }
    table.to_text()
}

fn robustness(evaluation: &Evaluation) -> String {
    let heard: Vec<&SystemScores> = evaluation.systems.iter().filter(|system| !system.robustness.is_empty()).collect();
    let Some(first) = heard.first() else { return String::new() };
    let names: Vec<&str> = std::iter::once("").chain(heard.iter().map(|system| system.name.as_str())).collect();
    let mut table = Table::new(&names);
    for row in &first.robustness {
        let cell = |system: &&SystemScores| {
            let same = system.robustness.iter().find(|other| other.degradation == row.degradation);
            same.map_or_else(|| "–".into(), |row| format!("{:.3} / {:.3}", row.own_first, row.top5_overlap))
        };
        table.row(std::iter::once(row.degradation.clone()).chain(heard.iter().map(cell)).collect());
    }
    table.to_text()
}

fn value(interval: Interval) -> String {
    format!("{:.3}", interval.value)
}

fn range(interval: Interval) -> String {
    format!("{:.3}–{:.3}", interval.low, interval.high)
}
