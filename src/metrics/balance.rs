//! How evenly something is spread.

/// Largest over mean; None where the mean is not positive.
pub fn max_over_mean(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (0.0 < mean).then(|| max / mean)
}

/// Standard deviation of the values themselves over their mean; None where the mean is not
/// positive.
pub fn coefficient_of_variation(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    let square_sum: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    (0.0 < mean).then(|| (square_sum / values.len() as f64).sqrt() / mean)
}

/// Jain's fairness index, `(sum x)^2 / (n sum x^2)`: 1 where all are equal, 1/n where one has all.
/// None where all are zero.
pub fn jain_index(values: &[f64]) -> Option<f64> {
    let sum: f64 = values.iter().sum();
    let square_sum: f64 = values.iter().map(|v| v * v).sum();
    (0.0 < square_sum).then(|| sum * sum / (values.len() as f64 * square_sum))
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balance_of_one_that_has_all() {
        let values = [4.0, 0.0, 0.0, 0.0];
        assert_eq!(max_over_mean(&values), Some(4.0));
        assert_eq!(jain_index(&values), Some(0.25));
        // Variance (9 + 1 + 1 + 1) / 4 = 3 around mean 1.
        assert_eq!(coefficient_of_variation(&values), Some(3.0f64.sqrt()));
    }

    #[test]
    fn nothing_has_no_balance() {
        assert_eq!(max_over_mean(&[]), None);
        assert_eq!(jain_index(&[0.0, 0.0]), None);
    }
}
