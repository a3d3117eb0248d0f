//! Which parts of a track are listened to.

use std::cmp::Ordering;
use std::ops::Range;

use crate::config::FrontEndConfig;

/// How much of a track is decoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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

/// Parts of a track, in frames, and how many windows each gives. They are worked out one by one: a
/// header may state a length of years.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Segments {
    /// Number of parts.
    pub count: usize,
    /// Windows of a part at most.
    pub windows: usize,
    /// Distance of a part's windows at most, in frames.
    pub window_hop_frames: usize,
    first_start: usize,
    /// From the start of a part to the start of the next.
    distance: f64,
    length: usize,
    last_end: usize,
}

impl Segments {
    /// The frames of a part; none reaches into another.
    pub fn get(&self, number: usize) -> Option<Range<usize>> {
        let start = self.first_start + (self.distance * number as f64).round() as usize;
        match number.cmp(&(self.count - 1)) {
            Ordering::Less => Some(start..start + self.length),
            Ordering::Equal => Some(start..self.last_end),
            Ordering::Greater => None,
        }
    }

    /// All parts in order.
    pub fn iter(&self) -> impl Iterator<Item = Range<usize>> {
        (0..self.count).map_while(|number| self.get(number))
    }
}

impl Coverage {
    /// The parts of a track of `track_frames` frames.
    pub(crate) fn segments(self, track_frames: usize, config: &FrontEndConfig) -> Segments {
        match self {
            Self::Spread => spread(track_frames, config),
            Self::Full => full(track_frames, config),
        }
    }

    /// The name on the command line.
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
    let segments = Segments {
        count: 1,
        windows: config.max_windows,
        window_hop_frames: config.window_hop_frames,
        first_start: 0,
        distance: 0.0,
        length,
        last_end: track_frames,
    };
    if track_frames <= count * length {
        return segments;
    }
    let room = track_frames - length;
    if count == 1 {
        return Segments { first_start: room / 2, last_end: room / 2 + length, ..segments };
    }
    Segments { count, windows: config.segment_windows, distance: room as f64 / (count - 1) as f64, ..segments }
}

fn full(track_frames: usize, config: &FrontEndConfig) -> Segments {
    let length = BLOCK_WINDOWS * config.window_frames;
    // What is too short for a window goes to the block before it.
    let more = track_frames % length >= config.window_frames;
    Segments {
        count: (track_frames / length + usize::from(more)).max(1),
        windows: 2 * BLOCK_WINDOWS,
        window_hop_frames: config.window_frames,
        first_start: 0,
        distance: length as f64,
        length,
        last_end: track_frames,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> FrontEndConfig {
        FrontEndConfig { max_windows: 6, segment_windows: 2, ..Default::default() }
    }

    fn frames(coverage: Coverage, track_frames: usize) -> Vec<Range<usize>> {
        coverage.segments(track_frames, &config()).iter().collect()
    }

    #[test]
    fn segments_reach_from_the_first_to_the_last_frame() {
        // Three segments of two windows of 200 frames, 50 apart.
        assert_eq!(frames(Coverage::Spread, 1250), [0..250, 500..750, 1000..1250]);
        assert_eq!(Coverage::Spread.segments(1250, &config()).windows, 2);
        let one = FrontEndConfig { max_windows: 2, ..config() };
        assert_eq!(Coverage::Spread.segments(1250, &one).get(0), Some(500..750));
    }

    #[test]
    fn a_track_that_would_be_decoded_anyway_is_one_segment() {
        let segments = Coverage::Spread.segments(750, &config());
        assert_eq!((segments.count, segments.get(0), segments.get(1)), (1, Some(0..750), None));
        assert_eq!(segments.windows, 6);
    }

    #[test]
    fn full_coverage_leaves_nothing_out() {
        assert_eq!(frames(Coverage::Full, 3300), [0..1600, 1600..3300]);
        assert_eq!(frames(Coverage::Full, 3400), [0..1600, 1600..3200, 3200..3400]);
        assert_eq!(Coverage::Full.segments(10, &config()).get(0), Some(0..10));
    }
}
