//! Time and frequency moved and stretched: another tempo, another tuning, other mel edges.

/// Rolls rows around: row `by` comes first.
pub(super) fn roll(crop: &mut [f32], bands: usize, by: usize) {
    crop.rotate_left(by * bands);
}

/// Stretches rows in time to `frames`, between neighbours linearly.
pub(super) fn stretch_time(rows: &[f32], bands: usize, frames: usize, stretched: &mut Vec<f32>) {
    let last = rows.len() / bands - 1;
    let scale = last as f32 / (frames.max(2) - 1) as f32;
    stretched.clear();
    for frame in 0..frames {
        let (low, high, share) = between(frame as f32 * scale, last);
        let (low, high) = (&rows[low * bands..(low + 1) * bands], &rows[high * bands..(high + 1) * bands]);
        stretched.extend(low.iter().zip(high).map(|(low, high)| low + share * (high - low)));
    }
}

/// Moves and stretches the mel axis of each row: what was at `scale · band + shift` comes to `band`.
pub(super) fn jitter_bands(crop: &mut [f32], bands: usize, scale: f32, shift: f32) {
    let places: Vec<_> = (0..bands).map(|band| between(scale * band as f32 + shift, bands - 1)).collect();
    let mut moved = vec![0.0; bands];
    for row in crop.chunks_exact_mut(bands) {
        for (power, &(low, high, share)) in moved.iter_mut().zip(&places) {
            *power = row[low] + share * (row[high] - row[low]);
        }
        row.copy_from_slice(&moved);
    }
}

/// The two whole places around one, held within 0..=last, and how near the upper is.
fn between(place: f32, last: usize) -> (usize, usize, f32) {
    let place = place.clamp(0.0, last as f32);
    let low = place as usize;
    (low, (low + 1).min(last), place - low as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warps_by_hand() {
        let mut rolled = [0.0, 1.0, 10.0, 11.0, 20.0, 21.0];
        roll(&mut rolled, 2, 1);
        assert_eq!(rolled, [10.0, 11.0, 20.0, 21.0, 0.0, 1.0]);

        let mut stretched = Vec::new();
        stretch_time(&[0.0, 5.0, 4.0, 7.0], 2, 3, &mut stretched);
        assert_eq!(stretched, [0.0, 5.0, 2.0, 6.0, 4.0, 7.0]);
        stretch_time(&[0.0, 5.0, 4.0, 7.0], 2, 2, &mut stretched);
        assert_eq!(stretched, [0.0, 5.0, 4.0, 7.0]);

        let mut moved = [1.0, 3.0, 9.0, 9.0, 3.0, 1.0];
        jitter_bands(&mut moved, 3, 1.0, 0.5);
        assert_eq!(moved, [2.0, 6.0, 9.0, 6.0, 2.0, 1.0]);
        let mut still = [1.0, 3.0, 9.0];
        jitter_bands(&mut still, 3, 1.0, 0.0);
        assert_eq!(still, [1.0, 3.0, 9.0]);
    }
}
