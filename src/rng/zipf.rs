//! Zipf's law over many ranks, by inversion of one uniform.

use super::inversion::Guide;
use super::math::{exp, ln};

/// Ranks whose cumulative probabilities are tabulated; 768 KiB with the guide.
const HEAD_COUNT_MAX: u32 = 1 << 16;

/// Rank `i`, counted from 0, has a probability in proportion to `(i + 1)^-exponent`.
///
/// The first 65,536 ranks are tabulated. Beyond them the sum over ranks is replaced by the
/// integral from half a rank below to half a rank above, the first term of the Euler-Maclaurin
/// formula at midpoints. Its next term is `f''/24`, so no rank's probability is off by more than
/// the relative amount `s (s + 1) / (24 * 65536^2)`: 2e-11 for `s = 1`, 3e-10 for `s = 5`. The
/// memory does not grow with the number of ranks.
#[derive(Clone, Debug, PartialEq)]
pub struct Zipf {
    count: u32,
    exponent: f64,
    /// Sum of all weights.
    total: f64,
    /// Cumulative probabilities of the ranks in the head, over the whole law.
    head: Vec<f64>,
    guide: Guide,
}

impl Zipf {
    /// The law over `count` ranks; uniform when `exponent` is zero.
    ///
    /// # Panics
    ///
    /// If there are no ranks, or if `exponent` is negative or not finite.
    pub fn new(count: u32, exponent: f64) -> Self {
        assert!(count > 0, "a law has at least one value");
        assert!(exponent.is_finite() && exponent >= 0.0);
        let head_count = count.min(HEAD_COUNT_MAX);
        let mut head = Vec::with_capacity(head_count as usize);
        let mut sum = 0.0;
        for rank in 0..head_count {
            sum += weight(rank, exponent);
            head.push(sum);
        }
        let mut law = Zipf {
            count,
            exponent,
            total: sum,
            guide: Guide::new(&[1.0]),
            head,
        };
        law.total += law.tail_weight_below(f64::from(count) + 0.5);
        for share in &mut law.head {
            *share /= law.total;
        }
        law.guide = Guide::new(&law.head);
        law
    }

    /// The rank at `u`, for `u` in `(0, 1)`; non-decreasing.
    #[inline]
    pub fn rank(&self, u: f64) -> u32 {
        let head_share = self.head[self.head.len() - 1];
        if u <= head_share || self.head.len() == self.count as usize {
            self.guide.find(&self.head, u) as u32
        } else {
            self.tail_rank((u - head_share) * self.total)
        }
    }

    /// The probability of `rank`; zero for a rank that there is not.
    pub fn probability(&self, rank: u32) -> f64 {
        if rank < self.count {
            weight(rank, self.exponent) / self.total
        } else {
            0.0
        }
    }

    /// Where the tail begins, in units where rank `i` covers `[i + 1/2, i + 3/2]`.
    fn tail_start(&self) -> f64 {
        self.head.len() as f64 + 0.5
    }

    /// The integral of `x^-exponent` from the start of the tail to `end`.
    fn tail_weight_below(&self, end: f64) -> f64 {
        let log_ratio = libm::log(end / self.tail_start());
        let slope = 1.0 - self.exponent;
        let relative = if slope == 0.0 {
            log_ratio
        } else {
            libm::expm1(slope * log_ratio) / slope
        };
        self.tail_start() * weight_at(self.tail_start(), self.exponent) * relative
    }

    /// The rank in the tail below which the weight of the tail is `weight_below`.
    fn tail_rank(&self, weight_below: f64) -> u32 {
        let start = self.tail_start();
        let relative = weight_below / (start * weight_at(start, self.exponent));
        let slope = 1.0 - self.exponent;
        let log_ratio = if slope == 0.0 {
            relative
        } else {
            libm::log1p(slope * relative) / slope
        };
        let position = start * exp(log_ratio) - 0.5;
        (position as u32).clamp(self.head.len() as u32, self.count - 1)
    }
}

fn weight(rank: u32, exponent: f64) -> f64 {
    weight_at(f64::from(rank) + 1.0, exponent)
}

fn weight_at(x: f64, exponent: f64) -> f64 {
    exp(-exponent * ln(x))
}

#[cfg(test)]
mod tests {
    use super::super::{Draw, UniformSource};
    use super::*;

    /// Sum of `i^-exponent` over the first `count` ranks, smallest first.
    fn harmonic(count: u32, exponent: f64) -> f64 {
        (1..=count)
            .rev()
            .map(|i| libm::pow(f64::from(i), -exponent))
            .sum()
    }

    #[test]
    fn probabilities_are_those_of_the_exact_sum() {
        for exponent in [0.0, 0.5, 0.99, 1.0, 1.2, 3.0] {
            for count in [1, 7, 65_536, 65_537, 1_000_000] {
                let law = Zipf::new(count, exponent);
                let exact = 1.0 / harmonic(count, exponent);
                // The sum in ascending rank order rounds once for each of 65,536 ranks.
                let error = (law.probability(0) - exact).abs() / exact;
                assert!(
                    error < 2e-11,
                    "exponent {exponent}, {count} ranks: {error:e}"
                );
            }
        }
    }

    #[test]
    fn ranks_on_both_sides_of_the_seam_begin_where_the_exact_sum_says() {
        let count = 200_000;
        for exponent in [0.0, 0.8, 1.0, 1.5] {
            let law = Zipf::new(count, exponent);
            let total = harmonic(count, exponent);
            for rank in [0, 1, 1000, 65_534, 65_535, 65_536, 65_537, 100_000, 199_999] {
                let below = harmonic(rank, exponent) / total;
                let width = law.probability(rank);
                // A millionth of a rank is far more than the stated error and the rounding.
                assert_eq!(law.rank(below + 1e-5 * width), rank, "exponent {exponent}");
                assert_eq!(
                    law.rank(below + (1.0 - 1e-5) * width),
                    rank,
                    "exponent {exponent}"
                );
            }
        }
    }

    #[test]
    fn a_hundred_million_ranks_take_the_memory_of_the_head() {
        let law = Zipf::new(100_000_000, 1.0);
        assert_eq!(law.head.len(), 65_536);
        // H(n) = ln n + gamma + 1/(2n) for s = 1.
        let harmonic = libm::log(1e8) + 0.577_215_664_901_532_9 + 0.5e-8;
        assert!((law.probability(0) * harmonic - 1.0).abs() < 1e-11);
        assert_eq!(law.rank(1.0 - f64::EPSILON / 2.0), 99_999_999);
        let mut last = 0;
        for step in 1..10_000 {
            let rank = law.rank(f64::from(step) / 10_000.0);
            assert!(rank >= last);
            last = rank;
        }
    }

    #[test]
    fn ranks_are_drawn_in_proportion_to_their_probability() {
        let law = Zipf::new(1000, 1.1);
        let mut draw = Draw::new(5);
        let count = 200_000;
        let mut seen = vec![0u32; 1000];
        for _ in 0..count {
            seen[law.rank(draw.uniform_open()) as usize] += 1;
        }
        for rank in 0..20 {
            let mean = law.probability(rank) * f64::from(count);
            // Five standard deviations of a binomial count; twenty of them, so 1e-5 in all.
            let error = (f64::from(seen[rank as usize]) - mean).abs();
            assert!(
                error < 5.0 * mean.sqrt(),
                "rank {rank}: {error} from {mean}"
            );
        }
    }
}
