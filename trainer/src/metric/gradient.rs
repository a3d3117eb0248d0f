//! Autograd against finite differences, for the losses' tests.

use tch::{Kind, Tensor};

/// Asserts that the gradient of `loss` at `input` is what central differences say.
pub fn assert_matches(input: &Tensor, loss: impl Fn(&Tensor) -> Tensor) {
    let leaf = input.copy().set_requires_grad(true);
    loss(&leaf).backward();
    let gradient = Vec::<f32>::try_from(leaf.grad().view([-1])).unwrap();
    let step = 1e-3;
    for (index, autograd) in gradient.iter().enumerate() {
        let moved = |by: f64| {
            let delta = Tensor::zeros([input.numel() as i64], (Kind::Float, input.device()));
            let _ = delta.get(index as i64).fill_(by);
            loss(&(input + delta.view(input.size().as_slice()))).double_value(&[])
        };
        let difference = (moved(step) - moved(-step)) / (2.0 * step);
        assert!((difference - f64::from(*autograd)).abs() < 2e-3, "{index}: {difference} against {autograd}");
    }
    assert!(gradient.iter().any(|value| value.abs() > 1e-3), "a gradient of nothing proves nothing");
}
