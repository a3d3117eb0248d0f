//! The report of an evaluation: one HTML page that needs nothing besides itself.
//!
//! | module | holds |
//! |---|---|
//! | [`verdict`](Verdict) | which baselines are beaten, in words |
//! | `tables` | systems with and without the artist filter, robustness, genres |
//! | `intervals`, `bars` | figures of all systems, of all genres |
//! | `neighbours` | which tracks got other neighbours |
//! | `confusion`, `map` | votes of the neighbours, the space in two dimensions |
//! | `curves` | how training went |
//! | `reconstruction`, `raster` | what a masked stage made of a window; spectrograms as PNG |
//! | `chart`, `marks` | scales and axes; marks that need no colour |
//! | `html`, `numbers` | escaping; numbers for a reader |
//!
//! The drawings are written as SVG elements here rather than by plotters: its SVG has fixed colours and
//! sizes and no titles, while these follow the page's style sheet, light or dark, small or large, and
//! say in words what they show.

mod bars;
mod chart;
mod confusion;
mod curves;
#[cfg(test)]
mod example;
mod html;
mod intervals;
mod map;
mod marks;
mod neighbours;
mod numbers;
mod raster;
mod reconstruction;
mod tables;
mod verdict;

pub use verdict::Verdict;

use crate::evaluate::scores::{Evaluation, Interval, StageCurve};
use crate::evaluate::turnover::Turnover;
use html::{Element, element};

/// Everything that is not drawn. Holds none of the characters that are escaped.
const STYLE: &str = include_str!("style.css");

/// What the caller knows of the model and the run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportFacts {
    /// The page's title.
    pub title: String,
    /// Names and values in the order of the page: model, parameters, genres, stages, date.
    pub rows: Vec<(String, String)>,
}

/// The page. Sections without data are left out; what is not a number is a dash.
pub fn report(
    facts: &ReportFacts,
    evaluation: &Evaluation,
    curves: &[StageCurve],
    turnover: Option<&Turnover>,
) -> String {
    let sections = [
        tables(evaluation),
        intervals(evaluation),
        robustness(evaluation),
        genres(evaluation),
        confusion(evaluation),
        map(evaluation),
        turnover.and_then(neighbours),
        training(curves),
    ];
    let body =
        element("body").push(element("main").push(headline(facts, evaluation)).extend(sections.into_iter().flatten()));
    let mut page = String::from("<!DOCTYPE html>\n");
    element("html").with("lang", "en").push(head(&facts.title)).push(body).write(&mut page);
    page.push('\n');
    page
}

fn head(title: &str) -> Element {
    let meta = |name: &'static str, content: &str| element("meta").with("name", name).with("content", content);
    element("head")
        .push(element("meta").with("charset", "utf-8"))
        .push(meta("viewport", "width=device-width, initial-scale=1"))
        .push(meta("color-scheme", "light dark"))
        // Whatever a label holds, nothing is fetched and nothing runs; pictures stand in the page itself.
        .push(
            element("meta")
                .with("http-equiv", "Content-Security-Policy")
                .with("content", "default-src 'none'; style-src 'unsafe-inline'; img-src data:"),
        )
        .push(element("title").text(title))
        .push(element("style").text(STYLE))
}

fn section(id: &str, name: &str, words: &str) -> Element {
    let name_id = format!("{id}-section");
    element("section")
        .with("aria-labelledby", name_id.clone())
        .push(element("h2").with("id", name_id).text(name))
        .push(element("p").text(words))
}

fn headline(facts: &ReportFacts, evaluation: &Evaluation) -> Element {
    let size = format!(
        "{} by {}.",
        numbers::plural(evaluation.tracks, "track"),
        numbers::plural(evaluation.artists, "artist")
    );
    let rows = facts
        .rows
        .iter()
        .map(|(name, value)| element("div").push(element("dt").text(name)).push(element("dd").text(value)));
    element("header")
        .push(element("h1").text(&facts.title))
        .push(element("p").class("protocol").text(format!("{} {size}", evaluation.protocol)))
        .extend(verdict::verdict(evaluation))
        .extend(tiles(evaluation))
        .extend((!facts.rows.is_empty()).then(|| element("dl").class("facts").extend(rows)))
}

/// The judged model's figures, large.
fn tiles(evaluation: &Evaluation) -> Option<Element> {
    let judged = evaluation.systems.first()?;
    let of = |name: &str, interval: &Interval| {
        let ends = numbers::from_to(interval, numbers::score);
        tile(name, interval.value, &ends.map(|ends| format!("95 %: {ends}")).unwrap_or_default())
    };
    let own = judged.other_half_recall.map(|recall| tile("R@1 of other half", recall, "share of tracks"));
    Some(
        element("div")
            .class("tiles")
            .push(of("AUC", &judged.filtered.area_under_curve))
            .push(of("mAP", &judged.filtered.mean_average_precision))
            .push(of("kNN accuracy", &judged.filtered.knn_accuracy))
            .extend(own),
    )
}

fn tile(name: &str, value: f64, remark: &str) -> Element {
    element("div").class("tile").extend([
        element("span").class("name").text(name),
        element("span").class("value").text(numbers::score(value)),
        element("span").class("ends").text(remark),
    ])
}

fn charts(drawings: Vec<Element>) -> Element {
    element("div").class("charts").extend(drawings)
}

fn tables(evaluation: &Evaluation) -> Option<Element> {
    let tables = tables::systems(evaluation);
    let words = "AUC: chance that a track of the query’s genre ranks above one of another genre; 0.5 is chance. \
                 mAP: mean average precision. kNN: share of tracks whose nearest neighbours vote for their genre. \
                 P@k: share of same-genre tracks among the nearest k. All are averaged within each genre, then over \
                 genres; small figures are 95 % intervals, bootstrapped over artists. Hubness: skewness of the number of lists that a track stands in; 0 is even.";
    (!tables.is_empty()).then(|| section("systems", "Systems", words).extend(tables))
}

fn intervals(evaluation: &Evaluation) -> Option<Element> {
    let drawings = intervals::intervals(evaluation);
    let words = "Artist filter on. Whiskers are 95 % intervals. A system is beaten where its whiskers end left of \
                 the band.";
    (!drawings.is_empty()).then(|| section("intervals", "Intervals", words).push(charts(drawings)))
}

fn robustness(evaluation: &Evaluation) -> Option<Element> {
    let words = format!(
        "A degraded copy of a track asks the index of clean ones. Marked weak: R@1 under {}, overlap under {}.",
        tables::WEAK_OWN_FIRST,
        tables::WEAK_OVERLAP
    );
    Some(section("robustness", "Robustness", &words).push(tables::robustness(evaluation)?))
}

fn genres(evaluation: &Evaluation) -> Option<Element> {
    let drawings = bars::bars(evaluation);
    let table = tables::genres(evaluation)?;
    let words = "Artist filter on. Bars and figures: the judged model. Marks: the other systems.";
    let legend = bars::legend(evaluation);
    Some(section("genres", "Genres", words).push(legend).push(charts(drawings)).push(table))
}

fn confusion(evaluation: &Evaluation) -> Option<Element> {
    let words = "Which genre the nearest neighbours of a track vote for, by the judged model.";
    Some(section("votes", "Confusion", words).push(confusion::confusion(&evaluation.confusion)?))
}

fn map(evaluation: &Evaluation) -> Option<Element> {
    let words = "Each mark is a track. Names stand at the middle of a genre’s tracks.";
    Some(section("space", "Map", words).push(map::map(&evaluation.map)?))
}

fn neighbours(turnover: &Turnover) -> Option<Element> {
    let words = format!(
        "Of the ten nearest of {}, {:.0} % stayed what they were by the model before.",
        numbers::plural(turnover.tracks, "track"),
        100.0 * turnover.kept
    );
    Some(section("neighbours", "Neighbours", &words).push(neighbours::neighbours(turnover)?))
}

fn training(curves: &[StageCurve]) -> Option<Element> {
    let stages: Vec<Element> =
        curves.iter().enumerate().filter_map(|(index, curve)| curves::stage(index, curve)).collect();
    let words = "Validation artists are none of the training’s. The dashed line is the step whose weights were kept.";
    (!stages.is_empty()).then(|| section("training", "Training", words).extend(stages))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::scores::Confusion;

    const SECTIONS: [&str; 8] =
        ["Systems", "Intervals", "Robustness", "Genres", "Confusion", "Map", "Neighbours", "Training"];

    fn has_section(page: &str, name: &str) -> bool {
        page.contains(&format!("-section\">{name}</h2>"))
    }

    fn full() -> String {
        report(&example::facts(), &example::evaluation(), &example::curves(), Some(&example::turnover()))
    }

    /// Every element closed, every attribute quoted, every id once, every reference meets its id.
    fn check(page: &str) {
        let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
        let document = roxmltree::Document::parse_with_options(page, options).unwrap();
        let ids: Vec<&str> = document.descendants().filter_map(|node| node.attribute("id")).collect();
        let unique: std::collections::BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len());
        for named in document.descendants().filter_map(|node| node.attribute("aria-labelledby")) {
            assert!(named.split(' ').all(|id| unique.contains(id)), "{named}");
        }
        for drawing in document.descendants().filter(|node| node.has_tag_name("svg")) {
            let hidden = drawing.attribute("aria-hidden") == Some("true");
            let named = ["title", "desc"].iter().all(|tag| drawing.children().any(|child| child.has_tag_name(*tag)));
            assert!(hidden || (drawing.attribute("role") == Some("img") && named));
        }
        for table in document.descendants().filter(|node| node.has_tag_name("table")) {
            assert!(table.first_element_child().unwrap().has_tag_name("caption"));
        }
        assert!(!document.descendants().any(|node| node.has_tag_name("script") || node.has_tag_name("img")));
        // Pictures stand in the page; what they are encoded as may hold any word.
        let mut words = page.to_owned();
        for picture in document.descendants().filter_map(|node| node.attribute("href")) {
            assert!(picture.starts_with("data:image/png;base64,"), "{picture}");
            words = words.replace(&format!(" href=\"{picture}\""), "");
        }
        for outside in ["://", "NaN", "inf\"", "url(", "@import", " src=", " href=", "data:image"] {
            assert!(!words.contains(outside), "{outside}");
        }
    }

    #[test]
    fn a_full_evaluation_has_every_section() {
        let page = full();
        check(&page);
        assert!(SECTIONS.iter().all(|name| has_section(&page, name)));
        for text in [
            "On AUC, model ab67d803 beats",
            "paired lead",
            "Artist filter off",
            "R@1 of other half",
            ">weak<",
            "Stage 3: triplet",
            "What the encoder saw",
            "img-src data:",
            "Share of active triplets",
            "Pink noise at 20 dB",
        ] {
            assert!(page.contains(text), "{text}");
        }
    }

    #[test]
    fn sections_without_data_are_left_out() {
        let empty = Evaluation {
            systems: Vec::new(),
            confusion: Confusion::default(),
            map: Vec::new(),
            ..example::evaluation()
        };
        let page = report(&example::facts(), &empty, &[], None);
        check(&page);
        assert!(!SECTIONS.iter().any(|name| has_section(&page, name)));
        assert!(page.contains(&empty.protocol));

        let mut alone = example::evaluation();
        alone.systems.truncate(1);
        alone.systems[0].robustness.clear();
        let page = report(&example::facts(), &alone, &[], None);
        check(&page);
        assert!(page.contains("was evaluated alone") && has_section(&page, "Systems") && has_section(&page, "Map"));
        assert!(!has_section(&page, "Robustness") && !has_section(&page, "Training"));
    }

    #[test]
    fn what_is_no_number_is_a_dash_and_never_a_coordinate() {
        let mut evaluation = example::evaluation();
        let nothing = Interval { value: f64::NAN, low: f64::NAN, high: f64::INFINITY };
        for system in &mut evaluation.systems {
            system.filtered.area_under_curve = nothing;
            system.area_under_curve_lead = Some(nothing);
            system.hubness.skewness = f64::NAN;
            system.robustness.iter_mut().for_each(|row| row.own_first = f64::NAN);
            system.filtered.genres[0].mean_average_precision = f64::NEG_INFINITY;
        }
        evaluation.map[0].x = f64::NAN;
        let mut curves = example::curves();
        curves[0].points[3].loss = f64::NAN;
        curves[0].reconstructions[0].predicted[5] = f32::NAN;
        curves[0].reconstructions[1].seconds = f64::INFINITY;
        let page = report(&example::facts(), &evaluation, &curves, None);
        check(&page);
        assert!(page.contains("<td>–</td>"));
        assert!(page.contains("Nothing can be said about MFCC mean + deviation"));
        assert!(!page.contains("What the encoder saw"));
    }

    #[test]
    fn strange_tags_stay_text() {
        let hostile = "</title><script>alert('1')</script>\"\u{0}\u{7}\u{202e} & co. 音楽";
        let mut evaluation = example::evaluation();
        evaluation.protocol = hostile.to_owned();
        evaluation.systems[0].name = hostile.to_owned();
        evaluation.systems[0].filtered.genres[0].genre = hostile.to_owned();
        evaluation.systems[0].robustness[0].degradation = hostile.to_owned();
        evaluation.confusion.genres[0] = hostile.to_owned();
        evaluation.map[0].genre = Some(hostile.to_owned());
        evaluation.map[0].label = hostile.to_owned();
        let mut curves = example::curves();
        curves[0].stage = hostile.to_owned();
        curves[0].reconstructions[0].label = hostile.to_owned();
        let facts = ReportFacts { title: hostile.to_owned(), rows: vec![(hostile.to_owned(), hostile.to_owned())] };
        let page = report(&facts, &evaluation, &curves, None);
        check(&page);
        assert!(page.contains("&lt;script&gt;") && page.contains("音楽"));
        assert!(!page.contains(['\u{0}', '\u{7}', '\u{202e}']));
    }

    #[test]
    fn counts_that_do_not_fit_their_genres_are_no_panic() {
        let mut evaluation = example::evaluation();
        evaluation.confusion.counts = vec![vec![1, 2], vec![], vec![1_000_000; 30]];
        check(&report(&example::facts(), &evaluation, &example::curves(), None));
    }

    #[test]
    fn the_style_sheet_is_the_same_escaped() {
        let mut escaped = String::new();
        html::escape(STYLE, &mut escaped);
        assert_eq!(escaped, STYLE);
    }

    /// Writes the example for looking at it: `REPORT_EXAMPLE=report.html cargo test example_page`.
    #[test]
    fn example_page() {
        if let Some(path) = std::env::var_os("REPORT_EXAMPLE") {
            std::fs::write(path, full()).unwrap();
        }
    }
}
