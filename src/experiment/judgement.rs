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
    /// The number of all replications together, or of the one that is nearest to failing where
    /// each of them must hold; None where one of them has none.
    pub value: Option<f64>,
    /// The limit that it is compared with: where it varies, that of the same replication, or the
    /// mean.
    pub limit: Option<f64>,
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
        Over::All => case.by_worst(judgement),
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
            limit: self.limits().and_then(|limits| mean(&limits)),
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

    fn limits(&self) -> Option<Vec<f64>> {
        self.verdicts.iter().map(|verdict| verdict.limit).collect()
    }

    /// Shows the replication that is nearest to failing, or failed by most.
    fn by_worst(&self, plain: Judgement) -> Judgement {
        let (Some(values), Some(limits)) = (self.values(), self.limits()) else {
            return Judgement {
                value: None,
                limit: None,
                ..plain
            };
        };
        let margin = |(value, limit): &(f64, f64)| match self.expectation.operator {
            _ if value == limit => 0.0,
            Operator::Less | Operator::LessOrEqual => limit - value,
            Operator::Greater | Operator::GreaterOrEqual => value - limit,
            Operator::Equal => -(value - limit).abs(),
        };
        let pairs = values.into_iter().zip(limits);
        let worst = pairs.min_by(|a, b| margin(a).total_cmp(&margin(b)));
        Judgement {
            value: worst.map(|(value, _)| value),
            limit: worst.map(|(_, limit)| limit),
            ..plain
        }
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
        let (Some(values), Some(limits)) = (self.values(), self.limits()) else {
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
mod tests;
