//! Which windows of a track are looked at.

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
    /// Windows spread evenly over the track, without those that are silent or far below the
    /// loudest. `None` where all of it is silence.
    pub fn spread(track: &MelPower, config: &FrontEndConfig) -> Option<Self> {
        let (frames, bands) = (config.window_frames, track.bands());
        let mut starts = spread_starts(track.frames(), frames, config.max_windows);
        let powers: Vec<f32> = starts.iter().map(|&start| mean_power(&tiled(track, start, frames), bands)).collect();
        let loudest = powers.iter().copied().fold(0.0, f32::max);
        let gate = (loudest * 10_f32.powf(-config.quiet_window_db / 10.0)).max(SILENCE_POWER);
        let mut loud = powers.iter().map(|&power| power >= gate);
        starts.retain(|_| loud.next() == Some(true));
        if starts.is_empty() {
            return None;
        }
        let mut log_mel = vec![0.0; starts.len() * frames * bands];
        for (&start, window) in starts.iter().zip(log_mel.chunks_exact_mut(frames * bands)) {
            log_mel_into(&tiled(track, start, frames), bands, config.power_floor, window);
        }
        Some(Self { frames, bands, starts, log_mel })
    }

    /// Number of windows, at least 1.
    pub fn count(&self) -> usize {
        self.starts.len()
    }
}

/// A window's powers; a track shorter than a window is repeated until it fills it.
fn tiled(track: &MelPower, start: usize, frames: usize) -> std::borrow::Cow<'_, [f32]> {
    if track.frames() >= start + frames {
        return track.rows(start, frames).into();
    }
    let whole = track.rows(0, track.frames());
    whole.iter().copied().cycle().take(frames * track.bands()).collect::<Vec<_>>().into()
}

/// First frames of at most `max_windows` windows that cover a track evenly from its first to its
/// last frame, without overlap while the track is long enough.
fn spread_starts(track_frames: usize, window_frames: usize, max_windows: usize) -> Vec<usize> {
    let last = track_frames.saturating_sub(window_frames);
    let count = track_frames.div_ceil(window_frames).clamp(1, max_windows);
    match count {
        1 => vec![last / 2],
        _ => (0..count).map(|window| (last as f64 * window as f64 / (count - 1) as f64).round() as usize).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_reach_from_the_first_to_the_last_frame() {
        assert_eq!(spread_starts(1000, 200, 3), [0, 400, 800]);
        assert_eq!(spread_starts(500, 200, 16), [0, 150, 300]);
        assert_eq!(spread_starts(300, 200, 1), [50]);
        assert_eq!(spread_starts(150, 200, 16), [0]);
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
        let config = FrontEndConfig { window_frames: 2, mel_bands: 1, max_windows: 3, ..Default::default() };
        assert_eq!(Windows::spread(&MelPower::from_rows(1, vec![1e-9; 6]), &config), None);
        let fade = MelPower::from_rows(1, vec![1.0, 1.0, 0.5, 0.5, 1e-4, 1e-4]);
        assert_eq!(Windows::spread(&fade, &config).unwrap().starts, [0, 2]);
    }
}
