//! `[expect]`: assertions about a run.

use super::measure::{Aggregation, Measure, MeasureRef, Statistic};

/// One named assertion.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// The key in `[expect]`.
    pub name: String,
    /// The assertion as written.
    pub text: String,
    /// The measure as written, without operator, value and phase: `latency.p99`.
    pub measure_text: String,
    /// The phase as written: `during rack-b`; empty for the whole run.
    pub phase_text: String,
    /// The number that is judged.
    pub measure: MeasureRef,
    /// How it is compared.
    pub operator: Operator,
    /// With what.
    pub bound: Bound,
    /// How several replications are judged together.
    pub over: Over,
}

/// How the replications of a plan are judged together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Over {
    /// `all`: it holds in every one.
    All,
    /// `mean`: it holds for the mean of the runs, or the percentile of all samples: the whole 95 %
    /// interval lies on the right side of the limit.
    Mean,
    /// `95% of runs`: it holds in at least this share of all seeds, as far as these tell.
    ShareOfRuns(f64),
}

impl Over {
    /// What holds unless the expectation says otherwise: maxima, other extremes, counts and
    /// equality are of every run, all else of the mean.
    pub fn standard(measure: &MeasureRef, operator: Operator) -> Self {
        let is_extreme = matches!(
            measure.statistic,
            Statistic::Max
                | Statistic::Min
                | Statistic::MaxOverMean
                | Statistic::MaxAbsolute
                | Statistic::MaxRelative
                | Statistic::ChiSquaredP
                | Statistic::BurstMax
        );
        let is_count = matches!(
            measure.measure,
            Measure::MistakeCount
                | Measure::UndetectedCount
                | Measure::LostKeyCount
                | Measure::InstanceCount
        );
        let is_of_all = is_extreme
            || is_count
            || measure.aggregation != Aggregation::Pooled
            || operator == Operator::Equal;
        match is_of_all {
            true => Over::All,
            false => Over::Mean,
        }
    }
}

/// How a number is compared with its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
}

/// What a number is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Bound {
    /// A number in the base unit of the measure (seconds, share, per second).
    Value {
        /// The number.
        value: f64,
        /// As written: `98.5%`.
        text: String,
    },
    /// `factor` times another measure of the same run.
    Multiple {
        /// The factor.
        factor: f64,
        /// The other measure.
        measure: MeasureRef,
        /// As written: `1.5 * latency.p99 steady`.
        text: String,
    },
}

impl Expectation {
    /// Whether its measure, or that of its bound, is one of those.
    pub fn asks_for(&self, is_one: impl Fn(&MeasureRef) -> bool) -> bool {
        let is_in_bound = match &self.bound {
            Bound::Value { .. } => false,
            Bound::Multiple { measure, .. } => is_one(measure),
        };
        is_one(&self.measure) || is_in_bound
    }
}
