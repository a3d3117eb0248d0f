//! AdamW (Loshchilov & Hutter 2019, alg. 2). libtorch's own cannot be saved and read again through
//! its Rust bindings, and a run that cannot be resumed exactly cannot be trusted to a night.

use tch::nn::VarStore;
use tch::{Kind, Tensor};

use crate::error::Result;

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// The optimiser, with moments for each variable.
#[derive(Debug)]
pub struct AdamW {
    parameters: Vec<Parameter>,
    steps: usize,
}

#[derive(Debug)]
struct Parameter {
    name: String,
    value: Tensor,
    moment1: Tensor,
    moment2: Tensor,
    /// Steps in which it had a gradient: a layer that was frozen at first begins its moments later.
    steps: usize,
}

/// What a step goes by.
#[derive(Debug, Clone, Copy)]
pub struct StepSize {
    /// Learning rate of heads.
    pub learning_rate: f64,
    /// Factor of it below the encoder's head.
    pub backbone_factor: f64,
    /// Decoupled weight decay, of matrices and kernels only: norms, biases and exponents keep theirs.
    pub weight_decay: f64,
    /// Longest gradient; a longer one is scaled to it.
    pub clip_norm: f64,
}

impl Parameter {
    fn decays(&self) -> bool {
        self.value.dim() > 1
    }

    fn is_backbone(&self) -> bool {
        self.name.starts_with("encoder.") && !self.name.starts_with("encoder.head")
    }
}

impl AdamW {
    /// For all trainable variables.
    pub fn new(variables: &VarStore) -> Self {
        let trainable = variables.variables().into_iter().filter(|(_, value)| value.requires_grad());
        let mut parameters: Vec<Parameter> = trainable
            .map(|(name, value)| Parameter {
                name,
                moment1: value.zeros_like(),
                moment2: value.zeros_like(),
                value,
                steps: 0,
            })
            .collect();
        parameters.sort_by(|a, b| a.name.cmp(&b.name));
        Self { parameters, steps: 0 }
    }

    /// Steps done.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Forgets the gradients.
    pub fn zero_gradients(&mut self) {
        self.parameters.iter_mut().for_each(|parameter| parameter.value.zero_grad());
    }

    /// One step along the gradients that `backward` left.
    ///
    /// # Errors
    /// [`Error::Torch`](crate::Error::Torch).
    pub fn step(&mut self, size: StepSize) -> Result<()> {
        let _no_gradients = tch::no_grad_guard();
        self.steps += 1;
        let mut norms = Vec::new();
        let mut with_gradient = Vec::new();
        for parameter in &mut self.parameters {
            let gradient = parameter.value.f_grad()?;
            if gradient.defined() {
                norms.push(gradient.f_norm()?);
                with_gradient.push((parameter, gradient));
            }
        }
        if norms.is_empty() {
            return Ok(());
        }
        let norm = Tensor::f_stack(&norms, 0)?.f_norm()?.f_double_value(&[])?;
        let scale = if norm > size.clip_norm { size.clip_norm / norm } else { 1.0 };
        for (parameter, mut gradient) in with_gradient {
            if scale < 1.0 {
                let _ = gradient.f_mul_scalar_(scale)?;
            }
            parameter.steps += 1;
            let factor = if parameter.is_backbone() { size.backbone_factor } else { 1.0 };
            let rate = size.learning_rate * factor;
            let _ = parameter.moment1.f_lerp_(&gradient, 1.0 - BETA1)?;
            let _ = parameter.moment2.f_lerp_(&gradient.f_square()?, 1.0 - BETA2)?;
            if parameter.decays() {
                let _ = parameter.value.f_mul_scalar_(1.0 - rate * size.weight_decay)?;
            }
            let bias1 = 1.0 - BETA1.powi(parameter.steps as i32);
            let bias2 = 1.0 - BETA2.powi(parameter.steps as i32);
            let mut divisor = parameter.moment2.f_sqrt()?;
            let _ = divisor.f_div_scalar_(bias2.sqrt())?.f_add_scalar_(EPSILON)?;
            let step = parameter.moment1.f_mul_scalar(-rate / bias1)?;
            let _ = parameter.value.f_addcdiv_(&step, &divisor)?;
        }
        Ok(())
    }

    /// Named tensors that hold its whole state.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        let counters = self.parameters.iter().map(|parameter| parameter.steps as i64).collect::<Vec<_>>();
        let mut state = vec![("steps".to_owned(), Tensor::from_slice(&counters).to_kind(Kind::Float))];
        for parameter in &self.parameters {
            state.push((format!("moment1.{}", parameter.name), parameter.moment1.copy()));
            state.push((format!("moment2.{}", parameter.name), parameter.moment2.copy()));
        }
        state
    }

    /// Takes its state from named tensors; `steps` are those done. `None` where one is missing or of
    /// another shape.
    pub fn restore(&mut self, steps: usize, mut tensor: impl FnMut(&str) -> Option<Tensor>) -> Option<()> {
        let _no_gradients = tch::no_grad_guard();
        let counters = Vec::<f32>::try_from(tensor("steps")?).ok()?;
        if counters.len() != self.parameters.len() {
            return None;
        }
        self.steps = steps;
        for (parameter, counter) in self.parameters.iter_mut().zip(counters) {
            parameter.steps = counter as usize;
            for (name, moment) in [("moment1", &mut parameter.moment1), ("moment2", &mut parameter.moment2)] {
                let stored = tensor(&format!("{name}.{}", parameter.name))?;
                (stored.size() == moment.size()).then(|| moment.copy_(&stored))?;
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use tch::nn::{self, OptimizerConfig};
    use tch::{Device, Reduction};

    use super::*;

    fn linear() -> (VarStore, nn::Linear) {
        let variables = VarStore::new(Device::Cpu);
        let layer = nn::linear(variables.root() / "layer", 3, 2, Default::default());
        let _no_gradients = tch::no_grad_guard();
        let weights = Tensor::from_slice(&[0.4_f32, -0.2, 0.1, -0.5, 0.3, 0.2]).view([2, 3]);
        layer.ws.shallow_clone().copy_(&weights);
        layer.bs.iter().for_each(|bias| drop(bias.shallow_clone().fill_(0.1)));
        (variables, layer)
    }

    fn loss(layer: &nn::Linear, step: i64) -> Tensor {
        let input = Tensor::from_slice(&[0.5_f32, -1.0, 2.0, 1.5, 0.3, -0.7]).view([2, 3]) * (1 + step % 3);
        input.apply(layer).mse_loss(&Tensor::ones([2, 2], tch::kind::FLOAT_CPU), Reduction::Mean)
    }

    const SIZE: StepSize = StepSize { learning_rate: 0.05, backbone_factor: 1.0, weight_decay: 0.1, clip_norm: 1.0 };

    #[test]
    fn steps_are_those_of_libtorchs_own() {
        let (variables, layer) = linear();
        let mut ours = AdamW::new(&variables);
        let (other_variables, other_layer) = linear();
        let mut theirs = nn::AdamW { wd: SIZE.weight_decay, ..Default::default() }
            .build(&other_variables, SIZE.learning_rate)
            .unwrap();
        // Theirs decays biases too, which ours does not.
        theirs.set_weight_decay(0.0);
        for step in 0..20 {
            ours.zero_gradients();
            loss(&layer, step).backward();
            ours.step(StepSize { weight_decay: 0.0, ..SIZE }).unwrap();
            theirs.backward_step_clip_norm(&loss(&other_layer, step), SIZE.clip_norm);
        }
        assert!((&layer.ws - &other_layer.ws).abs().max().double_value(&[]) < 1e-5);
    }

    #[test]
    fn matrices_decay_and_biases_do_not() {
        let (variables, layer) = linear();
        let (weight, bias) = (layer.ws.copy(), layer.bs.as_ref().unwrap().copy());
        let mut optimiser = AdamW::new(&variables);
        (loss(&layer, 0) * 0.0).backward();
        optimiser.step(SIZE).unwrap();
        let ratio = Vec::<f32>::try_from((&layer.ws / weight).view([-1])).unwrap();
        assert!(ratio.iter().all(|ratio| (ratio - (1.0 - 0.05 * 0.1)).abs() < 1e-5), "{ratio:?}");
        assert_eq!(layer.bs.as_ref().unwrap(), &bias);
    }

    #[test]
    fn a_restored_optimiser_goes_on_as_if_nothing_had_happened() {
        let run = |interrupt: bool| {
            let (variables, layer) = linear();
            let mut optimiser = AdamW::new(&variables);
            for step in 0..6 {
                if interrupt && step == 3 {
                    let state: std::collections::HashMap<String, Tensor> = optimiser.state().into_iter().collect();
                    optimiser = AdamW::new(&variables);
                    optimiser.restore(3, |name| state.get(name).map(Tensor::copy)).unwrap();
                }
                optimiser.zero_gradients();
                loss(&layer, step).backward();
                optimiser.step(SIZE).unwrap();
            }
            layer.ws.copy()
        };
        assert_eq!(run(false), run(true));
    }
}
