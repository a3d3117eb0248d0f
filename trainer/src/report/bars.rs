//! Genre by genre: a bar for the judged model, marks for the others.

use super::chart::{self, Scale, WIDTH, line, rectangle, text};
use super::html::{Element, element, shorten};
use super::marks;
use super::numbers;
use super::tables::of_genre;
use crate::evaluate::scores::{Evaluation, GenreScores, SystemScores};

const LEFT: f64 = 108.0;
const RIGHT: f64 = WIDTH - 44.0;
const ROW: f64 = 26.0;

/// AUC and mAP of every genre, artist filter on. Empty without genres.
pub(super) fn bars(evaluation: &Evaluation) -> Vec<Element> {
    // Chance ranks half of the pairs rightly: bars show how far from it.
    let area = chart(evaluation, "genres-auc", "AUC", 0.5, |scores| scores.area_under_curve);
    let precision = chart(evaluation, "genres-map", "mAP", 0.0, |scores| scores.mean_average_precision);
    area.into_iter().chain(precision).collect()
}

/// Which mark is whose.
pub(super) fn legend(evaluation: &Evaluation) -> Element {
    marks::legend(evaluation.systems.iter().enumerate().map(|(index, system)| {
        let bar = rectangle((0.0, 4.0), 16.0, 8.0).class(format!("bar {}", marks::colour(0)));
        (if index == 0 { bar } else { marks::sample(index) }, system.name.clone())
    }))
}

fn chart(evaluation: &Evaluation, id: &str, name: &str, origin: f64, of: fn(&GenreScores) -> f64) -> Option<Element> {
    let (judged, others) = evaluation.systems.split_first()?;
    let genres = &judged.filtered.genres;
    let figures: Vec<f64> = evaluation.systems.iter().flat_map(|system| &system.filtered.genres).map(of).collect();
    if genres.is_empty() || !figures.iter().any(|figure| figure.is_finite()) {
        return None;
    }
    let scale = Scale::covering(figures.into_iter().chain([origin]), LEFT, RIGHT)?;
    let start = scale.place(origin)?;
    let bottom = 4.0 + ROW * genres.len() as f64;
    let words: Vec<String> =
        genres.iter().map(|genre| format!("{} {}", genre.genre, numbers::score(of(genre)))).collect();
    let description = format!("{}: {}. The other systems stand in the table below.", judged.name, words.join(", "));
    let drawing = chart::drawing(id, &format!("{name} of every genre"), &description, WIDTH, bottom + 22.0);
    let rows = genres.iter().enumerate().map(|(index, genre)| {
        let top = 4.0 + ROW * index as f64;
        row(top, genre, of, others, &scale, start)
    });
    let caption = chart::caption(name, if origin == 0.5 { "bars begin at 0.5, which is chance" } else { "" });
    Some(chart::figure(
        caption,
        drawing
            .push(scale.draw_across(0.0, bottom))
            .extend(rows)
            .push(line((start, 0.0), (start, bottom)).class("origin")),
    ))
}

fn row(
    top: f64,
    genre: &GenreScores,
    of: fn(&GenreScores) -> f64,
    others: &[SystemScores],
    scale: &Scale,
    start: f64,
) -> Element {
    let middle = top + ROW / 2.0;
    let bar = scale.place(of(genre)).map(|end| {
        rectangle((start.min(end), middle - 6.5), (end - start).abs(), 13.0)
            .class(format!("bar {}", marks::colour(0)))
            .push(element("title").text(format!("{}: {}", genre.genre, numbers::score(of(genre)))))
    });
    let other_marks = others.iter().enumerate().filter_map(|(index, system)| {
        let figure = of(of_genre(system, &genre.genre)?);
        let title = format!("{}, {}: {}", genre.genre, system.name, numbers::score(figure));
        let place = scale.place(figure)?;
        Some(marks::mark(index + 1, place, middle, 4.6).push(element("title").text(title)))
    });
    element("g")
        .push(text(LEFT - 10.0, middle + 4.0, &shorten(&genre.genre, 14)).class("end"))
        .extend(bar)
        .extend(other_marks)
        .push(text(WIDTH - 4.0, middle + 4.0, &numbers::decimals(of(genre), 2)).class("figures end"))
}
