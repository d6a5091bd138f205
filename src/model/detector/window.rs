//! The last so many numbers, with exact sums.

use std::collections::VecDeque;

/// The last so many whole numbers.
#[derive(Clone, Debug)]
pub struct Window {
    samples: VecDeque<i64>,
    count_max: usize,
    sum: i128,
    square_sum: i128,
}

impl Window {
    /// An empty window of at most `count_max` numbers.
    pub fn new(count_max: u32) -> Self {
        Window {
            samples: VecDeque::new(),
            count_max: count_max as usize,
            sum: 0,
            square_sum: 0,
        }
    }

    /// Takes in a number, and forgets the oldest where there are too many.
    pub fn push(&mut self, sample: i64) {
        if self.samples.len() == self.count_max
            && let Some(oldest) = self.samples.pop_front()
        {
            self.sum -= i128::from(oldest);
            self.square_sum -= i128::from(oldest) * i128::from(oldest);
        }
        self.samples.push_back(sample);
        self.sum += i128::from(sample);
        self.square_sum += i128::from(sample) * i128::from(sample);
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// The mean; NaN of nothing.
    pub fn mean(&self) -> f64 {
        self.sum as f64 / self.samples.len() as f64
    }

    /// The mean, rounded down.
    ///
    /// # Panics
    ///
    /// If it holds nothing.
    pub fn mean_floor(&self) -> i64 {
        let mean = self.sum.div_euclid(self.samples.len() as i128);
        i64::try_from(mean).expect("a mean lies between numbers of 64 bits")
    }

    /// The variance of the numbers as a whole population; NaN of nothing.
    pub fn variance(&self) -> f64 {
        // n * sum of squares - square of the sum is exact; the difference of two floats is not.
        let count = self.samples.len() as i128;
        let spread = match (
            self.square_sum.checked_mul(count),
            self.sum.checked_mul(self.sum),
        ) {
            (Some(squares), Some(square)) => (squares - square) as f64,
            _ => {
                let mean = self.mean();
                let square = |sample: &i64| (*sample as f64 - mean) * (*sample as f64 - mean);
                self.samples.iter().map(square).sum::<f64>() * count as f64
            }
        };
        spread / (count * count) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle;

    #[test]
    fn mean_and_variance_are_those_published_for_akka() {
        let cases = oracle::cases("phi_window");
        for case in &cases {
            let mut window = Window::new(case.number("max_samples") as u32);
            for sample in case.param("samples").as_array().expect("a list") {
                window.push(sample.as_i64().expect("a whole number"));
            }
            case.assert_met_by(match case.metric() {
                "mean" => window.mean(),
                "variance_population" => window.variance(),
                other => panic!("no metric {other}"),
            });
        }
        assert!(!cases.is_empty());
    }

    #[test]
    fn the_oldest_goes_first_and_large_numbers_are_no_problem() {
        let mut window = Window::new(2);
        for sample in [i64::MAX / 4, 5, -7] {
            window.push(sample);
        }
        assert_eq!(window.mean(), -1.0);
        assert_eq!(window.mean_floor(), -1);
        assert_eq!(window.variance(), 36.0);
        window.push(i64::MAX / 2);
        window.push(i64::MAX / 2);
        assert_eq!(window.variance(), 0.0);
    }
}
