//! Balanced batches of crops.

use std::collections::BTreeMap;

use audio_frontend::FrontEndConfig;
use audio_frontend::logmel::{SILENCE_POWER, log_mel_into, mean_power};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::LabelledTrack;
use crate::augment::AugmentConfig;

/// Draws genre, then artist, then track, then crop, each evenly: a genre with many tracks and an
/// artist with many songs do not outweigh the others.
pub struct Sampler<'a> {
    tracks: &'a [LabelledTrack],
    /// Tracks by genre and artist.
    genres: Vec<Vec<Vec<usize>>>,
    genre_names: Vec<String>,
    front_end: &'a FrontEndConfig,
    augment: &'a AugmentConfig,
}

/// Crops and their labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Log-mels in dB, shape crops × frames × bands.
    pub log_mel: Vec<f32>,
    /// Index into [`Sampler::genre_names`] of each crop.
    pub labels: Vec<i64>,
}

/// Tries to find a crop that is not silent before taking whatever was drawn.
const CROP_TRIES: usize = 10;

impl<'a> Sampler<'a> {
    /// Groups tracks by genre and artist.
    pub fn new(tracks: &'a [LabelledTrack], front_end: &'a FrontEndConfig, augment: &'a AugmentConfig) -> Self {
        let mut groups: BTreeMap<&str, BTreeMap<&str, Vec<usize>>> = BTreeMap::new();
        for (index, track) in tracks.iter().enumerate() {
            groups.entry(&track.genre).or_default().entry(&track.artist).or_default().push(index);
        }
        let genre_names = groups.keys().map(|&genre| genre.to_owned()).collect();
        let genres = groups.into_values().map(|artists| artists.into_values().collect()).collect();
        Self { tracks, genres, genre_names, front_end, augment }
    }

    /// Genres in the order of their labels.
    pub fn genre_names(&self) -> &[String] {
        &self.genre_names
    }

    /// Batch `number`: the same number and seed give the same batch.
    pub fn batch(&self, crops: usize, seed: u64, number: usize) -> Batch {
        let mut random = StdRng::seed_from_u64(seed ^ (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let (frames, bands) = (self.front_end.window_frames, self.front_end.mel_bands);
        let mut batch = Batch { log_mel: vec![0.0; crops * frames * bands], labels: Vec::with_capacity(crops) };
        let mut crop = Vec::with_capacity(frames * bands);
        for log_mel in batch.log_mel.chunks_exact_mut(frames * bands) {
            let label = random.random_range(0..self.genres.len());
            let drawn = self.genres[label].choose(&mut random).and_then(|tracks| tracks.choose(&mut random));
            let Some(&track) = drawn else { continue }; // no group is empty
            self.draw_crop(&self.tracks[track], &mut crop, &mut random);
            self.augment.apply(&mut crop, bands, &mut random);
            log_mel_into(&crop, bands, self.front_end.power_floor, log_mel);
            batch.labels.push(label as i64);
        }
        batch
    }

    fn draw_crop(&self, track: &LabelledTrack, crop: &mut Vec<f32>, random: &mut StdRng) {
        let (frames, bands) = (self.front_end.window_frames, track.power.bands());
        let available = track.power.frames().min(frames);
        for _ in 0..CROP_TRIES {
            let start = random.random_range(0..=track.power.frames() - available);
            crop.clear();
            crop.extend(track.power.rows(start, available).iter().cycle().take(frames * bands));
            if mean_power(crop, bands) > SILENCE_POWER {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use audio_frontend::MelPower;

    use super::*;

    #[test]
    fn genres_are_drawn_evenly_and_batches_depend_on_seed_and_number_only() {
        let track = |genre: &str, artist: &str| LabelledTrack {
            power: MelPower::from_rows(4, vec![1.0; 40]),
            genre: genre.into(),
            artist: artist.into(),
        };
        let mut tracks: Vec<_> = (0..9).map(|_| track("rock", "a")).collect();
        tracks.push(track("jazz", "b"));
        let front_end = FrontEndConfig { mel_bands: 4, window_frames: 5, ..Default::default() };
        let augment = AugmentConfig::default();
        let sampler = Sampler::new(&tracks, &front_end, &augment);
        assert_eq!(sampler.genre_names(), ["jazz", "rock"]);
        let batch = sampler.batch(400, 7, 3);
        assert_eq!(batch.log_mel.len(), 400 * 20);
        let jazz = batch.labels.iter().filter(|&&label| label == 0).count();
        assert!((150..250).contains(&jazz), "{jazz} of 400");
        assert_eq!(batch, sampler.batch(400, 7, 3));
        assert_ne!(batch, sampler.batch(400, 7, 4));
    }
}
