//! A map of vectors: what is near in the space lies near on paper.

use bhtsne::{Neighbor, tSNE};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rayon::prelude::*;

use super::components::principal_components;
use crate::error::{Error, Result};

/// Principal components that are looked at: the rest is mostly noise.
const COMPONENTS: usize = 30;

/// Neighbours that a point attends to, about: the usual value, for groups of a genre's size.
const PERPLEXITY: usize = 30;

/// Neighbours that are known for each unit of perplexity; farther ones pull with next to no force.
const NEIGHBOURS_A_PERPLEXITY: usize = 3;

/// Fewer points are shown by their first two principal components: there is nothing to unfold.
const FEWEST_POINTS: usize = 10;

/// Passes over all points.
const EPOCHS: usize = 1000;

/// Size of a group of points, by its distance, that is seen as one (Barnes-Hut).
const THETA: f64 = 0.5;

/// Standard deviation of the start along the first component. A small start lets points pass each
/// other.
const START: f64 = 1e-4;

/// Places for vectors of the same size, in [−1, 1]², both axes to the same scale.
///
/// Principal components, then t-SNE (van der Maaten & Hinton 2008; with Barnes-Hut, van der Maaten
/// 2014), from the first two components, which keeps the large groups where they lie to each other
/// (Kobak & Berens 2019). The same vectors give the same map, on any number of cores.
///
/// # Errors
/// [`Error::UnevenVectors`]; [`Error::NotFinite`]; [`Error::Threads`].
pub fn map_positions<V: AsRef<[f32]> + Sync>(vectors: &[V]) -> Result<Vec<[f64; 2]>> {
    let size = vectors.first().map_or(0, |vector| vector.as_ref().len());
    for vector in vectors.iter().map(AsRef::as_ref) {
        if vector.len() != size {
            return Err(Error::UnevenVectors { expected: size, found: vector.len() });
        }
        if !vector.iter().all(|value| value.is_finite()) {
            return Err(Error::NotFinite { what: "a vector on the map" });
        }
    }
    let points = principal_components(vectors, COMPONENTS);
    let first_two = |point: &Vec<f64>| [0, 1].map(|axis| point.get(axis).copied().unwrap_or(0.0));
    let plane: Vec<[f64; 2]> = points.iter().map(first_two).collect();
    let spread = (plane.iter().map(|[x, _]| x * x).sum::<f64>() / plane.len().max(1) as f64).sqrt();
    if points.len() < FEWEST_POINTS || spread == 0.0 {
        return Ok(fitted(plane));
    }
    // What lies on one spot, or all on a line, could never leave it without a little disorder.
    let mut random = StdRng::seed_from_u64(0);
    let mut disorder = || 0.02 * START * (random.random::<f64>() - 0.5);
    let start: Vec<f64> = plane.iter().flatten().map(|value| value / spread * START + disorder()).collect();
    Ok(fitted(unfold(&points, start)?))
}

/// t-SNE from a start.
fn unfold(points: &[Vec<f64>], start: Vec<f64>) -> Result<Vec<[f64; 2]>> {
    let perplexity = PERPLEXITY.min((points.len() - 1) / NEIGHBOURS_A_PERPLEXITY);
    let near = neighbours(points, perplexity * NEIGHBOURS_A_PERPLEXITY);
    // Sums over several threads depend on who is done first, and t-SNE makes much of a last bit.
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().map_err(Error::Threads)?;
    let places = one_thread.install(|| {
        let mut tsne = tSNE::<f64, Vec<f64>>::new(points);
        tsne.perplexity(perplexity as f64).epochs(EPOCHS).initial_embedding(start);
        tsne.barnes_hut_with_neighbors(THETA, &near);
        tsne.embedding()
    });
    Ok(places.as_chunks::<2>().0.to_vec())
}

/// Each point's nearest others, nearest first.
fn neighbours(points: &[Vec<f64>], count: usize) -> Vec<Vec<Neighbor<f64>>> {
    let of_point = |point: usize| {
        let squared = |other: usize| points[point].iter().zip(&points[other]).map(|(a, b)| (a - b).powi(2)).sum();
        let others = (0..points.len()).filter(|other| *other != point);
        let mut others: Vec<(f64, usize)> = others.map(|other| (squared(other), other)).collect();
        others.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        others.truncate(count);
        others.into_iter().map(|(squared, index)| Neighbor { index, distance: squared.sqrt() }).collect()
    };
    (0..points.len()).into_par_iter().map(of_point).collect()
}

/// Moved and scaled into the square.
fn fitted(mut places: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    let [x, y] = [0, 1].map(|axis| {
        let extremes = (f64::INFINITY, f64::NEG_INFINITY);
        places.iter().fold(extremes, |(low, high), place| (low.min(place[axis]), high.max(place[axis])))
    });
    let half_size = ((x.1 - x.0).max(y.1 - y.0) / 2.0).max(f64::MIN_POSITIVE);
    for place in &mut places {
        for (value, (low, high)) in place.iter_mut().zip([x, y]) {
            *value = ((*value - (low + high) / 2.0) / half_size).clamp(-1.0, 1.0);
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points about one of three corners each, in 40 dimensions.
    fn clusters(count: usize) -> Vec<Vec<f32>> {
        let mut random = StdRng::seed_from_u64(3);
        let point = |index: usize| {
            let corner = |place: usize| if place % 3 == index % 3 { 1.0 } else { 0.0 };
            (0..40).map(|place| corner(place) + random.random::<f32>() - 0.5).collect()
        };
        (0..count).map(point).collect()
    }

    fn nearest(places: &[[f64; 2]], to: usize) -> usize {
        let distance = |other: usize| (places[to][0] - places[other][0]).hypot(places[to][1] - places[other][1]);
        (0..places.len()).filter(|&other| other != to).min_by(|&a, &b| distance(a).total_cmp(&distance(b))).unwrap()
    }

    #[test]
    fn clusters_stay_together_in_the_square_and_a_map_is_drawn_again_to_the_bit() {
        let vectors = clusters(150);
        let places = map_positions(&vectors).unwrap();
        assert_eq!(places.len(), 150);
        let together = (0..150).filter(|&track| nearest(&places, track) % 3 == track % 3).count();
        assert!(together >= 148, "{together} of 150");
        assert!(places.iter().flatten().all(|value| (-1.0..=1.0).contains(value)));
        // The wider axis reaches both edges.
        let widest = [0, 1].map(|axis| places.iter().filter(|place| place[axis].abs() > 1.0 - 1e-9).count());
        assert!(widest.into_iter().any(|reached| reached >= 2));
        assert_eq!(places, map_positions(&vectors).unwrap());
    }

    #[test]
    fn few_points_are_shown_as_they_lie() {
        let places = map_positions(&[[0.0, 0.0, 9.0], [4.0, 0.0, 9.0], [2.0, 1.0, 9.0]]).unwrap();
        // The base is 4 wide, the triangle 1 high.
        let sides = [(0, 1, 2.0), (0, 2, 5.0_f64.sqrt() / 2.0)];
        for (a, b, expected) in sides {
            let side = (places[a][0] - places[b][0]).hypot(places[a][1] - places[b][1]);
            assert!((side - expected).abs() < 1e-6, "{side}");
        }
    }

    #[test]
    fn degenerate_vectors_are_placed_too() {
        assert!(map_positions::<[f32; 2]>(&[]).unwrap().is_empty());
        assert_eq!(map_positions(&[[1.0, 2.0]]).unwrap(), [[0.0, 0.0]]);
        assert_eq!(map_positions(&[[1.0, 2.0]; 20]).unwrap(), [[0.0, 0.0]; 20]);
        // On a line, each place twice.
        let line: Vec<[f32; 2]> = (0..20).map(|i| [(i / 2) as f32, 1.0]).collect();
        assert!(map_positions(&line).unwrap().iter().flatten().all(|value| value.is_finite()));
        assert!(matches!(map_positions(&[[f32::NAN]]), Err(Error::NotFinite { .. })));
        assert!(matches!(map_positions(&[vec![1.0], vec![]]), Err(Error::UnevenVectors { .. })));
    }
}
