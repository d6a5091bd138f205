//! What a number of a run was read from, so that the runs of a plan can be put together.

use super::histogram::{Histogram, Sampled, rank_of};
use crate::scenario::measure::Statistic;
use crate::time::NANOS_PER_SEC;

/// Percentiles that bound a higher one which is not stated, the highest first.
pub const LOWER_PERCENTS: [f64; 5] = [99.0, 95.0, 90.0, 75.0, 50.0];

/// Lengths of time by bucket, with 3 significant digits. Only counts are kept, so that the sum of
/// several has the same bits in any order.
#[derive(Clone, Debug, Default)]
pub struct Lengths {
    histogram: Histogram<11>,
    finite_count: u64,
    infinite_count: u64,
    min_ns: u64,
    max_ns: u64,
}

/// Lengths of time as plain data, to be kept: equal lengths have equal buckets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buckets {
    /// The buckets that are not empty with their counts, in ascending order.
    pub counts: Vec<(u16, u32)>,
    /// How many never ended.
    pub infinite_count: u64,
    /// The shortest and the longest in nanoseconds; zero without any.
    pub ends_ns: (u64, u64),
}

/// What a number of a run was read from, as plain data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptEvidence {
    /// The samples of a percentile.
    Samples(Buckets),
    /// A share of a whole.
    Share {
        /// How many of them count.
        part: u64,
        /// How many there are.
        whole: u64,
    },
}

/// What a number of a run was read from.
#[derive(Clone, Debug)]
pub enum Evidence {
    /// A percentile, of these samples.
    Percentile {
        /// Between 0 and 100.
        percent: f64,
        /// The samples.
        lengths: Box<Lengths>,
    },
    /// A share of a whole.
    Share {
        /// How many of them count.
        part: u64,
        /// How many there are.
        whole: u64,
    },
}

impl Evidence {
    /// As plain data.
    pub fn to_kept(&self) -> KeptEvidence {
        match self {
            Evidence::Percentile { lengths, .. } => KeptEvidence::Samples(lengths.buckets()),
            Evidence::Share { part, whole } => KeptEvidence::Share {
                part: *part,
                whole: *whole,
            },
        }
    }

    /// What was kept of a number of this kind; None of what never was any.
    pub fn of_kept(kept: &KeptEvidence, statistic: Statistic) -> Option<Self> {
        match (kept, statistic) {
            (KeptEvidence::Samples(buckets), Statistic::Percentile(percent)) => {
                Some(Evidence::Percentile {
                    percent,
                    lengths: Box::new(Lengths::of_buckets(buckets)?),
                })
            }
            (KeptEvidence::Share { part, whole }, Statistic::Value) => Some(Evidence::Share {
                part: *part,
                whole: *whole,
            }),
            _ => None,
        }
    }
}

impl Lengths {
    /// The samples, and `infinite_count` more that never ended.
    pub fn new<const BITS: u32, const UNIT_NS: u64>(
        samples: &Sampled<BITS, UNIT_NS>,
        infinite_count: u64,
    ) -> Self {
        let ends = samples.ends_ns();
        let mut histogram = Histogram::default();
        samples.for_each_bucket(|ns, count| {
            let ns = ends.map_or(ns, |(min, max)| ns.clamp(min, max));
            histogram.record_many(ns, count);
        });
        let (min_ns, max_ns) = ends.unwrap_or((u64::MAX, 0));
        Lengths {
            histogram,
            finite_count: samples.count(),
            infinite_count,
            min_ns,
            max_ns,
        }
    }

    /// The lengths as plain data.
    pub fn buckets(&self) -> Buckets {
        Buckets {
            counts: self.histogram.buckets(),
            infinite_count: self.infinite_count,
            ends_ns: match self.finite_count {
                0 => (0, 0),
                _ => (self.min_ns, self.max_ns),
            },
        }
    }

    /// The lengths that were kept; None of what never were any.
    pub fn of_buckets(buckets: &Buckets) -> Option<Self> {
        let counts = buckets.counts.iter().map(|(_, count)| u64::from(*count));
        let lengths = Lengths {
            histogram: Histogram::of_buckets(&buckets.counts)?,
            finite_count: counts.sum(),
            infinite_count: buckets.infinite_count,
            min_ns: buckets.ends_ns.0,
            max_ns: buckets.ends_ns.1,
        };
        (lengths.min_ns <= lengths.max_ns).then_some(lengths)
    }

    /// Adds the samples of another run.
    pub fn merge(&mut self, other: &Self) {
        if other.finite_count != 0 {
            self.min_ns = match self.finite_count {
                0 => other.min_ns,
                _ => self.min_ns.min(other.min_ns),
            };
            self.max_ns = self.max_ns.max(other.max_ns);
            self.histogram.merge(&other.histogram);
            self.finite_count += other.finite_count;
        }
        self.infinite_count += other.infinite_count;
    }

    /// Samples, those that never ended among them.
    pub fn count(&self) -> u64 {
        self.finite_count + self.infinite_count
    }

    /// The `rank`-th smallest in seconds, counted from 1; infinite where it never ended.
    pub fn value_at_rank(&self, rank: u64) -> f64 {
        match self.histogram.value_at_rank(rank) {
            Some(ns) => ns.clamp(self.min_ns, self.max_ns) as f64 / NANOS_PER_SEC as f64,
            None => f64::INFINITY,
        }
    }

    /// The percentile by nearest rank, and how many samples have a higher one. None without
    /// samples.
    pub fn percentile(&self, percent: f64) -> Option<(f64, u64)> {
        let count = self.count();
        (0 < count).then(|| {
            let rank = rank_of(percent, count);
            (self.value_at_rank(rank), count - rank)
        })
    }

    /// The rank of the first sample in the bucket of the `rank`-th smallest.
    pub fn first_rank_of_bucket(&self, rank: u64) -> u64 {
        match self.histogram.value_at_rank(rank) {
            Some(ns) => self.histogram.count_below(ns) + 1,
            None => self.finite_count + 1,
        }
    }

    /// How many are in the bucket of the `rank`-th smallest of `all`, or below.
    pub fn count_up_to(&self, all: &Lengths, rank: u64) -> u64 {
        match all.histogram.value_at_rank(rank) {
            Some(ns) => self.histogram.count_up_to(ns),
            None => self.count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::histogram::{CompactSamples, Samples};
    use crate::time::SimDuration;

    fn samples(values_ms: &[u64]) -> Samples {
        let mut samples = Samples::default();
        values_ms
            .iter()
            .for_each(|ms| samples.record(SimDuration::from_ms(*ms)));
        samples
    }

    #[test]
    fn what_is_put_together_equals_all_samples_at_once() {
        let values: Vec<u64> = (0..3_000u64).map(|i| i * i % 7_919 + 1).collect();
        let all = samples(&values);
        let mut parts: Vec<Lengths> = values
            .chunks(700)
            .map(|chunk| Lengths::new(&samples(chunk), 0))
            .collect();
        parts.reverse();
        let mut sum = Lengths::default();
        parts.iter().for_each(|part| sum.merge(part));
        for percent in [1.0, 50.0, 99.0] {
            let (value, above_count) = sum.percentile(percent).expect("samples");
            let expected = all.percentile(percent);
            assert_eq!(Some(value), expected.value_secs);
            assert_eq!(above_count, expected.above_count);
        }
        let below: u64 = parts.iter().map(|part| part.count_up_to(&sum, 2_970)).sum();
        // All of the bucket count, so it may be a few more than the rank.
        assert!((2_970..2_980).contains(&below), "{below}");
    }

    #[test]
    fn what_is_kept_is_what_it_was() {
        for count in [0, 1, 60, 5_000] {
            let values: Vec<u64> = (0..count).map(|i| i * i % 7_919 + 1).collect();
            let lengths = Lengths::new(&samples(&values), 3);
            let again = Lengths::of_buckets(&lengths.buckets()).expect("whole");
            assert_eq!(again.buckets(), lengths.buckets());
            for percent in [0.0, 50.0, 99.0, 100.0] {
                assert_eq!(again.percentile(percent), lengths.percentile(percent));
            }
        }
        let never = Buckets {
            counts: vec![(u16::MAX, 1)],
            ..Buckets::default()
        };
        assert!(Lengths::of_buckets(&never).is_none());
    }

    #[test]
    fn what_never_ended_lies_above_all_others() {
        let lengths = Lengths::new(&samples(&[1, 2, 3]), 2);
        assert_eq!(lengths.count(), 5);
        assert_eq!(lengths.percentile(60.0), Some((0.003, 2)));
        assert_eq!(lengths.percentile(61.0), Some((f64::INFINITY, 1)));
        assert_eq!(lengths.count_up_to(&lengths, 5), 5);
        assert_eq!(Lengths::default().percentile(50.0), None);
    }

    #[test]
    fn coarse_samples_keep_their_values() {
        let mut coarse = CompactSamples::default();
        (1..=100u64).for_each(|ms| coarse.record(SimDuration::from_ms(ms)));
        let value = Lengths::new(&coarse, 0)
            .percentile(50.0)
            .expect("samples")
            .0;
        let expected = coarse.value_at_rank(50).expect("samples");
        assert!((value / expected - 1.0).abs() < 1e-3, "{value} {expected}");
    }
}
