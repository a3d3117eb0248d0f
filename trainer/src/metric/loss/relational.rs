//! Relational distillation: a student's pairs lie as far from each other as its teacher's (Park et al. 2019).

use tch::{Kind, Reduction, Tensor};

use crate::metric::distance::squared_euclidean_of_pairs;

/// Distance-wise loss (eq. 3 to 6): Huber loss between the distances of all pairs of a batch, those of the student
/// and those of the teacher each divided by their own mean, so that only their proportions count. `student`:
/// N × D; `teacher`: N × T. 0 for fewer than two.
///
/// # Errors
/// Where libtorch fails.
pub fn relational_distance(student: &Tensor, teacher: &Tensor) -> Result<Tensor, tch::TchError> {
    if student.size()[0] < 2 {
        return student.f_sum(Kind::Float)?.f_mul_scalar(0.0);
    }
    let (student, teacher) = (proportions(student)?, proportions(&teacher.detach())?);
    student.f_huber_loss(&teacher, Reduction::Mean, 1.0)
}

/// Distances of all pairs i < j, divided by their mean.
fn proportions(rows: &Tensor) -> Result<Tensor, tch::TchError> {
    let count = rows.size()[0];
    let pairs = Tensor::f_triu_indices(count, count, 1, (Kind::Int64, rows.device()))?;
    let squared =
        squared_euclidean_of_pairs(&rows.f_index_select(0, &pairs.get(0))?, &rows.f_index_select(0, &pairs.get(1))?);
    // The root has no slope at 0.
    let distances = squared.f_clamp_min(SMALLEST)?.f_sqrt()?;
    distances.f_div(&distances.f_mean(Kind::Float)?)
}

/// Squared distance of what counts as one point.
const SMALLEST: f64 = 1e-12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::loss::fixture;

    #[test]
    fn proportions_of_distances_by_hand() {
        // Distances of the student 1, 2, 3 of mean 2; of the teacher 3, 4, 5 of mean 4.
        let student = Tensor::from_slice(&[0.0_f32, 1.0, 3.0]).view([3, 1]);
        let teacher = Tensor::from_slice(&[0.0_f32, 0.0, 3.0, 0.0, 0.0, 4.0]).view([3, 2]);
        // Pairs 01, 02, 12: 0.5 − 0.75, 1.5 − 1, 1 − 1.25.
        let expected = (0.25_f64.powi(2) + 0.5_f64.powi(2) + 0.25_f64.powi(2)) / 2.0 / 3.0;
        let loss = relational_distance(&student, &teacher).unwrap().double_value(&[]);
        assert!((loss - expected).abs() < 1e-6, "{loss} {expected}");
        let scaled = relational_distance(&(student * 7.0), &(teacher * 0.1)).unwrap().double_value(&[]);
        assert!((scaled - expected).abs() < 1e-6, "only proportions count: {scaled}");
        let alone = Tensor::from_slice(&[1.0_f32]).view([1, 1]);
        assert_eq!(relational_distance(&alone, &alone).unwrap().double_value(&[]), 0.0);
    }

    #[test]
    fn losses_and_gradients_are_those_of_an_independent_reference() {
        for case in fixture::cases(&["relational_distance"]) {
            let student = case.tensor("student").set_requires_grad(true);
            let teacher = case.tensor("teacher").set_requires_grad(true);
            let loss = relational_distance(&student, &teacher).unwrap();
            case.assert_matches(&loss, &student);
            assert!(!teacher.grad().defined(), "a teacher does not learn");
        }
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let student = Tensor::from_slice(&[1.0_f32, 0.2, 0.7, 0.9, -0.3, 1.1, 0.5, 0.6]).view([4, 2]);
        let teacher = Tensor::from_slice(&[0.1_f32, 0.9, 0.3, 2.0, 1.5, -0.4, 0.2, 0.7]).view([4, 2]);
        crate::metric::gradient::assert_matches(&student, |student| relational_distance(student, &teacher).unwrap());
    }
}
