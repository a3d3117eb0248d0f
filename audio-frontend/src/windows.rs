//! Which windows of a track are looked at.

use std::borrow::Cow;
use std::ops::Range;

use crate::config::FrontEndConfig;
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
    /// The log-mels.
    pub log_mel: Vec<f32>,
}

impl Windows {
    /// Windows spread evenly over what is to be heard of the track: without silence before and after,
    /// so that a longer lead-in moves no window, and without windows far below the loudest. `None`
    /// where all of it is silence.
    pub fn spread(track: &MelPower, config: &FrontEndConfig) -> Option<Self> {
        let (frames, bands) = (config.window_frames, track.bands());
        let audible = audible_frames(track, config.silent_frame_db)?;
        let mut starts = spread_starts(&audible, config);
        let window = |start: usize| tiled(track, &audible, start, frames);
        let powers: Vec<f32> = starts.iter().map(|&start| mean_power(&window(start), bands)).collect();
        let loudest = powers.iter().copied().fold(0.0, f32::max);
        let gate = loudest * 10_f32.powf(-config.quiet_window_db / 10.0);
        let mut loud = powers.iter().map(|&power| power >= gate);
        starts.retain(|_| loud.next() == Some(true));
        let mut log_mel = vec![0.0; starts.len() * frames * bands];
        for (&start, log_mel) in starts.iter().zip(log_mel.chunks_exact_mut(frames * bands)) {
            log_mel_into(&window(start), bands, config.power_floor, log_mel);
        }
        Some(Self { frames, bands, starts, log_mel })
    }

    /// Number of windows, at least 1.
    pub fn count(&self) -> usize {
        self.starts.len()
    }
}

/// From the first to the last frame that can be heard; `None` where none is above
/// [`SILENCE_POWER`].
fn audible_frames(track: &MelPower, silent_frame_db: f32) -> Option<Range<usize>> {
    let frames = || (0..track.frames()).map(|frame| mean_power(track.rows(frame, 1), track.bands()));
    let mean = mean_power(track.rows(0, track.frames()), track.bands());
    if frames().fold(0.0, f32::max) < SILENCE_POWER {
        return None;
    }
    let gate = mean * 10_f32.powf(-silent_frame_db / 10.0);
    let first = frames().position(|power| power >= gate)?;
    let last = track.frames() - 1 - frames().rev().position(|power| power >= gate)?;
    Some(first..last + 1)
}

/// A window's powers; where less is audible than a window, that is repeated until it fills it.
fn tiled<'a>(track: &'a MelPower, audible: &Range<usize>, start: usize, frames: usize) -> Cow<'a, [f32]> {
    if audible.len() >= frames {
        return track.rows(start, frames).into();
    }
    let whole = track.rows(audible.start, audible.len());
    whole.iter().copied().cycle().take(frames * track.bands()).collect::<Vec<_>>().into()
}

/// First frames of windows that cover the audible part evenly from its first to its last frame.
fn spread_starts(audible: &Range<usize>, config: &FrontEndConfig) -> Vec<usize> {
    let room = audible.len().saturating_sub(config.window_frames);
    let gaps = (room.div_ceil(config.window_hop_frames)).min(config.max_windows - 1);
    let offset = |window: usize| match gaps {
        0 => room / 2,
        _ => (room as f64 * window as f64 / gaps as f64).round() as usize,
    };
    (0..=gaps).map(|window| audible.start + offset(window)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_reach_from_the_first_to_the_last_frame() {
        let starts =
            |audible, max_windows| spread_starts(&audible, &FrontEndConfig { max_windows, ..Default::default() });
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
            max_windows: 3,
            ..Default::default()
        };
        let song = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let plain = Windows::spread(&MelPower::from_rows(1, song.into()), &config).unwrap();
        let late = [&[0.0; 7][..], &song, &[1e-7; 5]].concat();
        let late = Windows::spread(&MelPower::from_rows(1, late), &config).unwrap();
        assert_eq!(plain.log_mel, late.log_mel);
        assert_eq!(plain.starts.iter().map(|start| start + 7).collect::<Vec<_>>(), late.starts);
    }

    #[test]
    fn a_short_track_is_repeated() {
        let config = FrontEndConfig { window_frames: 5, mel_bands: 1, ..Default::default() };
        let track = MelPower::from_rows(1, vec![1.0, 4.0]);
        let windows = Windows::spread(&track, &config).unwrap();
        let db = |power: f32| 10.0 * (power / 2.2 + 1e-6).log10(); // mean of 1, 4, 1, 4, 1
        for (value, power) in windows.log_mel.iter().zip([1.0, 4.0, 1.0, 4.0, 1.0]) {
            assert!((value - db(power)).abs() < 1e-4);
        }
    }

    #[test]
    fn silence_has_no_windows_and_a_quiet_end_is_left_out() {
        let config = FrontEndConfig {
            window_frames: 2,
            window_hop_frames: 2,
            mel_bands: 1,
            max_windows: 3,
            ..Default::default()
        };
        assert_eq!(Windows::spread(&MelPower::from_rows(1, vec![1e-9; 6]), &config), None);
        let fade = MelPower::from_rows(1, vec![1.0, 1.0, 0.5, 0.5, 1e-4, 1e-4]);
        assert_eq!(Windows::spread(&fade, &config).unwrap().starts, [0, 2]);
    }
}
