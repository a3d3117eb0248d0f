//! The space in two dimensions.

use super::chart::{self, Scale, rectangle, text};
use super::html::{Element, element, shorten};
use super::marks;
use crate::evaluate::scores::MapPoint;

const SIZE: f64 = 400.0;
const MARGIN: f64 = 12.0;
const LINE: f64 = 15.0;

/// The map and its legend. `None` where no point has a place.
pub(super) fn map(points: &[MapPoint]) -> Option<Element> {
    let placed: Vec<(f64, f64, &MapPoint)> = points
        .iter()
        .filter(|point| point.x.is_finite() && point.y.is_finite())
        .filter_map(|point| {
            let scale = |from, to| Scale::exactly([-1.0, 1.0], from, to);
            let across = scale(MARGIN, SIZE - MARGIN)?.place(point.x)?;
            let down = scale(SIZE - MARGIN, MARGIN)?.place(point.y)?;
            Some((across, down, point))
        })
        .collect();
    if placed.is_empty() {
        return None;
    }
    let mut genres: Vec<&str> = placed.iter().filter_map(|(_, _, point)| point.genre.as_deref()).collect();
    genres.sort_unstable();
    genres.dedup();
    let description = format!("{} tracks of the genres {}", placed.len(), genres.join(", "));
    // Many tracks need smaller marks.
    let radius = (60.0 / (placed.len() as f64).sqrt()).clamp(1.6, 4.2);
    let dots = placed.iter().map(|(x, y, point)| {
        let index = point.genre.as_deref().and_then(|genre| genres.binary_search(&genre).ok());
        let mark = index.map_or_else(|| marks::unknown(*x, *y, radius), |index| marks::mark(index, *x, *y, radius));
        let genre = point.genre.as_deref().unwrap_or("genre unknown");
        mark.push(element("title").text(format!("{} ({genre})", point.label)))
    });
    let mut legend: Vec<(Element, String)> =
        genres.iter().enumerate().map(|(index, genre)| (marks::sample(index), (*genre).to_owned())).collect();
    if placed.iter().any(|(_, _, point)| point.genre.is_none()) {
        legend.push((marks::unknown(8.0, 8.0, 4.6), "genre unknown".to_owned()));
    }
    let drawing = chart::drawing("map", "Map of the embeddings", &description, SIZE, SIZE)
        .push(rectangle((0.5, 0.5), SIZE - 1.0, SIZE - 1.0).class("paper"))
        .push(element("g").class("dots").extend(dots))
        .push(element("g").class("names").extend(names(&genres, &placed)));
    let caption =
        chart::caption("The judged model’s space", "point at a mark for its track; distances far apart mean little");
    Some(chart::figure(caption, drawing).class("map").push(marks::legend(legend)))
}

/// A genre's name at the median of its tracks, moved up or down where another name stands.
fn names(genres: &[&str], placed: &[(f64, f64, &MapPoint)]) -> Vec<Element> {
    let mut taken: Vec<(f64, f64, f64)> = Vec::new();
    let mut written = Vec::new();
    for genre in genres {
        let of = |pick: fn(&(f64, f64, &MapPoint)) -> f64| {
            median(placed.iter().filter(|point| point.2.genre.as_deref() == Some(genre)).map(pick).collect())
        };
        let Some((x, y)) = of(|point| point.0).zip(of(|point| point.1)) else { continue };
        let name = shorten(genre, 18);
        let half = name.chars().count() as f64 * 3.6 + 2.0;
        let x = x.clamp(half + 2.0, (SIZE - half - 2.0).max(half + 2.0));
        let free = |y: f64| {
            taken.iter().all(|(other, row, width)| (x - other).abs() > half + width || (y - row).abs() >= LINE)
        };
        let places = (0..12).flat_map(|step| [f64::from(step) * LINE / 2.0, f64::from(step) * -LINE / 2.0]);
        let Some(y) = places.map(|shift| y + shift).find(|y| (LINE..SIZE - 4.0).contains(y) && free(*y)) else {
            continue; // The legend names it.
        };
        taken.push((x, y, half));
        written.push(text(x, y + 4.0, &name).class("middle"));
    }
    written
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(x: f64, y: f64, genre: Option<&str>) -> MapPoint {
        MapPoint { x, y, genre: genre.map(str::to_owned), label: "a – b".to_owned() }
    }

    #[test]
    fn names_of_close_genres_do_not_stand_on_each_other() {
        let points =
            [point(0.0, 0.0, Some("ambient")), point(0.01, 0.0, Some("classical")), point(0.0, 0.01, Some("folk"))];
        let placed: Vec<_> = points.iter().map(|point| (200.0, 200.0, point)).collect();
        let written = names(&["ambient", "classical", "folk"], &placed);
        let rows: Vec<String> = written
            .iter()
            .map(|name| {
                let mut page = String::new();
                name.write(&mut page);
                page.split("y=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
            })
            .collect();
        assert_eq!(rows, ["204", "219", "189"]);
    }

    #[test]
    fn points_without_a_place_are_left_out() {
        assert!(map(&[point(f64::NAN, 0.0, None), point(0.0, f64::INFINITY, Some("rock"))]).is_none());
        let mut page = String::new();
        map(&[point(f64::NAN, 0.0, Some("jazz")), point(0.0, 0.0, None)]).unwrap().write(&mut page);
        assert!(page.contains("genre unknown") && !page.contains("jazz") && !page.contains("NaN"));
    }
}
