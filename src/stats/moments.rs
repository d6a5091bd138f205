//! Means, spreads and measures of balance.

/// The arithmetic mean; `None` without values.
pub fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    Some(values.iter().sum::<f64>() / values.len() as f64)
}

/// The standard deviation of a sample, with divisor `n - 1`; `None` below two values.
pub fn standard_deviation(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    Some((sum_of_squares(values)? / (values.len() - 1) as f64).sqrt())
}

/// The coefficient of variation of a whole population (divisor `n`): its standard deviation over
/// its mean. `None` without values or when the mean is zero.
pub fn coefficient_of_variation(values: &[f64]) -> Option<f64> {
    let mean = nonzero_mean(values)?;
    Some((sum_of_squares(values)? / values.len() as f64).sqrt() / mean)
}

/// The largest value over the mean: 1 when all are equal. `None` without values or when the mean
/// is zero.
pub fn max_over_mean(values: &[f64]) -> Option<f64> {
    let max = values.iter().copied().reduce(f64::max)?;
    Some(max / nonzero_mean(values)?)
}

/// Jain's fairness index, `(sum x)^2 / (n sum x^2)` (Jain, Chiu, Hawe 1984): 1 when all are equal,
/// `1/n` when one has everything. `None` without values or when all are zero.
pub fn jain_index(values: &[f64]) -> Option<f64> {
    let sum: f64 = values.iter().sum();
    let squares: f64 = values.iter().map(|x| x * x).sum();
    (squares > 0.0).then(|| sum * sum / (values.len() as f64 * squares))
}

/// Sum of squared deviations from the mean, in two passes.
fn sum_of_squares(values: &[f64]) -> Option<f64> {
    let center = mean(values)?;
    Some(values.iter().map(|x| (x - center) * (x - center)).sum())
}

fn nonzero_mean(values: &[f64]) -> Option<f64> {
    mean(values).filter(|&mean| mean != 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_small_samples() {
        let values = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0];
        assert_eq!(mean(&values), Some(5.0));
        assert_eq!(standard_deviation(&values), Some((32.0f64 / 7.0).sqrt()));
        assert_eq!(coefficient_of_variation(&values), Some(2.0 / 5.0));
        assert_eq!(max_over_mean(&values), Some(1.8));
        assert_eq!(jain_index(&values), Some(40.0 * 40.0 / (8.0 * 232.0)));
    }

    #[test]
    fn balance_is_perfect_or_as_bad_as_can_be() {
        assert_eq!(jain_index(&[3.0; 4]), Some(1.0));
        assert_eq!(jain_index(&[0.0, 0.0, 5.0, 0.0]), Some(0.25));
        assert_eq!(max_over_mean(&[0.0, 0.0, 5.0, 0.0]), Some(4.0));
        assert_eq!(coefficient_of_variation(&[3.0; 4]), Some(0.0));
    }

    #[test]
    fn what_has_no_value_gives_none() {
        assert_eq!(mean(&[]), None);
        assert_eq!(standard_deviation(&[1.0]), None);
        assert_eq!(coefficient_of_variation(&[0.0, 0.0]), None);
        assert_eq!(max_over_mean(&[0.0]), None);
        assert_eq!(max_over_mean(&[]), None);
        assert_eq!(jain_index(&[0.0, 0.0]), None);
        assert_eq!(jain_index(&[]), None);
    }

    #[test]
    fn a_large_offset_does_not_drown_the_spread() {
        let values: Vec<f64> = [1.0, 2.0, 3.0].iter().map(|x| x + 1e9).collect();
        assert_eq!(standard_deviation(&values), Some(1.0));
    }
}
