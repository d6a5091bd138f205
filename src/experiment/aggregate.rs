//! What several runs of one scenario say together.

use super::Run;
use super::gather::PhasePools;
use super::headline::{Headline, headlines};
use super::pool::PooledPercentile;
use crate::metrics::evaluate::{Verdict, VerdictState};
use crate::scenario::measure::Unit;
use crate::stats::interval::mean_interval;
use crate::stats::share::ShareInterval;

/// One headline number over all replications.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// The measure and its statistic: `latency.p99`.
    pub measure: &'static str,
    /// The part of the run; empty for the whole run.
    pub phase: String,
    /// What kind of number it is; times are in seconds.
    pub unit: Unit,
    /// Replications.
    pub run_count: u32,
    /// Replications in which the number exists, those in which it never came included.
    pub known_count: u32,
    /// Replications in which it never came.
    pub never_count: u32,
    /// Mean over the replications, infinite where it never came in one; None where the number does
    /// not exist in all of them.
    pub mean: Option<f64>,
    /// Half the width of the 95 % interval of the mean, from Student's t; None below two runs, of
    /// a mean that is infinite, and of a share.
    pub half_width: Option<f64>,
    /// The mean of a share, with its interval; None of other numbers, and below two runs.
    pub share: Option<ShareInterval>,
    /// Of a percentile: that of the samples of all replications together, or why it is not
    /// stated. It has no mean over several runs.
    pub pooled: Option<Result<PooledPercentile, String>>,
}

/// What became of one expectation over all replications.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Replications in which it held.
    pub held_count: u32,
    /// Replications in which it did not.
    pub failed_count: u32,
    /// Replications in which it could not be decided.
    pub undecided_count: u32,
    /// Replications in which the number was within sampling error of the limit.
    pub close_count: u32,
}

impl Tally {
    /// Counts the verdicts of the replications.
    pub fn new<'a>(verdicts: impl Iterator<Item = &'a Verdict>) -> Self {
        let mut tally = Tally::default();
        for verdict in verdicts {
            match verdict.state {
                VerdictState::Held => tally.held_count += 1,
                VerdictState::Failed => tally.failed_count += 1,
                VerdictState::Undecided => tally.undecided_count += 1,
            }
            tally.close_count += u32::from(verdict.is_close);
        }
        tally
    }

    /// Replications.
    pub fn run_count(&self) -> u32 {
        self.held_count + self.failed_count + self.undecided_count
    }

    /// The judgement of all replications: one that failed decides, then one that is undecided.
    pub fn state(&self) -> VerdictState {
        match (self.failed_count, self.undecided_count) {
            (0, 0) => VerdictState::Held,
            (0, _) => VerdictState::Undecided,
            _ => VerdictState::Failed,
        }
    }
}

/// The headline numbers over all runs, in the order of the first run that has them. `pools` holds,
/// by phase, what they were read from.
pub fn aggregates(runs: &[Run], pools: &[PhasePools]) -> Vec<Aggregate> {
    let run_count = u32::try_from(runs.len()).expect("replications are counted in 32 bits");
    let mut gathered: Vec<(Headline, Vec<f64>)> = Vec::new();
    for headline in runs.iter().flat_map(|run| headlines(&run.metrics)) {
        let place = gathered
            .iter()
            .position(|(h, _)| h.measure == headline.measure && h.phase == headline.phase)
            .unwrap_or_else(|| {
                gathered.push((headline.clone(), Vec::new()));
                gathered.len() - 1
            });
        gathered[place].1.extend(headline.value);
    }
    gathered
        .into_iter()
        .map(|(headline, values)| aggregate(headline, &values, run_count))
        .map(
            |plain| match pools.iter().find(|pool| pool.phase == plain.phase) {
                Some(pools) => put_together(plain, pools),
                None => plain,
            },
        )
        .collect()
}

/// A percentile is that of all samples, and a share has the interval of all that was counted.
fn put_together(plain: Aggregate, pools: &PhasePools) -> Aggregate {
    if let Some(percent) = percent_of_latency(plain.measure) {
        return Aggregate {
            mean: plain.mean.filter(|_| plain.run_count == 1),
            half_width: None,
            pooled: Some(pools.latency.percentile_at(percent)),
            ..plain
        };
    }
    let mean = plain.mean.filter(|_| plain.measure == "success_ratio");
    match mean.and_then(|mean| pools.success.share(mean)) {
        Some(share) => Aggregate {
            half_width: None,
            share: Some(share),
            ..plain
        },
        None => plain,
    }
}

fn percent_of_latency(measure: &str) -> Option<f64> {
    measure.strip_prefix("latency.p")?.parse().ok()
}

fn aggregate(headline: Headline, values: &[f64], run_count: u32) -> Aggregate {
    let count = |count| u32::try_from(count).expect("at most one value for each run");
    let known_count = count(values.len());
    let never_count = count(values.iter().filter(|value| value.is_infinite()).count());
    let is_complete = known_count == run_count;
    let interval = is_complete.then(|| mean_interval(values)).flatten();
    Aggregate {
        measure: headline.measure,
        phase: headline.phase,
        unit: headline.unit,
        run_count,
        known_count,
        never_count,
        mean: interval.map(|interval| interval.mean),
        half_width: interval
            .map(|interval| interval.half_width)
            .filter(|half_width| half_width.is_finite()),
        share: None,
        pooled: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_values(values: &[f64], run_count: u32) -> Aggregate {
        let headline = Headline {
            measure: "latency.p99",
            phase: String::new(),
            unit: Unit::Time,
            value: None,
        };
        aggregate(headline, values, run_count)
    }

    #[test]
    fn the_interval_of_a_mean_is_students() {
        // Mean 3, standard deviation sqrt(2.5), t(0.975, 4) = 2.776 (any printed table):
        // 2.776 x 1.5811 / sqrt(5) = 1.963, to the four digits of the table.
        let aggregate = of_values(&[1.0, 2.0, 3.0, 4.0, 5.0], 5);
        assert_eq!(aggregate.mean, Some(3.0));
        let half_width = aggregate.half_width.expect("five runs");
        assert!((half_width - 1.963).abs() < 0.001, "{half_width}");
    }

    #[test]
    fn what_one_run_lacks_is_not_averaged_away() {
        let aggregate = of_values(&[1.0, 2.0], 3);
        assert_eq!((aggregate.known_count, aggregate.mean), (2, None));
    }

    #[test]
    fn a_mean_of_what_never_came_in_one_run_is_infinite() {
        let aggregate = of_values(&[1.0, f64::INFINITY, 2.0], 3);
        assert_eq!((aggregate.known_count, aggregate.never_count), (3, 1));
        assert_eq!(
            (aggregate.mean, aggregate.half_width),
            (Some(f64::INFINITY), None)
        );
        // Where it does not exist at all in another run, there is no mean.
        let aggregate = of_values(&[1.0, f64::INFINITY], 3);
        assert_eq!((aggregate.never_count, aggregate.mean), (1, None));
    }

    #[test]
    fn one_run_has_no_interval() {
        let aggregate = of_values(&[1.0], 1);
        assert_eq!((aggregate.mean, aggregate.half_width), (Some(1.0), None));
    }

    #[test]
    fn one_failure_fails_an_expectation_and_one_gap_leaves_it_undecided() {
        let tally = |held_count, failed_count, undecided_count| Tally {
            held_count,
            failed_count,
            undecided_count,
            close_count: 0,
        };
        assert_eq!(tally(9, 0, 0).state(), VerdictState::Held);
        assert_eq!(tally(9, 1, 1).state(), VerdictState::Failed);
        assert_eq!(tally(9, 0, 1).state(), VerdictState::Undecided);
    }
}
