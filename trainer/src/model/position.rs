//! Where a patch lies, in numbers that attention can read.

use tch::Tensor;

/// The longest wavelength, in patches, is about this many times 2π (Vaswani et al. 2017, § 3.5).
const LONGEST: f32 = 10_000.0;

/// Sines and cosines of the places of a grid of `times` × `bands` patches, row-major, shape patches × `width`:
/// the first half of a row tells the time, the second the band (He et al. 2022, § A.1). Not learnt, so that
/// windows of any length can be read. `width` is a multiple of 4.
pub fn sine_cosine_grid(times: i64, bands: i64, width: i64) -> Tensor {
    let quarter = width / 4;
    let mut values = Vec::with_capacity((times * bands * width) as usize);
    let along = |place: i64, values: &mut Vec<f32>| {
        let angle = |number: i64| place as f32 / LONGEST.powf(number as f32 / quarter as f32);
        values.extend((0..quarter).map(|number| angle(number).sin()));
        values.extend((0..quarter).map(|number| angle(number).cos()));
    };
    for time in 0..times {
        for band in 0..bands {
            along(time, &mut values);
            along(band, &mut values);
        }
    }
    Tensor::from_slice(&values).view([times * bands, width])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_by_hand() {
        let grid = sine_cosine_grid(3, 2, 8);
        assert_eq!(grid.size(), [6, 8]);
        let row = |number: i64| Vec::<f32>::try_from(grid.get(number)).unwrap();
        assert_eq!(row(0), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0]);
        // Time 2, band 1: the second wavelength is √10,000 = 100 times the first.
        let expected = [2_f32.sin(), 0.02_f32.sin(), 2_f32.cos(), 0.02_f32.cos()];
        let expected = [expected, [1_f32.sin(), 0.01_f32.sin(), 1_f32.cos(), 0.01_f32.cos()]].concat();
        assert!(row(5).iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{:?}", row(5));
    }
}
