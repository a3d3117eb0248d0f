//! A small vision transformer on log-mel patches (Dosovitskiy et al. 2020; on spectrograms: Gong et al. 2021).

use tch::Tensor;
use tch::nn::{self, Module, VarStore};

use super::Mode;
use super::architecture::VitConfig;
use super::pool::LayerPooling;
use super::position::sine_cosine_grid;
use super::transformer::{TransformerBlock, linear};

/// From log-mel windows to what the class token and the patches, on the mean, have come to.
#[derive(Debug)]
pub struct VitBody {
    config: VitConfig,
    embed: nn::Linear,
    class_token: Tensor,
    blocks: Vec<TransformerBlock>,
    norm: nn::LayerNorm,
    /// Names and values of all variables.
    variables: Vec<(String, Tensor)>,
}

/// Patches along time and along frequency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Number along time.
    pub times: i64,
    /// Number along frequency.
    pub bands: i64,
}

impl Grid {
    /// Number of patches.
    pub fn count(self) -> i64 {
        self.times * self.bands
    }
}

impl VitBody {
    /// Creates the network's variables below `name`.
    pub fn new(variables: &VarStore, name: &str, config: &VitConfig) -> Self {
        let (path, width) = (&(variables.root() / name), config.width);
        let embed = linear(path / "embed", config.patch_frames * config.patch_bands, width);
        let class_token = path.var("class_token", &[1, width], nn::Init::Const(0.0));
        let blocks = (0..config.depth).map(|number| {
            let path = path / "blocks" / number;
            TransformerBlock::new(&path, width, config.heads)
        });
        let blocks = blocks.collect();
        let norm = nn::layer_norm(path / "norm", vec![width], Default::default());
        // All that is there so far: the head comes later.
        let prefix = path.path("");
        let named = variables.variables().into_iter().filter(|(name, _)| name.starts_with(&prefix));
        let mut variables: Vec<(String, Tensor)> = named.collect();
        variables.sort_by(|a, b| a.0.cmp(&b.0));
        Self { config: config.clone(), embed, class_token, blocks, norm, variables }
    }

    /// Length of what [`VitBody::pooled`] makes of a window.
    pub fn pooled_size(config: &VitConfig) -> i64 {
        2 * config.width
    }

    /// Its shape.
    pub fn config(&self) -> &VitConfig {
        &self.config
    }

    /// Patches of windows with so many frames and bands.
    pub fn grid(&self, frames: i64, bands: i64) -> Grid {
        Grid { times: frames / self.config.patch_frames, bands: bands / self.config.patch_bands }
    }

    /// Windows, N × frames × bands, cut into patches, N × patches × values: patches row-major in time and
    /// frequency, and so are the values of each. What is left over at the end is cut off.
    pub fn patches(&self, input: &Tensor) -> Tensor {
        let size = input.size();
        let grid = self.grid(size[1], size[2]);
        let (frames, bands) = (self.config.patch_frames, self.config.patch_bands);
        let whole = input.narrow(1, 0, grid.times * frames).narrow(2, 0, grid.bands * bands);
        let cut = whole.contiguous().view([size[0], grid.times, frames, grid.bands, bands]).transpose(2, 3);
        cut.contiguous().view([size[0], grid.count(), frames * bands])
    }

    /// Patches of a grid put together to windows again, N × frames × bands.
    pub fn whole(&self, patches: &Tensor, grid: Grid) -> Tensor {
        let (frames, bands) = (self.config.patch_frames, self.config.patch_bands);
        let rows = patches.view([-1, grid.times, grid.bands, frames, bands]).transpose(2, 3);
        rows.contiguous().view([-1, grid.times * frames, grid.bands * bands])
    }

    /// The class token and the mean of the patches, side by side, of windows N × frames × bands.
    pub fn pooled(&self, input: &Tensor, mode: Mode) -> Tensor {
        Self::pooled_tokens(&self.tokens(input, None, self.blocks.len(), mode))
    }

    /// The same of tokens: class token first, N × tokens × width, to N × twice the width.
    pub fn pooled_tokens(tokens: &Tensor) -> Tensor {
        let patches = tokens.narrow(1, 1, tokens.size()[1] - 1);
        Tensor::cat(&[tokens.select(1, 0), LayerPooling::Mean.pool(&patches, [1])], 1)
    }

    /// Tokens of the class and of the patches that are not hidden, N × (1 + visible) × width. `visible`,
    /// N × visible, numbers these patches; the others cost nothing.
    pub fn visible_tokens(&self, input: &Tensor, visible: &Tensor, mode: Mode) -> Tensor {
        self.tokens(input, Some(visible), self.blocks.len(), mode)
    }

    /// Names of the layers, from the input on.
    pub fn layer_names(&self) -> Vec<String> {
        let blocks = (0..self.blocks.len()).map(|number| format!("blocks.{number}"));
        std::iter::once("embed".to_owned()).chain(blocks).collect()
    }

    /// The patches' tokens behind a layer, the embedding of patches being the first, pooled: N × width (twice
    /// for both).
    pub fn layer(&self, input: &Tensor, depth: usize, pooling: LayerPooling) -> Tensor {
        let tokens = self.tokens(input, None, depth, Mode::Serve);
        pooling.pool(&tokens.narrow(1, 1, tokens.size()[1] - 1), [1])
    }

    /// Tokens behind `depth` blocks; behind the last of all, normalised.
    fn tokens(&self, input: &Tensor, visible: Option<&Tensor>, depth: usize, mode: Mode) -> Tensor {
        let frozen_layers = match mode {
            Mode::Train { frozen_layers } => frozen_layers,
            Mode::Serve | Mode::Calibrate => 0,
        };
        let frozen = |layer: usize| (layer < frozen_layers).then(tch::no_grad_guard);
        let mut x = {
            let _no_gradients = frozen(0);
            self.embedded(input, visible)
        };
        for (number, block) in self.blocks.iter().take(depth).enumerate() {
            let _no_gradients = frozen(number + 1);
            x = block.forward(&x);
        }
        if depth < self.blocks.len() { x } else { self.norm.forward(&x) }
    }

    /// Visible patches with their places, behind the class token.
    fn embedded(&self, input: &Tensor, visible: Option<&Tensor>) -> Tensor {
        let (size, width) = (input.size(), self.config.width);
        let grid = self.grid(size[1], size[2]);
        let places = sine_cosine_grid(grid.times, grid.bands, width).unsqueeze(0).expand([size[0], -1, -1], false);
        let patches = self.patches(input);
        let pick = |rows: &Tensor, visible: &Tensor| {
            rows.gather(1, &visible.unsqueeze(2).expand([-1, -1, *rows.size().last().unwrap_or(&1)], false), false)
        };
        // Picked before they are embedded, so that what is hidden costs nothing.
        let (patches, places) = match visible {
            Some(visible) => (pick(&patches, visible), pick(&places, visible)),
            None => (patches, places),
        };
        let tokens = patches.apply(&self.embed) + places;
        let class = self.class_token.view([1, 1, width]).expand([size[0], 1, width], false);
        Tensor::cat(&[class, tokens], 1)
    }

    /// Names and values of all variables.
    pub fn named(&self) -> Vec<(String, Tensor)> {
        self.variables.iter().map(|(name, value)| (name.clone(), value.copy())).collect()
    }

    /// Takes over another's variables.
    pub fn take_over(&self, other: &VitBody) {
        for ((_, own), (_, other)) in self.variables.iter().zip(&other.variables) {
            own.shallow_clone().copy_(other);
        }
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    fn body() -> (VarStore, VitBody) {
        let variables = VarStore::new(Device::Cpu);
        let config = VitConfig { patch_frames: 2, patch_bands: 3, width: 8, depth: 2, heads: 2, ..Default::default() };
        let body = VitBody::new(&variables, "encoder", &config);
        (variables, body)
    }

    #[test]
    fn patches_by_hand() {
        let (_variables, body) = body();
        // Value 10·frame + band of a window of 5 frames × 6 bands; the last frame is left over.
        let input: Vec<f32> = (0..5).flat_map(|frame| (0..6).map(move |band| (10 * frame + band) as f32)).collect();
        let input = Tensor::from_slice(&input).view([1, 5, 6]);
        let patches = body.patches(&input);
        assert_eq!(patches.size(), [1, 4, 6]);
        let patch = |number: i64| Vec::<f32>::try_from(patches.get(0).get(number)).unwrap();
        assert_eq!(patch(0), [0.0, 1.0, 2.0, 10.0, 11.0, 12.0]);
        assert_eq!(patch(3), [23.0, 24.0, 25.0, 33.0, 34.0, 35.0]);
        assert_eq!(body.whole(&patches, body.grid(5, 6)), input.narrow(1, 0, 4));
    }

    #[test]
    fn what_is_hidden_has_no_influence_and_what_is_seen_keeps_its_place() {
        tch::manual_seed(4);
        let (_variables, body) = body();
        let input = Tensor::randn([2, 4, 6], tch::kind::FLOAT_CPU);
        let visible = Tensor::from_slice(&[0_i64, 3, 1, 2]).view([2, 2]);
        let tokens = body.visible_tokens(&input, &visible, Mode::Serve);
        assert_eq!(tokens.size(), [2, 3, 8]);
        let difference = |other: &Tensor| {
            (&tokens - body.visible_tokens(other, &visible, Mode::Serve)).abs().max().double_value(&[])
        };
        // Of the first window, frames 0 and 1, bands 3 to 5 are patch 1, which is hidden; patch 0 is seen.
        let changed = input.copy();
        let _ = changed.get(0).narrow(0, 0, 2).narrow(1, 3, 3).fill_(7.0);
        assert_eq!(difference(&changed), 0.0);
        let _ = changed.get(0).narrow(0, 0, 2).narrow(1, 0, 3).fill_(7.0);
        assert!(difference(&changed) > 1e-3);
        // All seen, in whatever order, is what serves.
        let order = Tensor::from_slice(&[2_i64, 0, 3, 1]).view([1, 4]).expand([2, 4], false);
        let all = VitBody::pooled_tokens(&body.visible_tokens(&input, &order, Mode::Serve));
        assert!((all - body.pooled(&input, Mode::Serve)).abs().max().double_value(&[]) < 1e-5);
    }

    #[test]
    fn frozen_layers_get_no_gradient() {
        tch::manual_seed(5);
        let (variables, body) = body();
        let input = Tensor::randn([2, 4, 6], tch::kind::FLOAT_CPU);
        body.pooled(&input, Mode::Train { frozen_layers: 2 }).square().sum(Kind::Float).backward();
        let has_gradient = |name: &str| variables.variables().remove(name).unwrap().grad().defined();
        assert!(!has_gradient("encoder.embed.weight") && !has_gradient("encoder.class_token"));
        assert!(!has_gradient("encoder.blocks.0.wide.weight"));
        assert!(has_gradient("encoder.blocks.1.wide.weight") && has_gradient("encoder.norm.weight"));
    }
}
