//! A figure of every system with its interval: dot and whiskers.

use super::chart::{self, Scale, WIDTH, line, rectangle, text};
use super::html::{Element, element, shorten};
use super::marks;
use super::numbers;
use crate::evaluate::scores::{Evaluation, Interval, SystemScores};

const LEFT: f64 = 10.0;
const RIGHT: f64 = WIDTH - 10.0;
/// Height of a system: its name above its whiskers.
const ROW: f64 = 44.0;
/// Half the height of the lane that the whiskers stand in.
const LANE: f64 = 11.0;

/// AUC and mAP, artist filter on. Empty where no figure is a number.
pub(super) fn intervals(evaluation: &Evaluation) -> Vec<Element> {
    let area = chart(evaluation, "intervals-auc", "AUC", |system| &system.filtered.area_under_curve);
    let precision = chart(evaluation, "intervals-map", "mAP", |system| &system.filtered.mean_average_precision);
    area.into_iter().chain(precision).collect()
}

fn chart(evaluation: &Evaluation, id: &str, name: &str, of: fn(&SystemScores) -> &Interval) -> Option<Element> {
    let systems = &evaluation.systems;
    let figures = systems.iter().map(of).flat_map(|interval| [interval.low, interval.value, interval.high]);
    let scale = Scale::covering(figures, LEFT + 6.0, RIGHT - 6.0)?;
    let bottom = 6.0 + ROW * systems.len() as f64;
    let words: Vec<String> =
        systems.iter().map(|system| format!("{}: {}", system.name, in_words(of(system)))).collect();
    let drawing = chart::drawing(id, &format!("{name} of every system"), &words.join("; "), WIDTH, bottom + 22.0);
    // What the others' whiskers must not touch for the judged model to have beaten them.
    let band = systems.first().map(of).and_then(|judged| Some((scale.place(judged.low)?, scale.place(judged.high)?)));
    let rows = systems.iter().enumerate().map(|(index, system)| row(index, system, of(system), &scale, band));
    let caption = chart::caption(name, "the band is the judged model’s interval");
    Some(chart::figure(caption, drawing.extend(rows).push(scale.labels(bottom))))
}

fn row(index: usize, system: &SystemScores, interval: &Interval, scale: &Scale, band: Option<(f64, f64)>) -> Element {
    let top = 6.0 + ROW * index as f64;
    let middle = top + 19.0 + LANE;
    let figures = match numbers::ends(interval, numbers::score) {
        Some((low, high)) => format!("{} [{low}, {high}]", numbers::score(interval.value)),
        None => numbers::score(interval.value),
    };
    let name = text(LEFT, top + 12.0, &shorten(&system.name, 24)).class(if index == 0 { "strong" } else { "" });
    let whiskers = scale.place(interval.low).zip(scale.place(interval.high)).map(|(low, high)| {
        element("g").class(format!("whiskers {}", marks::colour(index))).extend([
            line((low, middle), (high, middle)),
            line((low, middle - 4.0), (low, middle + 4.0)),
            line((high, middle - 4.0), (high, middle + 4.0)),
        ])
    });
    element("g")
        .push(element("title").text(format!("{}: {}", system.name, in_words(interval))))
        .push(name)
        .push(rectangle((LEFT, middle - LANE), RIGHT - LEFT, 2.0 * LANE).class("cell"))
        .extend(band.map(|(low, high)| rectangle((low, middle - LANE), high - low, 2.0 * LANE).class("band")))
        .push(scale.lines(middle - LANE, middle + LANE))
        .push(text(RIGHT, top + 12.0, &figures).class("figures end"))
        .extend(whiskers)
        .extend(scale.place(interval.value).map(|place| marks::mark(index, place, middle, 5.0)))
}

fn in_words(interval: &Interval) -> String {
    match numbers::from_to(interval, numbers::score) {
        Some(ends) => format!("{}, 95 % from {ends}", numbers::score(interval.value)),
        None => numbers::score(interval.value),
    }
}
