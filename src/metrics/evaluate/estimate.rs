//! A number with its sampling error.

use crate::metrics::histogram::{ABOVE_COUNT_MIN, Sampled, rank_of};
use crate::metrics::lengths::{Evidence, Lengths};
use crate::scenario::measure::Statistic;
use crate::stats::binomial::wilson_interval;

/// Standard errors within which a limit is close.
const CLOSE_ERROR_COUNT: f64 = 2.0;

/// A number, or why there is none.
pub type Estimated = Result<Estimate, String>;

/// A number and the range that sampling leaves to it.
#[derive(Clone, Debug)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Two standard errors to both sides; None where no error is computed.
    range: Option<(f64, f64)>,
    /// What it was read from, where that can be put together with other runs.
    pub evidence: Option<Evidence>,
    /// Of a rate of events, how many of them are independent of each other.
    pub event_count: Option<u64>,
}

impl Estimate {
    /// A number without sampling error.
    pub fn exact(value: f64) -> Self {
        Estimate {
            value,
            range: None,
            evidence: None,
            event_count: None,
        }
    }

    /// A rate of events, of which so many are independent.
    pub fn rate_of_events(value: f64, event_count: u64) -> Self {
        Estimate {
            event_count: Some(event_count),
            ..Estimate::exact(value)
        }
    }

    /// A number with a standard error.
    pub fn with_error(value: f64, standard_error: f64) -> Self {
        let half_width = CLOSE_ERROR_COUNT * standard_error;
        Estimate {
            range: Some((value - half_width, value + half_width)),
            ..Estimate::exact(value)
        }
    }

    /// The number alone, unless one run has too few samples to state it.
    pub fn stated(self) -> Estimated {
        let Some(Evidence::Percentile { percent, lengths }) = &self.evidence else {
            return Ok(self);
        };
        let count = lengths.count();
        let above_count = count - rank_of(*percent, count);
        if ABOVE_COUNT_MIN <= above_count {
            return Ok(self);
        }
        Err(format!(
            "only {above_count} of {count} samples lie above p{percent}; at least \
             {ABOVE_COUNT_MIN} are needed"
        ))
    }

    /// Whether a limit lies in the range of sampling.
    pub fn is_near(&self, limit: f64) -> bool {
        self.range
            .is_some_and(|(low, high)| low <= limit && limit <= high)
    }
}

/// Nothing is known, for this reason.
pub fn undecided(reason: &str) -> Estimated {
    Err(reason.to_string())
}

/// A share with its binomial error, which none and all have too. Several hedges of one call make
/// parts that are more than the whole, which have none.
pub fn share(part: u64, whole: u64, nothing: &str) -> Estimated {
    if whole == 0 {
        return undecided(nothing);
    }
    let is_share = part <= whole;
    Ok(Estimate {
        range: wilson_interval(part, whole, CLOSE_ERROR_COUNT).filter(|_| is_share),
        evidence: Some(Evidence::Share { part, whole }),
        ..Estimate::exact(part as f64 / whole as f64)
    })
}

/// One number of a distribution of lengths of time, of which `infinite_count` more samples never
/// ended.
pub fn of_samples<const BITS: u32, const UNIT_NS: u64>(
    samples: &Sampled<BITS, UNIT_NS>,
    infinite_count: u64,
    statistic: Statistic,
) -> Estimated {
    let count = samples.count() + infinite_count;
    if count == 0 {
        return undecided("there are no samples");
    }
    let finite = |value: Option<f64>| {
        let value = if infinite_count == 0 { value } else { None };
        Estimate::exact(value.unwrap_or(f64::INFINITY))
    };
    match statistic {
        Statistic::Value | Statistic::Mean => {
            let (mean, deviation) = (samples.mean_secs(), samples.standard_deviation_secs());
            match (mean, deviation) {
                (Some(mean), Some(deviation)) if infinite_count == 0 => {
                    let standard_error = deviation / (count as f64).sqrt();
                    Ok(Estimate::with_error(mean, standard_error))
                }
                _ => Ok(finite(None)),
            }
        }
        Statistic::Min => Ok(Estimate::exact(samples.min_secs().unwrap_or(f64::INFINITY))),
        Statistic::Max => Ok(finite(samples.max_secs())),
        Statistic::StandardDeviation => Ok(finite(samples.standard_deviation_secs())),
        Statistic::Percentile(percent) => Ok(percentile(samples, infinite_count, percent)),
        Statistic::MaxOverMean
        | Statistic::Cv
        | Statistic::Jain
        | Statistic::MaxAbsolute
        | Statistic::MaxRelative
        | Statistic::ChiSquaredP
        | Statistic::BurstMax => undecided("a length of time has no such number"),
    }
}

/// The percentile of the samples and of those that are infinite; its range lies between the ranks
/// two binomial errors away. Whether they are enough to state it, [`Estimate::stated`] says.
fn percentile<const BITS: u32, const UNIT_NS: u64>(
    samples: &Sampled<BITS, UNIT_NS>,
    infinite_count: u64,
    percent: f64,
) -> Estimate {
    let lengths = Lengths::new(samples, infinite_count);
    let count = lengths.count();
    let rank = rank_of(percent, count);
    let share = percent / 100.0;
    let error = (count as f64 * share * (1.0 - share)).sqrt();
    let half_width = (CLOSE_ERROR_COUNT * error).ceil() as u64;
    let low = rank.saturating_sub(half_width).max(1);
    let high = (rank + half_width).min(count);
    let exact = Estimate::exact(lengths.value_at_rank(rank));
    Estimate {
        range: Some((lengths.value_at_rank(low), lengths.value_at_rank(high))),
        evidence: Some(Evidence::Percentile {
            percent,
            lengths: Box::new(lengths),
        }),
        ..exact
    }
}
