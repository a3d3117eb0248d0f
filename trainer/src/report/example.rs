//! A made-up evaluation of plausible size and shape, for tests and for looking at the page.

use super::ReportFacts;
use crate::evaluate::scores::{
    Confusion, CurvePoint, EVALUATION_FORMAT_VERSION, Evaluation, GenreScores, Hubness, Interval, MapPoint,
    PrecisionAt, Reconstruction, RetrievalScores, RobustnessRow, StageCurve, SystemScores,
};
use crate::evaluate::turnover::{Change, Turnover};

const GENRES: [&str; 8] =
    ["Ambient", "Classical", "Electronic", "Folk", "Hip-Hop", "International", "Jazz & Blues", "Rock"];
const DEGRADATIONS: [&str; 6] =
    ["Gain −12 dB", "64 kbit/s codec", "Pink noise at 20 dB", "20 s crop", "Shift by 10 s", "22 kHz mono"];

/// Numbers that look random and are the same each time, from 0 to 1.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 40) as f64 / (1u64 << 24) as f64
    }

    /// About normal, deviation 1.
    fn normal(&mut self) -> f64 {
        ((0..12).map(|_| self.next()).sum::<f64>()) - 6.0
    }
}

pub(super) fn facts() -> ReportFacts {
    let rows = [
        ("Model", "ab67d80340c1f2e9"),
        ("Parameters", "1 412 864"),
        ("Embedding", "128 dimensions, unit length"),
        ("Stages", "masked, classify, triplet"),
        ("Genres", "Ambient, Classical, Electronic, Folk, Hip-Hop, International, Jazz & Blues, Rock"),
        ("Trained on", "2 310 tracks by 804 artists"),
        ("Date", "1 March 2026"),
    ];
    ReportFacts {
        title: "Evaluation of model ab67d803".to_owned(),
        rows: rows.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
    }
}

pub(super) fn evaluation() -> Evaluation {
    let systems = [
        ("model ab67d803", 0.871, 0.512),
        ("MFCC mean + deviation", 0.688, 0.291),
        ("random weights", 0.641, 0.262),
        ("model 19fe02aa (before)", 0.846, 0.471),
        ("clap.npz", 0.902, 0.583),
    ];
    let mut chance = Chance(7);
    let mut systems: Vec<SystemScores> = systems
        .iter()
        .enumerate()
        .map(|(index, (name, area, precision))| system(index, name, *area, *precision, &mut chance))
        .collect();
    let judged = systems[0].filtered.area_under_curve.value;
    for system in &mut systems[1..] {
        let lead = judged - system.filtered.area_under_curve.value;
        system.area_under_curve_lead = Some(interval(lead, 0.014));
    }
    Evaluation {
        format_version: EVALUATION_FORMAT_VERSION,
        protocol: "Validation artists of the FMA core, split by artist with seed 1; every track asks for all others, \
                   those of its own artist left out."
            .to_owned(),
        tracks: 618,
        artists: 211,
        systems,
        confusion: votes(&mut chance),
        map: map(&mut chance),
    }
}

fn interval(value: f64, half: f64) -> Interval {
    Interval { value, low: value - half, high: value + half * 0.9 }
}

fn system(index: usize, name: &str, area: f64, precision: f64, chance: &mut Chance) -> SystemScores {
    let with_vectors = index == 4;
    SystemScores {
        name: name.to_owned(),
        filtered: retrieval(area, precision, chance),
        unfiltered: retrieval(area + 0.021, precision + 0.07, chance),
        area_under_curve_lead: None,
        other_half_recall: (!with_vectors).then(|| [0.987, 0.91, 0.774, 0.981][index]),
        hubness: Hubness {
            k: 10,
            skewness: [0.84, 2.31, 3.05, 1.02, 0.77][index],
            never_returned: [0.013, 0.094, 0.141, 0.021, 0.011][index],
            largest: [38, 121, 164, 47, 36][index],
        },
        robustness: if with_vectors { Vec::new() } else { robustness(index, chance) },
    }
}

fn retrieval(area: f64, precision: f64, chance: &mut Chance) -> RetrievalScores {
    let genres = GENRES.map(|genre| GenreScores {
        genre: genre.to_owned(),
        queries: 50 + (chance.next() * 50.0) as usize,
        artists: 15 + (chance.next() * 20.0) as usize,
        mean_average_precision: (precision + chance.normal() * 0.09).clamp(0.05, 0.98),
        knn_accuracy: (precision + 0.15 + chance.normal() * 0.08).clamp(0.05, 0.98),
        area_under_curve: (area + chance.normal() * 0.05).clamp(0.4, 0.99),
    });
    RetrievalScores {
        precision_at: [(1, 0.17), (5, 0.12), (10, 0.09)]
            .map(|(k, above)| PrecisionAt { k, precision: interval(precision + above, 0.031) })
            .to_vec(),
        mean_average_precision: interval(precision, 0.026),
        knn_accuracy: interval(precision + 0.15, 0.034),
        area_under_curve: interval(area, 0.016),
        queries: 611,
        genres: genres.to_vec(),
    }
}

fn robustness(index: usize, chance: &mut Chance) -> Vec<RobustnessRow> {
    let base = [0.985, 0.93, 0.86, 0.975][index];
    let row = |(number, degradation): (usize, &&str)| {
        let harm = [0.0, 0.01, 0.05, 0.02, 0.012, 0.03][number] * (1.0 + index as f64) * (0.7 + 0.6 * chance.next());
        RobustnessRow {
            degradation: (*degradation).to_owned(),
            queries: 200,
            own_first: (base + 0.015 - harm).min(1.0),
            top5_overlap: (base - 0.04 - 2.0 * harm).max(0.1),
        }
    };
    DEGRADATIONS.iter().enumerate().map(row).collect()
}

fn votes(chance: &mut Chance) -> Confusion {
    let counts = (0..GENRES.len()).map(|row| {
        (0..GENRES.len())
            .map(|column| {
                let near = if row == column { 52.0 } else { 14.0 / (1.0 + row.abs_diff(column) as f64) };
                (near * (0.4 + chance.next())) as usize
            })
            .collect()
    });
    Confusion { genres: GENRES.map(str::to_owned).to_vec(), counts: counts.collect() }
}

fn map(chance: &mut Chance) -> Vec<MapPoint> {
    (0..120)
        .map(|index| {
            let genre = index % GENRES.len();
            let angle = genre as f64 * std::f64::consts::TAU / GENRES.len() as f64;
            let (x, y) = (0.66 * angle.cos() + 0.16 * chance.normal(), 0.66 * angle.sin() + 0.16 * chance.normal());
            MapPoint {
                x: x.clamp(-1.0, 1.0),
                y: y.clamp(-1.0, 1.0),
                genre: (index % 29 != 7).then(|| GENRES[genre].to_owned()),
                label: format!("Artist {} – Title {index}", index / 3),
            }
        })
        .collect()
}

pub(super) fn turnover() -> Turnover {
    let names = |names: [&str; 2]| names.map(str::to_owned).to_vec();
    let change = Change {
        track: 7,
        name: "Anna <& Sons> – Song".into(),
        kept: 0.3,
        before: names(["A – B", "C – D"]),
        after: names(["E – F", "A – B"]),
    };
    Turnover { tracks: 120, kept: 0.81, most: vec![change] }
}

pub(super) fn curves() -> Vec<StageCurve> {
    let mut chance = Chance(11);
    let classify = (1..=60).map(|look| {
        let share = f64::from(look) / 60.0;
        CurvePoint {
            validation_loss: Some(0.9 + 1.2 * (-4.0 * share).exp()),
            step: 50 * look as usize,
            loss: 0.7 + 1.4 * (-4.0 * share).exp() + 0.03 * chance.normal(),
            learning_rate: 1e-3 * (share * 10.0).min(1.0) * (0.5 + 0.5 * (std::f64::consts::PI * share).cos()),
            active_triplets: None,
            embedding_variance: Some(0.35 + 0.4 * share + 0.01 * chance.normal()),
            mean_average_precision: (look % 5 == 0)
                .then(|| 0.46 - 0.2 * (-3.0 * share).exp() + 0.004 * chance.normal()),
            area_under_curve: (look % 5 == 0).then(|| 0.84 - 0.14 * (-3.0 * share).exp() + 0.003 * chance.normal()),
        }
    });
    let classify = curve("classify", classify.collect(), 2750);
    let triplet = (1..=24).map(|look| {
        let share = f64::from(look) / 24.0;
        CurvePoint {
            validation_loss: Some(0.9 + 1.2 * (-4.0 * share).exp()),
            step: 100 * look as usize,
            loss: 0.11 + 0.06 * (-2.5 * share).exp() + 0.004 * chance.normal(),
            learning_rate: 2e-4 * (0.5 + 0.5 * (std::f64::consts::PI * share).cos()),
            active_triplets: Some(0.22 + 0.5 * (-3.0 * share).exp() + 0.02 * chance.normal()),
            embedding_variance: Some(0.72 + 0.12 * share + 0.01 * chance.normal()),
            mean_average_precision: (look % 2 == 0)
                .then(|| 0.51 - 0.05 * (2.2 * share - 1.4).powi(2) + 0.002 * chance.normal()),
            area_under_curve: (look % 2 == 0)
                .then(|| 0.871 - 0.03 * (2.2 * share - 1.4).powi(2) + 0.001 * chance.normal()),
        }
    });
    let triplet = curve("triplet", triplet.collect(), 1600);
    vec![masked(&mut chance), classify, triplet]
}

fn curve(stage: &str, points: Vec<CurvePoint>, kept_step: usize) -> StageCurve {
    StageCurve { stage: stage.to_owned(), points, kept_step, ..StageCurve::default() }
}

fn masked(chance: &mut Chance) -> StageCurve {
    let points = (1..=40).map(|look| {
        let share = f64::from(look) / 40.0;
        CurvePoint {
            validation_loss: Some(0.9 + 1.2 * (-4.0 * share).exp()),
            step: 200 * look as usize,
            loss: 0.38 + 0.55 * (-5.0 * share).exp() + 0.01 * chance.normal(),
            learning_rate: 1.5e-4 * (share * 10.0).min(1.0) * (0.5 + 0.5 * (std::f64::consts::PI * share).cos()),
            ..CurvePoint::default()
        }
    });
    let points = points.collect();
    let reconstructions = vec![
        reconstruction("Artist 4 – Title 12", 0.6, chance),
        reconstruction("Artist 31 – A title that is as long as titles of live recordings are", 0.75, chance),
    ];
    StageCurve { reconstructions, ..curve("masked", points, 8000) }
}

/// Harmonics that move, drums over them; patches of 16 frames by 16 bands are hidden and come back blurred.
fn reconstruction(label: &str, hidden_share: f64, chance: &mut Chance) -> Reconstruction {
    const PATCH: usize = 16;
    let (frames, bands) = (208, 64);
    let patches: Vec<bool> = (0..frames / PATCH * (bands / PATCH)).map(|_| chance.next() < hidden_share).collect();
    let mut window =
        Reconstruction { label: label.to_owned(), frames, seconds: 4.16, bands, ..Reconstruction::default() };
    for frame in 0..frames {
        for band in 0..bands {
            let (time, height) = (frame as f64, band as f64);
            let tone = (height - 3.0 * (time / 33.0).sin()) * std::f64::consts::TAU / 7.0;
            let beat = (-(time % 26.0) / 5.0).exp();
            let clean = -28.0 - 0.55 * height + 9.0 * tone.cos() + 16.0 * beat * (0.3 + height / 64.0);
            let blurred = -28.0 - 0.55 * height + 5.0 * tone.cos() + 11.0 * beat * (0.3 + height / 64.0);
            let value = (clean + 3.5 * chance.normal()) as f32;
            let hidden = patches[frame / PATCH * (bands / PATCH) + band / PATCH];
            window.input.push(value);
            window.hidden.push(hidden);
            window.predicted.push(if hidden { blurred as f32 } else { value });
        }
    }
    window
}
