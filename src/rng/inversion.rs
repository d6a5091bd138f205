//! Quantile functions: what a uniform number becomes under a law. Every function is pure and
//! non-decreasing in its uniform (up to the relative error of 1e-15 of [`super::math`]), so that
//! a long draw under one policy is a long draw under every policy.
//!
//! Lengths are in whatever unit the parameters are in.

use super::math::{exp, ln, neg_ln_1m, normal_quantile};

/// The `u`-quantile of the exponential law, for `u` in `[0, 1)`.
#[inline]
pub fn exponential(mean: f64, u: f64) -> f64 {
    mean * neg_ln_1m(u)
}

/// The `u`-quantile of the uniform law that begins at `min`, for `u` in `[0, 1]`.
#[inline]
pub fn uniform(min: f64, width: f64, u: f64) -> f64 {
    min + width * u
}

/// The `u`-quantile of the law of `exp(mu + sigma Z)`, for `u` in `(0, 1)`.
#[inline]
pub fn lognormal(mu: f64, sigma: f64, u: f64) -> f64 {
    exp(mu + sigma * normal_quantile(u))
}

/// The `u`-quantile of the Weibull law, for `u` in `[0, 1)`.
#[inline]
pub fn weibull(scale: f64, shape_inverse: f64, u: f64) -> f64 {
    scale * exp(shape_inverse * ln(neg_ln_1m(u)))
}

/// The `u`-quantile of the Pareto law truncated to `[min, max]`, for `u` in `[0, 1)`, where
/// `truncated` is `1 - (min/max)^shape`, the part of the untruncated law below `max`.
#[inline]
pub fn bounded_pareto(min: f64, shape_inverse: f64, truncated: f64, u: f64) -> f64 {
    min * exp(shape_inverse * neg_ln_1m(truncated * u))
}

/// Finds quantiles in a table of cumulative shares in constant expected time.
#[derive(Clone, Debug, PartialEq)]
pub struct Guide {
    /// Entry `b` counts the shares below `b / bucket count`.
    starts: Vec<u32>,
}

impl Guide {
    /// A guide with about one bucket for every entry of `cumulative`, at most 2^20.
    ///
    /// # Panics
    ///
    /// If `cumulative` is empty or has 2^32 entries or more.
    pub fn new(cumulative: &[f64]) -> Self {
        assert!(!cumulative.is_empty(), "a law has at least one value");
        assert!(u32::try_from(cumulative.len()).is_ok());
        let bucket_count = cumulative.len().next_power_of_two().min(1 << 20);
        let mut starts = Vec::with_capacity(bucket_count + 1);
        let mut below = 0;
        for bucket in 0..=bucket_count {
            let bound = bucket as f64 / bucket_count as f64;
            while below < cumulative.len() && cumulative[below] < bound {
                below += 1;
            }
            starts.push(below as u32);
        }
        Guide { starts }
    }

    /// Index of the first entry of `cumulative`, the table that the guide was made for, that is
    /// at least `u`, for `u` in `(0, 1]`; the last index when there is none.
    #[inline]
    pub fn find(&self, cumulative: &[f64], u: f64) -> usize {
        let bucket_count = self.starts.len() - 1;
        let bucket = ((u * bucket_count as f64) as usize).min(bucket_count - 1);
        let first = self.starts[bucket] as usize;
        let last = self.starts[bucket + 1] as usize;
        let found = first + cumulative[first..last].partition_point(|&share| share < u);
        found.min(cumulative.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Draw, UniformSource};
    use super::*;

    #[test]
    fn guide_finds_what_a_search_finds() {
        for shares in [
            vec![1.0],
            vec![0.25, 0.5, 0.5, 1.0],
            vec![0.0, 0.0, 1e-9, 0.999, 0.9995, 1.0],
            (1..=1000).map(|i| f64::from(i) / 1000.0).collect(),
        ] {
            let guide = Guide::new(&shares);
            let mut draw = Draw::new(1);
            let at_shares = shares.iter().copied().filter(|&share| share > 0.0);
            for u in (0..1000).map(|_| draw.uniform_open()).chain(at_shares) {
                let expected = shares.iter().position(|&share| share >= u);
                assert_eq!(Some(guide.find(&shares, u)), expected, "u {u}");
            }
        }
    }

    #[test]
    fn closed_forms_at_points_known_by_heart() {
        let close = |a: f64, b: f64| assert!((a - b).abs() <= 1e-14 * b.abs(), "{a} is not {b}");
        close(exponential(2.0, 0.5), 2.0 * std::f64::consts::LN_2);
        close(uniform(1.0, 4.0, 0.75), 4.0);
        close(lognormal(0.0, 2.0, 0.5), 1.0);
        // Shape 1 is exponential; shape 2 is the Rayleigh law, sqrt(-ln(1 - u)).
        close(weibull(3.0, 1.0, 0.5), 3.0 * std::f64::consts::LN_2);
        close(weibull(3.0, 0.5, 0.5), 3.0 * std::f64::consts::LN_2.sqrt());
        // Shape 1 on [1, 2]: F(x) = 2 (1 - 1/x), so the median is 4/3.
        close(bounded_pareto(1.0, 1.0, 0.5, 0.5), 4.0 / 3.0);
        assert_eq!(weibull(3.0, 0.5, 0.0), 0.0);
    }
}
