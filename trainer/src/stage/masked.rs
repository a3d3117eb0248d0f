//! Masked patches (He et al. 2022, MAE; on spectrograms: Huang et al. 2022, AudioMAE): most patches of a window are
//! hidden before the vision transformer sees them, and a light decoder predicts what they held. Windows are as they are:
//! what `batch.varied_share` would add to them, would be predicted as well.

use audio_frontend::OutOfRange;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::fit::{FitConfig, Fitted, Objective, Stage, StepLoss, Surroundings, fit};
use super::network::{Network, Start};
use super::{Material, Setup};
use crate::data::batch::{Batch, BatchConfig};
use crate::error::{Error, Result};
use crate::evaluate::scores::Reconstruction;
use crate::metric::loss::masked_patches::{masked_patches, normalised_patches};
use crate::model::Mode;
use crate::model::patch_decoder::PatchDecoder;
use crate::model::vit::Grid;

/// Settings of the stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MaskedConfig {
    /// Share of the patches that are hidden, in 0.1..=0.95. The less is seen, the less a step costs.
    pub hidden_share: f64,
    /// Length of the decoder's tokens, a multiple of 4.
    pub decoder_width: i64,
    /// Blocks of the decoder.
    pub decoder_depth: usize,
    /// What batches are made of; labels are not looked at.
    pub batch: BatchConfig,
    /// How it moves.
    pub fit: FitConfig,
}

impl Default for MaskedConfig {
    fn default() -> Self {
        Self {
            hidden_share: 0.75,
            decoder_width: 64,
            decoder_depth: 1,
            // Noise that was added cannot be predicted from the patches that are seen.
            batch: BatchConfig { varied_share: 0.0, ..BatchConfig::without_labels() },
            fit: FitConfig {
                steps: 2000,
                learning_rate: 1e-3,
                warm_up_share: 0.1,
                evaluate_every: 200,
                checkpoint_every: 200,
                ..Default::default()
            },
        }
    }
}

impl MaskedConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn validate(&self) -> std::result::Result<(), OutOfRange> {
        OutOfRange::check(&[
            ((0.1..=0.95).contains(&self.hidden_share), "hidden_share must be in 0.1..=0.95"),
            (
                (4..=4096).contains(&self.decoder_width) && self.decoder_width % 4 == 0,
                "decoder_width must be a multiple of 4 in 4..=4096",
            ),
            (self.decoder_depth <= 100, "decoder_depth must be in 0..=100"),
            (self.batch.mixup_share == 0.0, "mixup_share must be 0: labels are not looked at"),
        ])?;
        self.batch.validate()?;
        self.fit.validate()
    }
}

struct Masked<'a> {
    config: &'a MaskedConfig,
    decoder: PatchDecoder,
    seed: u64,
}

/// Which patches of each window of a batch are seen.
struct Mask {
    /// Their numbers, windows × visible.
    visible: Tensor,
    /// 1 where a patch is hidden, windows × patches.
    hidden: Tensor,
}

impl Mask {
    /// As many of each window, drawn evenly.
    fn draw(windows: usize, patches: usize, hidden_share: f64, random: &mut impl Rng) -> Result<Self> {
        let seen = ((patches as f64 * (1.0 - hidden_share)).round() as usize).clamp(1, (patches - 1).max(1));
        let (mut visible, mut hidden) = (Vec::new(), vec![1.0_f32; windows * patches]);
        let mut order: Vec<usize> = (0..patches).collect();
        for window in 0..windows {
            order.shuffle(random);
            let mut kept = order[..seen].to_vec();
            kept.sort_unstable();
            for patch in kept {
                visible.push(patch as i64);
                hidden[window * patches + patch] = 0.0;
            }
        }
        Ok(Self {
            visible: Tensor::f_from_slice(&visible)?.f_view([windows as i64, -1])?,
            hidden: Tensor::f_from_slice(&hidden)?.f_view([windows as i64, -1])?,
        })
    }
}

/// What the network makes of windows most of which it has not seen.
struct Predicted {
    mask: Mask,
    /// What the patches hold, windows × patches × values.
    patches: Tensor,
    /// What the decoder says of them, of zero mean and unit variance.
    predicted: Tensor,
    vectors: Tensor,
    grid: Grid,
}

impl Masked<'_> {
    fn predict(&self, network: &Network, log_mel: &Tensor, step: usize, mode: Mode) -> Result<Predicted> {
        let no_vit = || Error::Torch { operation: "masking patches", reason: "the network has no patches".into() };
        let encoder = &network.encoder;
        let (body, input) = (encoder.vit().ok_or_else(no_vit)?, encoder.scaled(log_mel));
        let size = input.size();
        let grid = body.grid(size[1], size[2]);
        let mut random = StdRng::seed_from_u64(self.seed ^ (step as u64 + 1).wrapping_mul(0xD1B5_4A32_D192_ED03));
        let mask = Mask::draw(size[0] as usize, grid.count() as usize, self.config.hidden_share, &mut random)?;
        let tokens = body.visible_tokens(&input, &mask.visible, mode);
        let predicted = self.decoder.forward(&tokens, &mask.visible, grid);
        let vectors = {
            // The head is not trained here, but its batch normalisation gets to know what it will see: whole
            // windows, of some of which it costs as much as the visible part of all.
            let _no_gradients = tch::no_grad_guard();
            let some = (size[0] / 4).max(2).min(size[0]);
            encoder.forward(&log_mel.narrow(0, 0, some), mode)
        };
        Ok(Predicted { mask, patches: body.patches(&input), predicted, vectors, grid })
    }
}

impl Objective for Masked<'_> {
    fn name(&self) -> &'static str {
        "masked"
    }

    fn trains_embeddings(&self) -> bool {
        false
    }

    fn loss(&self, network: &Network, log_mel: &Tensor, batch: &Batch, mode: Mode) -> Result<StepLoss> {
        let Predicted { mask, patches, predicted, vectors, .. } = self.predict(network, log_mel, batch.step, mode)?;
        let loss = masked_patches(&predicted, &patches, &mask.hidden);
        Ok(StepLoss { loss, vectors, active_triplets: None })
    }

    /// The decoder knows a patch's shape, not its level: that is taken from the patch itself, as in the paper's
    /// figures.
    fn reconstruct(&self, network: &Network, log_mel: &Tensor) -> Result<Option<Reconstruction>> {
        let Predicted { mask, patches, predicted, grid, .. } = self.predict(network, log_mel, 0, Mode::Serve)?;
        let Some(body) = network.encoder.vit() else { return Ok(None) };
        let (_, mean, deviation) = normalised_patches(&patches);
        let hidden = mask.hidden.unsqueeze(2).expand_as(&patches);
        let filled = predicted * deviation + mean;
        let filled = patches.where_self(&hidden.eq(0.0), &filled);
        let flat =
            |patches: &Tensor| -> Result<Vec<f32>> { Ok(Vec::try_from(body.whole(patches, grid).f_view([-1])?)?) };
        let in_db = |scaled: &Tensor| flat(&network.encoder.in_db(scaled));
        let (frames, bands) = (grid.times * body.config().patch_frames, grid.bands * body.config().patch_bands);
        Ok(Some(Reconstruction {
            frames: frames as usize,
            bands: bands as usize,
            input: in_db(&patches)?,
            hidden: flat(&hidden)?.into_iter().map(|value| value > 0.5).collect(),
            predicted: in_db(&filled)?,
            ..Default::default()
        }))
    }
}

/// Trains from `start` without labels.
///
/// # Errors
/// As [`fit`].
pub fn train(
    config: &MaskedConfig,
    setup: Setup<'_>,
    material: Material<'_>,
    start: &Start,
    surroundings: Surroundings<'_>,
) -> Result<Fitted> {
    let no_vit = || Error::Config(OutOfRange("the stage masked needs architecture.kind = \"vit\""));
    let objective = |network: &Network| -> Result<Box<dyn Objective>> {
        let body = network.encoder.vit().ok_or_else(no_vit)?;
        Ok(Box::new(network.with_objective(setup.seed, |path| {
            let decoder = PatchDecoder::new(path, body, config.decoder_width, config.decoder_depth);
            Ok(Masked { config, decoder, seed: setup.seed })
        })?))
    };
    let stage = Stage::new(setup, material, &config.fit, &config.batch, &objective);
    fit(&stage, start, surroundings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_hides_its_share_of_every_window_and_says_so_twice() {
        let mask = Mask::draw(5, 20, 0.75, &mut StdRng::seed_from_u64(1)).unwrap();
        assert_eq!(mask.visible.size(), [5, 5]);
        let visible = Vec::<i64>::try_from(mask.visible.view([-1])).unwrap();
        let hidden = Vec::<f32>::try_from(mask.hidden.view([-1])).unwrap();
        for window in 0..5 {
            let seen: Vec<usize> = (0..20).filter(|patch| hidden[window * 20 + patch] == 0.0).collect();
            let listed: Vec<usize> = visible[window * 5..][..5].iter().map(|&patch| patch as usize).collect();
            assert_eq!(seen, listed);
        }
        assert_ne!(visible[..5], visible[5..10], "each window has its own");
    }
}
