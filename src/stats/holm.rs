//! Several tests at once.

/// Holm's adjusted p-values (Holm 1979): rejecting what is at most `alpha` keeps the probability
/// of any wrong rejection below `alpha`, however the tests depend on each other. In the order of
/// the given ones.
///
/// # Panics
///
/// If a p-value is NaN.
pub fn adjusted(p_values: &[f64]) -> Vec<f64> {
    assert!(p_values.iter().all(|p| !p.is_nan()), "a p-value is missing");
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (rank, place) in order.into_iter().enumerate() {
        let left_count = (p_values.len() - rank) as f64;
        largest = largest.max((left_count * p_values[place]).min(1.0));
        adjusted[place] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_is_multiplied_by_their_number_and_order_is_kept() {
        // By hand: 4 x 0.01, 3 x 0.02, then 2 x 0.022 is below it, 1 x 0.5.
        let got = adjusted(&[0.5, 0.01, 0.022, 0.02]);
        for (got, expected) in got.iter().zip([0.5, 0.04, 0.06, 0.06]) {
            assert!((got - expected).abs() < 1e-15, "{got} {expected}");
        }
    }

    #[test]
    fn one_test_stays_as_it_is_and_none_exceeds_one() {
        assert_eq!(adjusted(&[0.03]), [0.03]);
        assert_eq!(adjusted(&[0.9, 0.8]), [1.0, 1.0]);
        assert!(adjusted(&[]).is_empty());
    }
}
