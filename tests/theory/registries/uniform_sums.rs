//! The law of a sum of independent uniform lengths, and how close a sample comes to it.

/// The probability that the sum of uniform numbers over `[0, width]` is at most `x`: the volume of
/// a box below a plane, by inclusion and exclusion over its corners.
pub fn distribution(widths: &[f64], x: f64) -> f64 {
    let count = widths.len() as i32;
    let volume: f64 = (0..1_u32 << count)
        .map(|corner| {
            let chosen = |place: &usize| corner & (1 << place) != 0;
            let sum: f64 = (0..widths.len()).filter(chosen).map(|p| widths[p]).sum();
            let sign = if corner.count_ones() % 2 == 0 {
                1.0
            } else {
                -1.0
            };
            sign * libm::pow((x - sum).max(0.0), f64::from(count))
        })
        .sum();
    let factorial: f64 = (1..=count).map(f64::from).product();
    volume / factorial / widths.iter().product::<f64>()
}

/// Asserts that a sample may come from `start` plus that sum, at the level 1 % (Kolmogorov's limit
/// law: 1.628 by the root of the size).
pub fn assert_sum(what: &str, sample: &[f64], start: f64, widths: &[f64]) {
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len() as f64;
    let distance = sorted.iter().enumerate().fold(0.0_f64, |most, (place, x)| {
        let law = distribution(widths, x - start);
        let above = (place as f64 + 1.0) / count - law;
        let below = law - place as f64 / count;
        most.max(above).max(below)
    });
    let critical = 1.628 / count.sqrt();
    assert!(
        distance <= critical,
        "{what}: the distance is {distance:.4}, at most {critical:.4}; from {:?} to {:?}",
        sorted.first(),
        sorted.last()
    );
}

#[test]
fn the_sum_of_two_is_a_triangle_and_of_one_a_line() {
    for (x, expected) in [
        (0.0, 0.0),
        (0.5, 0.125),
        (1.0, 0.5),
        (1.5, 0.875),
        (2.0, 1.0),
    ] {
        assert!((distribution(&[1.0, 1.0], x) - expected).abs() < 1e-12);
    }
    assert!((distribution(&[4.0], 1.0) - 0.25).abs() < 1e-12);
    // Symmetric about half the sum of the widths.
    let widths = [60.0, 30.0, 30.0, 30.0, 30.0];
    assert!((distribution(&widths, 90.0) - 0.5).abs() < 1e-9);
}
