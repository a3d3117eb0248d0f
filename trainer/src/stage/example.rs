//! Music for the stages' tests: spectra that a network of some hundred weights tells apart in seconds.

use std::path::Path;

use audio_frontend::{FrontEndConfig, MelPower};

use super::fit::{FitConfig, Progress};
use super::judge::Judge;
use super::network::Start;
use super::{Material, Teachers};
use crate::config::{StageName, TrainConfig};
use crate::data::example::with_power;
use crate::data::{Roster, Teacher, Track};
use crate::error::Result;
use crate::metric::miner::corpus::{BruteForce, CorpusConfig};
use crate::model::{Architecture, CnnConfig, VitConfig};
use crate::run::{Finished, Run};

/// Two genres that differ in which half of the bands they use, three artists each, and a track of none.
fn tracks() -> Vec<Track> {
    let mut tracks = Vec::new();
    let sound = |low: bool, artist: usize| {
        let row = move |frame: usize| {
            (0..8).map(move |band| {
                // Artists are told apart by a band that is louder.
                let level = if (band < 4) == low { 1.0 } else { 0.01 } * if band % 4 == artist % 4 { 4.0 } else { 1.0 };
                level * (1.0 + 0.5 * ((frame * (artist + 2) + band) as f32).sin())
            })
        };
        MelPower::from_rows(8, (0..120).flat_map(row).collect())
    };
    for (genre, low) in [("bass", true), ("treble", false)] {
        for artist in 0..3 {
            tracks.push(with_power(Some(genre), &format!("{genre} {artist}"), sound(low, artist)));
        }
    }
    tracks.push(with_power(None, "nobody", sound(true, 7)));
    tracks
}

fn tiny(steps: usize) -> TrainConfig {
    let mut config = TrainConfig {
        front_end: FrontEndConfig { mel_bands: 8, window_frames: 16, ..Default::default() },
        architecture: Architecture::Cnn(CnnConfig { channels: vec![4], embedding_size: 8, ..Default::default() }),
        ..Default::default()
    };
    for fit in config.fits_mut() {
        *fit = FitConfig {
            steps,
            learning_rate: 0.01,
            average_decay: 0.8,
            evaluate_every: 10,
            checkpoint_every: 7,
            frozen_steps: 5,
            frozen_layers: 1,
            ..fit.clone()
        };
    }
    config.triplet.fit.learning_rate = 0.003;
    // Less than two batches of crops: the queue turns around.
    (config.simclr.queue, config.simclr.queue_after) = (20, 0.1);
    // Losses of mixed and plain batches cannot be compared.
    config.classify.batch.mixup_share = 0.0;
    config.classify.same_track.weight = 0.1;
    config.triplet.corpus = CorpusConfig { tracks: 2, refresh_every: 9, ..Default::default() };
    config
}

/// Tracks that are both learnt from and judged by, and settings.
pub struct World {
    pub tracks: Vec<Track>,
    pub roster: Roster,
    pub judge: Judge,
    pub config: TrainConfig,
}

impl World {
    /// With so many steps a stage.
    pub fn new(steps: usize) -> Self {
        crate::use_one_thread();
        let (tracks, config) = (tracks(), tiny(steps));
        let judge = Judge::new(&tracks, &config.front_end, 4).unwrap();
        Self { roster: Roster::of(&tracks), tracks, judge, config }
    }

    /// For one stage by itself.
    pub fn material(&self) -> Material<'_> {
        Material {
            tracks: &self.tracks,
            roster: &self.roster,
            judge: &self.judge,
            validation: &self.tracks,
            preferences: None,
            teachers: None,
        }
    }

    /// The same, with a vision transformer of two blocks.
    pub fn with_vit(mut self) -> Self {
        let patches =
            VitConfig { patch_frames: 4, patch_bands: 4, width: 16, depth: 2, heads: 2, ..Default::default() };
        self.config.architecture = Architecture::Vit(VitConfig { embedding_size: 8, ..patches });
        self.config.masked.decoder_width = 8;
        self
    }

    /// Stages one after the other, with their state in a folder.
    pub fn run(
        &self,
        stages: &[StageName],
        start: Start,
        teacher: Option<&Teacher>,
        state_folder: &Path,
        report: &mut dyn FnMut(Progress),
    ) -> Result<Finished> {
        let config = TrainConfig { stages: stages.to_vec(), ..self.config.clone() };
        let run = Run {
            config: &config,
            training: &self.tracks,
            validation: &self.tracks,
            preferences: None,
            teachers: teacher.map(|teacher| Teachers { training: teacher, validation: teacher }),
            start,
            state_folder,
            max_duration: None,
        };
        run.run(&mut BruteForce, &mut |_, progress| report(progress))
    }
}
