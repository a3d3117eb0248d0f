//! A head in closed form from labels: what tells a genre from the others, beyond what tells its artists from each other,
//! counts more.
//!
//! A genre's discriminant (Fisher 1936) is the direction in which its mean lies apart from those of the others, measured by
//! how artists of one genre scatter; each counts once. Discriminants stand beside the map that is there, one after
//! the other, as long as tracks of artists that were left out find more of their genre by it: often of some genres only, and
//! of none where labels mean nothing. A few directions of a linear map cannot learn artists by heart, as all weights of a
//! network do of a few hundred tracks.

use std::collections::BTreeMap;

use audio_frontend::OutOfRange;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::closed_form::{Map, pooled_crops, together};
use super::network::{NetworkWeights, Start};
use super::{Material, Setup};
use crate::data::{Entry, split};
use crate::error::Result;
use crate::evaluate::{Labelled, Retrieval, retrieval};
use crate::torch::guard;

/// Settings of the stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DiscriminateConfig {
    /// Genres that are told from the others; empty: all that there are.
    pub genres: Vec<String>,
    /// Of these, so many that most artists play: time grows with each.
    pub most_genres: usize,
    /// Crops of each track that stand for it.
    pub crops_per_track: usize,
    /// Added to the scatter of artists within genres, in mean eigenvalues.
    pub regularisation: f64,
    /// Weights that are tried of a discriminant, above 0: its root mean square over tracks beside the length of the vector
    /// that is there.
    pub weights: Vec<f64>,
    /// What mean average precision and area under the curve together have to gain by a further discriminant.
    pub least_gain: f64,
    /// Parts that the artists are divided into to find that out.
    pub folds: usize,
    /// Times that they are divided anew: who happens to judge whom matters less.
    pub divisions: u64,
}

impl Default for DiscriminateConfig {
    fn default() -> Self {
        Self {
            genres: Vec::new(),
            most_genres: 24,
            crops_per_track: 12,
            regularisation: 3.0,
            weights: vec![0.4],
            least_gain: 0.01,
            folds: 3,
            divisions: 4,
        }
    }
}

impl DiscriminateConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn validate(&self) -> std::result::Result<(), OutOfRange> {
        OutOfRange::check(&[
            (self.most_genres > 0, "most_genres must be above 0"),
            ((2..=1000).contains(&self.crops_per_track), "crops_per_track must be in 2..=1000"),
            (self.regularisation > 0.0, "regularisation must be above 0"),
            (self.weights.iter().all(|weight| *weight > 0.0 && *weight <= 10.0), "weights must be in (0, 10]"),
            (self.least_gain >= 0.0, "least_gain must be at least 0"),
            ((2..=100).contains(&self.folds), "folds must be in 2..=100"),
            ((1..=100).contains(&self.divisions), "divisions must be in 1..=100"),
        ])
    }
}

/// Gives a network the head in closed form; its other weights stay as they are. Where no discriminant helps, all stays.
///
/// # Errors
/// [`Error::Torch`](crate::Error::Torch), [`Error::Io`](crate::Error::Io), and as [`pooled_crops`].
pub fn discriminate(
    config: &DiscriminateConfig,
    setup: Setup<'_>,
    material: Material<'_>,
    start: &Start,
) -> Result<(NetworkWeights, Retrieval)> {
    let (network, tracks, crops) = pooled_crops(config.crops_per_track, 0.0, setup, material, start)?;
    guard("telling genres apart", || {
        let _no_gradients = tch::no_grad_guard();
        let trained = Map::of_head(&network);
        let vectors = unit(&trained.of(&crops)).f_view([tracks.len() as i64, config.crops_per_track as i64, -1])?;
        let entries = tracks.iter().map(|&track| material.tracks[track].entry.clone());
        let (places, entries): (Vec<usize>, Vec<Entry>) =
            entries.enumerate().filter(|(_, entry)| entry.genre.is_some()).unzip();
        let labelled = Examples { vectors: vectors.index_select(0, &numbers(&places)), entries };
        let chosen = labelled.choose(config, setup.seed)?;
        if let Some(discriminants) = labelled.discriminants(config.regularisation)?.weighted(&chosen)? {
            let head = beside(&discriminants, &trained, &crops)?;
            network.encoder.head().set(&head.weight.to_kind(Kind::Float), &head.bias.to_kind(Kind::Float));
        }
        Ok(())
    })?;
    let (validation, _) = material.judge.judge(&network.encoder)?;
    Ok((network.weights()?, validation))
}

/// The trained map with discriminants (one a row, of what it makes) beside what it makes, in as many dimensions as before.
fn beside(discriminants: &Tensor, trained: &Map, pooled: &Tensor) -> Result<Map> {
    let new = Map { bias: discriminants.mv(&trained.bias), weight: discriminants.matmul(&trained.weight) };
    let [of_new, of_trained] = [&new, trained].map(|map| map.squared_length(pooled));
    together(pooled, &new, trained, of_trained / (of_new + of_trained))
}

/// Weights of the genres whose discriminants are used.
type Chosen = BTreeMap<String, f64>;

/// Labelled tracks with the unit vectors of their crops, N × crops × embedding size.
struct Examples {
    vectors: Tensor,
    entries: Vec<Entry>,
}

/// One discriminant a genre, 1 × embedding size: of mean square 1 over the tracks that it was made of. They are maps without
/// a bias, since they stand beside vectors whose length is to mean nothing.
struct Discriminants(BTreeMap<String, Tensor>);

impl Discriminants {
    /// The chosen ones, one a row, as much as each is to weigh; `None`: there are none.
    fn weighted(&self, chosen: &Chosen) -> Result<Option<Tensor>> {
        let rows = chosen.iter().filter_map(|(genre, weight)| Some(self.0.get(genre)? * *weight));
        let rows: Vec<Tensor> = rows.collect();
        Ok(if rows.is_empty() { None } else { Some(Tensor::f_cat(&rows, 0)?) })
    }
}

/// Artists that were left out, and the discriminants of the others.
struct Fold {
    held_out: Examples,
    discriminants: Discriminants,
}

impl Fold {
    /// How well the tracks that were left out find those of their genre.
    fn score(&self, chosen: &Chosen) -> Result<f64> {
        let there = &self.held_out.vectors;
        let found = match self.discriminants.weighted(chosen)? {
            Some(rows) => self.held_out.retrieval(&Tensor::f_cat(&[there, &there.matmul(&rows.tr())], 2)?)?,
            None => self.held_out.retrieval(there)?,
        };
        Ok(found.mean_average_precision + found.area_under_curve)
    }
}

impl Examples {
    fn part(&self, part: &[usize]) -> Self {
        let entries = part.iter().map(|&place| self.entries[place].clone()).collect();
        Self { vectors: self.vectors.index_select(0, &numbers(part)), entries }
    }

    /// Takes the discriminant that helps most, then the next, as long as one helps enough.
    fn choose(&self, config: &DiscriminateConfig, seed: u64) -> Result<Chosen> {
        let mut folds = Vec::new();
        for fold in
            (0..config.divisions).flat_map(|division| split::folds(&self.entries, config.folds, seed ^ division << 32))
        {
            let (training, held_out) = (self.part(&fold.training), self.part(&fold.validation));
            if !training.entries.is_empty() && !held_out.entries.is_empty() {
                folds.push(Fold { held_out, discriminants: training.discriminants(config.regularisation)? });
            }
        }
        let score = |chosen: &Chosen| -> Result<f64> {
            let scores = folds.iter().map(|fold| fold.score(chosen)).collect::<Result<Vec<_>>>()?;
            Ok(scores.iter().sum::<f64>() / scores.len().max(1) as f64)
        };
        let is_wanted = |genre: &String| config.genres.is_empty() || config.genres.contains(genre);
        let mut genres: Vec<_> = artists_of(&self.entries).into_iter().filter(|(genre, _)| is_wanted(genre)).collect();
        genres.sort_by_key(|(_, artists)| std::cmp::Reverse(artists.len()));
        genres.truncate(config.most_genres);
        let mut chosen = Chosen::new();
        let mut reached = score(&chosen)?;
        loop {
            let mut best: Option<(f64, Chosen)> = None;
            for (genre, _) in genres.iter().filter(|(genre, _)| !chosen.contains_key(genre)) {
                for &weight in &config.weights {
                    let mut tried = chosen.clone();
                    tried.insert(genre.clone(), weight);
                    let found = score(&tried)?;
                    if best.as_ref().is_none_or(|(best, _)| found > *best) {
                        best = Some((found, tried));
                    }
                }
            }
            match best {
                Some((found, better)) if found >= reached + config.least_gain => (reached, chosen) = (found, better),
                _ => return Ok(chosen),
            }
        }
    }

    /// Of tracks by vectors of their crops, which make up a track's as they do where the model serves.
    fn retrieval(&self, crops: &Tensor) -> Result<Retrieval> {
        let tracks = unit(&unit(crops).mean_dim([1_i64].as_slice(), false, Kind::Double));
        let values = Vec::<f32>::try_from(tracks.to_kind(Kind::Float).f_view([-1])?)?;
        let labelled: Vec<Labelled<'_>> = values
            .chunks(tracks.size()[1] as usize)
            .zip(&self.entries)
            .map(|(vector, entry)| Labelled { vector, genre: genre_of(entry), artist: &entry.artist })
            .collect();
        retrieval(&labelled)
    }

    /// A genre's mean less that of the others, as artists scatter.
    fn discriminants(&self, regularisation: f64) -> Result<Discriminants> {
        let mean = |vectors: &Tensor| vectors.mean_dim([0_i64].as_slice(), false, Kind::Double);
        // How a track varies within itself is not in its vector, and how often an artist was recorded says nothing.
        let tracks = self.vectors.mean_dim([1_i64].as_slice(), false, Kind::Double);
        let (mut genres, mut means, mut deviations) = (Vec::new(), Vec::new(), Vec::new());
        for (genre, artists) in artists_of(&self.entries) {
            let of_artist = |places: &Vec<usize>| mean(&tracks.index_select(0, &numbers(places)));
            let artists = Tensor::f_stack(&artists.values().map(of_artist).collect::<Vec<_>>(), 0)?;
            let centre = mean(&artists);
            deviations.push(artists - &centre);
            means.push(centre);
            genres.push(genre);
        }
        if genres.len() < 2 {
            return Ok(Discriminants(BTreeMap::new()));
        }
        let (means, deviations) = (Tensor::f_stack(&means, 0)?, Tensor::f_cat(&deviations, 0)?);
        let scatter = deviations.tr().matmul(&deviations) / deviations.size()[0] as f64;
        let floor = scatter.trace() / scatter.size()[0] as f64 * regularisation;
        let scatter = &scatter + Tensor::eye(scatter.size()[0], tch::kind::DOUBLE_CPU) * floor.clamp_min(1e-12);
        let centre = means.mean_dim([0_i64].as_slice(), true, Kind::Double);
        // A genre's mean less that of the others points where it lies from the mean of all.
        let directions = Tensor::f_linalg_solve(&scatter, &(&means - &centre).tr(), true)?.tr();
        let squares = tracks.matmul(&directions.tr()).square().mean_dim([0_i64].as_slice(), false, Kind::Double);
        let rows = directions / squares.clamp_min(1e-12).sqrt().unsqueeze(1);
        let rows = (0..).zip(genres).map(|(number, genre)| Ok((genre, rows.f_narrow(0, number, 1)?)));
        Ok(Discriminants(rows.collect::<Result<_>>()?))
    }
}

/// Scaled to length 1, along the last axis.
fn unit(vectors: &Tensor) -> Tensor {
    let squared = vectors.square().sum_dim_intlist([-1_i64].as_slice(), true, Kind::Double);
    vectors / squared.sqrt().clamp_min(1e-12)
}

fn genre_of(entry: &Entry) -> &str {
    entry.genre.as_deref().unwrap_or_default()
}

/// Places of each artist's tracks, genre by genre.
fn artists_of(entries: &[Entry]) -> BTreeMap<String, BTreeMap<&str, Vec<usize>>> {
    let mut artists_of: BTreeMap<String, BTreeMap<&str, Vec<usize>>> = BTreeMap::new();
    for (place, entry) in entries.iter().enumerate() {
        artists_of.entry(genre_of(entry).to_owned()).or_default().entry(&entry.artist).or_default().push(place);
    }
    artists_of
}

fn numbers(places: &[usize]) -> Tensor {
    Tensor::from_slice(&places.iter().map(|&place| place as i64).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    /// Two genres of four artists each, two tracks an artist. Genres differ along the first direction by 2, artists along
    /// the second by much more, and along the third there is little.
    fn examples() -> Examples {
        let (mut rows, mut entries) = (Vec::new(), Vec::new());
        for artist in 0..8 {
            for track in 0..2 {
                let genre = artist % 2;
                let third = 0.01 * f64::from(artist * track % 3);
                rows.push([2.0 * f64::from(genre) - 1.0, 10.0 * f64::from(artist / 2) - 15.0, third]);
                let (genre, artist) = (Some(format!("genre {genre}")), format!("artist {artist}"));
                entries.push(Entry { genre, artist, ..Default::default() });
            }
        }
        Examples { vectors: Tensor::from_slice(&rows.concat()).view([16, 1, 3]), entries }
    }

    #[test]
    fn genres_lie_apart_along_their_discriminants() {
        let examples = examples();
        let discriminants = examples.discriminants(0.1).unwrap();
        for (genre, row) in &discriminants.0 {
            let values = Vec::<f64>::try_from(examples.vectors.matmul(&row.tr()).view([-1])).unwrap();
            // One half lies at 1, the other at −1: the mean square is 1.
            for (value, entry) in values.iter().zip(&examples.entries) {
                let expected = if genre_of(entry) == genre { 1.0 } else { -1.0 };
                assert!((value - expected).abs() < 0.05, "{values:?}");
            }
        }
    }

    #[test]
    fn a_discriminant_counts_as_much_whatever_the_length() {
        let pooled = examples().vectors.view([16, 3]);
        let trained = Map { weight: Tensor::eye(3, tch::kind::DOUBLE_CPU), bias: Tensor::from_slice(&[0.0_f64; 3]) };
        let row = Tensor::from_slice(&[0.5_f64, 0.0, 0.0]).view([1, 3]);
        // Nothing lies along the third direction: it is what goes.
        let narrow = &pooled * Tensor::from_slice(&[1.0, 1.0, 0.0]);
        let head = beside(&row, &trained, &narrow).unwrap();
        let gram = |y: &Tensor| y.matmul(&y.tr());
        let [short, long] = [1.0, 30.0].map(|length| gram(&head.of(&(&narrow * length))) / (length * length));
        let expected = gram(&Tensor::cat(&[&narrow, &narrow.matmul(&row.tr())], 1));
        let scale = expected.get(0).get(0).double_value(&[]) / short.get(0).get(0).double_value(&[]);
        for found in [short, long] {
            assert!((found * scale - &expected).abs().max().double_value(&[]) < 1e-6);
        }
    }

    #[test]
    fn discriminants_are_taken_where_they_help_artists_that_were_left_out() {
        let mut random = StdRng::seed_from_u64(1);
        let mut drawn = |apart: f64| {
            let (mut rows, mut entries) = (Vec::new(), Vec::new());
            for artist in 0..60 {
                let mut row: Vec<f64> = (0..12).map(|_| random.random_range(-1.0..1.0)).collect();
                row[0] += apart * f64::from(artist % 2) - apart / 2.0;
                rows.extend(row);
                let (genre, artist) = (Some(format!("genre {}", artist % 2)), format!("artist {artist}"));
                entries.push(Entry { genre, artist, ..Default::default() });
            }
            Examples { vectors: Tensor::from_slice(&rows).view([60, 1, 12]), entries }
        };
        let config = DiscriminateConfig { weights: vec![1.0], ..Default::default() };
        assert!(!drawn(1.0).choose(&config, 1).unwrap().is_empty());
        assert!(drawn(0.0).choose(&config, 1).unwrap().is_empty(), "labels mean nothing");
    }

    #[test]
    fn only_wanted_genres_are_told_apart() {
        let config = DiscriminateConfig {
            genres: vec!["genre 1".into()],
            folds: 2,
            regularisation: 0.1,
            weights: vec![20.0],
            ..Default::default()
        };
        assert_eq!(examples().choose(&config, 1).unwrap().into_keys().collect::<Vec<_>>(), ["genre 1"]);
    }

    #[test]
    fn one_genre_has_nothing_to_be_told_from() {
        let mut examples = examples();
        examples.entries.iter_mut().for_each(|entry| entry.genre = Some("one".into()));
        assert!(examples.choose(&DiscriminateConfig::default(), 1).unwrap().is_empty());
    }
}
