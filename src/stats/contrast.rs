//! Two alternatives, compared on the same seeds.

use super::binomial::sign_test_p_value;
use super::interval::{MeanInterval, t_p_value, t_quantile};
use super::moments::{
    beyond, largest, mean, rounding_error, standard_deviation_from, sum_of_squares,
};

/// How two samples were compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairing {
    /// By the differences of pairs.
    Paired,
    /// As two independent samples, after Welch.
    Unpaired,
}

/// How far one alternative is from another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contrast {
    /// The mean difference, with its 95 % interval.
    pub difference: MeanInterval,
    /// Two-sided, of no difference.
    pub p_value: f64,
    /// The standard error of the difference.
    pub error: f64,
    /// The degrees of freedom of Student's t.
    pub degrees: f64,
    /// The correlation of the pairs; None where one side does not vary.
    pub correlation: Option<f64>,
    /// How it was computed.
    pub pairing: Pairing,
}

/// How many times as large one alternative is as another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatioContrast {
    /// The ratio of the geometric means.
    pub ratio: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// The comparison of the logarithms.
    pub logarithms: Contrast,
}

/// The mean of `values` less that of `reference`, where values at the same place belong together.
///
/// By the differences of pairs, however they correlate: to take the narrower of this interval and
/// Welch's after a look at both would be wrong more often than it says. Where all differences are
/// equal, to within what rounding may have done to the numbers, Student's t says nothing; the
/// p-value is then that of the sign test. `None` below two pairs.
///
/// # Panics
///
/// If the two differ in length.
pub fn difference(values: &[f64], reference: &[f64]) -> Option<Contrast> {
    Sides::new(values, reference).difference()
}

/// The mean of `values` less that of `reference`, which do not belong together: Welch's interval,
/// with the degrees of freedom of Satterthwaite. `None` below two values of either.
pub fn unpaired(values: &[f64], reference: &[f64]) -> Option<Contrast> {
    Sides::new(values, reference).unpaired()
}

/// The ratio of `values` to `reference`, by the difference of logarithms. `None` below two pairs,
/// and where a value is not positive.
///
/// # Panics
///
/// If the two differ in length.
pub fn ratio(values: &[f64], reference: &[f64]) -> Option<RatioContrast> {
    ratio_by(|sides| sides.difference(), values, reference)
}

/// The ratio of `values` to `reference`, which do not belong together.
pub fn unpaired_ratio(values: &[f64], reference: &[f64]) -> Option<RatioContrast> {
    ratio_by(|sides| sides.unpaired(), values, reference)
}

fn ratio_by(
    compare: fn(&Sides<'_>) -> Option<Contrast>,
    values: &[f64],
    reference: &[f64],
) -> Option<RatioContrast> {
    let is_positive = |x: &f64| 0.0 < *x && x.is_finite();
    if !values.iter().chain(reference).all(is_positive) {
        return None;
    }
    let logarithms = |values: &[f64]| values.iter().map(|x| libm::log(*x)).collect::<Vec<_>>();
    let (values, reference) = (logarithms(values), logarithms(reference));
    let plain = Sides::new(&values, &reference);
    // What is relative in a number is absolute in its logarithm.
    let size = 1.0 + plain.size;
    let contrast = compare(&Sides { size, ..plain })?;
    let interval = contrast.difference;
    Some(RatioContrast {
        ratio: libm::exp(interval.mean),
        low: libm::exp(interval.low()),
        high: libm::exp(interval.high()),
        logarithms: contrast,
    })
}

/// Two samples.
#[derive(Clone, Copy)]
struct Sides<'a> {
    values: &'a [f64],
    reference: &'a [f64],
    /// How large the numbers are whose rounding both carry.
    size: f64,
}

impl<'a> Sides<'a> {
    fn new(values: &'a [f64], reference: &'a [f64]) -> Self {
        Sides {
            values,
            reference,
            size: largest(values).max(largest(reference)),
        }
    }

    fn difference(&self) -> Option<Contrast> {
        let correlation = self.correlation();
        self.paired().map(|contrast| Contrast {
            correlation,
            ..contrast
        })
    }

    fn pairs(&self) -> impl Iterator<Item = (&'a f64, &'a f64)> {
        let (values, reference) = (self.values, self.reference);
        assert_eq!(values.len(), reference.len(), "values come in pairs");
        values.iter().zip(reference)
    }

    /// Pearson's; None where one side does not vary.
    fn correlation(&self) -> Option<f64> {
        let (mean_a, mean_b) = (mean(self.values)?, mean(self.reference)?);
        let aa = sum_of_squares(self.values, self.size)?;
        let bb = sum_of_squares(self.reference, self.size)?;
        let ab: f64 = self.pairs().map(|(x, y)| (x - mean_a) * (y - mean_b)).sum();
        (0.0 < aa && 0.0 < bb).then(|| (ab / (aa.sqrt() * bb.sqrt())).clamp(-1.0, 1.0))
    }

    fn paired(&self) -> Option<Contrast> {
        let rounding = rounding_error(self.values.len(), self.size);
        let differences: Vec<f64> = self.pairs().map(|(x, y)| beyond(rounding, x - y)).collect();
        let count = differences.len() as f64;
        let error = standard_deviation_from(&differences, self.size)? / count.sqrt();
        let difference = MeanInterval {
            mean: mean(&differences)?,
            half_width: t_quantile(0.975, count - 1.0) * error,
        };
        let p_value = match error {
            0.0 => sign_p_value(&differences),
            _ => t_p_value(difference.mean / error, count - 1.0),
        };
        Some(Contrast {
            difference,
            p_value,
            error,
            degrees: count - 1.0,
            correlation: None,
            pairing: Pairing::Paired,
        })
    }

    fn unpaired(&self) -> Option<Contrast> {
        let squared_error = |values: &[f64]| {
            let deviation = standard_deviation_from(values, self.size)?;
            Some(deviation * deviation / values.len() as f64)
        };
        let (a, b) = (squared_error(self.values)?, squared_error(self.reference)?);
        let counts = [self.values.len(), self.reference.len()];
        let [n, m] = counts.map(|count| count as f64 - 1.0);
        let error = (a + b).sqrt();
        let rounding = rounding_error(counts[0].max(counts[1]), self.size);
        let difference = beyond(rounding, mean(self.values)? - mean(self.reference)?);
        // Two samples that do not vary: what differs at all differs for certain.
        let degrees = match error {
            0.0 => n + m,
            _ => (a + b) * (a + b) / (a * a / n + b * b / m),
        };
        let p_value = match (error, difference) {
            (0.0, 0.0) => 1.0,
            _ => t_p_value(difference / error, degrees),
        };
        Some(Contrast {
            difference: MeanInterval {
                mean: difference,
                half_width: t_quantile(0.975, degrees) * error,
            },
            p_value,
            error,
            degrees,
            correlation: None,
            pairing: Pairing::Unpaired,
        })
    }
}

impl Contrast {
    /// The p-value of two one-sided tests (Schuirmann 1987) that the true difference is as large as
    /// `margin`, to either side: a small one says that it is smaller. Where nothing varies it is
    /// that of the sign test.
    ///
    /// # Panics
    ///
    /// If `margin` is not positive.
    pub fn equivalence_p_value(&self, margin: f64) -> f64 {
        assert!(0.0 < margin, "a margin of {margin}");
        let distance = margin - self.difference.mean.abs();
        if self.error == 0.0 {
            let count = self.degrees + 1.0;
            return match 0.0 < distance {
                true => libm::exp2(-count),
                false => 1.0,
            };
        }
        let both_tails = t_p_value(distance / self.error, self.degrees);
        match 0.0 < distance {
            true => both_tails / 2.0,
            false => 1.0 - both_tails / 2.0,
        }
    }
}

fn sign_p_value(differences: &[f64]) -> f64 {
    let count = |is_one: fn(&&f64) -> bool| differences.iter().filter(is_one).count() as u64;
    sign_test_p_value(count(|x| 0.0 < **x), count(|x| **x < 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle;
    use crate::rng::math::normal_quantile;
    use crate::rng::{Draw, UniformSource};

    #[test]
    fn published_pairs_hold() {
        for case in oracle::cases("paired_t_crn") {
            // u and v are of two generators, whose seeds differ by a hundred.
            let seed = case.count("seed");
            let (mut u, mut v) = (Draw::new(seed), Draw::new(seed + 100));
            let pairs = (0..case.count("n")).map(|_| {
                let a = -libm::log1p(-u.uniform());
                (a, 1.1 * a + 0.05 * v.uniform())
            });
            let (a, b): (Vec<f64>, Vec<f64>) = pairs.unzip();
            let contrast = difference(&b, &a).expect("pairs");
            assert_eq!(contrast.pairing, Pairing::Paired);
            match case.metric() {
                "mean_difference" => case.assert_met_by(contrast.difference.mean),
                "half_width_95" => case.assert_met_by(contrast.difference.half_width),
                _ => {
                    let welch = unpaired(&b, &a).expect("pairs");
                    case.assert_met_by(welch.difference.half_width);
                }
            }
        }
    }

    #[test]
    fn pairs_that_correlate_negatively_are_pairs() {
        // Differences of -3, -1.5, 0 and 3: mean -0.375, standard deviation 2.5617.
        let contrast = difference(&[1.0, 2.0, 3.0, 4.0], &[4.0, 3.5, 3.0, 1.0]).expect("pairs");
        assert_eq!(contrast.pairing, Pairing::Paired);
        assert!(contrast.correlation.expect("both vary") < -0.9);
        assert!((contrast.error - 2.561_738 / 2.0).abs() < 1e-6);
    }

    #[test]
    fn equivalence_needs_an_interval_of_90_percent_within_the_margin() {
        // Mean 0.1, error 0.02: t(0.95, 9) = 1.8331 errors to both sides reach 0.1367.
        let contrast = Contrast {
            difference: MeanInterval {
                mean: -0.1,
                half_width: 0.045,
            },
            p_value: 0.0,
            error: 0.02,
            degrees: 9.0,
            correlation: None,
            pairing: Pairing::Paired,
        };
        assert!((contrast.equivalence_p_value(0.1 + 1.833_113 * 0.02) - 0.05).abs() < 1e-6);
        assert!((contrast.equivalence_p_value(0.1) - 0.5).abs() < 1e-12);
        assert!(0.5 < contrast.equivalence_p_value(0.09));
        let same = difference(&[2.0; 5], &[2.0; 5]).expect("pairs");
        assert_eq!(same.equivalence_p_value(0.1), 1.0 / 32.0);
    }

    #[test]
    fn samples_of_different_sizes_are_compared_after_welch() {
        // Welch 1947 by hand: means 2 and 6, squared errors 1/3 and 5/3, so t = -4 / sqrt 2 and
        // the degrees are 4 / ((1/9)/2 + (25/9)/3) = 4.0755.
        let found = unpaired(&[1.0, 2.0, 3.0], &[3.0, 5.0, 7.0, 9.0]).expect("enough");
        assert!((found.difference.mean + 4.0).abs() < 1e-12);
        assert!((found.error - 2.0f64.sqrt()).abs() < 1e-12);
        assert!((found.degrees - 4.0 / (1.0 / 18.0 + 25.0 / 27.0)).abs() < 1e-12);
        assert_eq!(unpaired(&[1.0], &[1.0, 2.0]), None);
        let same = unpaired(&[1.0; 3], &[1.0; 4]).expect("enough");
        assert_eq!(same.p_value, 1.0);
    }

    #[test]
    fn equal_differences_are_judged_by_their_signs() {
        let contrast = difference(&[2.0, 3.0, 4.0], &[1.0, 2.0, 3.0]).expect("pairs");
        assert_eq!(contrast.difference.half_width, 0.0);
        assert!((contrast.p_value - 0.25).abs() < 1e-14);
        let same = difference(&[2.0; 9], &[2.0; 9]).expect("pairs");
        assert_eq!((same.p_value, same.correlation), (1.0, None));
    }

    #[test]
    fn differences_that_only_rounding_sets_apart_are_equal() {
        // Each is a tenth more than the other, but none of the binary differences is a tenth.
        let reference: [f64; 5] = [0.1, 0.2, 0.3, 0.4, 0.7];
        let values = reference.map(|x| x + 0.1);
        let distinct = values
            .iter()
            .zip(&reference)
            .map(|(x, y)| (x - y).to_bits());
        assert!(1 < distinct.collect::<std::collections::BTreeSet<u64>>().len());
        let contrast = difference(&values, &reference).expect("pairs");
        assert_eq!((contrast.error, contrast.difference.half_width), (0.0, 0.0));
        // Five heads in a row, on one of two sides.
        assert!((contrast.p_value - 2.0 / 32.0).abs() < 1e-14);
        // Neither side varies, and their means are rounded.
        for (value, other) in [(2.3, 2.9), (0.1, 0.7), (1.1, 0.3)] {
            let contrast = difference(&[value; 5], &[other; 5]).expect("pairs");
            assert_eq!((contrast.correlation, contrast.error), (None, 0.0));
            assert!((contrast.p_value - 2.0 / 32.0).abs() < 1e-14, "{value}");
            let ratio = ratio(&[value; 5], &[other; 5]).expect("positive");
            assert_eq!((ratio.low, ratio.high), (ratio.ratio, ratio.ratio));
            assert!((ratio.logarithms.p_value - 2.0 / 32.0).abs() < 1e-14);
        }
    }

    #[test]
    fn numbers_that_only_rounding_sets_apart_do_not_differ() {
        let (values, reference) = ([0.1 + 0.2, 0.7 + 0.1], [0.3, 0.8]);
        assert_ne!(values, reference);
        for contrast in [
            difference(&values, &reference),
            unpaired(&values, &reference),
        ] {
            assert_eq!(contrast.expect("pairs").difference.mean, 0.0);
        }
        let [a, b] = [[0.1 + 0.2; 5], [0.3; 5]];
        for contrast in [difference(&a, &b), unpaired(&a, &b)] {
            assert_eq!(contrast.expect("pairs").p_value, 1.0);
        }
        // Next to one, logarithms are small and what is rounded in them is not.
        let (a, b) = ([1.0 + f64::EPSILON; 5], [1.0; 5]);
        assert_eq!(ratio(&a, &b).expect("positive").ratio, 1.0);
        // Three times as large in every pair, whatever their size.
        let reference = [0.1, 7.0, 1e-9, 3e7, 0.3];
        let ratio = ratio(&reference.map(|x| 3.0 * x), &reference).expect("positive");
        assert_eq!(ratio.logarithms.error, 0.0);
    }

    #[test]
    fn a_ratio_of_all_pairs_is_exact() {
        let ratio = ratio(&[2.0, 4.0, 8.0], &[1.0, 2.0, 4.0]).expect("positive");
        assert!((ratio.ratio - 2.0).abs() < 1e-15);
        assert!((ratio.high - ratio.low).abs() < 1e-12);
        assert_eq!(super::ratio(&[0.0, 1.0], &[1.0, 1.0]), None);
        assert_eq!(super::ratio(&[1.0], &[1.0]), None);
    }

    #[test]
    fn paired_differences_and_ratios_cover_the_truth() {
        let mut draw = Draw::new(31);
        let (mut of_difference, mut of_ratio) = (0, 0);
        for _ in 0..1_000 {
            let (mut a, mut b) = (Vec::new(), Vec::new());
            for _ in 0..20 {
                // Both share most of their noise; b is a third larger, and 0.5 more than a third.
                let shared = libm::exp(0.5 * normal_quantile(draw.uniform().max(1e-16)));
                let own = libm::exp(0.1 * normal_quantile(draw.uniform().max(1e-16)));
                a.push(shared);
                b.push(4.0 / 3.0 * shared * own);
            }
            let contrast = ratio(&b, &a).expect("positive");
            of_ratio += u32::from(contrast.low <= 4.0 / 3.0 && 4.0 / 3.0 <= contrast.high);
            // E[shared] = exp(0.125), E[own] = exp(0.005).
            let truth = libm::exp(0.125) * (4.0 / 3.0 * libm::exp(0.005) - 1.0);
            let contrast = difference(&b, &a).expect("pairs");
            of_difference += u32::from(contrast.difference.contains(truth));
        }
        assert!((930..=970).contains(&of_ratio), "{of_ratio}");
        // The law is skewed, which costs a little.
        assert!((920..=970).contains(&of_difference), "{of_difference}");
    }
}
