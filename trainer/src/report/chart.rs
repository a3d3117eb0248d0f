//! Scales, ticks and axes. A drawing is as wide as a phone in its own units and grows with the page,
//! so that its text can be read on both.

use super::html::{Element, coordinate, element};
use super::numbers;

/// Width of a drawing in its own units.
pub(super) const WIDTH: f64 = 360.0;

/// Beyond this a number is drawn at the scale's end: differences of such numbers would overflow.
const LARGEST: f64 = 1e100;

/// From values to places along one axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    step: f64,
    start: f64,
    end: f64,
}

impl Scale {
    /// From the nice number at or below the smallest value, placed at `start`, to the one at or above
    /// the largest, placed at `end`. `None` where no value is a number.
    pub(super) fn covering(values: impl IntoIterator<Item = f64>, start: f64, end: f64) -> Option<Self> {
        let (low, high) = bounds(values)?;
        let step = nice_step(high - low, 4);
        Some(Self { low: (low / step).floor() * step, high: (high / step).ceil() * step, step, start, end })
    }

    /// From the smallest value to the largest, ticks between.
    pub(super) fn exactly(values: impl IntoIterator<Item = f64>, start: f64, end: f64) -> Option<Self> {
        let (low, high) = bounds(values)?;
        Some(Self { low, high, step: nice_step(high - low, 4), start, end })
    }

    /// Where a value stands, at the nearer end where it is outside. `None` where it is no number.
    pub(super) fn place(&self, value: f64) -> Option<f64> {
        let share = (value.clamp(self.low, self.high) - self.low) / (self.high - self.low);
        (value.is_finite() && share.is_finite()).then_some(self.start + share * (self.end - self.start))
    }

    /// Whether a value stands on the scale.
    pub(super) fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Ticks with their places and labels.
    fn ticks(&self) -> impl Iterator<Item = (f64, String)> + '_ {
        let largest = self.low.abs().max(self.high.abs());
        ticks(self.low, self.high, self.step)
            .into_iter()
            .filter_map(move |value| Some((self.place(value)?, numbers::tick(value, self.step, largest))))
    }

    /// Lines across the drawing at the ticks.
    pub(super) fn lines(&self, top: f64, bottom: f64) -> Element {
        element("g").class("grid").extend(self.ticks().map(|(place, _)| line((place, top), (place, bottom))))
    }

    /// Labels of the ticks below the drawing.
    pub(super) fn labels(&self, bottom: f64) -> Element {
        let label = |(place, label): (f64, String)| text(place, bottom + 16.0, &label).class("tick middle");
        element("g").extend(self.ticks().map(label))
    }

    /// Lines across the drawing at the ticks, their labels below.
    pub(super) fn draw_across(&self, top: f64, bottom: f64) -> Element {
        element("g").push(self.lines(top, bottom)).push(self.labels(bottom))
    }

    /// Lines along the drawing at the ticks, their labels to the left.
    pub(super) fn draw_along(&self, left: f64, right: f64) -> Element {
        element("g").extend(self.ticks().flat_map(|(place, label)| {
            [line((left, place), (right, place)).class("grid"), text(left - 6.0, place + 4.0, &label).class("tick end")]
        }))
    }
}

/// Smallest and largest number, drawn apart where they are the same.
fn bounds(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    let (low, high) = values
        .into_iter()
        .filter(|value| value.is_finite())
        .map(|value| value.clamp(-LARGEST, LARGEST))
        .fold(None, |range: Option<(f64, f64)>, value| {
            let (low, high) = range.unwrap_or((value, value));
            Some((low.min(value), high.max(value)))
        })?;
    let size = low.abs().max(high.abs());
    // Below this the ticks would be the same number.
    if high - low > size * 1e-9 && high - low > 1e-60 {
        return Some((low, high));
    }
    let room = if size > 1e-50 { size * 0.1 } else { 1.0 };
    Some((low - room, high + room))
}

/// 1, 2 or 5 times a power of ten, so that about `count` of them make the span.
fn nice_step(span: f64, count: u32) -> f64 {
    let raw = span / f64::from(count);
    let power = 10_f64.powf(raw.log10().floor());
    let factor = match raw / power {
        digit if digit < 1.414 => 1.0,
        digit if digit < 3.162 => 2.0,
        digit if digit < 7.071 => 5.0,
        _ => 10.0,
    };
    factor * power
}

/// Multiples of the step from `low` to `high`, both with a little tolerance.
fn ticks(low: f64, high: f64, step: f64) -> Vec<f64> {
    let (first, last) = ((low / step - 1e-6).ceil() as i64, (high / step + 1e-6).floor() as i64);
    (first..=last).map(|multiple| multiple as f64 * step).collect()
}

/// An empty drawing with its name and what it shows in words, for those who cannot see it. `id` must
/// be the page's only one.
pub(super) fn drawing(id: &str, name: &str, description: &str, width: f64, height: f64) -> Element {
    let (name_id, description_id) = (format!("{id}-name"), format!("{id}-words"));
    element("svg")
        .with("viewBox", format!("0 0 {} {}", coordinate(width), coordinate(height)))
        .with("role", "img")
        .with("aria-labelledby", format!("{name_id} {description_id}"))
        .push(element("title").with("id", name_id).text(name))
        .push(element("desc").with("id", description_id).text(description))
}

/// A line between two points.
pub(super) fn line(from: (f64, f64), to: (f64, f64)) -> Element {
    element("line").at("x1", from.0).at("y1", from.1).at("x2", to.0).at("y2", to.1)
}

/// A rectangle from its corner.
pub(super) fn rectangle(corner: (f64, f64), width: f64, height: f64) -> Element {
    element("rect").at("x", corner.0).at("y", corner.1).at("width", width.max(0.0)).at("height", height.max(0.0))
}

/// Text on its baseline.
pub(super) fn text(x: f64, y: f64, text: &str) -> Element {
    element("text").at("x", x).at("y", y).text(text)
}

/// A drawing with its caption.
pub(super) fn figure(caption: Element, drawing: Element) -> Element {
    element("figure").push(caption).push(drawing)
}

/// A caption: what is drawn, and a remark.
pub(super) fn caption(name: &str, remark: &str) -> Element {
    let caption = element("figcaption").push(element("b").text(name));
    if remark.is_empty() { caption } else { caption.text(" ").push(element("span").text(remark)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_nice_numbers() {
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12 * b;
        assert!(near(nice_step(4.0, 4), 1.0));
        assert!(near(nice_step(0.09, 4), 0.02));
        assert!(near(nice_step(0.9, 4), 0.2));
        assert!(near(nice_step(17.0, 4), 5.0));
        assert!(near(nice_step(3900.0, 4), 1000.0));
    }

    #[test]
    fn ticks_by_hand() {
        let labels =
            |low, high, step| ticks(low, high, step).iter().map(|v| numbers::tick(*v, step, high)).collect::<Vec<_>>();
        assert_eq!(labels(0.63, 0.91, 0.1), ["0.7", "0.8", "0.9"]);
        assert_eq!(labels(0.6, 0.9, 0.1), ["0.6", "0.7", "0.8", "0.9"]);
        assert_eq!(labels(-0.5, 0.5, 0.5), ["−0.5", "0", "0.5"]);
        assert_eq!(labels(0.0, 4200.0, 1000.0), ["0", "1\u{202f}000", "2\u{202f}000", "3\u{202f}000", "4\u{202f}000"]);
    }

    #[test]
    fn a_scale_covers_its_values_with_nice_ends() {
        let scale = Scale::covering([0.62, f64::NAN, 0.93], 100.0, 200.0).unwrap();
        assert_eq!(scale.ticks().map(|tick| tick.1).collect::<Vec<_>>(), ["0.6", "0.7", "0.8", "0.9", "1.0"]);
        assert!((scale.place(0.8).unwrap() - 150.0).abs() < 1e-9);
        assert_eq!(scale.place(7.0), Some(200.0));
        assert_eq!([f64::NAN, f64::INFINITY].map(|value| scale.place(value)), [None; 2]);
        assert!(scale.holds(0.61) && !scale.holds(0.5) && !scale.holds(f64::NAN));
    }

    #[test]
    fn an_exact_scale_has_its_ticks_inside() {
        let scale = Scale::exactly([0.0, 4100.0], 0.0, 410.0).unwrap();
        assert_eq!(scale.ticks().map(|tick| tick.0).collect::<Vec<_>>(), [0.0, 100.0, 200.0, 300.0, 400.0]);
    }

    #[test]
    fn one_value_none_and_huge_ones_have_scales_of_few_ticks() {
        assert_eq!(Scale::covering([f64::NAN, f64::INFINITY], 0.0, 1.0), None);
        assert_eq!(Scale::exactly([], 0.0, 1.0), None);
        let wide = [f64::MIN, f64::MAX, 1.0];
        let tiny = [1e-310, 2e-310, 0.0];
        let close = [1e16, 1e16 + 2.0, 1e16];
        for values in [[0.0; 3], [5.0; 3], [-1e300; 3], wide, tiny, close] {
            for scale in [Scale::covering(values, 0.0, 1.0), Scale::exactly(values, 0.0, 1.0)] {
                let scale = scale.unwrap();
                assert!((1..=10).contains(&scale.ticks().count()), "{values:?}");
                assert!(values.iter().all(|value| (0.0..=1.0).contains(&scale.place(*value).unwrap())), "{values:?}");
            }
        }
    }
}
