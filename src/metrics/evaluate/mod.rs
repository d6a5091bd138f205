//! Reads one number of a run, and judges expectations.

mod attempts;
mod cache;
mod class;
mod connection;
mod cpu;
mod data;
mod detector;
mod estimate;
mod flow;
mod member;
mod request;
mod resilience;
mod rollout;
mod scaling;
mod server;
#[cfg(test)]
mod tests;

use estimate::{Estimate, Estimated, undecided};

use super::data::RunMetrics;
use super::histogram::ABOVE_COUNT_MIN;
use super::lengths::{Evidence, LOWER_PERCENTS};
use crate::scenario::Scenario;
use crate::scenario::expect::{Bound, Expectation, Operator};
use crate::scenario::measure::{Aggregation, Measure, MeasureRef};

/// One number of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// The number, in the base unit of its measure; infinite where something never happened.
    Known(f64),
    /// Why there is none.
    Undecided(String),
}

/// What became of an expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictState {
    /// It held.
    Held,
    /// It did not.
    Failed,
    /// A number that it needs does not exist.
    Undecided,
}

/// The judgement of one expectation in one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Whether it held.
    pub state: VerdictState,
    /// The limit lies within two standard errors of the number that is judged: binomial for
    /// shares of requests, by order statistics for percentiles, of the mean for means. The errors
    /// take samples as independent, which flatters queues; other measures are never close, nor is
    /// equality.
    pub is_close: bool,
    /// The number that was judged.
    pub reading: Reading,
    /// The limit, in the base unit of the measure; None where it could not be computed.
    pub limit: Option<f64>,
    /// Of a rate of events, how many of them are independent of each other.
    pub event_count: Option<u64>,
    /// Why it is undecided; empty otherwise.
    pub reason: String,
}

/// Reads one number of a run of `scenario`.
pub fn evaluate(run: &RunMetrics, scenario: &Scenario, measure: &MeasureRef) -> Reading {
    match estimate(run, scenario, measure) {
        Ok(estimate) => Reading::Known(estimate.value),
        Err(reason) => Reading::Undecided(reason),
    }
}

/// Reads one number of a run, and what it was read from, also where the run alone has too few
/// samples to state it.
pub fn evidence(run: &RunMetrics, scenario: &Scenario, measure: &MeasureRef) -> Option<Evidence> {
    unstated(run, scenario, measure).ok()?.evidence
}

/// Judges one expectation about a run of `scenario`.
pub fn judge(run: &RunMetrics, scenario: &Scenario, expectation: &Expectation) -> Verdict {
    let judged = estimate(run, scenario, &expectation.measure);
    let limit = match &expectation.bound {
        Bound::Value { value, .. } => Ok(*value),
        Bound::Multiple {
            factor, measure, ..
        } => estimate(run, scenario, measure).map(|other| factor * other.value),
    };
    let reading = match &judged {
        Ok(estimate) => Reading::Known(estimate.value),
        Err(reason) => Reading::Undecided(reason.clone()),
    };
    match (judged, limit) {
        (Ok(judged), Ok(limit)) => Verdict {
            state: if holds(expectation.operator, judged.value, limit) {
                VerdictState::Held
            } else {
                VerdictState::Failed
            },
            is_close: expectation.operator != Operator::Equal && judged.is_near(limit),
            reading,
            limit: Some(limit),
            event_count: judged.event_count,
            reason: String::new(),
        },
        (Err(reason), Ok(limit)) => {
            let lower = lower_percentile(run, scenario, &expectation.measure);
            let too_high =
                lower.filter(|(_, value)| is_too_high(expectation.operator, *value, limit));
            let undecided = undecided_verdict(reading, Some(limit), reason);
            match too_high {
                Some((percent, _)) => Verdict {
                    state: VerdictState::Failed,
                    reason: format!("p{percent} is above the limit; {}", undecided.reason),
                    ..undecided
                },
                None => undecided,
            }
        }
        (Err(reason), Err(_)) => undecided_verdict(reading, None, reason),
        (Ok(_), Err(reason)) => undecided_verdict(reading, None, format!("its limit: {reason}")),
    }
}

/// The highest percentile that the run can state, below one that it cannot, with its percent.
fn lower_percentile(
    run: &RunMetrics,
    scenario: &Scenario,
    measure: &MeasureRef,
) -> Option<(f64, f64)> {
    let Evidence::Percentile { percent, lengths } = evidence(run, scenario, measure)? else {
        return None;
    };
    let lower = LOWER_PERCENTS.into_iter().filter(|lower| *lower < percent);
    let stated = |percent: f64| {
        let (value, above_count) = lengths.percentile(percent)?;
        (ABOVE_COUNT_MIN <= above_count).then_some((percent, value))
    };
    lower.filter_map(stated).next()
}

fn undecided_verdict(reading: Reading, limit: Option<f64>, reason: String) -> Verdict {
    Verdict {
        state: VerdictState::Undecided,
        is_close: false,
        reading,
        limit,
        event_count: None,
        reason,
    }
}

/// Whether a number is above a limit that it should not exceed.
pub fn is_too_high(operator: Operator, value: f64, limit: f64) -> bool {
    let is_upper = matches!(operator, Operator::Less | Operator::LessOrEqual);
    is_upper && !holds(operator, value, limit)
}

/// Whether a number compares with a limit as it should.
pub fn holds(operator: Operator, value: f64, limit: f64) -> bool {
    match operator {
        Operator::Less => value < limit,
        Operator::LessOrEqual => value <= limit,
        Operator::Greater => limit < value,
        Operator::GreaterOrEqual => limit <= value,
        Operator::Equal => value == limit,
    }
}

/// A number with its sampling error, or why there is none.
fn estimate(run: &RunMetrics, scenario: &Scenario, measure: &MeasureRef) -> Estimated {
    unstated(run, scenario, measure)?.stated()
}

/// A number with its sampling error, even if its samples are too few to state it.
fn unstated(run: &RunMetrics, scenario: &Scenario, measure: &MeasureRef) -> Estimated {
    let ask = Ask {
        run,
        scenario,
        measure,
    };
    let is_of_requests = ask.is_of_requests();
    if measure.aggregation != Aggregation::Pooled && !is_of_requests {
        return undecided("only measures of requests are known by caller");
    }
    match measure.measure {
        _ if is_of_requests => ask.request(),
        _ if ask.is_of_resilience() => ask.resilience(),
        Measure::Throughput
        | Measure::WaitingTime
        | Measure::WaitRatio
        | Measure::SojournTime
        | Measure::ServiceTime
        | Measure::InSystem
        | Measure::Utilization
        | Measure::ZombieRatio
        | Measure::InFlightBalance
        | Measure::DroppedRatio
        | Measure::CancelledRatio
        | Measure::ZombieTimeRatio
        | Measure::QueueDepthBalance
        | Measure::UtilizationBalance => ask.server(),
        Measure::CpuUtilization | Measure::ThrottledRatio | Measure::PauseRatio => ask.cpu(),
        Measure::ConnectionsOpen
        | Measure::HandshakeRate
        | Measure::PoolWaitingTime
        | Measure::HalfOpenTime => ask.connections(),
        Measure::FallbackRatio => ask.flow(),
        Measure::InstanceCount => ask.instance_count(),
        member if member.is_of_members() => ask.member_rate(),
        data if data.is_of_data() => ask.data(),
        restart if restart.is_of_rollout() => ask.rollout(),
        part if part.is_of_breakdown() => ask.flow(),
        Measure::HedgeRatio | Measure::FailsafeRatio => ask.several(),
        cache if cache.is_of_cache() => ask.cache(),
        _ => ask.other(),
    }
}

/// One question to one run.
#[derive(Clone, Copy)]
struct Ask<'a> {
    run: &'a RunMetrics,
    scenario: &'a Scenario,
    measure: &'a MeasureRef,
}

impl Ask<'_> {
    fn is_of_requests(&self) -> bool {
        matches!(
            self.measure.measure,
            Measure::SuccessRatio
                | Measure::FailureRatio
                | Measure::TimeoutRatio
                | Measure::RejectedRatio
                | Measure::RequestRate
                | Measure::Goodput
                | Measure::WindowAvailability
                | Measure::Latency
                | Measure::LatencyOrFail
                | Measure::LatencyAll
                | Measure::Amplification
                | Measure::RetryRatio
        )
    }

    /// The classes of the phase, and whether they are the whole measured window.
    fn classes(&self) -> Result<(Vec<u16>, bool), String> {
        let phase = self.measure.phase;
        let classes = self.run.tables.timeline.classes_of(phase)?;
        Ok((classes, phase == crate::scenario::measure::Phase::Whole))
    }
}

/// A plain number without a sampling error, or why there is none.
fn exact(value: Option<f64>, reason: &str) -> Estimated {
    value.map(Estimate::exact).ok_or_else(|| reason.to_string())
}
