//! What a system makes of the tracks of a fold: as they are, of their halves, of copies.

use audio_frontend::{Coverage, FrontEndConfig, MelPower, Windows};
use index::hubs;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use trainer::baseline::Standardiser;
use trainer::data::Track;
use trainer::evaluate::degrade::MIN_CUT_SECONDS;
use trainer::evaluate::folds::Fold;
use trainer::evaluate::{DegradedCopy, Similarities, UnitVectors, other_half_recall, robustness};

/// The windows of a fold's labelled tracks, as wholes and as excerpts.
pub struct Listening {
    pub places: Vec<usize>,
    pub whole: Versions,
    excerpt: Versions,
}

/// Windows of tracks; of both halves, and of copies of every [`COPIED`]th, with the track's place among
/// these. What is silent is left out.
pub struct Versions {
    pub clean: Vec<Windows>,
    halves: Vec<[Windows; 2]>,
    crops: Vec<(usize, Windows)>,
    noisy: Vec<(usize, Windows)>,
}

const COPIED: usize = 3;
const EXCERPT_SECONDS: f64 = 30.0;
const CROP_SECONDS: f64 = 20.0;

impl Listening {
    pub fn new(validation: &[Track], places: Vec<usize>, front_end: &FrontEndConfig) -> Self {
        let labelled = validation.iter().filter(|track| track.entry.genre.is_some());
        let powers: Vec<MelPower> = labelled
            .map(|track| {
                let mut rows = Vec::new();
                track.power.read(0..track.power.frames(), &mut rows).expect("the cache");
                MelPower::from_rows(front_end.mel_bands, rows)
            })
            .collect();
        let excerpts: Vec<MelPower> = powers.iter().map(|power| middle(power, EXCERPT_SECONDS, front_end)).collect();
        let whole = Versions::of(&powers, front_end);
        assert_eq!(whole.clean.len(), places.len(), "a track could not be read, or is silent");
        Self { places, whole, excerpt: Versions::of(&excerpts, front_end) }
    }
}

impl Versions {
    fn of(powers: &[MelPower], front_end: &FrontEndConfig) -> Self {
        let windows = |power: &MelPower| Windows::of_track(power, front_end, Coverage::Spread);
        let part = |power: &MelPower, start: usize, count: usize| {
            windows(&MelPower::from_rows(power.bands(), power.rows(start, count).to_vec()))
        };
        let mut versions = Self { clean: Vec::new(), halves: Vec::new(), crops: Vec::new(), noisy: Vec::new() };
        for (number, power) in powers.iter().enumerate() {
            let Some(clean) = windows(power) else { continue };
            let (place, half) = (versions.clean.len(), power.frames() / 2);
            versions.clean.push(clean);
            if let (Some(first), Some(second)) = (part(power, 0, half), part(power, half, power.frames() - half)) {
                versions.halves.push([first, second]);
            }
            if number % COPIED == 0 {
                let is_long = power.frames() as f64 * front_end.hop_seconds >= MIN_CUT_SECONDS;
                let crop = windows(&middle(power, CROP_SECONDS, front_end)).filter(|_| is_long);
                versions.crops.extend(crop.map(|crop| (place, crop)));
                versions.noisy.extend(windows(&noisy(power)).map(|copy| (place, copy)));
            }
        }
        versions
    }
}

/// What lies around the middle; all of a shorter track.
fn middle(power: &MelPower, seconds: f64, front_end: &FrontEndConfig) -> MelPower {
    let wanted = ((seconds / front_end.hop_seconds) as usize).min(power.frames());
    MelPower::from_rows(power.bands(), power.rows((power.frames() - wanted) / 2, wanted).to_vec())
}

/// Noise 20 dB below the track, falling over the mel bands about as pink noise does: on a mel axis its bands,
/// which grow wider, hold about the same power each.
fn noisy(power: &MelPower) -> MelPower {
    let mut random = StdRng::seed_from_u64(1);
    let bands = power.bands();
    let mean = audio_frontend::logmel::mean_power(power.all_rows(), bands);
    let level = mean * 0.01 / bands as f32;
    let noise = |power: &f32| power + level * -(1.0 - random.random::<f32>()).ln();
    MelPower::from_rows(bands, power.all_rows().iter().map(noise).collect())
}

/// What a system makes of all folds.
#[derive(Default)]
pub struct Heard {
    pub folds: Vec<Fold>,
    /// The vectors that folds were judged by, in the order of their tracks.
    pub vectors: Vec<UnitVectors>,
    pub whole: Found,
    pub excerpt: Found,
}

/// Sums over tracks, and how many they are: R@1 of halves; R@1 and overlap of the top five of crops and of
/// noise.
#[derive(Default)]
pub struct Found([(f64, usize); 5]);

/// From windows to a vector.
type Embed<'a> = &'a mut dyn FnMut(&Windows) -> Vec<f32>;

impl Heard {
    /// The same vectors as the index ranks them, among the tracks of each fold.
    pub fn as_the_index_ranks(&self) -> Self {
        let folds = self.folds.iter().zip(&self.vectors).map(|(fold, vectors)| {
            let rows: Vec<f32> = (0..vectors.count()).flat_map(|row| vectors.row(row)).copied().collect();
            let penalties = hubs::penalties(&rows, vectors.size(), hubs::DEFAULT_WEIGHT).expect("an index");
            let similarities = fold.similarities.clone().less(&penalties).expect("a penalty a track");
            Fold { similarities, tracks: fold.tracks.clone() }
        });
        Self { folds: folds.collect(), ..Self::default() }
    }

    pub fn listen(&mut self, fold: &Listening, embed: Embed<'_>, standardise: bool) {
        let vectors = self.whole.listen(&fold.whole, embed, standardise);
        self.excerpt.listen(&fold.excerpt, embed, standardise);
        let similarities = Similarities::from_unit_vectors(&vectors);
        self.folds.push(Fold { similarities, tracks: fold.places.clone() });
        self.vectors.push(vectors);
    }
}

impl Found {
    fn listen(&mut self, versions: &Versions, embed: Embed<'_>, standardise: bool) -> UnitVectors {
        let clean: Vec<Vec<f32>> = versions.clean.iter().map(&mut *embed).collect();
        let standardiser = standardise.then(|| Standardiser::fit(&clean));
        let scaled = |vector: Vec<f32>| match &standardiser {
            Some(standardiser) => standardiser.unit_vector(&vector),
            None => vector,
        };
        let half = |embed: Embed<'_>, half: usize| -> Vec<Vec<f32>> {
            versions.halves.iter().map(|halves| scaled(embed(&halves[half]))).collect()
        };
        let (first, second) = (half(embed, 0), half(embed, 1));
        let recall = other_half_recall(&first, &second).expect("halves");
        self.add(0, recall, first.len());
        let clean: Vec<Vec<f32>> = clean.into_iter().map(scaled).collect();
        let clean = UnitVectors::new(&clean).expect("vectors");
        for (number, copies) in [&versions.crops, &versions.noisy].into_iter().enumerate() {
            let made: Vec<(usize, Vec<f32>)> =
                copies.iter().map(|(original, windows)| (*original, scaled(embed(windows)))).collect();
            let copies: Vec<DegradedCopy<'_>> =
                made.iter().map(|(original, vector)| DegradedCopy { original: *original, vector }).collect();
            let row = robustness("", &clean, &copies).expect("copies");
            self.add(1 + 2 * number, row.own_first, copies.len());
            self.add(2 + 2 * number, row.top5_overlap, copies.len());
        }
        clean
    }

    fn add(&mut self, figure: usize, mean: f64, count: usize) {
        self.0[figure].0 += mean * count as f64;
        self.0[figure].1 += count;
    }

    /// A dash where nothing was listened to.
    pub fn text(&self) -> String {
        if self.0.iter().all(|(_, count)| *count == 0) {
            return "–".to_owned();
        }
        let [half, crop, crop5, noise, noise5] = self.0.map(|(sum, count)| sum / count.max(1) as f64);
        format!("{half:.3}, {crop:.3} / {crop5:.3}, {noise:.3} / {noise5:.3}")
    }
}
