//! How training went: one block a stage, one drawing a quantity, then what it made of some windows.

use super::chart::{self, Scale, WIDTH, line, text};
use super::html::{Element, coordinate, element};
use super::numbers;
use super::reconstruction;
use crate::evaluate::scores::{CurvePoint, StageCurve};

const LEFT: f64 = 54.0;
const RIGHT: f64 = WIDTH - 12.0;
const TOP: f64 = 18.0;
const BOTTOM: f64 = 138.0;
const HEIGHT: f64 = BOTTOM + 36.0;

/// What is drawn over the steps.
struct Quantity {
    id: &'static str,
    name: &'static str,
    of: fn(&CurvePoint) -> Option<f64>,
    /// Shares are told from the whole: their scale holds zero.
    from_zero: bool,
}

const QUANTITIES: [Quantity; 7] = [
    Quantity { id: "loss", name: "Loss", of: |point| Some(point.loss), from_zero: false },
    Quantity { id: "validation", name: "Validation loss", of: |point| point.validation_loss, from_zero: false },
    Quantity { id: "map", name: "Validation mAP", of: |point| point.mean_average_precision, from_zero: false },
    Quantity { id: "auc", name: "Validation AUC", of: |point| point.area_under_curve, from_zero: false },
    Quantity { id: "active", name: "Share of active triplets", of: |point| point.active_triplets, from_zero: true },
    Quantity { id: "variance", name: "Embedding variance", of: |point| point.embedding_variance, from_zero: true },
    Quantity { id: "rate", name: "Learning rate", of: |point| Some(point.learning_rate), from_zero: true },
];

/// The block of the n-th stage. `None` where nothing was told.
pub(super) fn stage(index: usize, curve: &StageCurve) -> Option<Element> {
    let drawings: Vec<Element> = QUANTITIES.iter().filter_map(|quantity| drawing(index, curve, quantity)).collect();
    let reconstructions = reconstruction::reconstructions(index, &curve.reconstructions);
    if drawings.is_empty() && reconstructions.is_empty() {
        return None;
    }
    let remark = curve.points.iter().map(|point| point.step).max().map(|last| {
        format!("{}; the weights of step {} were kept.", numbers::plural(last, "step"), numbers::count(curve.kept_step))
    });
    let charts = (!drawings.is_empty()).then(|| element("div").class("charts").extend(drawings));
    Some(
        element("section")
            .class("stage")
            .push(element("h3").text(format!("Stage {}: {}", index + 1, curve.stage)))
            .extend(remark.map(|remark| element("p").text(remark)))
            .extend(charts)
            .extend(reconstructions),
    )
}

fn drawing(index: usize, curve: &StageCurve, quantity: &Quantity) -> Option<Element> {
    let told: Vec<(usize, f64)> =
        curve.points.iter().filter_map(|point| Some((point.step, (quantity.of)(point)?))).collect();
    let zero = quantity.from_zero.then_some(0.0);
    let finite = told.iter().map(|point| point.1).filter(|value| value.is_finite());
    // Zero alone would be a scale too.
    finite.clone().next()?;
    let up = Scale::covering(finite.chain(zero), BOTTOM, TOP)?;
    // All drawings of a stage share the steps.
    let steps = curve.points.iter().map(|point| point.step as f64);
    let across = Scale::exactly(steps.chain([0.0]), LEFT, RIGHT)?;
    let at_kept = told.iter().find(|point| point.0 == curve.kept_step).map(|point| point.1);
    let remark = match at_kept.or(told.last().map(|point| point.1)) {
        Some(value) if at_kept.is_some() => format!("{} at the kept step", numbers::brief(value)),
        Some(value) => format!("{} at the end", numbers::brief(value)),
        None => String::new(),
    };
    let name = format!("{} of stage {}, {}", quantity.name, index + 1, curve.stage);
    let drawing = chart::drawing(
        &format!("stage-{}-{}", index + 1, quantity.id),
        &name,
        &in_words(&told, curve.kept_step),
        WIDTH,
        HEIGHT,
    );
    let drawing = drawing
        .push(across.draw_across(TOP, BOTTOM))
        .push(up.draw_along(LEFT, RIGHT))
        .push(text((LEFT + RIGHT) / 2.0, HEIGHT - 4.0, "optimiser steps").class("tick middle"))
        .extend(kept(curve.kept_step, &across))
        .push(path(&told, &across, &up))
        .extend(dots(&told, &across, &up))
        .extend(at_kept.and_then(|value| {
            let (x, y) = (across.place(curve.kept_step as f64)?, up.place(value)?);
            Some(element("circle").at("cx", x).at("cy", y).at("r", 4.5).class("kept"))
        }));
    Some(chart::figure(chart::caption(quantity.name, &remark), drawing))
}

/// A line at the kept step, its name on the side that has room.
fn kept(step: usize, across: &Scale) -> Option<Element> {
    if !across.holds(step as f64) {
        return None;
    }
    let place = across.place(step as f64)?;
    let (shift, class) = if place > RIGHT - 60.0 { (4.0, "kept-name end") } else { (-4.0, "kept-name") };
    Some(
        element("g")
            .push(line((place, 6.0), (place, BOTTOM)).class("kept-line"))
            .push(text(place - shift, 13.0, "kept").class(class)),
    )
}

/// The curve, broken where there is no number.
fn path(told: &[(usize, f64)], across: &Scale, up: &Scale) -> Element {
    let mut path = String::new();
    let mut drawn = false;
    for (step, value) in told {
        let Some((x, y)) = across.place(*step as f64).zip(up.place(*value)) else {
            drawn = false;
            continue;
        };
        path.push_str(if drawn { "L" } else { "M" });
        path.push_str(&format!("{} {}", coordinate(x), coordinate(y)));
        drawn = true;
    }
    element("path").class("curve").with("d", path)
}

/// Few points are shown one by one.
fn dots(told: &[(usize, f64)], across: &Scale, up: &Scale) -> Vec<Element> {
    if told.len() > 30 {
        return Vec::new();
    }
    let dot = |(step, value): &(usize, f64)| {
        let (x, y) = across.place(*step as f64).zip(up.place(*value))?;
        let title = format!("step {}: {}", numbers::count(*step), numbers::brief(*value));
        Some(element("circle").at("cx", x).at("cy", y).at("r", 2.4).class("dot").push(element("title").text(title)))
    };
    told.iter().filter_map(dot).collect()
}

/// Where the curve begins, ends and was kept.
fn in_words(told: &[(usize, f64)], kept_step: usize) -> String {
    let say = |what: &str, point: Option<&(usize, f64)>| {
        point.map(|(step, value)| format!("{what} {} at step {}", numbers::brief(*value), numbers::count(*step)))
    };
    let parts = [
        say("begins with", told.first()),
        say("ends with", told.last()),
        say("kept:", told.iter().find(|point| point.0 == kept_step)),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_breaks_where_there_is_no_number() {
        let across = Scale::exactly([0.0, 4.0], 0.0, 40.0).unwrap();
        let up = Scale::exactly([0.0, 1.0], 10.0, 0.0).unwrap();
        let mut page = String::new();
        let told = [(0, 1.0), (1, 0.5), (2, f64::NAN), (3, 0.0), (4, f64::INFINITY)];
        path(&told, &across, &up).write(&mut page);
        assert!(page.contains("d=\"M0 0L10 5M30 10\""), "{page}");
        assert_eq!(dots(&told, &across, &up).len(), 3);
    }

    #[test]
    fn a_stage_that_told_nothing_has_no_block() {
        let empty = StageCurve { stage: "triplet".to_owned(), ..StageCurve::default() };
        assert!(stage(0, &empty).is_none());
        let lost = CurvePoint { loss: f64::NAN, learning_rate: f64::NAN, ..CurvePoint::default() };
        assert!(stage(0, &StageCurve { points: vec![lost], ..empty }).is_none());
    }

    #[test]
    fn only_what_was_told_is_drawn_and_one_point_is_enough() {
        let point = CurvePoint { step: 10, loss: 0.5, learning_rate: 1e-3, ..CurvePoint::default() };
        let curve =
            StageCurve { stage: "classify".to_owned(), points: vec![point], kept_step: 10, ..Default::default() };
        let mut page = String::new();
        stage(0, &curve).unwrap().write(&mut page);
        assert!(page.contains("Loss") && page.contains("0.500 at the kept step") && page.contains("Learning rate"));
        assert!(!page.contains("triplets") && !page.contains("Validation") && !page.contains("NaN"));
    }

    #[test]
    fn reconstructions_alone_are_enough_for_a_block() {
        let masked = crate::report::example::curves().swap_remove(0);
        assert!(!masked.reconstructions.is_empty());
        let mut page = String::new();
        stage(0, &StageCurve { points: Vec::new(), ..masked }).unwrap().write(&mut page);
        assert!(page.contains("Stage 1: masked") && page.contains("What the encoder saw"));
        assert!(!page.contains("weights of step") && !page.contains("charts"));
    }
}
