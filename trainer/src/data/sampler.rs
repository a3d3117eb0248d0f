//! Draws batches: P genres × K tracks (Hermans et al. 2017, § 2), two crops of each.

use std::ops::Range;

use audio_frontend::FrontEndConfig;
use audio_frontend::logmel::{SILENCE_POWER, log_mel_into, mean_power};
use rand::rngs::StdRng;
use rand::seq::{IteratorRandom, SliceRandom};
use rand::{RngExt, SeedableRng};

use super::batch::{Batch, BatchConfig};
use super::preferences::{Preference, Preferences};
use super::teacher::Teacher;
use super::tracks::{Roster, Track};
use crate::augment::AugmentConfig;
use crate::augment::mixup::mixup;
use crate::error::Result;
use crate::metric::Crop;
use crate::metric::miner::Triplet;
use crate::metric::miner::corpus::Draws;

/// Draws genre, then artist, then track, then crop, each evenly: a genre with many tracks and an
/// artist with many songs do not outweigh the others.
#[derive(Debug)]
pub struct Sampler<'a> {
    tracks: &'a [Track],
    roster: &'a Roster,
    /// Tracks by genre and artist.
    by_genre: Vec<Vec<Vec<usize>>>,
    /// Tracks without a genre, by artist.
    unlabelled: Vec<Vec<usize>>,
    front_end: &'a FrontEndConfig,
    augment: &'a AugmentConfig,
    config: &'a BatchConfig,
    teacher: Option<&'a Teacher>,
    preferences: Option<&'a Preferences>,
    seed: u64,
}

/// Tries to find a crop that is not silent before taking whatever was drawn.
const CROP_TRIES: usize = 10;

impl<'a> Sampler<'a> {
    /// Groups tracks by genre and artist.
    pub fn new(
        tracks: &'a [Track],
        roster: &'a Roster,
        front_end: &'a FrontEndConfig,
        augment: &'a AugmentConfig,
        config: &'a BatchConfig,
        seed: u64,
    ) -> Self {
        let by_artist = |belongs: &dyn Fn(Option<usize>) -> bool| {
            let mut artists = vec![Vec::new(); roster.artists];
            for (track, member) in roster.members.iter().enumerate().filter(|(_, member)| belongs(member.genre)) {
                artists[member.artist].push(track);
            }
            artists.retain(|tracks| !tracks.is_empty());
            artists
        };
        let by_genre =
            (0..roster.genres.len()).map(|genre| by_artist(&|other: Option<usize>| other == Some(genre))).collect();
        let looks_at_labels = config.genres > 0;
        let unlabelled = by_artist(&|genre: Option<usize>| !looks_at_labels || genre.is_none());
        Self {
            tracks,
            roster,
            by_genre,
            unlabelled,
            front_end,
            augment,
            config,
            teacher: None,
            preferences: None,
            seed,
        }
    }

    /// Draws only tracks that the teacher has heard, and adds its vectors of the crops to the batches. Its tracks are
    /// the sampler's, in the same order.
    pub fn with_teacher(mut self, teacher: &'a Teacher) -> Self {
        for artists in self.by_genre.iter_mut().chain([&mut self.unlabelled]) {
            artists.iter_mut().for_each(|tracks| tracks.retain(|&track| teacher.has_heard(track)));
            artists.retain(|tracks| !tracks.is_empty());
        }
        Self { teacher: Some(teacher), ..self }
    }

    /// Adds listeners' preferences of its tracks to the batches.
    pub fn with_preferences(self, preferences: Option<&'a Preferences>) -> Self {
        Self { preferences, ..self }
    }

    /// Those of a step.
    fn preferences(&self, step: usize) -> Vec<Preference> {
        let drawn = |preferences: &Preferences| preferences.draw(self.config.preferences, &mut self.random(step, 2));
        self.preferences.map_or_else(Vec::new, drawn)
    }

    /// Random numbers of a step's choices: the same seed, step and purpose give the same ones.
    fn random(&self, step: usize, purpose: u64) -> StdRng {
        let number = 4 * (step as u64 + 1) + purpose;
        StdRng::seed_from_u64(self.seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// The tracks of a step's batch: P × K, then `hard_negatives` that `draws` finds for them, then
    /// unlabelled ones. No track stands there twice.
    pub fn plan(&self, step: usize, hard_negatives: usize, draws: &mut Draws<'_>) -> Vec<usize> {
        let mut random = self.random(step, 0);
        let mut genres: Vec<usize> = (0..self.by_genre.len()).collect();
        genres.shuffle(&mut random);
        genres.truncate(self.config.genres);
        let mut plan = Vec::new();
        for genre in genres {
            self.draw_by_artist(&self.by_genre[genre], self.config.tracks_per_genre, &mut plan, &mut random);
        }
        let anchors = plan.clone();
        for &anchor in anchors.iter().sample(&mut random, hard_negatives.min(anchors.len())) {
            plan.extend(draws.draw(anchor, &mut random).filter(|negative| !plan.contains(negative)));
        }
        self.draw_by_artist(&self.unlabelled, self.config.unlabelled_tracks, &mut plan, &mut random);
        for Preference { anchor, nearer, farther } in self.preferences(step) {
            for track in [Some(anchor), nearer, farther].into_iter().flatten() {
                if !plan.contains(&track) {
                    plan.push(track);
                }
            }
        }
        plan
    }

    /// Adds `count` tracks: artists in random order, one track of each, or as many as are drawn together;
    /// again where there are fewer artists, as long as there are tracks that are not in the plan.
    fn draw_by_artist(&self, artists: &[Vec<usize>], count: usize, plan: &mut Vec<usize>, random: &mut StdRng) {
        let mut order: Vec<&Vec<usize>> = artists.iter().collect();
        order.shuffle(random);
        let wanted = plan.len() + count;
        let mut found_one = true;
        while found_one && plan.len() < wanted {
            found_one = false;
            for tracks in &order {
                if plan.len() == wanted {
                    return;
                }
                let together = self.config.tracks_per_artist.min(wanted - plan.len());
                let left = tracks.iter().copied().filter(|track| !plan.contains(track));
                let drawn = left.sample(random, together);
                found_one |= !drawn.is_empty();
                plan.extend(drawn);
            }
        }
    }

    /// The batch of these tracks.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) where the cache was removed meanwhile.
    pub fn batch(&self, plan: &[usize], step: usize) -> Result<Batch> {
        let mut random = self.random(step, 1);
        let (frames, bands) = (self.front_end.window_frames, self.front_end.mel_bands);
        let crops_per_track = self.config.crops_per_track;
        let genres = self.roster.genres.len();
        let count = plan.len() * crops_per_track;
        let mut log_mel = vec![0.0; count * frames * bands];
        let mut targets = vec![0.0; count * genres];
        let mut crops = Vec::with_capacity(count);
        let (mut source, mut crop) = (Vec::new(), Vec::new());
        let mut taught = Vec::new();
        for (number, log_mel) in log_mel.chunks_exact_mut(frames * bands).enumerate() {
            let track = plan[number / crops_per_track];
            let varied_share = self.config.varied_share;
            let is_varied = varied_share >= 1.0 || random.random::<f32>() < varied_share;
            let augment = if is_varied { self.augment } else { &AugmentConfig::OFF };
            let seconds = self.cut(&self.tracks[track], augment, &mut source, &mut random)?;
            if let Some(teacher) = self.teacher {
                taught.extend(teacher.vector(track, seconds.start, seconds.end - seconds.start).unwrap_or_default());
            }
            augment.apply(&source, bands, frames, &mut crop, &mut random);
            log_mel_into(&crop, bands, self.front_end.power_floor, log_mel);
            let member = self.roster.members[track];
            if let Some(genre) = member.genre {
                targets[number * genres + genre] = 1.0;
            }
            crops.push(Crop { track, artist: member.artist, genre: member.genre });
        }
        let is_mixed = random.random::<f32>() < self.config.mixup_share;
        if is_mixed {
            mixup(&mut log_mel, &mut targets, count, self.config.mixup_strength, &mut random);
        }
        let preferences = self.triplets(plan, step, &mut random);
        Ok(Batch { log_mel, crops, targets, is_mixed, preferences, taught, step })
    }

    /// The step's preferences as crops of the batch.
    fn triplets(&self, plan: &[usize], step: usize, random: &mut StdRng) -> Vec<Triplet> {
        let crop = |track: usize| Some(plan.iter().position(|other| *other == track)? * self.config.crops_per_track);
        let triplet = |Preference { anchor, nearer, farther }| {
            let first = crop(anchor)?;
            let positive = nearer.map_or(Some(first + 1), crop)?;
            let others = |track: &&usize| **track != anchor && Some(**track) != nearer;
            let negative = match farther {
                Some(track) => crop(track)?,
                None => crop(*plan.iter().filter(others).choose(random)?)?,
            };
            Some(Triplet { anchor: first, positive, negative })
        };
        self.preferences(step).into_iter().filter_map(triplet).collect()
    }

    /// Cuts rows out of a track at a random place, as many as the variation wants, and says where it lies, in seconds; a
    /// short track is repeated.
    fn cut(
        &self,
        track: &Track,
        augment: &AugmentConfig,
        source: &mut Vec<f32>,
        random: &mut StdRng,
    ) -> Result<Range<f64>> {
        let bands = self.front_end.mel_bands;
        let frames = augment.source_frames(self.front_end.window_frames, random);
        let available = track.power.frames().min(frames);
        let mut start = 0;
        for _ in 0..CROP_TRIES {
            start = random.random_range(0..=track.power.frames() - available);
            source.clear();
            track.power.read(start..start + available, source)?;
            if mean_power(source, bands) > SILENCE_POWER {
                break;
            }
        }
        let whole = source.clone();
        source.extend(whole.iter().cycle().take((frames - available) * bands));
        let seconds = |frame: usize| frame as f64 * self.front_end.hop_seconds;
        Ok(seconds(start)..seconds(start + available))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::example::track;
    use crate::metric::miner::corpus::{CorpusConfig, HardNegatives};

    fn tracks() -> Vec<Track> {
        let mut tracks: Vec<_> = (0..9).map(|_| track(Some("rock"), "a")).collect();
        tracks.extend([track(Some("jazz"), "b"), track(Some("jazz"), "c"), track(None, "d"), track(None, "a")]);
        tracks
    }

    struct Fixture {
        tracks: Vec<Track>,
        roster: Roster,
        front_end: FrontEndConfig,
        augment: AugmentConfig,
        config: BatchConfig,
    }

    impl Fixture {
        fn new() -> Self {
            let tracks = tracks();
            Self {
                roster: Roster::of(&tracks),
                tracks,
                front_end: FrontEndConfig { mel_bands: 4, window_frames: 5, ..Default::default() },
                augment: AugmentConfig::default(),
                config: BatchConfig {
                    tracks_per_genre: 2,
                    unlabelled_tracks: 1,
                    mixup_share: 0.0,
                    ..Default::default()
                },
            }
        }

        fn sampler(&self, seed: u64) -> Sampler<'_> {
            Sampler::new(&self.tracks, &self.roster, &self.front_end, &self.augment, &self.config, seed)
        }
    }

    fn plan(sampler: &Sampler<'_>, step: usize) -> Vec<usize> {
        sampler.plan(step, 0, &mut HardNegatives::default().draws(&CorpusConfig::default()))
    }

    #[test]
    fn genres_and_artists_are_drawn_evenly_without_repeats() {
        let fixture = Fixture::new();
        let sampler = fixture.sampler(7);
        let mut solo = 0;
        for step in 0..200 {
            let plan = plan(&sampler, step);
            assert_eq!(plan.len(), 5);
            let of_genre = |genre| plan.iter().filter(|&&track| fixture.roster.members[track].genre == genre).count();
            assert_eq!((of_genre(Some(0)), of_genre(Some(1)), of_genre(None)), (2, 2, 1));
            assert!(plan.contains(&9) && plan.contains(&10), "both artists of jazz");
            solo += usize::from(plan.contains(&11));
        }
        assert!((70..130).contains(&solo), "{solo} of 200");
    }

    #[test]
    fn batches_depend_on_seed_and_step_only_and_crops_of_a_track_differ() {
        let fixture = Fixture::new();
        let sampler = fixture.sampler(7);
        let plan = plan(&sampler, 3);
        let batch = sampler.batch(&plan, 3).unwrap();
        assert_eq!(batch.log_mel.len(), 10 * 20);
        assert_eq!(batch, fixture.sampler(7).batch(&plan, 3).unwrap());
        assert_ne!(batch, sampler.batch(&plan, 4).unwrap());
        assert_ne!(batch, fixture.sampler(8).batch(&plan, 3).unwrap());
        assert_eq!(batch.crops[0].track, batch.crops[1].track);
        assert_ne!(batch.log_mel[..20], batch.log_mel[20..40]);
        for (crop, target) in batch.crops.iter().zip(batch.targets.chunks(2)) {
            let expected: [f32; 2] = [0, 1].map(|genre| f32::from(u8::from(crop.genre == Some(genre))));
            assert_eq!(target, expected);
        }
    }

    #[test]
    fn a_share_of_the_crops_is_heard_as_it_is() {
        let mut fixture = Fixture::new();
        let plain = |fixture: &Fixture| {
            let bands = fixture.front_end.mel_bands;
            let mut seen = 0;
            for step in 0..20 {
                let batch = fixture.sampler(7).batch(&[0, 9, 10], step).unwrap();
                for (crop, log_mel) in batch.crops.iter().zip(batch.log_mel.chunks(5 * bands)) {
                    let power = &fixture.tracks[crop.track].power;
                    let mut rows = Vec::new();
                    power.read(0..power.frames(), &mut rows).unwrap();
                    let mut expected = vec![0.0; 5 * bands];
                    seen += usize::from((0..=power.frames() - 5).any(|start| {
                        let cut = &rows[start * bands..(start + 5) * bands];
                        log_mel_into(cut, bands, fixture.front_end.power_floor, &mut expected);
                        expected == log_mel
                    }));
                }
            }
            seen
        };
        assert_eq!(plain(&fixture), 0, "of 120 all are varied");
        fixture.config.varied_share = 0.25;
        assert!((70..110).contains(&plain(&fixture)), "{}", plain(&fixture));
        fixture.config.varied_share = 0.0;
        assert_eq!(plain(&fixture), 120);
    }

    #[test]
    fn tracks_of_an_artist_are_drawn_together_where_asked() {
        let mut fixture = Fixture::new();
        fixture.tracks = (0..12).map(|number| track(Some("rock"), ["a", "b", "c", "d"][number / 3])).collect();
        fixture.roster = Roster::of(&fixture.tracks);
        for (together, artists) in [(1, 4), (2, 2), (3, 2), (9, 2)] {
            fixture.config = BatchConfig { tracks_per_genre: 4, tracks_per_artist: together, ..fixture.config };
            for step in 0..20 {
                let plan = plan(&fixture.sampler(7), step);
                let found: std::collections::BTreeSet<_> = plan.iter().map(|track| track / 3).collect();
                assert_eq!((plan.len(), found.len()), (4, artists), "{together} together: {plan:?}");
            }
        }
    }

    #[test]
    fn without_labels_artists_are_drawn_evenly_whatever_their_genre() {
        let mut fixture = Fixture::new();
        fixture.config = BatchConfig { genres: 0, unlabelled_tracks: 4, ..fixture.config };
        let sampler = fixture.sampler(7);
        for step in 0..20 {
            let plan = plan(&sampler, step);
            let artists: std::collections::BTreeSet<_> =
                plan.iter().map(|&track| fixture.roster.members[track].artist).collect();
            assert_eq!((plan.len(), artists.len()), (4, 4), "{plan:?}");
        }
    }

    #[test]
    fn hard_negatives_join_the_batch() {
        let fixture = Fixture::new();
        let sampler = fixture.sampler(1);
        // One vector a track, all alike: everything is everything's neighbour.
        let vectors = vec![1.0; 13];
        let config = CorpusConfig::default();
        let searched: Vec<usize> = (0..13).collect();
        let mut search = crate::metric::miner::corpus::BruteForce;
        let negatives =
            HardNegatives::find(&mut search, &vectors, &fixture.roster.members, &searched, &config).unwrap();
        let plan = sampler.plan(0, 4, &mut negatives.draws(&config));
        assert!(plan.len() > 5 && plan.len() <= 9, "{plan:?}");
        let unique: std::collections::BTreeSet<_> = plan.iter().collect();
        assert_eq!(unique.len(), plan.len());
    }
}
