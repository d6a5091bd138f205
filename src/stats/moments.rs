//! Means, spreads and measures of balance.
//!
//! Equal numbers that were computed differ in their last bits, and so does their mean. What such
//! rounding may amount to is no spread: a deviation of 1e-18 would make any difference certain.

/// Roundings that a number may have gone through before it comes here.
const ROUNDING_COUNT: f64 = 3.0;

/// The arithmetic mean; `None` without values.
pub fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    Some(values.iter().sum::<f64>() / values.len() as f64)
}

/// The standard deviation of a sample, with divisor `n - 1`, zero where rounding explains it;
/// `None` below two values.
pub fn standard_deviation(values: &[f64]) -> Option<f64> {
    standard_deviation_from(values, largest(values))
}

/// The same of values that were computed from numbers as large as `size`: differences carry the
/// rounding of what was subtracted.
pub fn standard_deviation_from(values: &[f64], size: f64) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    Some((sum_of_squares(values, size)? / (values.len() - 1) as f64).sqrt())
}

/// The coefficient of variation of a whole population (divisor `n`): its standard deviation over
/// its mean. `None` without values or when the mean is zero.
pub fn coefficient_of_variation(values: &[f64]) -> Option<f64> {
    let mean = nonzero_mean(values)?;
    let squares = sum_of_squares(values, largest(values))?;
    Some((squares / values.len() as f64).sqrt() / mean)
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

/// The largest distance from zero; zero without values.
pub fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |most, x| x.abs().max(most))
}

/// How far rounding alone may set the differences of `count` pairs of numbers as large as `size`
/// apart from their mean, if all differences are equal.
///
/// With `u` half of epsilon: an operand is off by at most `3 u size`, a difference by two of these
/// and the `2 u size` of its own rounding, and the mean by as much and the `2 count u size` of
/// adding up (Higham, Accuracy and Stability of Numerical Algorithms, 2.2 and 4.2).
pub fn rounding_error(count: usize, size: f64) -> f64 {
    let of_one = 2.0 * ROUNDING_COUNT + 2.0;
    (of_one + count as f64) * f64::EPSILON * size
}

/// A difference of two numbers; zero where it is not beyond their rounding.
pub fn beyond(rounding: f64, difference: f64) -> f64 {
    match difference.abs() <= rounding {
        true => 0.0,
        false => difference,
    }
}

/// Sum of squared deviations from the mean, in two passes; zero where no deviation is beyond the
/// rounding of numbers as large as `size`. `None` without values.
pub fn sum_of_squares(values: &[f64], size: f64) -> Option<f64> {
    let center = mean(values)?;
    let rounding = rounding_error(values.len(), size);
    if values.iter().all(|x| (x - center).abs() <= rounding) {
        return Some(0.0);
    }
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
    fn equal_values_do_not_vary_though_their_mean_is_rounded() {
        // 0.1 + 0.1 + 0.1 is not three times 0.1, and 0.7 + 0.1 is not 0.8.
        assert_ne!(mean(&[0.1; 3]), Some(0.1));
        assert_ne!(0.7 + 0.1, 0.8);
        for values in [vec![0.1; 3], vec![0.3; 1_000], vec![0.7 + 0.1, 0.8, 0.8]] {
            assert_eq!(standard_deviation(&values), Some(0.0));
            assert_eq!(coefficient_of_variation(&values), Some(0.0));
        }
    }

    #[test]
    fn a_nanosecond_in_a_day_is_beyond_rounding() {
        // The same four times, and once a nanosecond more: 1 ns / sqrt(5), give or take the 1.5e-11
        // between two numbers of this size.
        let mut values = [86_400.0; 5];
        values[2] += 1e-9;
        let deviation = standard_deviation(&values).expect("values");
        assert!((deviation * 5.0f64.sqrt() / 1e-9 - 1.0).abs() < 0.05);
        // Differences of a nanosecond, in seconds: it is the operands that count.
        let small = [1e-9, 2e-9, 1e-9];
        assert!(0.0 < standard_deviation(&small).expect("values"));
        assert_eq!(standard_deviation_from(&small, 1e9), Some(0.0));
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
