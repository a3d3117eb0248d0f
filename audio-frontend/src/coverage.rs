//! Which parts of a track are listened to.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::config::FrontEndConfig;

/// How much of a track is decoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Coverage {
    /// Windows spread evenly over the track; what lies between them is sought past. A track of ten
    /// hours costs what one of ten minutes does.
    #[default]
    Spread,
    /// Everything, window after window.
    Full,
}

/// Windows decoded at a time where everything is: it bounds memory.
const BLOCK_WINDOWS: usize = 8;

/// Parts of a track, in frames, and how many windows each gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segments {
    /// In order, none reaching into another.
    pub frames: Vec<Range<usize>>,
    /// Windows of a part at most.
    pub windows: usize,
    /// Distance of a part's windows at most, in frames.
    pub window_hop_frames: usize,
}

impl Coverage {
    /// The parts of a track of `track_frames` frames.
    pub(crate) fn segments(self, track_frames: usize, config: &FrontEndConfig) -> Segments {
        match self {
            Self::Spread => spread(track_frames, config),
            Self::Full => full(track_frames, config),
        }
    }

    /// The name on the command line and in the catalogue.
    pub fn name(self) -> &'static str {
        match self {
            Self::Spread => "spread",
            Self::Full => "full",
        }
    }
}

fn spread(track_frames: usize, config: &FrontEndConfig) -> Segments {
    let length = config.segment_frames();
    let count = (config.max_windows / config.segment_windows).max(1);
    let window_hop_frames = config.window_hop_frames;
    if track_frames <= count * length {
        let frames = std::iter::once(0..track_frames).collect();
        return Segments { frames, windows: config.max_windows, window_hop_frames };
    }
    let room = (track_frames - length) as f64;
    let start = |segment: usize| match count {
        1 => (room / 2.0).round() as usize,
        _ => (room * segment as f64 / (count - 1) as f64).round() as usize,
    };
    let frames = (0..count).map(|segment| start(segment)..start(segment) + length).collect();
    Segments { frames, windows: config.segment_windows, window_hop_frames }
}

fn full(track_frames: usize, config: &FrontEndConfig) -> Segments {
    let length = BLOCK_WINDOWS * config.window_frames;
    let mut frames: Vec<Range<usize>> =
        (0..track_frames).step_by(length).map(|start| start..(start + length).min(track_frames)).collect();
    // What is too short for a window goes to the block before it.
    if frames.len() > 1 && frames.last().is_some_and(|last| last.len() < config.window_frames) {
        frames.pop();
        if let Some(last) = frames.last_mut() {
            last.end = track_frames;
        }
    }
    Segments { frames, windows: 2 * BLOCK_WINDOWS, window_hop_frames: config.window_frames }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> FrontEndConfig {
        FrontEndConfig { max_windows: 6, segment_windows: 2, ..Default::default() }
    }

    #[test]
    fn segments_reach_from_the_first_to_the_last_frame() {
        // Three segments of two windows of 200 frames, 50 apart.
        let segments = Coverage::Spread.segments(1250, &config());
        assert_eq!(segments.frames, [0..250, 500..750, 1000..1250]);
        assert_eq!(segments.windows, 2);
    }

    #[test]
    fn a_track_that_would_be_decoded_anyway_is_one_segment() {
        let segments = Coverage::Spread.segments(750, &config());
        assert_eq!(segments.frames, std::iter::once(0..750).collect::<Vec<_>>());
        assert_eq!(segments.windows, 6);
    }

    #[test]
    fn full_coverage_leaves_nothing_out() {
        let segments = Coverage::Full.segments(3300, &config());
        assert_eq!(segments.frames, [0..1600, 1600..3300]);
        let segments = Coverage::Full.segments(3400, &config());
        assert_eq!(segments.frames, [0..1600, 1600..3200, 3200..3400]);
        assert_eq!(Coverage::Full.segments(10, &config()).frames, std::iter::once(0..10).collect::<Vec<_>>());
    }
}
