//! The same network with random weights: what its shape alone can do.

use audio_frontend::Windows;
use tch::Tensor;

use crate::card::{ModelCard, TrainingRecord};
use crate::embed::ModelFiles;
use crate::error::Result;
use crate::model::Mode;
use crate::stage::Setup;
use crate::stage::network::{Network, serving_weights};
use crate::torch::guard;

/// Passes over the windows: after as many the statistics are those of music, however they began.
const PASSES: usize = 60;

/// Windows in a pass.
const BATCH_WINDOWS: usize = 32;

/// A model of a card's architecture with random weights. Its batch normalisation is given the
/// statistics of `windows`, as training would have: without them it would be weaker than it is.
///
/// # Errors
/// [`Error::Torch`](crate::Error::Torch).
pub fn random_model(card: &ModelCard, windows: &[Windows], seed: u64) -> Result<ModelFiles> {
    let setup = Setup {
        seed,
        front_end: &card.front_end,
        architecture: &card.architecture,
        augment: &crate::augment::AugmentConfig::OFF,
    };
    let network = Network::random(setup, &[])?;
    let window_values = card.front_end.window_frames * card.front_end.mel_bands;
    let all: Vec<&[f32]> = windows.iter().flat_map(|track| track.log_mel.chunks_exact(window_values)).collect();
    guard("calibrating random weights", || {
        let _no_gradients = tch::no_grad_guard();
        // Each pass takes windows from all over the tracks.
        let passes = all.len().div_ceil(BATCH_WINDOWS).max(1);
        for pass in 0..PASSES {
            let batch: Vec<f32> =
                all.iter().skip(pass % passes).step_by(passes).flat_map(|window| window.iter().copied()).collect();
            let shape = [-1, card.front_end.window_frames as i64, card.front_end.mel_bands as i64];
            let input = Tensor::f_from_slice(&batch)?.f_view(shape)?;
            if input.size()[0] > 1 {
                let _ = network.encoder.forward(&input, Mode::Train { frozen_layers: 0 });
            }
        }
        Ok(())
    })?;
    let weights = serving_weights(setup, &network.weights()?)?;
    let architecture = card.architecture.with_folded(true);
    let training = TrainingRecord { seed, ..Default::default() };
    let card = ModelCard::new(&weights, card.front_end.clone(), architecture, training, Default::default())?;
    Ok(ModelFiles { card: card.to_toml()?, weights })
}
