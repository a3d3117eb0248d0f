//! Losses and gradients that PyTorch worked out: tests/fixtures/make_losses.py.

use serde_json::{Map, Value};
use tch::Tensor;

/// Inputs, settings, loss and gradient.
pub struct Case {
    name: String,
    values: Map<String, Value>,
}

/// The cases of these losses; each has at least one.
pub fn cases(losses: &[&str]) -> Vec<Case> {
    let all: Map<String, Value> = serde_json::from_str(include_str!("../../../tests/fixtures/losses.json")).unwrap();
    let mut cases = Vec::new();
    for &loss in losses {
        let of_loss = all[loss].as_array().unwrap();
        assert!(!of_loss.is_empty(), "{loss}");
        cases.extend(of_loss.iter().enumerate().map(|(number, values)| Case {
            name: format!("{loss} {number}"),
            values: values.as_object().unwrap().clone(),
        }));
    }
    cases
}

impl Case {
    /// A setting.
    pub fn number(&self, name: &str) -> f64 {
        self.values[name].as_f64().unwrap()
    }

    /// A list of whole numbers, where the case has it.
    pub fn numbers(&self, name: &str) -> Option<Vec<usize>> {
        let list = self.values.get(name)?.as_array().unwrap();
        Some(list.iter().map(|value| value.as_u64().unwrap() as usize).collect())
    }

    /// Nested lists of numbers.
    pub fn tensor(&self, name: &str) -> Tensor {
        let (mut shape, mut values) = (Vec::new(), Vec::new());
        flatten(&self.values[name], 0, &mut shape, &mut values);
        Tensor::from_slice(&values).view(shape.as_slice())
    }

    /// Asserts the case's loss, and its gradient with respect to `input`.
    pub fn assert_matches(&self, loss: &Tensor, input: &Tensor) {
        let (found, expected) = (loss.double_value(&[]), self.number("loss"));
        assert!((found - expected).abs() < 1e-5 * expected.abs().max(1.0), "{}: {found} {expected}", self.name);
        loss.backward();
        let gradient = self.tensor("gradient");
        let error = (input.grad() - &gradient).abs().max().double_value(&[]);
        let largest = gradient.abs().max().double_value(&[]);
        assert!(error < 1e-4 * largest.max(1e-2), "{}: gradient off by {error} of {largest}", self.name);
    }
}

fn flatten(value: &Value, depth: usize, shape: &mut Vec<i64>, values: &mut Vec<f32>) {
    let Some(list) = value.as_array() else { return values.push(value.as_f64().unwrap() as f32) };
    if shape.len() == depth {
        shape.push(list.len() as i64);
    }
    list.iter().for_each(|value| flatten(value, depth + 1, shape, values));
}
