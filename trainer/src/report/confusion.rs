//! Which genre the neighbours vote for: a heat map with its numbers.

use super::chart::{self, WIDTH, rectangle, text};
use super::html::{Element, element, shorten};
use super::numbers;
use super::tables::scroll;
use crate::evaluate::scores::Confusion;

const LABELS: f64 = 106.0;
/// Cells do not get smaller than their numbers; a wide matrix scrolls.
const SMALLEST_CELL: f64 = 26.0;
const LARGEST_CELL: f64 = 44.0;
/// How much smaller than its own units a matrix may be drawn before it scrolls.
const SHRINK: f64 = 0.85;
/// Where the number turns from dark to light.
const DARK: f64 = 0.66;

/// The matrix. `None` without counts.
pub(super) fn confusion(confusion: &Confusion) -> Option<Element> {
    let genres = &confusion.genres;
    if genres.is_empty() || confusion.counts.iter().flatten().all(|count| *count == 0) {
        return None;
    }
    let across = genres.len() as f64;
    let digits = confusion.counts.iter().flatten().max().map_or(1, |most| numbers::count(*most).chars().count());
    let smallest = SMALLEST_CELL.max(8.0 * digits as f64 + 4.0);
    let cell = ((WIDTH - LABELS - 4.0) / across).clamp(smallest, LARGEST_CELL.max(smallest));
    let size = LABELS + cell * across + 4.0;
    let drawing = chart::drawing("confusion", "Votes of the nearest neighbours", &in_words(confusion), size, size)
        .with("style", format!("min-width:{:.0}px", size.min(LABELS + smallest * across) * SHRINK));
    let columns = genres.iter().enumerate().map(|(index, genre)| {
        let (x, y) = (LABELS + cell * (index as f64 + 0.5) + 4.0, LABELS - 8.0);
        text(0.0, 0.0, &shorten(genre, 13)).with("transform", format!("translate({x:.2} {y:.2}) rotate(-90)"))
    });
    let rows = genres.iter().zip(&confusion.counts).enumerate().map(|(row, (genre, counts))| {
        let top = LABELS + cell * row as f64;
        let total: usize = counts.iter().sum();
        element("g").push(text(LABELS - 8.0, top + cell / 2.0 + 4.0, &shorten(genre, 13)).class("end")).extend(
            counts.iter().zip(genres).enumerate().map(|(column, (count, voted))| {
                let corner = (LABELS + cell * column as f64, top);
                let share = *count as f64 / total.max(1) as f64;
                let title = format!(
                    "{genre}, voted {voted}: {} of {} ({})",
                    numbers::count(*count),
                    numbers::count(total),
                    numbers::percent(share)
                );
                square(corner, cell, *count, share, row == column).push(element("title").text(title))
            }),
        )
    });
    let figure = chart::figure(
        chart::caption("Tracks by true genre (rows) and voted genre (columns)", "shade: share of the row"),
        scroll("Confusion matrix", drawing.extend(columns).extend(rows)),
    );
    Some(figure.class("matrix").with("style", format!("max-width:{:.0}px", (size * 1.4).max(420.0))))
}

fn square(corner: (f64, f64), cell: f64, count: usize, share: f64, true_genre: bool) -> Element {
    let inside = cell - 2.0;
    let shade = rectangle((corner.0 + 1.0, corner.1 + 1.0), inside, inside).class("heat").at("fill-opacity", share);
    let number = (count > 0).then(|| {
        text(corner.0 + cell / 2.0, corner.1 + cell / 2.0 + 4.0, &numbers::count(count)).class(if share > DARK {
            "number middle on-heat"
        } else {
            "number middle"
        })
    });
    // The diagonal is framed, so that it is found where it is pale.
    let frame = true_genre.then(|| rectangle((corner.0 + 1.0, corner.1 + 1.0), inside, inside).class("frame"));
    element("g")
        .push(rectangle((corner.0 + 1.0, corner.1 + 1.0), inside, inside).class("cell"))
        .push(shade)
        .extend(frame)
        .extend(number)
}

/// What is voted rightly, genre by genre.
fn in_words(confusion: &Confusion) -> String {
    let rows = confusion.genres.iter().zip(&confusion.counts).enumerate().map(|(index, (genre, counts))| {
        let right = counts.get(index).copied().unwrap_or(0);
        format!("{genre}: {right} of {} rightly", counts.iter().sum::<usize>())
    });
    rows.collect::<Vec<_>>().join("; ")
}
