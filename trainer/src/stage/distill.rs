//! Distillation: any model's vectors, in a table, teach this network (Hinton et al. 2015; without labels, as the
//! third step of SimCLRv2, Chen et al. 2020b). A crop, however varied, is to point where the teacher's vector of the
//! clean passage points once it is mapped to the embedding's size, and pairs of crops are to lie as far apart, in
//! proportion, as the mapped vectors do (Park et al. 2019). Tracks that the teacher has not heard are left out.

use audio_frontend::OutOfRange;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::fit::{FitConfig, Fitted, Objective, Stage, StepLoss, Surroundings, fit};
use super::network::{Network, Start};
use super::terms::SameTrackConfig;
use super::{Material, Setup, Teachers, terms};
use crate::data::Teacher;
use crate::data::batch::{Batch, BatchConfig};
use crate::error::{Error, Result};
use crate::metric::loss::cosine::cosine_to_target;
use crate::metric::loss::relational::relational_distance;
use crate::model::Mode;
use crate::model::embedding_head::normalised;
use crate::torch::guard;

/// Settings of the stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DistillConfig {
    /// Weight of the cosine to the teacher's vector, 0 or more.
    pub vector_weight: f64,
    /// Weight of the distances of pairs, 0 or more.
    pub relation_weight: f64,
    /// Power that the teacher's numbers are raised to, their signs kept, in (0, 1]. Of activations that are 0 or more a
    /// few large ones make up most of a vector's length; 0.5 lets the others speak (Perronnin et al. 2010). Of teachers
    /// side by side, who have equal lengths before, whoever spreads his over more numbers then weighs more.
    pub teacher_power: f64,
    /// Share of its track's mean in what a crop is taught, in [0, 1]; the rest is of its own passage. What is asked for are
    /// tracks, and what a teacher says of a few seconds varies by more than their music does.
    pub track_share: f64,
    /// Weight of telling genres apart, 0 or more: batches have labels where `batch.genres` is not 0.
    pub genre_weight: f64,
    /// Telling tracks apart.
    pub same_track: SameTrackConfig,
    /// What batches are made of.
    pub batch: BatchConfig,
    /// How it moves.
    pub fit: FitConfig,
}

impl Default for DistillConfig {
    fn default() -> Self {
        Self {
            vector_weight: 1.0,
            relation_weight: 1.0,
            teacher_power: 1.0,
            track_share: 0.0,
            genre_weight: 0.0,
            same_track: SameTrackConfig { weight: 0.0, ..Default::default() },
            // A student of varied crops alone learns less of a teacher that heard the music as it is, one of none of
            // them is less steady under noise (benches/results/label_free.md).
            batch: BatchConfig { varied_share: 0.25, ..BatchConfig::without_labels() },
            // More than the other stages: a third of that leaves the student behind its teacher (the same table).
            fit: FitConfig { steps: 2000, ..FitConfig::default() },
        }
    }
}

impl DistillConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn validate(&self) -> std::result::Result<(), OutOfRange> {
        OutOfRange::check(&[
            (self.vector_weight >= 0.0, "vector_weight must be at least 0"),
            (self.relation_weight >= 0.0, "relation_weight must be at least 0"),
            (self.teacher_power > 0.0 && self.teacher_power <= 1.0, "teacher_power must be in (0, 1]"),
            ((0.0..=1.0).contains(&self.track_share), "track_share must be in 0..=1"),
            (self.genre_weight >= 0.0, "genre_weight must be at least 0"),
            (self.vector_weight + self.relation_weight > 0.0, "vector_weight and relation_weight must not both be 0"),
            (self.genre_weight == 0.0 || self.batch.genres > 0, "genre_weight needs batch.genres above 0"),
            (self.batch.mixup_share == 0.0, "mixup_share must be 0: a teacher has not heard the mixture"),
        ])?;
        self.batch.validate()?;
        self.same_track.validate(&self.batch)?;
        self.fit.validate()
    }
}

/// A linear map from the teacher's vectors to the embedding's size that keeps their angles as well as one can.
#[derive(Debug)]
struct TeacherMap {
    /// See [`DistillConfig::teacher_power`].
    power: f64,
    /// Of unit vectors; 1 × the teacher's dimension.
    mean: Tensor,
    /// The teacher's dimension × embedding size.
    map: Tensor,
}

/// Places of each track whose vectors the map is worked out from.
const PLACES: usize = 4;

/// Vectors that it is worked out from at most.
const MOST_VECTORS: usize = 20_000;

impl TeacherMap {
    /// The principal directions of what the teacher says of the training tracks, around its mean, turned by the
    /// seed: a network's outputs all vary equally much, which principal components do not.
    fn new(teacher: &Teacher, tracks: usize, power: f64, embedding_size: i64, seed: u64) -> Result<Self> {
        let dimension = teacher.dimension() as i64;
        let mut vectors: Vec<f32> = Vec::new();
        let heard: Vec<usize> = (0..tracks).filter(|&track| teacher.has_heard(track)).collect();
        let track_stride = (heard.len() * PLACES).div_ceil(MOST_VECTORS).max(1);
        for track in heard.into_iter().step_by(track_stride) {
            let rows: Vec<&[f32]> = teacher.rows(track).collect();
            let row_stride = rows.len().div_ceil(PLACES).max(1);
            rows.iter().step_by(row_stride).for_each(|row| vectors.extend_from_slice(row));
        }
        guard("mapping the teacher's vectors", || {
            let _no_gradients = tch::no_grad_guard();
            let raw = Tensor::f_from_slice(&vectors)?.f_view([-1, dimension])?;
            let unit = normalised(&raised(&raw, power)).to_kind(Kind::Double);
            let mean = unit.f_mean_dim([0_i64].as_slice(), true, Kind::Double)?;
            let centred = unit - &mean;
            // Ascending: the last ones hold most.
            let (_, directions) = centred.tr().matmul(&centred).f_linalg_eigh("L")?;
            let kept = dimension.min(embedding_size);
            let principal = directions.f_narrow(1, dimension - kept, kept)?;
            let mut random = StdRng::seed_from_u64(seed);
            // Evenly from a cube is near enough to evenly from all rotations.
            let drawn: Vec<f64> =
                (0..embedding_size * embedding_size).map(|_| random.random_range(-1.0..1.0)).collect();
            let drawn = Tensor::f_from_slice(&drawn)?.f_view([embedding_size, embedding_size])?;
            let (turn, _) = Tensor::f_linalg_qr(&drawn, "reduced")?;
            let map = principal.matmul(&turn.f_narrow(0, 0, kept)?);
            Ok(Self { power, mean: mean.to_kind(Kind::Float), map: map.to_kind(Kind::Float) })
        })
    }

    /// The teacher's vectors, N × its dimension, to N × embedding size.
    fn of(&self, vectors: &Tensor) -> Tensor {
        (normalised(&raised(vectors, self.power)) - &self.mean).matmul(&self.map)
    }
}

/// Signs kept, magnitudes raised to a power.
fn raised(vectors: &Tensor, power: f64) -> Tensor {
    if power == 1.0 { vectors.shallow_clone() } else { vectors.sign() * vectors.abs().pow_tensor_scalar(power) }
}

/// The map is a variable, so that a checkpoint holds it: worked out again on another processor, it might be turned.
struct Distill<'a> {
    config: &'a DistillConfig,
    map: TeacherMap,
}

impl Objective for Distill<'_> {
    fn name(&self) -> &'static str {
        "distill"
    }

    fn loss(&self, network: &Network, log_mel: &Tensor, batch: &Batch, mode: Mode) -> Result<StepLoss> {
        let config = self.config;
        let vectors = network.encoder.forward(log_mel, mode);
        let taught = Tensor::f_from_slice(&batch.taught)?.f_view([batch.crops.len() as i64, -1])?;
        let target = normalised(&self.map.of(&taught));
        let mut loss = cosine_to_target(&vectors, &target) * config.vector_weight;
        loss += relational_distance(&vectors, &target)? * config.relation_weight;
        if config.genre_weight > 0.0 {
            loss += terms::genre(network, &vectors, batch, 0.0)? * config.genre_weight;
        }
        if config.same_track.weight > 0.0 {
            loss += terms::same_track(&vectors, &batch.crops, &config.same_track) * config.same_track.weight;
        }
        Ok(StepLoss { loss, vectors, active_triplets: None })
    }
}

/// Learns from `material.teachers`, from `start` on.
///
/// # Errors
/// [`Error::NoTeacher`]; as [`fit`].
pub fn train(
    config: &DistillConfig,
    setup: Setup<'_>,
    material: Material<'_>,
    start: &Start,
    surroundings: Surroundings<'_>,
) -> Result<Fitted> {
    let teachers = material.teachers.ok_or(Error::NoTeacher)?;
    let size = setup.architecture.embedding_size();
    let found = TeacherMap::new(teachers.training, material.tracks.len(), config.teacher_power, size, setup.seed)?;
    let objective = |network: &Network| -> Result<Box<dyn Objective>> {
        Ok(Box::new(network.with_objective(setup.seed, |path| {
            let kept = |name: &str, value: &Tensor| {
                let _no_gradients = tch::no_grad_guard();
                let mut variable = path.zeros_no_train(name, &value.size());
                variable.copy_(value);
                variable
            };
            let (mean, map) = (kept("teacher_mean", &found.mean), kept("teacher_map", &found.map));
            Ok(Distill { config, map: TeacherMap { power: config.teacher_power, mean, map } })
        })?))
    };
    let [training, validation] =
        [teachers.training, teachers.validation].map(|teacher| teacher.clone().with_track_share(config.track_share));
    let teachers = Teachers { training: &training, validation: &validation };
    let stage =
        Stage { teachers: Some(teachers), ..Stage::new(setup, material, &config.fit, &config.batch, &objective) };
    fit(&stage, start, surroundings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_keeps_signs() {
        let raised = raised(&Tensor::from_slice(&[4.0_f32, -9.0, 0.0]), 0.5);
        assert_eq!(Vec::<f32>::try_from(raised).unwrap(), [2.0, -3.0, 0.0]);
    }

    #[test]
    fn squares_with_a_power_of_one_half_teach_what_their_roots_do() {
        let roots = [[1.0_f32, 2.0, 0.5], [3.0, 0.5, 1.0], [0.0, 2.0, 2.0], [1.0, 1.0, 4.0]];
        let squares = roots.map(|row| row.map(|value| value * value));
        let taught = |rows: &[[f32; 3]], power| {
            let teacher = crate::data::teacher_table::example::of_rows(rows);
            let map = TeacherMap::new(&teacher, rows.len(), power, 4, 7).unwrap();
            let mapped = normalised(&map.of(&Tensor::from_slice(rows.as_flattened()).view([-1, 3])));
            Vec::<f32>::try_from(mapped.matmul(&mapped.tr()).view([-1])).unwrap()
        };
        let differ = |a: &[f32], b: &[f32]| a.iter().zip(b).any(|(a, b)| (a - b).abs() > 1e-4);
        let expected = taught(&roots, 1.0);
        assert!(!differ(&taught(&squares, 0.5), &expected));
        assert!(differ(&taught(&squares, 1.0), &expected));
    }

    #[test]
    fn the_map_keeps_angles_around_the_mean_where_there_is_room() {
        // Three unit vectors at right angles; their mean is a third of each, and around it all are 120 degrees apart.
        let teacher =
            crate::data::teacher_table::example::of_rows(&[[2.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 0.5]]);
        let rows = Tensor::from_slice(&[2.0_f32, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.5]).view([3, 3]);
        for size in [2, 3, 8] {
            let map = TeacherMap::new(&teacher, 3, 1.0, size, 7).unwrap();
            let mapped = normalised(&map.of(&rows));
            assert_eq!(mapped.size(), [3, size]);
            let cosines = Vec::<f32>::try_from(mapped.matmul(&mapped.tr()).view([-1])).unwrap();
            let expected = [1.0, -0.5, -0.5, -0.5, 1.0, -0.5, -0.5, -0.5, 1.0];
            assert!(cosines.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{size}: {cosines:?}");
        }
    }
}
