//! From any channel layout to mono.

use symphonia::core::audio::{Channels, GenericAudioBufferRef, Position};

/// −3 dB, with which ITU-R BS.775-3 (annex 4) mixes centre and surround channels into left and
/// right.
const MINUS_3_DB: f32 = std::f32::consts::FRAC_1_SQRT_2;

/// Samples are cut off here. Full scale is 1; some programs write floats that go to 2³¹. The square
/// of what lies above is beyond a float.
const MAX_SAMPLE: f32 = 2_147_483_648.0;

/// Channels on a side or behind; each goes to its side, and those in the middle to both.
const SURROUND: Position = Position::REAR_LEFT
    .union(Position::REAR_RIGHT)
    .union(Position::SIDE_LEFT)
    .union(Position::SIDE_RIGHT)
    .union(Position::TOP_FRONT_LEFT)
    .union(Position::TOP_FRONT_RIGHT)
    .union(Position::TOP_REAR_LEFT)
    .union(Position::TOP_REAR_RIGHT)
    .union(Position::TOP_SIDE_LEFT)
    .union(Position::TOP_SIDE_RIGHT);

const CENTRE: Position = Position::FRONT_CENTER
    .union(Position::REAR_CENTER)
    .union(Position::TOP_CENTER)
    .union(Position::TOP_FRONT_CENTER)
    .union(Position::TOP_REAR_CENTER);

/// Left out by players' mixes as well.
const EFFECTS: Position = Position::LFE1.union(Position::LFE2);

/// Mixes buffers of one layout to mono: the mean of left and right of the stereo mix that
/// ITU-R BS.775-3 defines for 5.1; 7.1 is mixed in the same way, and layouts without positions by
/// their mean.
#[derive(Debug, Default)]
pub(super) struct Downmix {
    channels: Option<Channels>,
    weights: Vec<f32>,
    planes: Vec<Vec<f32>>,
    mono: Vec<f32>,
}

impl Downmix {
    /// The mono samples of a buffer; samples that are not finite count as 0.
    pub fn mix(&mut self, buffer: &GenericAudioBufferRef<'_>) -> &[f32] {
        let channels = buffer.spec().channels();
        if self.channels.as_ref() != Some(channels) {
            self.weights = weights(channels);
            self.channels = Some(channels.clone());
        }
        buffer.copy_to_vecs_planar(&mut self.planes);
        self.mono.clear();
        self.mono.resize(buffer.frames(), 0.0);
        for (plane, &weight) in self.planes.iter().zip(&self.weights) {
            for (sum, sample) in self.mono.iter_mut().zip(plane) {
                *sum += weight * sample;
            }
        }
        for sample in &mut self.mono {
            *sample = if sample.is_finite() { sample.clamp(-MAX_SAMPLE, MAX_SAMPLE) } else { 0.0 };
        }
        &self.mono
    }
}

/// What each channel counts for.
fn weights(channels: &Channels) -> Vec<f32> {
    let count = channels.count();
    let Channels::Positioned(positions) = channels else { return vec![1.0 / count.max(1) as f32; count] };
    if count == 1 {
        return vec![1.0];
    }
    positions.iter().map(weight).collect()
}

fn weight(position: Position) -> f32 {
    if EFFECTS.contains(position) {
        0.0
    } else if CENTRE.contains(position) {
        MINUS_3_DB
    } else if SURROUND.contains(position) {
        0.5 * MINUS_3_DB
    } else {
        0.5
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use symphonia::core::audio::layouts;

    #[test]
    fn surround_is_mixed_as_bs_775_says() {
        let (centre, side) = (MINUS_3_DB, 0.5 * MINUS_3_DB);
        assert_eq!(weights(&layouts::CHANNEL_LAYOUT_MONO), [1.0]);
        assert_eq!(weights(&layouts::CHANNEL_LAYOUT_STEREO), [0.5, 0.5]);
        // Front left, front right, centre, effects, surround left and right.
        assert_eq!(weights(&layouts::CHANNEL_LAYOUT_5P1), [0.5, 0.5, centre, 0.0, side, side]);
        assert_eq!(weights(&layouts::CHANNEL_LAYOUT_7P1), [0.5, 0.5, centre, 0.0, side, side, side, side]);
        assert_eq!(weights(&Channels::Discrete(4)), [0.25; 4]);
    }
}
