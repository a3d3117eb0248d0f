//! A window of a masked-patch stage: what went in, what the encoder saw of it, what came out.

use super::chart::{self, Scale, line, rectangle, text};
use super::html::{Element, coordinate, element};
use super::numbers;
use super::raster;
use crate::evaluate::scores::Reconstruction;

/// Narrower than other drawings: three stand side by side.
const WIDTH: f64 = 300.0;
const LEFT: f64 = 34.0;
const RIGHT: f64 = WIDTH - 8.0;
const TOP: f64 = 2.0;
const BOTTOM: f64 = TOP + 132.0;
const HEIGHT: f64 = BOTTOM + 34.0;
/// Distance of the lines that hatch what was hidden.
const HATCH: f64 = 6.0;
/// What is this far below the loudest value is all alike: silence would take the scale otherwise.
const DYNAMIC_RANGE_DB: f64 = 80.0;

/// The pictures of the n-th stage's windows. Windows whose values do not fit their size, or are no
/// numbers, are left out.
pub(super) fn reconstructions(stage: usize, windows: &[Reconstruction]) -> Vec<Element> {
    let fitting = windows.iter().filter(|window| fits(window)).enumerate();
    fitting.filter_map(|(index, window)| figure(&format!("stage-{}-window-{}", stage + 1, index + 1), window)).collect()
}

fn fits(window: &Reconstruction) -> bool {
    let lengths = [window.input.len(), window.hidden.len(), window.predicted.len()];
    let cells = window.frames.checked_mul(window.bands).filter(|cells| *cells > 0);
    cells.is_some_and(|cells| lengths == [cells; 3])
        && window.input.iter().chain(&window.predicted).all(|value| value.is_finite())
        && window.seconds.is_finite()
        && window.seconds > 0.0
}

fn figure(id: &str, window: &Reconstruction) -> Option<Element> {
    let scale = Decibels::of(window);
    let error = error(window);
    let seen = window.input.iter().zip(&window.hidden).map(|(value, hidden)| (!hidden).then_some(*value));
    let panels = [
        panel(
            &format!("{id}-input"),
            "Input",
            "Log-mel spectrogram",
            window,
            picture(window, &scale, window.input.iter().copied().map(Some))?,
        ),
        panel(
            &format!("{id}-seen"),
            "What the encoder saw",
            "The same spectrogram, hatched where it was hidden",
            window,
            picture(window, &scale, seen)?,
        ),
        panel(
            &format!("{id}-predicted"),
            "Reconstruction",
            &format!("The same spectrogram as the decoder predicts it; {error}"),
            window,
            picture(window, &scale, window.predicted.iter().copied().map(Some))?,
        ),
    ];
    Some(
        chart::figure(chart::caption(&window.label, &error), element("div").class("panels").extend(panels))
            .class("reconstruction")
            .push(scale.legend()?),
    )
}

/// The scale that the three pictures share: the input's values. Predictions beyond it are drawn at its
/// ends, so that a wild one does not take the contrast from all others.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Decibels {
    low: f64,
    high: f64,
    /// Some value is lower, some is higher.
    beyond: (bool, bool),
}

impl Decibels {
    fn of(window: &Reconstruction) -> Self {
        let ends = |values: &[f32]| {
            values
                .iter()
                .map(|value| f64::from(*value))
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
        };
        let (input, predicted) = (ends(&window.input), ends(&window.predicted));
        let (low, high) = (input.0.max(input.1 - DYNAMIC_RANGE_DB), input.1);
        Self { low, high, beyond: (input.0.min(predicted.0) < low, predicted.1 > high) }
    }

    fn pixel(&self, decibels: f32) -> u8 {
        // Where all values are the same, they are the scale's low end.
        raster::pixel((f64::from(decibels) - self.low) / (self.high - self.low).max(f64::MIN_POSITIVE))
    }

    /// The colours with their ends in dB, and what is hatched.
    fn legend(&self) -> Option<Element> {
        let end = |sign: &str, beyond: bool, value: f64| {
            element("span").text(format!("{}{} dB", if beyond { sign } else { "" }, numbers::decimals(value, 0)))
        };
        // What they mean stands beside them, so the samples are hidden from screen readers.
        let sample = |width: f64| {
            element("svg").with("viewBox", format!("0 0 {width} 12")).with("aria-hidden", "true").class("sample")
        };
        let colours = element("li")
            .push(end("≤ ", self.beyond.0, self.low))
            .push(sample(120.0).push(pixels((0.0, 0.0), 120.0, 12.0, raster::scale()?)))
            .push(end("≥ ", self.beyond.1, self.high));
        let hatched = element("li")
            .push(sample(24.0).extend(hatch((0.0, 0.0), 24.0, 12.0)))
            .push(element("span").text("hidden from the encoder"));
        Some(element("ul").class("legend").push(colours).push(hatched))
    }
}

/// Values frame after frame, each from the lowest band, as pixels row by row from the highest band.
fn picture(window: &Reconstruction, scale: &Decibels, values: impl Iterator<Item = Option<f32>>) -> Option<String> {
    let cells: Vec<u8> = values.map(|value| value.map_or(raster::CLEAR, |value| scale.pixel(value))).collect();
    let row = |band: usize| cells.iter().skip(band).step_by(window.bands).copied();
    let pixels: Vec<u8> = (0..window.bands).rev().flat_map(row).collect();
    raster::picture(window.frames, window.bands, &pixels)
}

/// A picture with its name, and what it shows in words for those who cannot see it.
fn panel(id: &str, name: &str, words: &str, window: &Reconstruction, address: String) -> Element {
    let (width, height, middle) = (RIGHT - LEFT, BOTTOM - TOP, (TOP + BOTTOM) / 2.0);
    let across = Scale::exactly([0.0, window.seconds], LEFT, RIGHT);
    let upright = format!("translate({} {}) rotate(-90)", coordinate(LEFT - 10.0), coordinate(middle));
    let words = format!(
        "{words}. Time runs to the right for {} seconds, {} run from low at the bottom to high at the top.",
        numbers::decimals(window.seconds, 1),
        numbers::plural(window.bands, "mel band"),
    );
    let drawing = chart::drawing(id, &format!("{name}: {}", window.label), &words, WIDTH, HEIGHT)
        .extend(hatch((LEFT, TOP), width, height))
        .push(pixels((LEFT, TOP), width, height, address))
        .extend(across.map(|across| across.labels(BOTTOM)))
        .push(text((LEFT + RIGHT) / 2.0, HEIGHT - 2.0, "seconds").class("tick middle"))
        .push(text(LEFT - 6.0, TOP + 10.0, "high").class("tick end"))
        .push(text(0.0, 0.0, "mel bands").class("tick middle").with("transform", upright))
        .push(text(LEFT - 6.0, BOTTOM, "low").class("tick end"));
    element("div").push(element("p").text(name)).push(drawing)
}

/// A picture stretched to a rectangle.
fn pixels(corner: (f64, f64), width: f64, height: f64, address: String) -> Element {
    element("image")
        .at("x", corner.0)
        .at("y", corner.1)
        .at("width", width)
        .at("height", height)
        .with("preserveAspectRatio", "none")
        .with("href", address)
}

/// A rectangle with lines from its lower left to its upper right, cut at its edges.
fn hatch(corner: (f64, f64), width: f64, height: f64) -> [Element; 2] {
    let lines = 1..((width + height) / HATCH).ceil() as usize;
    let drawn = lines.map(|index| {
        let reach = index as f64 * HATCH;
        // From the left edge or the lower one to the upper edge or the right one.
        let from = ((reach - height).max(0.0), reach.min(height));
        let to = (reach.min(width), (reach - width).max(0.0));
        line((corner.0 + from.0, corner.1 + from.1), (corner.0 + to.0, corner.1 + to.1))
    });
    [rectangle(corner, width, height).class("cell"), element("g").class("hatch").extend(drawn)]
}

/// What the prediction is off on average where values were hidden.
fn error(window: &Reconstruction) -> String {
    let cells = window.input.iter().zip(&window.predicted).zip(&window.hidden);
    // Numbers of single precision are never too far apart for double.
    let errors = cells
        .filter(|(_, hidden)| **hidden)
        .map(|((input, predicted), _)| (f64::from(*input) - f64::from(*predicted)).abs());
    let (count, sum) = errors.fold((0_usize, 0.0), |(count, sum), error| (count + 1, sum + error));
    if count == 0 {
        return "nothing was hidden".to_owned();
    }
    format!(
        "mean absolute error {} dB over the hidden {}",
        numbers::decimals(sum / count as f64, 2),
        numbers::percent(count as f64 / window.hidden.len() as f64)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two frames of three bands, one value hidden.
    fn window() -> Reconstruction {
        Reconstruction {
            label: "a – b".to_owned(),
            frames: 2,
            seconds: 0.04,
            bands: 3,
            input: vec![-40.0, -30.0, -20.0, -10.0, -20.0, 0.0],
            hidden: vec![false, true, false, false, false, true],
            predicted: vec![-40.0, -28.5, -20.0, -10.0, -20.0, -1.0],
        }
    }

    fn written(elements: Vec<Element>) -> String {
        let mut page = String::new();
        elements.iter().for_each(|element| element.write(&mut page));
        page
    }

    /// The pictures of a page in its order.
    fn pictures(page: &str) -> Vec<(usize, usize, Vec<u8>)> {
        page.split("href=\"").skip(1).map(|rest| raster::read(rest.split('"').next().unwrap())).collect()
    }

    #[test]
    fn the_lowest_band_of_the_first_frame_is_at_the_lower_left() {
        let page = written(reconstructions(0, &[window()]));
        // 40 dB are 254 steps: −30 dB is step 64, −20 dB 127, −10 dB 191, each after the clear pixel.
        let input = [[128, 255], [65, 128], [1, 192]].concat();
        let seen = [[128, raster::CLEAR], [raster::CLEAR, 128], [1, 192]].concat();
        // −28.5 dB is step 73, −1 dB 248.
        let predicted = [[128, 249], [74, 128], [1, 192]].concat();
        assert_eq!(pictures(&page)[..3], [input, seen, predicted].map(|pixels| (2, 3, pixels)));
    }

    #[test]
    fn the_caption_tells_the_error_of_hidden_values_only() {
        // Off by 1.5 dB and by 1 dB; a third of the values is hidden.
        let page = written(reconstructions(0, &[window()]));
        assert!(page.contains("mean absolute error 1.25 dB over the hidden 33.3 %"), "{page}");
        let open = Reconstruction { hidden: vec![false; 6], ..window() };
        assert!(written(reconstructions(0, &[open])).contains("nothing was hidden"));
    }

    #[test]
    fn the_scale_is_the_inputs_and_says_where_values_lie_beyond() {
        let ends = |window: &Reconstruction| {
            let legend = written(Decibels::of(window).legend().into_iter().collect());
            legend.split("<span>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(ends(&window()), ["−40 dB", "0 dB", "hidden from the encoder"]);
        let wild = Reconstruction { predicted: vec![-50.0, 3.0, 0.0, 0.0, 0.0, 0.0], ..window() };
        assert_eq!(ends(&wild)[..2], ["≤ −40 dB", "≥ 0 dB"]);
        let silent = Reconstruction { input: vec![-100.0, 0.0, -70.0, -81.0, -80.0, -2.0], ..window() };
        assert_eq!(ends(&silent)[..2], ["≤ −80 dB", "0 dB"]);
        let scale = Decibels::of(&silent);
        assert_eq!([-100.0, -80.0, -40.0, 0.0].map(|value| scale.pixel(value)), [1, 1, 128, 255]);
    }

    #[test]
    fn one_value_and_the_largest_ones_have_pictures() {
        for values in [vec![-7.0; 6], vec![f32::MAX, f32::MIN, 0.0, 0.0, 0.0, 0.0]] {
            let page = written(reconstructions(0, &[Reconstruction { input: values, ..window() }]));
            assert_eq!(pictures(&page).len(), 4);
        }
    }

    #[test]
    fn what_does_not_fit_or_is_no_number_is_left_out() {
        let short = || vec![0.0; 5];
        let lost = |value: f32| vec![0.0, 0.0, value, 0.0, 0.0, 0.0];
        let wrong = [
            Reconstruction { input: short(), ..window() },
            Reconstruction { predicted: short(), ..window() },
            Reconstruction { hidden: vec![true; 7], ..window() },
            Reconstruction { frames: 3, ..window() },
            Reconstruction { frames: usize::MAX, bands: 2, ..window() },
            Reconstruction { input: lost(f32::NAN), ..window() },
            Reconstruction { predicted: lost(f32::NEG_INFINITY), ..window() },
            Reconstruction { seconds: f64::NAN, ..window() },
            Reconstruction { seconds: 0.0, ..window() },
            Reconstruction::default(),
        ];
        assert!(reconstructions(0, &wrong).is_empty());
        let [first, second, ..] = wrong;
        assert_eq!(reconstructions(0, &[first, window(), second]).len(), 1);
    }

    #[test]
    fn hatching_stays_inside() {
        let page = written(hatch((10.0, 20.0), 24.0, 12.0).to_vec());
        let ends = |name: &str| -> Vec<f64> {
            page.split(&format!(" {name}=\""))
                .skip(1)
                .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
                .collect()
        };
        // Lines 6 apart along the edges of 24 and 12, the corners without one.
        assert_eq!(ends("x1"), [10.0, 10.0, 16.0, 22.0, 28.0]);
        assert_eq!(ends("y1"), [26.0, 32.0, 32.0, 32.0, 32.0]);
        assert_eq!(ends("x2"), [16.0, 22.0, 28.0, 34.0, 34.0]);
        assert_eq!(ends("y2"), [20.0, 20.0, 20.0, 20.0, 26.0]);
    }
}
