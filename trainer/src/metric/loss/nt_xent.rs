//! NT-Xent, the normalised temperature-scaled cross-entropy (Chen et al. 2020, eq. 1), with a queue of
//! projections of past batches as further negatives (Wu et al. 2018; He et al. 2020, without its second
//! encoder).

use tch::Tensor;

use super::supervised_contrastive::{contrastive, relation_matrix};

/// Projections of past batches.
#[derive(Debug)]
pub struct Past<'a> {
    /// Unit vectors, M × D; no gradient goes through them.
    pub unit_vectors: &'a Tensor,
    /// The track of each; `None`: the place is still empty.
    pub tracks: &'a [Option<usize>],
}

/// `unit_vectors`, 2N × D, are projections whose rows 2k and 2k + 1 are two views of one track; `tracks` has the
/// track of each row. Each row is told its other view from all rows of other tracks, those of the past included;
/// further rows of its own track do not count. The mean over all rows, so that both directions of a pair count.
pub fn nt_xent(unit_vectors: &Tensor, tracks: &[usize], past: Option<&Past<'_>>, temperature: f64) -> Tensor {
    let count = tracks.len();
    let remembered: &[Option<usize>] = past.map_or(&[], |past| past.tracks);
    let all = match past {
        Some(past) => Tensor::cat(&[unit_vectors, &past.unit_vectors.detach()], 0),
        None => unit_vectors.shallow_clone(),
    };
    let columns = count + remembered.len();
    let positives = relation_matrix(count, columns, |a, b| a != b && a / 2 == b / 2);
    let negatives = relation_matrix(count, columns, |a, b| match b.checked_sub(count) {
        None => tracks[a] != tracks[b],
        Some(place) => remembered[place].is_some_and(|track| track != tracks[a]),
    });
    contrastive(unit_vectors, &all, &positives, &negatives, temperature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::loss::fixture;
    use crate::model::embedding_head::normalised;

    const TEMPERATURE: f64 = 0.5;

    /// −ln of the share of the first of these cosines.
    fn row(cosines: &[f64]) -> f64 {
        let powers: Vec<f64> = cosines.iter().map(|cosine| (cosine / TEMPERATURE).exp()).collect();
        -(powers[0] / powers.iter().sum::<f64>()).ln()
    }

    #[test]
    fn three_pairs_by_hand() {
        let vectors = Tensor::from_slice(&[1.0_f32, 0.0, 0.8, 0.6, 0.0, 1.0, 0.6, 0.8, -1.0, 0.0, -0.8, 0.6]);
        let vectors = vectors.view([6, 2]);
        let loss = |tracks: &[usize]| nt_xent(&vectors, tracks, None, TEMPERATURE).double_value(&[]);
        // The positive first, then all rows of the other pairs.
        let rows = [
            row(&[0.8, 0.0, 0.6, -1.0, -0.8]),
            row(&[0.8, 0.6, 0.96, -0.8, -0.28]),
            row(&[0.8, 0.0, 0.6, 0.0, 0.6]),
            row(&[0.8, 0.6, 0.96, -0.6, 0.0]),
            row(&[0.8, -1.0, -0.8, 0.0, -0.6]),
            row(&[0.8, -0.8, -0.28, 0.6, 0.0]),
        ];
        assert!((loss(&[0, 0, 1, 1, 2, 2]) - rows.iter().sum::<f64>() / 6.0).abs() < 1e-6);
        // The third pair is of the first one's track.
        let rows = [
            row(&[0.8, 0.0, 0.6]),
            row(&[0.8, 0.6, 0.96]),
            rows[2],
            rows[3],
            row(&[0.8, 0.0, -0.6]),
            row(&[0.8, 0.6, 0.0]),
        ];
        assert!((loss(&[0, 0, 1, 1, 0, 0]) - rows.iter().sum::<f64>() / 6.0).abs() < 1e-6);
    }

    #[test]
    fn the_past_adds_negatives_of_other_tracks_and_gets_no_gradient() {
        let vectors = Tensor::from_slice(&[1.0_f32, 0.0, 0.8, 0.6]).view([2, 2]).set_requires_grad(true);
        let queue = Tensor::from_slice(&[0.0_f32, 1.0, 0.6, 0.8, 1.0, 0.0]).view([3, 2]).set_requires_grad(true);
        let past = Past { unit_vectors: &queue, tracks: &[Some(7), Some(3), None] };
        let loss = nt_xent(&vectors, &[3, 3], Some(&past), TEMPERATURE);
        let expected = (row(&[0.8, 0.0]) + row(&[0.8, 0.6])) / 2.0;
        assert!((loss.double_value(&[]) - expected).abs() < 1e-6);
        loss.backward();
        assert!(vectors.grad().defined() && !queue.grad().defined());
    }

    #[test]
    fn losses_and_gradients_are_those_of_an_independent_reference() {
        for case in fixture::cases(&["nt_xent", "nt_xent_same_track_masked", "nt_xent_queue"]) {
            let raw = case.tensor("z").set_requires_grad(true);
            let count = raw.size()[0] as usize;
            let pairs = case.numbers("tracks").unwrap_or_else(|| (0..count / 2).collect());
            let tracks: Vec<usize> = pairs.iter().flat_map(|&track| [track, track]).collect();
            let queue = case.numbers("queue_tracks").map(|tracks| {
                let tracks: Vec<Option<usize>> = tracks.into_iter().map(Some).collect();
                (case.tensor("queue"), tracks)
            });
            let past = queue.as_ref().map(|(unit_vectors, tracks)| Past { unit_vectors, tracks });
            let loss = nt_xent(&normalised(&raw), &tracks, past.as_ref(), case.number("temperature"));
            case.assert_matches(&loss, &raw);
        }
    }
}
