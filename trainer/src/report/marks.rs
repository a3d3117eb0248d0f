//! Marks that tell systems and genres apart by shape and filling; the colour only helps.

use super::html::{Element, coordinate, element};

/// Number of shapes, and of colours in the style sheet.
const SHAPES: usize = 8;

/// The class that sets the colour of the n-th system or genre. Each shape meets the same colour
/// first; beyond sixteen, shapes and fillings come again in other colours.
pub(super) fn colour(index: usize) -> String {
    format!("c{}", (index + 3 * (index / (2 * SHAPES))) % SHAPES)
}

/// The n-th mark: eight filled shapes, then the same ones hollow.
pub(super) fn mark(index: usize, x: f64, y: f64, radius: f64) -> Element {
    let filling = if (index / SHAPES).is_multiple_of(2) { "mark" } else { "mark hollow" };
    shape(index % SHAPES, x, y, radius).class(format!("{filling} {}", colour(index)))
}

/// The mark of what has no genre: a small ring without colour.
pub(super) fn unknown(x: f64, y: f64, radius: f64) -> Element {
    shape(0, x, y, radius * 0.7).class("mark hollow c-none")
}

fn shape(shape: usize, x: f64, y: f64, radius: f64) -> Element {
    // Points around the centre for a radius of 1, of about equal area.
    let corners: &[(f64, f64)] = match shape {
        0 => return element("circle").at("cx", x).at("cy", y).at("r", radius),
        1 => &[(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)],
        2 => &[(0.0, -1.25), (1.15, 0.8), (-1.15, 0.8)],
        3 => &[(0.0, -1.3), (1.15, 0.0), (0.0, 1.3), (-1.15, 0.0)],
        4 => &[(0.0, 1.25), (1.15, -0.8), (-1.15, -0.8)],
        5 => &[
            (-0.42, -1.2),
            (0.42, -1.2),
            (0.42, -0.42),
            (1.2, -0.42),
            (1.2, 0.42),
            (0.42, 0.42),
            (0.42, 1.2),
            (-0.42, 1.2),
            (-0.42, 0.42),
            (-1.2, 0.42),
            (-1.2, -0.42),
            (-0.42, -0.42),
        ],
        6 => &[
            (0.0, -0.5),
            (0.62, -1.12),
            (1.12, -0.62),
            (0.5, 0.0),
            (1.12, 0.62),
            (0.62, 1.12),
            (0.0, 0.5),
            (-0.62, 1.12),
            (-1.12, 0.62),
            (-0.5, 0.0),
            (-1.12, -0.62),
            (-0.62, -1.12),
        ],
        _ => &[
            (0.0, -1.35),
            (0.36, -0.49),
            (1.28, -0.42),
            (0.58, 0.19),
            (0.79, 1.09),
            (0.0, 0.61),
            (-0.79, 1.09),
            (-0.58, 0.19),
            (-1.28, -0.42),
            (-0.36, -0.49),
        ],
    };
    let points: Vec<String> = corners
        .iter()
        .map(|(across, down)| format!("{},{}", coordinate(x + across * radius), coordinate(y + down * radius)))
        .collect();
    element("polygon").with("points", points.join(" "))
}

/// A mark in running text. Its meaning stands beside it, so it is hidden from screen readers.
pub(super) fn inline(mark: Element) -> Element {
    element("svg").class("inline").with("viewBox", "0 0 16 16").with("aria-hidden", "true").push(mark)
}

/// Which mark stands for what.
pub(super) fn legend(entries: impl IntoIterator<Item = (Element, String)>) -> Element {
    element("ul").class("legend").extend(
        entries.into_iter().map(|(mark, name)| element("li").push(inline(mark)).push(element("span").text(name))),
    )
}

/// The n-th system's mark and name, for a table.
pub(super) fn named(index: usize, name: &str) -> Element {
    element("span").class("named").push(inline(sample(index))).push(element("span").text(name))
}

/// The n-th mark for a legend or a table.
pub(super) fn sample(index: usize) -> Element {
    mark(index, 8.0, 8.0, 4.6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_marks_differ_without_their_colours() {
        let looks = |index: usize| {
            let mut page = String::new();
            mark(index, 0.0, 0.0, 5.0).write(&mut page);
            page.replace(&colour(index), "")
        };
        let all: std::collections::BTreeSet<String> = (0..16).map(looks).collect();
        assert_eq!(all.len(), 16);
        assert_eq!(looks(16), looks(0));
        assert_ne!(colour(16), colour(0));
    }
}
