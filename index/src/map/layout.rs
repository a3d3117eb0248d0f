//! How landmarks come to lie in the square.

use bhtsne::{Neighbor, tSNE};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::plane::principal_plane;
use crate::among::nearest_among;
use crate::error::{Error, Result};

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

/// Standard deviation of the start along the first component. A small start lets points pass each other.
const START: f64 = 1e-4;

/// Places for unit vectors, one after the other, in [−1, 1]², both axes to the same scale.
///
/// t-SNE (van der Maaten & Hinton 2008; with Barnes-Hut, van der Maaten 2014) from the first two principal components, which
/// keeps large groups where they lie to each other (Kobak & Berens 2019). The same vectors give the same places.
///
/// # Errors
/// [`Error::Faiss`], [`Error::Threads`].
pub fn layout(vectors: &[f32], dimension: usize) -> Result<Vec<[f64; 2]>> {
    let plane = principal_plane(vectors, dimension);
    let spread = (plane.iter().map(|[x, _]| x * x).sum::<f64>() / plane.len().max(1) as f64).sqrt();
    // What is left of equal vectors is rounding.
    if plane.len() < FEWEST_POINTS || spread < 1e-6 {
        return Ok(fitted(plane));
    }
    // What lies on one spot, or all on a line, could never leave it without a little disorder.
    let mut random = StdRng::seed_from_u64(0);
    let mut disorder = || 0.02 * START * (random.random::<f64>() - 0.5);
    let start: Vec<f64> = plane.iter().flatten().map(|value| value / spread * START + disorder()).collect();
    let perplexity = PERPLEXITY.min((plane.len() - 1) / NEIGHBOURS_A_PERPLEXITY);
    let near = neighbours(vectors, dimension, perplexity * NEIGHBOURS_A_PERPLEXITY)?;
    // Sums over several threads depend on who is done first, and t-SNE makes much of a last bit.
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().map_err(Error::Threads)?;
    let points: Vec<usize> = (0..plane.len()).collect();
    let places = one_thread.install(|| {
        let mut tsne = tSNE::<f64, usize>::new(&points);
        tsne.perplexity(perplexity as f64).epochs(EPOCHS).initial_embedding(start);
        tsne.barnes_hut_with_neighbors(THETA, &near);
        tsne.embedding()
    });
    Ok(fitted(places.as_chunks::<2>().0.to_vec()))
}

/// Each point's nearest others, nearest first.
fn neighbours(vectors: &[f32], dimension: usize, count: usize) -> Result<Vec<Vec<Neighbor<f64>>>> {
    let of_point = |(point, found): (usize, Vec<(usize, f32)>)| {
        let others = found.into_iter().filter(|(other, _)| *other != point).take(count);
        let distance = |cosine: f32| (2.0 - 2.0 * f64::from(cosine)).max(0.0).sqrt();
        others.map(|(index, cosine)| Neighbor { index, distance: distance(cosine) }).collect()
    };
    Ok(nearest_among(vectors, dimension, count + 1)?.into_iter().enumerate().map(of_point).collect())
}

/// Moved and scaled into the square.
fn fitted(mut places: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    let [x, y] = [0, 1].map(|axis| {
        let extremes = (f64::INFINITY, f64::NEG_INFINITY);
        places.iter().fold(extremes, |(low, high), place| (low.min(place[axis]), high.max(place[axis])))
    });
    let half_size = ((x.1 - x.0).max(y.1 - y.0) / 2.0).max(1e-6);
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

    #[test]
    fn few_points_are_shown_as_they_lie() {
        // A right angle at the pole: its ends are as far from each other as the square is wide.
        let places = layout(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.6, 0.6, 0.52915], 3).unwrap();
        let distance = |a: usize, b: usize| (places[a][0] - places[b][0]).hypot(places[a][1] - places[b][1]);
        assert!((distance(0, 1) - 2.0).abs() < 1e-6 && distance(0, 2) < 1.5, "{places:?}");
        assert!((distance(0, 2) - distance(1, 2)).abs() < 1e-6, "{places:?}");
    }

    #[test]
    fn degenerate_vectors_are_placed_too() {
        assert!(layout(&[], 0).unwrap().is_empty());
        assert_eq!(layout(&[0.6, 0.8], 2).unwrap(), [[0.0, 0.0]]);
        let two = layout(&[1.0, 0.0, 0.0, 1.0], 2).unwrap();
        assert!((two[0][0] - two[1][0]).abs() > 1.99, "{two:?}");
        assert!(layout(&[0.6, 0.8].repeat(20), 2).unwrap().iter().flatten().all(|value| value.abs() < 1e-3));
        // On an arc, each place twice.
        let arc: Vec<f32> =
            (0..40).flat_map(|n| [((n / 2) as f32 * 0.05).cos(), ((n / 2) as f32 * 0.05).sin()]).collect();
        assert!(layout(&arc, 2).unwrap().iter().flatten().all(|value| (-1.0..=1.0).contains(value)));
    }
}
