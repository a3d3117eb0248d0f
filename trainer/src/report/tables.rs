//! Tables of systems and of robustness.

use std::collections::BTreeSet;

use super::html::{Element, element, shorten};
use super::marks;
use super::numbers;
use crate::evaluate::scores::{Evaluation, GenreScores, Interval, RetrievalScores, RobustnessRow, SystemScores};

/// R@1 that is asked of every degradation.
pub(super) const WEAK_OWN_FIRST: f64 = 0.95;
/// Overlap of the nearest five that is asked of every degradation.
pub(super) const WEAK_OVERLAP: f64 = 0.8;

/// Whether a query may find its own artist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ArtistFilter {
    On,
    Off,
}

impl ArtistFilter {
    fn scores(self, system: &SystemScores) -> &RetrievalScores {
        match self {
            Self::On => &system.filtered,
            Self::Off => &system.unfiltered,
        }
    }
}

/// Scrolls inside of the page what may be wider, by keyboard too.
pub(super) fn scroll(name: &str, wide: Element) -> Element {
    element("div").class("scroll").with("tabindex", "0").with("role", "region").with("aria-label", name).push(wide)
}

pub(super) fn table(caption: &str, parts: impl IntoIterator<Item = Element>) -> Element {
    let name = element("caption").push(element("span").text(caption));
    scroll(caption, element("table").push(name).extend(parts))
}

pub(super) fn header(cells: impl IntoIterator<Item = Element>) -> Element {
    element("thead").push(element("tr").extend(cells))
}

pub(super) fn column(name: &str) -> Element {
    element("th").with("scope", "col").text(name)
}

pub(super) fn row_name(name: impl Into<String>) -> Element {
    element("th").with("scope", "row").text(name)
}

pub(super) fn cell(text: impl Into<String>) -> Element {
    element("td").text(text)
}

fn interval(interval: &Interval, write: fn(f64) -> String) -> Element {
    let cell = cell(write(interval.value));
    match numbers::ends(interval, write) {
        Some((low, high)) if interval.value.is_finite() => {
            // A dash beside signs would be read as one.
            let joint = if low.starts_with(['+', '−']) { " to " } else { "–" };
            cell.text(" ").push(element("span").class("ends").text(format!("{low}{joint}{high}")))
        }
        _ => cell,
    }
}

/// A row of a system, the judged model's set apart.
fn system_row(index: usize, system: &SystemScores, cells: impl IntoIterator<Item = Element>) -> Element {
    let name = element("th").with("scope", "row").push(marks::named(index, &system.name));
    let row = if index == 0 { element("tr").class("judged") } else { element("tr") };
    row.push(name).extend(cells)
}

/// Retrieval with and without the artist filter, then what does not depend on it.
pub(super) fn systems(evaluation: &Evaluation) -> Vec<Element> {
    if evaluation.systems.is_empty() {
        return Vec::new();
    }
    vec![
        retrieval(evaluation, "Artist filter on: a query never finds its own artist", ArtistFilter::On),
        retrieval(evaluation, "Artist filter off: a query finds whatever is not itself", ArtistFilter::Off),
        properties(evaluation),
    ]
}

fn retrieval(evaluation: &Evaluation, caption: &str, filter: ArtistFilter) -> Element {
    let systems = &evaluation.systems;
    let depths: BTreeSet<usize> =
        systems.iter().flat_map(|system| &filter.scores(system).precision_at).map(|found| found.k).collect();
    // Leads are taken with the filter on.
    let leads = filter == ArtistFilter::On;
    let mut columns = vec![column("System"), column("AUC")];
    columns.extend(leads.then(|| column("Lead over it")));
    columns.extend([column("mAP"), column("kNN")]);
    columns.extend(depths.iter().map(|k| column(&format!("P@{k}"))));
    let rows = systems.iter().enumerate().map(|(index, system)| {
        let scores = filter.scores(system);
        let mut cells = vec![interval(&scores.area_under_curve, numbers::score)];
        cells.extend(leads.then(|| match &system.area_under_curve_lead {
            Some(lead) => interval(lead, numbers::difference),
            None => cell(numbers::NONE),
        }));
        cells.push(interval(&scores.mean_average_precision, numbers::score));
        cells.push(interval(&scores.knn_accuracy, numbers::score));
        cells.extend(depths.iter().map(|k| match scores.precision_at.iter().find(|precision| precision.k == *k) {
            Some(found) => interval(&found.precision, numbers::score),
            None => cell(numbers::NONE),
        }));
        system_row(index, system, cells)
    });
    table(caption, [header(columns), element("tbody").extend(rows)])
}

fn properties(evaluation: &Evaluation) -> Element {
    let names = ["System", "R@1 of other half", "Hubness", "Never returned", "Most returned"];
    let rows = evaluation.systems.iter().enumerate().map(|(index, system)| {
        let hubness = &system.hubness;
        let cells = [
            cell(system.other_half_recall.map_or(numbers::NONE.to_owned(), numbers::score)),
            cell(numbers::decimals(hubness.skewness, 2)),
            cell(numbers::percent(hubness.never_returned)),
            cell(format!("{}×", numbers::count(hubness.largest))),
        ];
        system_row(index, system, cells)
    });
    let k = evaluation.systems.first().map_or(0, |system| system.hubness.k);
    table(
        &format!("A track’s other half, and how evenly tracks stand in lists of {k}"),
        [header(names.map(column)), element("tbody").extend(rows)],
    )
}

/// Degradations by systems. `None` where no system was degraded.
pub(super) fn robustness(evaluation: &Evaluation) -> Option<Element> {
    let systems: Vec<(usize, &SystemScores)> =
        evaluation.systems.iter().enumerate().filter(|(_, system)| !system.robustness.is_empty()).collect();
    let mut degradations: Vec<&RobustnessRow> = Vec::new();
    for row in systems.iter().flat_map(|(_, system)| &system.robustness) {
        if degradations.iter().all(|known| known.degradation != row.degradation) {
            degradations.push(row);
        }
    }
    if degradations.is_empty() {
        return None;
    }
    let over = element("tr").push(element("th").with("scope", "col").with("rowspan", "2").text("Degradation")).extend(
        systems.iter().map(|(index, system)| {
            element("th")
                .with("scope", "colgroup")
                .with("colspan", "2")
                .class("group")
                .push(marks::named(*index, &system.name))
        }),
    );
    let under = element("tr").extend(systems.iter().flat_map(|_| [column("R@1").class("group"), column("Top 5")]));
    let rows = degradations.iter().map(|degraded| {
        let name = row_name(&degraded.degradation)
            .text(" ")
            .push(element("span").class("ends").text(copies(degraded.queries)));
        element("tr").push(name).extend(systems.iter().flat_map(|(_, system)| {
            let found = system.robustness.iter().find(|row| row.degradation == degraded.degradation);
            [
                share(found.map(|row| row.own_first), WEAK_OWN_FIRST).class("group"),
                share(found.map(|row| row.top5_overlap), WEAK_OVERLAP),
            ]
        }))
    });
    Some(table(
        "What degraded copies find: R@1 of the own original, overlap of the nearest five with the clean query’s",
        [element("thead").push(over).push(under), element("tbody").extend(rows)],
    ))
}

fn copies(count: usize) -> String {
    if count == 1 { "1 copy".to_owned() } else { format!("{} copies", numbers::count(count)) }
}

/// A share, marked where it is under what is asked.
fn share(share: Option<f64>, asked: f64) -> Element {
    let share = share.unwrap_or(f64::NAN);
    let cell = cell(numbers::score(share));
    if share < asked { cell.text(" ").push(element("span").class("tag").text("weak")) } else { cell }
}

/// The figures of the genres' bars.
pub(super) fn genres(evaluation: &Evaluation) -> Option<Element> {
    let genres = &evaluation.systems.first()?.filtered.genres;
    if genres.is_empty() {
        return None;
    }
    let name = |(index, system): (usize, &SystemScores)| marks::named(index, &shorten(&system.name, 32));
    let systems = evaluation.systems.iter().enumerate();
    let columns = systems.map(|system| element("th").with("scope", "col").push(name(system)));
    let rows = genres.iter().map(|genre| {
        let size = format!("{}, {}", numbers::plural(genre.queries, "track"), numbers::plural(genre.artists, "artist"));
        element("tr").push(row_name(&genre.genre).text(" ").push(element("span").class("ends").text(size))).extend(
            evaluation.systems.iter().map(|system| match of_genre(system, &genre.genre) {
                Some(scores) => cell(numbers::score(scores.area_under_curve)).text(" ").push(
                    element("span")
                        .class("ends")
                        .text(format!("mAP {}", numbers::score(scores.mean_average_precision))),
                ),
                None => cell(numbers::NONE),
            }),
        )
    });
    Some(table(
        "AUC and, below it, mAP of every genre, artist filter on",
        [header([column("Genre")].into_iter().chain(columns)), element("tbody").extend(rows)],
    ))
}

/// What a system reached in a genre, artist filter on.
pub(super) fn of_genre<'a>(system: &'a SystemScores, genre: &str) -> Option<&'a GenreScores> {
    system.filtered.genres.iter().find(|scores| scores.genre == genre)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(element: Element) -> String {
        let mut page = String::new();
        element.write(&mut page);
        page
    }

    #[test]
    fn only_a_share_under_what_is_asked_is_weak() {
        assert_eq!(written(share(Some(0.94), 0.95)), "<td>0.940 <span class=\"tag\">weak</span></td>");
        assert_eq!(written(share(Some(0.95), 0.95)), "<td>0.950</td>");
        assert_eq!(written(share(Some(f64::NAN), 0.95)), "<td>–</td>");
        assert_eq!(written(share(None, 0.95)), "<td>–</td>");
    }

    #[test]
    fn a_cell_has_its_interval_where_there_is_one() {
        let half = |low| Interval { value: 0.5, low, high: 0.625 };
        let cell = |low, write| written(interval(&half(low), write));
        assert_eq!(cell(0.375, numbers::score), "<td>0.500 <span class=\"ends\">0.375–0.625</span></td>");
        assert_eq!(cell(-0.5, numbers::difference), "<td>+0.500 <span class=\"ends\">−0.500 to +0.625</span></td>");
        assert_eq!(cell(f64::NAN, numbers::score), "<td>0.500</td>");
    }
}
