//! Histograms with bounded relative error, in the layout of HdrHistogram.
//!
//! A value below `2^BITS` has a bucket of its own; above, every octave has `2^(BITS - 1)` buckets,
//! so a bucket is at most `2^(1 - BITS)` of its value wide: 8 bits give 2 significant digits, 11
//! bits give 3. The buckets equal those of the `hdrhistogram` crate; unlike there, few values are a
//! list of buckets, and of many only the span between the smallest and the largest takes memory, so
//! that thousands of windows fit.

#[cfg(test)]
mod tests;

use super::data::distribution::{CurvePoint, DurationStats, Percentile};
use crate::time::{NANOS_PER_SEC, SimDuration};

/// Samples that must lie above a percentile before it is told.
pub const ABOVE_COUNT_MIN: u64 = 10;

/// Buckets come in blocks, so that a growing span is seldom moved.
const BLOCK: usize = 64;

/// Values that are always listed.
const LISTED_COUNT_MIN: usize = 64;

/// Counts by bucket.
#[derive(Clone, Debug, Default)]
pub struct Histogram<const BITS: u32> {
    /// Bucket of the first count.
    first: usize,
    /// Counts of the span; each saturates at its range. Empty while values are listed.
    counts: Vec<u32>,
    /// The bucket of every value, in order of arrival, while that takes less memory.
    listed: Vec<u16>,
}

/// Lengths of time in nanoseconds with 3 significant digits, with exact moments.
pub type Samples = Sampled<11, 1>;

/// Lengths of time in microseconds with 2 significant digits, with exact moments.
pub type CompactSamples = Sampled<8, 1_000>;

/// A histogram of lengths of time in units of `UNIT_NS`, with exact count, sum, min and max.
#[derive(Clone, Debug, Default)]
pub struct Sampled<const BITS: u32, const UNIT_NS: u64> {
    count: u64,
    /// The first sample, in nanoseconds: sums are taken around it, so that equal samples have
    /// exactly their own mean and deviation zero.
    shift: f64,
    shifted_sum: f64,
    shifted_square_sum: f64,
    min_ns: u64,
    max_ns: u64,
    histogram: Histogram<BITS>,
}

impl<const BITS: u32> Histogram<BITS> {
    /// Counts one value.
    #[inline]
    pub fn record(&mut self, value: u64) {
        self.record_in(bucket_of::<BITS>(value));
    }

    #[inline]
    fn record_in(&mut self, bucket: usize) {
        let place = bucket.wrapping_sub(self.first);
        match self.counts.get_mut(place) {
            Some(count) => *count = count.saturating_add(1),
            None => self.record_outside(bucket),
        }
    }

    /// Adds the counts of another histogram.
    pub fn merge(&mut self, other: &Self) {
        for bucket in &other.listed {
            self.record_in(usize::from(*bucket));
        }
        if !other.counts.is_empty() {
            self.count_listed();
        }
        if let (Some(first), Some(last)) = (
            other.counts.iter().position(|count| 0 < *count),
            other.counts.iter().rposition(|count| 0 < *count),
        ) {
            self.span(other.first + first);
            self.span(other.first + last);
            let start = other.first + first - self.first;
            let counts = self.counts[start..].iter_mut();
            for (own, count) in counts.zip(&other.counts[first..=last]) {
                *own = own.saturating_add(*count);
            }
        }
    }

    /// Counts one value `count` times.
    pub fn record_many(&mut self, value: u64, count: u32) {
        if self.counts.is_empty() && count == 1 {
            return self.record(value);
        }
        self.count_listed();
        self.add_at(bucket_of::<BITS>(value), count);
    }

    /// The buckets that are not empty with their counts, in ascending order.
    pub fn buckets(&self) -> Vec<(u16, u32)> {
        let place =
            |bucket: usize| u16::try_from(bucket).expect("64 bits have fewer than 2^16 buckets");
        if self.counts.is_empty() {
            let mut listed = self.listed.clone();
            listed.sort_unstable();
            let runs = listed.chunk_by(|a, b| a == b);
            return runs.map(|run| (run[0], run.len() as u32)).collect();
        }
        let counts = self.counts.iter().enumerate();
        counts
            .filter(|(_, count)| 0 < **count)
            .map(|(at, count)| (place(self.first + at), *count))
            .collect()
    }

    /// Of these counts in ascending order; None if there are no such buckets.
    pub fn of_buckets(counts: &[(u16, u32)]) -> Option<Self> {
        let mut histogram = Histogram::default();
        if let (Some((first, _)), Some((last, _))) = (counts.first(), counts.last()) {
            if bucket_of::<BITS>(u64::MAX) < usize::from(*last) || last < first {
                return None;
            }
            histogram.span(usize::from(*first));
            histogram.span(usize::from(*last));
        }
        for (bucket, count) in counts {
            let place = usize::from(*bucket).checked_sub(histogram.first)?;
            *histogram.counts.get_mut(place)? = *count;
        }
        Some(histogram)
    }

    /// Values in the bucket of `value` and below.
    pub fn count_up_to(&self, value: u64) -> u64 {
        let mut sum = 0;
        self.for_each(|max, count| {
            if max <= bucket_max::<BITS>(bucket_of::<BITS>(value)) {
                sum += u64::from(count);
            }
        });
        sum
    }

    /// Values in buckets below that of `value`.
    pub fn count_below(&self, value: u64) -> u64 {
        let mut sum = 0;
        self.for_each(|max, count| {
            if max < value && bucket_of::<BITS>(max) != bucket_of::<BITS>(value) {
                sum += u64::from(count);
            }
        });
        sum
    }

    /// Gives the largest value and the count of every bucket that is not empty.
    fn for_each(&self, mut take: impl FnMut(u64, u32)) {
        for bucket in &self.listed {
            take(bucket_max::<BITS>(usize::from(*bucket)), 1);
        }
        for (place, count) in self.counts.iter().enumerate() {
            if 0 < *count {
                take(bucket_max::<BITS>(self.first + place), *count);
            }
        }
    }

    /// The largest value of the bucket that holds the `rank`-th smallest value, counted from 1.
    pub fn value_at_rank(&self, rank: u64) -> Option<u64> {
        if !self.listed.is_empty() {
            let place = usize::try_from(rank.max(1) - 1).ok()?;
            let mut listed = self.listed.clone();
            let is_there = place < listed.len();
            return is_there.then(|| {
                let (_, bucket, _) = listed.select_nth_unstable(place);
                bucket_max::<BITS>(usize::from(*bucket))
            });
        }
        let mut below = 0;
        for (place, count) in self.counts.iter().enumerate() {
            below += u64::from(*count);
            if rank <= below {
                return Some(bucket_max::<BITS>(self.first + place));
            }
        }
        None
    }

    /// Counts one value that lies outside the span, or lists it.
    #[cold]
    fn record_outside(&mut self, bucket: usize) {
        if !self.counts.is_empty() {
            self.add_at(bucket, 1);
            return;
        }
        let listed = u16::try_from(bucket).expect("64 bits have fewer than 2^16 buckets");
        self.listed.push(listed);
        let count = self.listed.len();
        // Asked each time that the list would grow.
        if LISTED_COUNT_MIN <= count && count.is_power_of_two() {
            let grown_size = 2 * count * size_of::<u16>();
            if self.listed_span() * size_of::<u32>() <= grown_size {
                self.count_listed();
            }
        }
    }

    /// Buckets from the smallest to the largest listed value.
    fn listed_span(&self) -> usize {
        let buckets = self.listed.iter().map(|bucket| usize::from(*bucket));
        let ends = buckets.clone().min().zip(buckets.max());
        ends.map_or(0, |(min, max)| max + 1 - min)
    }

    /// Goes over from a list to counts.
    fn count_listed(&mut self) {
        for bucket in std::mem::take(&mut self.listed) {
            self.add_at(usize::from(bucket), 1);
        }
    }

    #[cold]
    fn add_at(&mut self, bucket: usize, count: u32) {
        self.span(bucket);
        let place = bucket - self.first;
        self.counts[place] = self.counts[place].saturating_add(count);
    }

    /// Widens the span so that it holds a bucket.
    fn span(&mut self, bucket: usize) {
        if self.counts.is_empty() {
            self.first = bucket / BLOCK * BLOCK;
        }
        if bucket < self.first {
            let first = bucket / BLOCK * BLOCK;
            let missing = self.first - first;
            self.counts.splice(0..0, std::iter::repeat_n(0, missing));
            self.first = first;
        }
        let place = bucket - self.first;
        if self.counts.len() <= place {
            self.counts.resize((place / BLOCK + 1) * BLOCK, 0);
        }
    }
}

impl<const BITS: u32, const UNIT_NS: u64> Sampled<BITS, UNIT_NS> {
    /// Takes note of one length of time.
    #[inline]
    pub fn record(&mut self, length: SimDuration) {
        let ns = length.as_ns();
        if self.count == 0 {
            self.shift = float(ns);
            self.min_ns = ns;
        }
        self.count += 1;
        let shifted = float(ns) - self.shift;
        self.shifted_sum += shifted;
        self.shifted_square_sum += shifted * shifted;
        self.min_ns = self.min_ns.min(ns);
        self.max_ns = self.max_ns.max(ns);
        self.histogram.record(ns / UNIT_NS);
    }

    /// Adds the samples of another histogram.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = other.clone();
            return;
        }
        // With x - a = (x - b) + (b - a), the sums around b become sums around a.
        let offset = other.shift - self.shift;
        let other_count = other.count as f64;
        self.shifted_square_sum += other.shifted_square_sum
            + 2.0 * offset * other.shifted_sum
            + other_count * offset * offset;
        self.shifted_sum += other.shifted_sum + other_count * offset;
        self.count += other.count;
        self.min_ns = self.min_ns.min(other.min_ns);
        self.max_ns = self.max_ns.max(other.max_ns);
        self.histogram.merge(&other.histogram);
    }

    /// Samples.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The smallest and the largest sample in nanoseconds; None without samples.
    pub fn ends_ns(&self) -> Option<(u64, u64)> {
        (0 < self.count).then_some((self.min_ns, self.max_ns))
    }

    /// Gives the largest value in nanoseconds and the count of every bucket that is not empty.
    pub fn for_each_bucket(&self, mut take: impl FnMut(u64, u32)) {
        self.histogram.for_each(|units, count| {
            let ns = units.saturating_mul(UNIT_NS).saturating_add(UNIT_NS - 1);
            take(ns, count);
        });
    }

    /// Sum of the samples in seconds.
    pub fn sum_secs(&self) -> f64 {
        (self.shift * self.count as f64 + self.shifted_sum) / NANOS_PER_SEC as f64
    }

    /// Mean in seconds.
    pub fn mean_secs(&self) -> Option<f64> {
        let mean_ns = || self.shift + self.shifted_sum / self.count as f64;
        (self.count > 0).then(|| mean_ns() / NANOS_PER_SEC as f64)
    }

    /// Smallest sample in seconds.
    pub fn min_secs(&self) -> Option<f64> {
        (self.count > 0).then(|| secs(self.min_ns))
    }

    /// Largest sample in seconds.
    pub fn max_secs(&self) -> Option<f64> {
        (self.count > 0).then(|| secs(self.max_ns))
    }

    /// Standard deviation in seconds, of the samples themselves.
    pub fn standard_deviation_secs(&self) -> Option<f64> {
        (self.count > 0).then(|| {
            let count = self.count as f64;
            let mean = self.shifted_sum / count;
            let variance = (self.shifted_square_sum / count - mean * mean).max(0.0);
            variance.sqrt() / NANOS_PER_SEC as f64
        })
    }

    /// The percentile by nearest rank, withheld where fewer than [`ABOVE_COUNT_MIN`] samples lie
    /// above. The value is the upper end of its bucket, at most the largest sample.
    pub fn percentile(&self, percent: f64) -> Percentile {
        let rank = rank_of(percent, self.count);
        let above_count = self.count - rank;
        Percentile {
            value_secs: (ABOVE_COUNT_MIN <= above_count)
                .then(|| self.value_at_rank(rank))
                .flatten(),
            sample_count: self.count,
            above_count,
        }
    }

    /// The `rank`-th smallest sample in seconds, counted from 1, to the histogram's precision.
    pub fn value_at_rank(&self, rank: u64) -> Option<f64> {
        let units = self.histogram.value_at_rank(rank)?;
        // The unit's last nanosecond belongs to the same bucket.
        let ns = units.saturating_mul(UNIT_NS).saturating_add(UNIT_NS - 1);
        Some(secs(ns.clamp(self.min_ns, self.max_ns)))
    }

    /// Samples above a length in seconds, each as long as [`Sampled::value_at_rank`] says.
    pub fn count_above(&self, limit_secs: f64) -> u64 {
        let mut sum = 0;
        self.for_each_bucket(|ns, count| {
            if limit_secs < secs(ns.clamp(self.min_ns, self.max_ns)) {
                sum += u64::from(count);
            }
        });
        sum
    }

    /// Mean, deviation, extremes and the usual percentiles.
    pub fn stats(&self) -> DurationStats {
        DurationStats {
            sample_count: self.count,
            mean_secs: self.mean_secs(),
            standard_deviation_secs: self.standard_deviation_secs(),
            min_secs: self.min_secs(),
            max_secs: self.max_secs(),
            p50: self.percentile(50.0),
            p90: self.percentile(90.0),
            p99: self.percentile(99.0),
            p999: self.percentile(99.9),
        }
    }

    /// The values by percentile: ten points to each nine, up to the last percentile that is told.
    pub fn curve(&self) -> Vec<CurvePoint> {
        let mut points = Vec::new();
        let mut share_above = 1.0;
        for _nine in 0..7 {
            for step in 0..10 {
                let percentile = 100.0 * (1.0 - share_above * (1.0 - 0.09 * f64::from(step)));
                let Some(value_secs) = self.percentile(percentile).value_secs else {
                    return points;
                };
                points.push(CurvePoint {
                    percentile,
                    value_secs,
                });
            }
            share_above /= 10.0;
        }
        points
    }
}

/// Nearest rank of a percentile among `count` samples: at least 1 where there are samples.
/// Percentiles are read with seven decimals, so that 99.9 means 999 of 1,000.
pub fn rank_of(percent: f64, count: u64) -> u64 {
    const WHOLE: u128 = 1_000_000_000;
    let share = (percent.clamp(0.0, 100.0) * 1e7 + 0.5) as u128;
    let rank = (share * u128::from(count)).div_ceil(WHOLE);
    let rank = u64::try_from(rank).expect("a rank is at most the number of samples");
    rank.max(1).min(count)
}

/// Nanoseconds as a float. A run's lengths fit in 63 bits, and processors convert signed numbers in
/// one step.
#[inline]
pub fn float(ns: u64) -> f64 {
    ns.cast_signed() as f64
}

fn secs(ns: u64) -> f64 {
    ns as f64 / NANOS_PER_SEC as f64
}

#[inline]
fn bucket_of<const BITS: u32>(value: u64) -> usize {
    // Values below 2^BITS have magnitude 0.
    let magnitude = (value | ((1 << BITS) - 1)).ilog2() - (BITS - 1);
    ((u64::from(magnitude) << (BITS - 1)) + (value >> magnitude)) as usize
}

/// The largest value of a bucket.
fn bucket_max<const BITS: u32>(bucket: usize) -> u64 {
    let half = 1u64 << (BITS - 1);
    let bucket = bucket as u64;
    let magnitude = (bucket / half).saturating_sub(1);
    let top = bucket - magnitude * half;
    (top << magnitude) + ((1u64 << magnitude) - 1)
}
