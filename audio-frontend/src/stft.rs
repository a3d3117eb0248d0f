//! Short-time power spectra of a stream of samples.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

/// Cuts a stream into overlapping frames and gives the power spectrum of each.
///
/// Frame `i` starts at sample `round(i · hop · rate)`: where a hop is no whole number of samples
/// the error does not add up. The window is a periodic Hann window. Powers are scaled such that
/// their sum over all bins is the mean square of the frame's samples, whatever the rate: 1.0 is
/// the power of a signal with root mean square 1.
pub struct Stft {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    scale: f32,
    hop_samples: f64,
    pending: Vec<f32>,
    pending_start: u64,
    frames_done: u64,
    input: Vec<f32>,
    output: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    spectrum: Vec<f32>,
}

impl Stft {
    /// Plans the transform for one sample rate.
    pub fn new(frame_seconds: f64, hop_seconds: f64, sample_rate_hz: u32) -> Self {
        let rate = f64::from(sample_rate_hz);
        let frame_samples = ((frame_seconds * rate).round() as usize).max(2);
        let fft = RealFftPlanner::new().plan_fft_forward(frame_samples);
        let window: Vec<f32> = (0..frame_samples)
            .map(|sample| {
                let phase = std::f64::consts::TAU * sample as f64 / frame_samples as f64;
                (0.5 - 0.5 * phase.cos()) as f32
            })
            .collect();
        let energy: f64 = window.iter().map(|weight| f64::from(weight * weight)).sum();
        Self {
            // Parseval: Σ|X|² over both halves = N · Σ(w·x)²; bins other than 0 and N/2 stand for two.
            scale: (2.0 / (frame_samples as f64 * energy)) as f32,
            hop_samples: hop_seconds * rate,
            pending: Vec::new(),
            pending_start: 0,
            frames_done: 0,
            input: fft.make_input_vec(),
            output: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            spectrum: vec![0.0; frame_samples / 2 + 1],
            window,
            fft,
        }
    }

    /// Number of bins of a spectrum.
    pub fn bin_count(&self) -> usize {
        self.spectrum.len()
    }

    /// Samples in a frame.
    pub fn frame_samples(&self) -> usize {
        self.window.len()
    }

    /// Begins anew at a frame of the track: the samples that follow are those from
    /// [`Stft::frame_start`] on.
    pub fn restart_at(&mut self, frame: u64) {
        self.pending.clear();
        self.frames_done = frame;
        self.pending_start = self.frame_start(frame);
    }

    /// First sample of a frame.
    pub fn frame_start(&self, frame: u64) -> u64 {
        (frame as f64 * self.hop_samples).round() as u64
    }

    /// Number of frames that lie wholly within so many samples; at least 1 where there is a sample.
    pub fn frame_count(&self, samples: u64) -> u64 {
        let room = samples.saturating_sub(self.frame_samples() as u64);
        let last = (room as f64 / self.hop_samples) as u64;
        // Rounding may have brought one more frame in, or one out.
        let fits = |frame: u64| self.frame_start(frame) <= room;
        let count = if fits(last + 1) { last + 2 } else { last + u64::from(fits(last)) };
        if samples == 0 { 0 } else { count.max(1) }
    }

    /// Adds samples and calls `each` with the spectrum of every frame that is now complete.
    pub fn push(&mut self, samples: &[f32], mut each: impl FnMut(&[f32])) {
        self.pending.extend_from_slice(samples);
        while let Some(start) = self.next_complete_frame() {
            self.transform(start);
            self.frames_done += 1;
            each(&self.spectrum);
        }
        let keep_from = (self.frame_start(self.frames_done) - self.pending_start).min(self.pending.len() as u64);
        self.pending.drain(..keep_from as usize);
        self.pending_start += keep_from;
    }

    /// Ends the stream: a track shorter than one frame is padded to one.
    pub fn finish(&mut self, each: impl FnMut(&[f32])) {
        if self.frames_done == 0 && !self.pending.is_empty() {
            let missing = self.frame_samples() - self.pending.len();
            self.push(&vec![0.0; missing], each);
        }
    }

    /// Where in `pending` the next frame starts, if all of it is there.
    fn next_complete_frame(&self) -> Option<usize> {
        let start = (self.frame_start(self.frames_done) - self.pending_start) as usize;
        (start + self.frame_samples() <= self.pending.len()).then_some(start)
    }

    fn transform(&mut self, start: usize) {
        let frame = &self.pending[start..start + self.window.len()];
        for ((input, sample), weight) in self.input.iter_mut().zip(frame).zip(&self.window) {
            *input = sample * weight;
        }
        // Fails only on buffers of the wrong length, and these were made by the plan.
        let done = self.fft.process_with_scratch(&mut self.input, &mut self.output, &mut self.scratch);
        debug_assert!(done.is_ok());
        for (power, bin) in self.spectrum.iter_mut().zip(&self.output) {
            *power = self.scale * bin.norm_sqr();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(hz: f64, rate: u32, seconds: f64) -> Vec<f32> {
        let step = std::f64::consts::TAU * hz / f64::from(rate);
        (0..(seconds * f64::from(rate)) as usize).map(|n| (n as f64 * step).sin() as f32).collect()
    }

    fn spectra(samples: &[f32], rate: u32, chunk: usize) -> Vec<Vec<f32>> {
        let mut stft = Stft::new(0.04, 0.02, rate);
        let mut spectra = Vec::new();
        for part in samples.chunks(chunk) {
            stft.push(part, |spectrum| spectra.push(spectrum.to_vec()));
        }
        stft.finish(|spectrum| spectra.push(spectrum.to_vec()));
        spectra
    }

    #[test]
    fn a_sine_has_half_the_power_of_its_squared_amplitude_at_every_rate() {
        for rate in [8_000, 11_025, 22_050, 44_100, 48_000, 96_000] {
            let spectra = spectra(&sine(1000.0, rate, 1.0), rate, 1000);
            let sum: f32 = spectra[10].iter().sum();
            assert!((sum - 0.5).abs() < 1e-3, "{rate} Hz: {sum}");
            let peak = (0..spectra[10].len()).max_by(|&a, &b| spectra[10][a].total_cmp(&spectra[10][b]));
            assert_eq!(peak, Some(40), "1000 Hz is bin 40 of 25 Hz at {rate} Hz");
        }
    }

    #[test]
    fn the_size_of_chunks_does_not_matter() {
        let samples = sine(440.0, 11_025, 0.5);
        assert_eq!(spectra(&samples, 11_025, 7), spectra(&samples, 11_025, 100_000));
    }

    #[test]
    fn frames_are_counted_as_they_come() {
        for rate in [8_000, 11_025, 44_100] {
            let stft = Stft::new(0.04, 0.02, rate);
            for samples in (1..40).map(|step| step * 1237) {
                let expected = spectra(&vec![0.1; samples], rate, 100_000).len() as u64;
                assert_eq!(stft.frame_count(samples as u64), expected, "{samples} samples at {rate} Hz");
            }
            assert_eq!(stft.frame_count(0), 0);
        }
    }

    #[test]
    fn one_second_has_49_frames_and_one_sample_has_one() {
        assert_eq!(spectra(&sine(440.0, 44_100, 1.0), 44_100, 512).len(), 49);
        assert_eq!(spectra(&[0.5], 44_100, 512).len(), 1);
    }

    #[test]
    fn it_agrees_with_a_complex_transform_worked_out_term_by_term() {
        let samples = sine(333.0, 8_000, 0.04);
        let spectrum = &spectra(&samples, 8_000, 320)[0];
        let count = samples.len() as f64;
        let hann = |n: usize| 0.5 - 0.5 * (std::f64::consts::TAU * n as f64 / count).cos();
        let energy: f64 = (0..samples.len()).map(|n| hann(n).powi(2)).sum();
        for bin in [1, 13, 14, 50] {
            let (mut re, mut im) = (0.0, 0.0);
            for (n, sample) in samples.iter().enumerate() {
                let phase = std::f64::consts::TAU * (bin * n) as f64 / count;
                re += f64::from(*sample) * hann(n) * phase.cos();
                im -= f64::from(*sample) * hann(n) * phase.sin();
            }
            let expected = 2.0 * (re * re + im * im) / (count * energy);
            assert!((f64::from(spectrum[bin]) - expected).abs() < 1e-6, "bin {bin}");
        }
    }
}
