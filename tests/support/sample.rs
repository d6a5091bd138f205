//! Distributions of measured times.

use stormglass::time::SimDuration;

/// Bins of a unit of time.
const BINS_PER_UNIT: f64 = 8192.0;

/// Measured times, counted in bins of 1/8192 of a unit, so that memory does not grow with them.
#[derive(Debug)]
pub struct Sample {
    unit_ns: f64,
    sum_ns: u128,
    square_sum: f64,
    count: u64,
    positive_count: u64,
    bins: Vec<u32>,
}

impl Sample {
    /// An empty sample of times near `unit`.
    pub fn new(unit: SimDuration) -> Self {
        Sample {
            unit_ns: unit.as_ns() as f64,
            sum_ns: 0,
            square_sum: 0.0,
            count: 0,
            positive_count: 0,
            bins: Vec::new(),
        }
    }

    /// Adds one time.
    pub fn add(&mut self, value: SimDuration) {
        self.count += 1;
        self.positive_count += u64::from(!value.is_zero());
        self.sum_ns += u128::from(value.as_ns());
        let secs = value.as_secs_f64();
        self.square_sum += secs * secs;
        let bin = (value.as_ns() as f64 / self.unit_ns * BINS_PER_UNIT) as usize;
        if bin >= self.bins.len() {
            self.bins.resize(bin + 1, 0);
        }
        self.bins[bin] += 1;
    }

    /// Share of the times that are not zero.
    pub fn positive_ratio(&self) -> f64 {
        self.positive_count as f64 / self.count as f64
    }

    /// The mean in seconds.
    pub fn mean(&self) -> f64 {
        self.sum_ns as f64 / 1e9 / self.count as f64
    }

    /// The standard deviation in seconds.
    pub fn sd(&self) -> f64 {
        let mean = self.mean();
        (self.square_sum / self.count as f64 - mean * mean).sqrt()
    }

    /// The middle of the bin that holds the value of rank `ceil(q n)`, in seconds; it is within
    /// 1/16384 of a unit of that value.
    pub fn quantile(&self, q: f64) -> f64 {
        let rank = (q * self.count as f64).ceil() as u64;
        let mut below = 0;
        for (bin, count) in self.bins.iter().enumerate() {
            below += u64::from(*count);
            if below >= rank {
                return (bin as f64 + 0.5) / BINS_PER_UNIT * self.unit_ns / 1e9;
            }
        }
        unreachable!("no rank is beyond the last value")
    }
}
