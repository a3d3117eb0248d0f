//! Windows of a track as a network reads them.

use std::borrow::Cow;
use std::ops::Range;

use crate::config::FrontEndConfig;
use crate::coverage::{Coverage, Segments};
use crate::logmel::{MelPower, SILENCE_POWER, log_mel_into, mean_power};

/// Log-mel windows of one track: shape windows × frames × bands, row-major, in dB relative to each
/// window's mean power.
#[derive(Debug, Clone, PartialEq)]
pub struct Windows {
    /// Number of frames of a window.
    pub frames: usize,
    /// Number of mel bands.
    pub bands: usize,
    /// First frame of each window within the track.
    pub starts: Vec<usize>,
    /// Mean power of each window before it was normalised; full scale squared = 1.
    pub powers: Vec<f32>,
    /// The log-mels.
    pub log_mel: Vec<f32>,
}

impl Windows {
    /// No windows yet.
    pub fn none(config: &FrontEndConfig) -> Self {
        let (frames, bands) = (config.window_frames, config.mel_bands);
        Self { frames, bands, starts: Vec::new(), powers: Vec::new(), log_mel: Vec::new() }
    }

    /// The windows of a whole track that lies in memory; `None` where all of it is silence.
    pub fn of_track(track: &MelPower, config: &FrontEndConfig, coverage: Coverage) -> Option<Self> {
        let mut windows = Self::none(config);
        let segments = coverage.segments(track.frames(), config);
        for range in segments.iter() {
            windows.add_segment(track.rows(range.start, range.len()), range.start, &segments, config);
        }
        windows.has_sound().then_some(windows)
    }

    /// Adds the windows of a segment, spread evenly over what is to be heard of it, so that a longer
    /// lead-in moves no window. `rows` are its powers, frames × bands; silence adds nothing.
    pub(crate) fn add_segment(&mut self, rows: &[f32], first: usize, segments: &Segments, config: &FrontEndConfig) {
        let Some(audible) = audible_frames(rows, self.bands, config.silent_frame_db) else { return };
        for start in spread_starts(&audible, self.frames, segments) {
            let window = tiled(rows, self.bands, &audible, start, self.frames);
            let power = mean_power(&window, self.bands);
            let begin = self.log_mel.len();
            self.log_mel.resize(begin + self.frames * self.bands, 0.0);
            log_mel_into(&window, self.bands, config.power_floor, &mut self.log_mel[begin..]);
            self.starts.push(first + start);
            self.powers.push(power);
        }
    }

    /// Whether any of it can be heard: a window's mean power is above [`SILENCE_POWER`].
    pub fn has_sound(&self) -> bool {
        self.powers.iter().any(|&power| power >= SILENCE_POWER)
    }

    /// Number of windows.
    pub fn count(&self) -> usize {
        self.starts.len()
    }
}

/// Which windows of a track count, given the mean power of each: not those that lie far below the
/// loudest, as fade-outs do.
pub fn loud(powers: &[f32], config: &FrontEndConfig) -> impl Iterator<Item = bool> {
    let loudest = powers.iter().copied().fold(0.0, f32::max);
    let gate = loudest * 10_f32.powf(-config.quiet_window_db / 10.0);
    powers.iter().map(move |&power| power >= gate)
}

/// From the first to the last frame that can be heard; `None` where none is.
fn audible_frames(rows: &[f32], bands: usize, silent_frame_db: f32) -> Option<Range<usize>> {
    let frames = || rows.chunks_exact(bands).map(|frame| mean_power(frame, bands));
    let gate = (mean_power(rows, bands) * 10_f32.powf(-silent_frame_db / 10.0)).max(f32::MIN_POSITIVE);
    let first = frames().position(|power| power >= gate)?;
    let last = frames().rposition(|power| power >= gate)?;
    Some(first..last + 1)
}

/// A window's powers; where less is audible than a window, that is repeated until it fills it.
fn tiled<'a>(rows: &'a [f32], bands: usize, audible: &Range<usize>, start: usize, frames: usize) -> Cow<'a, [f32]> {
    if audible.len() >= frames {
        return rows[start * bands..(start + frames) * bands].into();
    }
    let whole = &rows[audible.start * bands..audible.end * bands];
    whole.iter().copied().cycle().take(frames * bands).collect::<Vec<_>>().into()
}

/// First frames of windows that cover the audible part evenly from its first to its last frame.
fn spread_starts(audible: &Range<usize>, window_frames: usize, segments: &Segments) -> Vec<usize> {
    let room = audible.len().saturating_sub(window_frames);
    let gaps = (room.div_ceil(segments.window_hop_frames)).min(segments.windows - 1);
    let offset = |window: usize| match gaps {
        0 => room / 2,
        _ => (room as f64 * window as f64 / gaps as f64).round() as usize,
    };
    (0..=gaps).map(|window| audible.start + offset(window)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(track: &MelPower, config: &FrontEndConfig) -> Option<Windows> {
        Windows::of_track(track, config, Coverage::Spread)
    }

    #[test]
    fn windows_reach_from_the_first_to_the_last_frame() {
        let starts = |audible, windows| {
            let config = FrontEndConfig { max_windows: windows, segment_windows: 1, ..Default::default() };
            spread_starts(&audible, 200, &Coverage::Spread.segments(1, &config))
        };
        assert_eq!(starts(0..1000, 3), [0, 400, 800]);
        assert_eq!(starts(10..340, 32), [10, 53, 97, 140]);
        assert_eq!(starts(0..300, 1), [50]);
        assert_eq!(starts(0..150, 32), [0]);
    }

    #[test]
    fn silence_before_and_after_moves_no_window() {
        let config = FrontEndConfig {
            window_frames: 2,
            window_hop_frames: 2,
            mel_bands: 1,
            max_windows: 9,
            segment_windows: 1,
            ..Default::default()
        };
        let song = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let plain = windows(&MelPower::from_rows(1, song.into()), &config).unwrap();
        let late = [&[0.0; 7][..], &song, &[1e-7; 5]].concat();
        let late = windows(&MelPower::from_rows(1, late), &config).unwrap();
        assert_eq!(plain.log_mel, late.log_mel);
        assert_eq!(plain.starts.iter().map(|start| start + 7).collect::<Vec<_>>(), late.starts);
    }

    #[test]
    fn a_short_track_is_repeated() {
        let config = FrontEndConfig { window_frames: 5, mel_bands: 1, ..Default::default() };
        let track = MelPower::from_rows(1, vec![1.0, 4.0]);
        let windows = windows(&track, &config).unwrap();
        let db = |power: f32| 10.0 * (power / 2.2 + 1e-6).log10(); // mean of 1, 4, 1, 4, 1
        for (value, power) in windows.log_mel.iter().zip([1.0, 4.0, 1.0, 4.0, 1.0]) {
            assert!((value - db(power)).abs() < 1e-4);
        }
        assert_eq!(windows.powers, [2.2]);
    }

    #[test]
    fn silence_has_no_windows_and_a_quiet_end_does_not_count() {
        let config = FrontEndConfig {
            window_frames: 2,
            window_hop_frames: 2,
            mel_bands: 1,
            max_windows: 3,
            segment_windows: 1,
            ..Default::default()
        };
        assert_eq!(windows(&MelPower::from_rows(1, vec![1e-10; 6]), &config), None);
        assert_eq!(windows(&MelPower::from_rows(1, vec![0.0; 6]), &config), None);
        let fade = MelPower::from_rows(1, vec![1.0, 1.0, 0.5, 0.5, 1e-4, 1e-4]);
        let windows = windows(&fade, &config).unwrap();
        assert_eq!(windows.starts, [0, 2, 4]);
        assert_eq!(loud(&windows.powers, &config).collect::<Vec<_>>(), [true, true, false]);
    }
}
