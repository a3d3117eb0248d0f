//! Directions that should be the same.

use tch::{Kind, Tensor};

use crate::model::embedding_head::normalised;

/// Mean of 1 − cos between rows of `student` and of `target`, both N × D, over those that count: `counted` is N of 0
/// and 1. No gradient goes to the target. 0 where none counts.
pub fn cosine_to_target(student: &Tensor, target: &Tensor, counted: &Tensor) -> Tensor {
    let product = normalised(student) * normalised(&target.detach());
    let cosines = product.sum_dim_intlist([1_i64].as_slice(), false, Kind::Float);
    ((-cosines + 1.0) * counted).sum(Kind::Float) / counted.sum(Kind::Float).clamp_min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::loss::fixture;

    #[test]
    fn cosines_by_hand() {
        let student = Tensor::from_slice(&[1.0_f32, 0.0, 0.0, 2.0, 1.0, 1.0]).view([3, 2]);
        let target = Tensor::from_slice(&[3.0_f32, 4.0, 0.0, -1.0, 9.0, 9.0]).view([3, 2]);
        let loss =
            |counted: &[f32]| cosine_to_target(&student, &target, &Tensor::from_slice(counted)).double_value(&[]);
        assert!((loss(&[1.0, 1.0, 0.0]) - (0.4 + 2.0) / 2.0).abs() < 1e-6);
        assert!((loss(&[1.0, 1.0, 1.0]) - (0.4 + 2.0 + 0.0) / 3.0).abs() < 1e-6);
        assert_eq!(loss(&[0.0; 3]), 0.0);
    }

    #[test]
    fn losses_and_gradients_are_those_of_an_independent_reference() {
        for case in fixture::cases(&["cosine_to_teacher"]) {
            let student = case.tensor("student").set_requires_grad(true);
            let target = case.tensor("target").set_requires_grad(true);
            let all = Tensor::ones([student.size()[0]], tch::kind::FLOAT_CPU);
            case.assert_matches(&cosine_to_target(&student, &target, &all), &student);
            assert!(!target.grad().defined(), "a teacher does not learn");
        }
    }
}
