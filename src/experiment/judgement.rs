//! What becomes of an expectation over all replications.
//!
//! A number that has sampling error is judged by its 95 % interval: it holds where the whole
//! interval is on the right side of its limit, fails where the whole interval is on the wrong side,
//! and is undecided otherwise. A single run has no such interval and is judged by its number; the
//! rate of mistakes has one there too, because few of them say little about it.

use super::aggregate::Tally;
use super::pool::Pool;
use super::rare::{RareEvents, bursts, is_rare_rate};
use crate::metrics::evaluate::{Reading, Verdict, VerdictState, holds, is_too_high};
use crate::scenario::expect::{Bound, Expectation, Operator, Over};
use crate::stats::binomial::wilson_interval;
use crate::stats::contrast::difference;
use crate::stats::interval::mean_interval;
use crate::stats::moments::mean;

/// The normal quantile of a two-sided 95 %.
const Z: f64 = 1.959_963_984_540_054;
/// Replications that are worth a forecast at most.
const FORECAST_MAX: f64 = 1e6;

/// What became of one expectation over all replications.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// What became of it in each of them.
    pub tally: Tally,
    /// The judgement of all.
    pub state: VerdictState,
    /// The number of all replications together; None where one of them has none.
    pub value: Option<f64>,
    /// Its 95 % interval, where it has one.
    pub interval: Option<(f64, f64)>,
    /// Why it, or one of its runs, is undecided; often empty.
    pub reason: String,
}

/// What is known of one expectation.
struct Case<'a> {
    expectation: &'a Expectation,
    verdicts: &'a [&'a Verdict],
    pool: Option<&'a Pool>,
    measured_secs: f64,
}

/// Judges an expectation over all replications, given its verdicts in each of them, what its
/// number was read from, and the measured length of one run.
pub fn judge_all(
    expectation: &Expectation,
    verdicts: &[&Verdict],
    pool: Option<&Pool>,
    measured_secs: f64,
) -> Judgement {
    let case = Case {
        expectation,
        verdicts,
        pool,
        measured_secs,
    };
    let judgement = case.plain();
    if let Some(rare) = case.rare_events() {
        return case.by_events(judgement, &rare);
    }
    match expectation.over {
        _ if verdicts.len() == 1 => judgement,
        Over::All => judgement,
        Over::Mean => case.by_mean(judgement),
        Over::ShareOfRuns(share) => case.by_share(judgement, share),
    }
}

impl Case<'_> {
    /// One that failed decides, then one that is undecided.
    fn plain(&self) -> Judgement {
        let tally = Tally::new(self.verdicts.iter().copied());
        let reasons = self.verdicts.iter().map(|verdict| &verdict.reason);
        Judgement {
            tally,
            state: tally.state(),
            value: self.values().and_then(|values| mean(&values)),
            interval: None,
            reason: reasons
                .into_iter()
                .find(|reason| !reason.is_empty())
                .cloned()
                .unwrap_or_default(),
        }
    }

    fn values(&self) -> Option<Vec<f64>> {
        let values = self.verdicts.iter().map(|verdict| match verdict.reading {
            Reading::Known(value) => Some(value),
            Reading::Undecided(_) => None,
        });
        values.collect()
    }

    /// The limit, if it is the same in all runs.
    fn fixed_limit(&self) -> Option<f64> {
        match &self.expectation.bound {
            Bound::Value { value, .. } => Some(*value),
            Bound::Multiple { .. } => None,
        }
    }

    fn by_mean(&self, plain: Judgement) -> Judgement {
        if let (Some(pool), Some(limit)) = (self.pool, self.fixed_limit())
            && let Some(percentile) = pool.percentile()
        {
            return match percentile {
                Ok(p) => self.by_interval(plain, p.value, (p.low, p.high), limit),
                Err(reason) => self.by_lower_bound(undecided(plain, reason), pool, limit),
            };
        }
        let limits: Option<Vec<f64>> = self.verdicts.iter().map(|v| v.limit).collect();
        let (Some(values), Some(limits)) = (self.values(), limits) else {
            let reasons = self.verdicts.iter().map(|verdict| verdict.reason.clone());
            let reason = reasons.into_iter().find(|reason| !reason.is_empty());
            return undecided(plain, reason.unwrap_or_default());
        };
        if values.iter().chain(&limits).any(|x| x.is_infinite()) {
            return self.by_censored(plain, &values, &limits);
        }
        if self.fixed_limit().is_none() {
            // What varies in both is judged by the differences of the same seeds.
            let found = difference(&values, &limits)
                .expect("there are at least two replications")
                .difference;
            let judged = self.by_interval(plain, found.mean, (found.low(), found.high()), 0.0);
            return Judgement {
                value: mean(&values),
                interval: None,
                ..judged
            };
        }
        let found = mean_interval(&values).expect("there are replications");
        if let Some(share) = self.pool.and_then(|pool| pool.share(found.mean)) {
            let growth = share.growth_to_exclude(limits[0]);
            let ends = (share.low, share.high);
            return self.by_growing_interval(plain, share.share, ends, limits[0], growth);
        }
        let mut interval = (found.low(), found.high());
        // Few events that are as many in every replication by chance are no certainty.
        if is_rare_rate(&self.expectation.measure) {
            let events = self.independent_events(&values).scaled(found.mean);
            interval = (interval.0.min(events.0), interval.1.max(events.1));
        }
        self.by_interval(plain, found.mean, interval, limits[0])
    }

    /// A percentile that cannot be stated fails where a lower one is above the limit.
    fn by_lower_bound(&self, undecided: Judgement, pool: &Pool, limit: f64) -> Judgement {
        let operator = self.expectation.operator;
        let lower = pool.lower_bound();
        match lower.filter(|(_, low)| is_too_high(operator, *low, limit)) {
            Some((percent, low)) => Judgement {
                state: VerdictState::Failed,
                interval: Some((low, f64::INFINITY)),
                reason: format!("p{percent} is above the limit; {}", undecided.reason),
                ..undecided
            },
            None => undecided,
        }
    }

    /// A mean of what never came in some runs is infinite, however many runs there are.
    fn by_censored(&self, plain: Judgement, values: &[f64], limits: &[f64]) -> Judgement {
        let never_count = values.iter().filter(|value| value.is_infinite()).count();
        if limits.iter().any(|limit| limit.is_infinite()) {
            return undecided(
                plain,
                "its limit was never reached in some runs".to_string(),
            );
        }
        let held = holds(self.expectation.operator, f64::INFINITY, limits[0]);
        Judgement {
            state: match held {
                true => VerdictState::Held,
                false => VerdictState::Failed,
            },
            value: Some(f64::INFINITY),
            interval: None,
            reason: format!("never reached in {never_count} of {}", values.len()),
            ..plain
        }
    }

    fn by_interval(
        &self,
        plain: Judgement,
        value: f64,
        (low, high): (f64, f64),
        limit: f64,
    ) -> Judgement {
        let shrink = (high - low) / 2.0 / (value - limit).abs();
        self.by_growing_interval(plain, value, (low, high), limit, shrink * shrink)
    }

    /// `growth` times as many replications may leave the limit out.
    fn by_growing_interval(
        &self,
        plain: Judgement,
        value: f64,
        (low, high): (f64, f64),
        limit: f64,
        growth: f64,
    ) -> Judgement {
        let holds = |x| holds(self.expectation.operator, x, limit);
        let (state, reason) = match (holds(low), holds(high)) {
            (true, true) => (VerdictState::Held, String::new()),
            (false, false) => (VerdictState::Failed, String::new()),
            _ => {
                let count = self.verdicts.len() as f64;
                let needed = (count * growth).ceil();
                let reason = match needed.is_finite() && needed <= FORECAST_MAX {
                    true => format!(
                        "the 95 % interval holds the limit; about {} replications may tell",
                        needed.max(count + 1.0)
                    ),
                    false => "the 95 % interval holds the limit".to_string(),
                };
                (VerdictState::Undecided, reason)
            }
        };
        Judgement {
            state,
            value: Some(value),
            interval: Some((low, high)),
            reason,
            ..plain
        }
    }

    fn by_share(&self, plain: Judgement, share: f64) -> Judgement {
        let (held, count) = (plain.tally.held_count, plain.tally.run_count());
        let judged_count = held + plain.tally.failed_count;
        // A run without a verdict may have held or not.
        let low = wilson_interval(held.into(), count.into(), Z).map_or(0.0, |(low, _)| low);
        let most = count - judged_count + held;
        let high = wilson_interval(most.into(), count.into(), Z).map_or(1.0, |(_, high)| high);
        let state = match (share <= low, share <= high) {
            (true, _) => VerdictState::Held,
            (_, false) => VerdictState::Failed,
            _ => VerdictState::Undecided,
        };
        Judgement {
            state,
            interval: None,
            reason: format!(
                "{:.1} % to {:.1} % of all seeds (95 %)",
                100.0 * low,
                100.0 * high
            ),
            ..plain
        }
    }

    /// How often something happens, where the limit is one of its rate and it is rare, or there is
    /// one run only.
    fn rare_events(&self) -> Option<RareEvents> {
        let is_upper = matches!(
            self.expectation.operator,
            Operator::Less | Operator::LessOrEqual
        );
        let is_judged = is_rare_rate(&self.expectation.measure) && is_upper;
        self.fixed_limit().filter(|_| is_judged)?;
        let values = self.values()?;
        let of_one_run = || (values.len() == 1).then(|| self.independent_events(&values));
        bursts(&values, self.measured_secs).or_else(of_one_run)
    }

    /// The events that all replications tell of: at least one for each in which there were any.
    fn independent_events(&self, values: &[f64]) -> RareEvents {
        let seen_count = values.iter().filter(|value| 0.0 < **value).count() as u64;
        let event_count: u64 = self.verdicts.iter().filter_map(|v| v.event_count).sum();
        let exposure_secs = self.measured_secs * values.len() as f64;
        RareEvents::new(event_count.max(seen_count), exposure_secs)
    }

    /// Nothing seen is not zero, and one is not as many as they were: the upper bound must hold.
    fn by_events(&self, plain: Judgement, rare: &RareEvents) -> Judgement {
        let limit = self.fixed_limit().unwrap_or_default();
        let rate = plain.value.unwrap_or_default();
        let (low, high) = rare.scaled(rate);
        let holds = |x| holds(self.expectation.operator, x, limit);
        let (state, reason) = match (holds(high), holds(low)) {
            (true, _) => (VerdictState::Held, String::new()),
            (false, false) => (VerdictState::Failed, String::new()),
            (false, true) => {
                let reason = match rare.hours_needed(rate, limit) {
                    Some(hours) => format!("not decidable, needs {hours:.1} more hours"),
                    None => "not decidable by more hours".to_string(),
                };
                (VerdictState::Undecided, reason)
            }
        };
        Judgement {
            state,
            value: Some(rate),
            interval: Some((low, high)),
            reason,
            ..plain
        }
    }
}

fn undecided(plain: Judgement, reason: String) -> Judgement {
    Judgement {
        state: VerdictState::Undecided,
        reason,
        ..plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::measure::{Aggregation, Measure, MeasureRef, Phase, Scope, Statistic};

    fn expectation(measure: Measure, operator: Operator, limit: f64, over: Over) -> Expectation {
        Expectation {
            name: "name".into(),
            text: "text".into(),
            measure_text: "measure".into(),
            phase_text: String::new(),
            measure: MeasureRef {
                measure,
                statistic: Statistic::Value,
                scope: Scope::default(),
                aggregation: Aggregation::Pooled,
                phase: Phase::Whole,
            },
            operator,
            bound: Bound::Value {
                value: limit,
                text: limit.to_string(),
            },
            over,
        }
    }

    fn judged(expectation: &Expectation, values: &[f64]) -> Judgement {
        judged_by_events(expectation, values, &[])
    }

    fn judged_by_events(
        expectation: &Expectation,
        values: &[f64],
        event_counts: &[u64],
    ) -> Judgement {
        let limit = match expectation.bound {
            Bound::Value { value, .. } => value,
            Bound::Multiple { .. } => unreachable!("limits are numbers here"),
        };
        let verdicts: Vec<Verdict> = values
            .iter()
            .enumerate()
            .map(|(run, value)| Verdict {
                state: match holds(expectation.operator, *value, limit) {
                    true => VerdictState::Held,
                    false => VerdictState::Failed,
                },
                is_close: false,
                reading: Reading::Known(*value),
                limit: Some(limit),
                event_count: event_counts.get(run).copied(),
                reason: String::new(),
            })
            .collect();
        let verdicts: Vec<&Verdict> = verdicts.iter().collect();
        judge_all(expectation, &verdicts, None, 3_600.0)
    }

    fn at_most(limit: f64, over: Over) -> Expectation {
        expectation(Measure::Latency, Operator::LessOrEqual, limit, over)
    }

    #[test]
    fn a_mean_is_judged_by_its_interval() {
        // Mean 3, half-width 1.963 (t with 4 degrees).
        let values = [1.0, 2.0, 3.0, 4.0, 5.0];
        let state = |limit| judged(&at_most(limit, Over::Mean), &values).state;
        assert_eq!(state(4.97), VerdictState::Held);
        assert_eq!(state(1.03), VerdictState::Failed);
        assert_eq!(state(3.5), VerdictState::Undecided);
        // (1.963 / 0.5)^2 times 5.
        let reason = judged(&at_most(3.5, Over::Mean), &values).reason;
        assert_eq!(
            reason,
            "the 95 % interval holds the limit; about 78 replications may tell"
        );
    }

    #[test]
    fn one_run_beyond_the_limit_fails_all_of_them() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0];
        assert_eq!(
            judged(&at_most(5.0, Over::All), &values).state,
            VerdictState::Held
        );
        assert_eq!(
            judged(&at_most(4.9, Over::All), &values).state,
            VerdictState::Failed
        );
    }

    #[test]
    fn a_share_of_runs_needs_enough_of_them() {
        let state = |held: usize, failed: usize| {
            let mut values = vec![0.0; held];
            values.extend(vec![2.0; failed]);
            judged(&at_most(1.0, Over::ShareOfRuns(0.95)), &values).state
        };
        // Wilson: n of n is at least n / (n + 3.84), which reaches 95 % at n = 73.
        assert_eq!(state(72, 0), VerdictState::Undecided);
        assert_eq!(state(73, 0), VerdictState::Held);
        assert_eq!(state(95, 5), VerdictState::Undecided);
        assert_eq!(state(10, 10), VerdictState::Failed);
    }

    #[test]
    fn what_never_came_is_not_averaged_away() {
        let values = [1.0, 1.0, f64::INFINITY];
        let judgement = judged(&at_most(9.0, Over::Mean), &values);
        assert_eq!(judgement.state, VerdictState::Failed);
        assert_eq!(judgement.reason, "never reached in 1 of 3");
    }

    #[test]
    fn no_mistake_in_ten_hours_is_not_none_a_day() {
        let a_day = 1.0 / 86_400.0;
        let rate = |limit| {
            expectation(
                Measure::MistakeRate,
                Operator::LessOrEqual,
                limit,
                Over::Mean,
            )
        };
        let judgement = judged(&rate(a_day), &[0.0; 10]);
        assert_eq!(judgement.state, VerdictState::Undecided);
        // 2.9957 days less ten hours.
        assert_eq!(judgement.reason, "not decidable, needs 61.9 more hours");
        assert_eq!(judged(&rate(a_day), &[0.0; 72]).state, VerdictState::Held);
        assert_eq!(
            judged(&rate(a_day), &[0.0; 71]).state,
            VerdictState::Undecided
        );
        // One run is judged alike.
        assert_eq!(judged(&rate(a_day), &[0.0]).state, VerdictState::Undecided);
        assert_eq!(
            judged(&rate(0.0), &[0.0]).reason,
            "not decidable by more hours"
        );
    }

    /// A rate of mistakes, of runs that saw so many independent events.
    fn rate_judged(limit: f64, values: &[f64], event_counts: &[u64]) -> Judgement {
        let measure = Measure::MistakeRate;
        let expectation = expectation(measure, Operator::LessOrEqual, limit, Over::Mean);
        judged_by_events(&expectation, values, event_counts)
    }

    #[test]
    fn one_mistake_in_one_run_is_bounded_like_none() {
        // Three pairs, each an hour up: 1 / 10,800 s; the exact interval of one is 0.02532 to
        // 5.5716, of none up to 2.9957 (Garwood 1936).
        let rate = 1.0 / 10_800.0;
        let state = |factor: f64| rate_judged(factor * rate, &[rate], &[1]).state;
        assert_eq!(state(5.58), VerdictState::Held);
        assert_eq!(state(5.57), VerdictState::Undecided);
        assert_eq!(state(0.5), VerdictState::Undecided);
        assert_eq!(state(0.0254), VerdictState::Undecided);
        assert_eq!(state(0.0253), VerdictState::Failed);
        // Fifty of one burst are one event, fifty on their own leave 37.11 to 65.92.
        let state = |limit, count| rate_judged(limit, &[50.0 * rate], &[count]).state;
        assert_eq!(state(66.0 * rate, 1), VerdictState::Undecided);
        assert_eq!(state(66.0 * rate, 50), VerdictState::Held);
        assert_eq!(state(65.9 * rate, 50), VerdictState::Undecided);
        assert_eq!(state(37.0 * rate, 50), VerdictState::Failed);
        let reason = rate_judged(5.0 * rate, &[rate], &[1]).reason;
        assert!(reason.starts_with("not decidable, needs "), "{reason}");
    }

    #[test]
    fn as_many_mistakes_in_every_replication_are_no_certainty() {
        // One in each of three runs: three of three, within 0.6187 and 8.7673.
        let rate = 1.0 / 3_600.0;
        let state = |factor: f64| rate_judged(factor * rate, &[rate; 3], &[1; 3]).state;
        assert_eq!(state(8.77 / 3.0), VerdictState::Held);
        assert_eq!(state(8.76 / 3.0), VerdictState::Undecided);
        assert_eq!(state(0.62 / 3.0), VerdictState::Undecided);
        assert_eq!(state(0.61 / 3.0), VerdictState::Failed);
        // Runs that differ more than their events do are judged by how they differ: mean 3,
        // half-width 1.963, where 1,500 events leave 2.85 to 3.16.
        let values = [1.0, 2.0, 3.0, 4.0, 5.0];
        let state = |limit| rate_judged(limit, &values, &[100, 200, 300, 400, 500]).state;
        assert_eq!(state(4.97), VerdictState::Held);
        assert_eq!(state(4.96), VerdictState::Undecided);
    }

    #[test]
    fn a_rare_rate_fails_only_above_its_lower_bound() {
        // 3 of 20 runs of an hour saw a burst: Poisson of 3 is within 0.619 and 8.767.
        let mut values = [0.0; 20];
        values[..3].fill(1.0 / 3_600.0);
        let state = |a_hour: f64| {
            let limit = a_hour / 3_600.0;
            let e = expectation(
                Measure::MistakeRate,
                Operator::LessOrEqual,
                limit,
                Over::Mean,
            );
            judged(&e, &values).state
        };
        assert_eq!(state(0.44), VerdictState::Held);
        assert_eq!(state(0.43), VerdictState::Undecided);
        assert_eq!(state(0.032), VerdictState::Undecided);
        assert_eq!(state(0.030), VerdictState::Failed);
    }
}
