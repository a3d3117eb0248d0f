//! Directions that should be the same.

use tch::{Kind, Tensor};

use crate::model::embedding_head::normalised;

/// Mean of 1 − cos between rows of `student` and of `target`, both N × D. No gradient goes to the target.
pub fn cosine_to_target(student: &Tensor, target: &Tensor) -> Tensor {
    let product = normalised(student) * normalised(&target.detach());
    let cosines = product.sum_dim_intlist([1_i64].as_slice(), false, Kind::Float);
    -cosines.mean(Kind::Float) + 1.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::loss::fixture;

    #[test]
    fn cosines_by_hand() {
        let student = Tensor::from_slice(&[1.0_f32, 0.0, 0.0, 2.0, 1.0, 1.0]).view([3, 2]);
        let target = Tensor::from_slice(&[3.0_f32, 4.0, 0.0, -1.0, 9.0, 9.0]).view([3, 2]);
        let loss = cosine_to_target(&student, &target).double_value(&[]);
        assert!((loss - (0.4 + 2.0 + 0.0) / 3.0).abs() < 1e-6);
    }

    #[test]
    fn losses_and_gradients_are_those_of_an_independent_reference() {
        for case in fixture::cases(&["cosine_to_teacher"]) {
            let student = case.tensor("student").set_requires_grad(true);
            let target = case.tensor("target").set_requires_grad(true);
            case.assert_matches(&cosine_to_target(&student, &target), &student);
            assert!(!target.grad().defined(), "a teacher does not learn");
        }
    }
}
