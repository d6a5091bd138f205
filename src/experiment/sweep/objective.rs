//! What is sought of the points of a sweep.

use super::super::compare::sample::Level;
use super::summary::PointMeasure;
use crate::metrics::evaluate::{VerdictState, holds, is_too_high};
use crate::scenario::expect::Operator;

/// A limit for one of the measures.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// As written: `latency.p99 <= 50ms`.
    pub text: String,
    /// The place of the measure.
    pub measure: usize,
    /// How it is compared.
    pub operator: Operator,
    /// With what, in the base unit.
    pub limit: f64,
}

impl Objective {
    /// Whether a point holds it: the whole interval does, or none of it. What never came in some
    /// replications is above every limit, and a percentile that is not stated is at least a lower
    /// one.
    pub fn state(&self, measure: &PointMeasure) -> VerdictState {
        let is_right = |value: f64| holds(self.operator, value, self.limit);
        match (measure.interval, &measure.level) {
            (Some(known), _) => match (is_right(known.low), is_right(known.high)) {
                (true, true) => VerdictState::Held,
                (false, false) => VerdictState::Failed,
                _ => VerdictState::Undecided,
            },
            (None, Level::Censored { .. }) if !is_right(f64::INFINITY) => VerdictState::Failed,
            (
                None,
                Level::Unknown {
                    at_least: Some((_, low)),
                    ..
                },
            ) if is_too_high(self.operator, *low, self.limit) => VerdictState::Failed,
            (None, _) => VerdictState::Undecided,
        }
    }

    /// Whether the number, taken as exact, holds it; None where there is none.
    pub fn is_right(&self, measure: &PointMeasure) -> Option<bool> {
        let value = measure.interval.map(|known| known.value);
        value.map(|value| holds(self.operator, value, self.limit))
    }
}

/// All objectives of a point: one that is broken decides, then one that is not decided.
pub fn state_of_all(objectives: &[Objective], measures: &[PointMeasure]) -> VerdictState {
    let states: Vec<VerdictState> = objectives
        .iter()
        .map(|objective| objective.state(&measures[objective.measure]))
        .collect();
    match states {
        states if states.contains(&VerdictState::Failed) => VerdictState::Failed,
        states if states.contains(&VerdictState::Undecided) => VerdictState::Undecided,
        _ => VerdictState::Held,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::study::Estimate;

    fn of(interval: Option<(f64, f64, f64)>, level: Level) -> VerdictState {
        let objective = Objective {
            text: String::new(),
            measure: 0,
            operator: Operator::LessOrEqual,
            limit: 0.05,
        };
        objective.state(&PointMeasure {
            known_count: 9,
            never_count: 0,
            missing_count: 0,
            interval: interval.map(|(value, low, high)| Estimate { value, low, high }),
            level,
            rare: None,
        })
    }

    #[test]
    fn the_whole_interval_decides() {
        let unknown = || Level::Unknown {
            known_count: 0,
            reason: String::new(),
            at_least: None,
        };
        let at_least = |low| Level::Unknown {
            known_count: 0,
            reason: String::new(),
            at_least: Some((50.0, low)),
        };
        assert_eq!(of(None, at_least(0.05)), VerdictState::Undecided);
        assert_eq!(of(None, at_least(0.051)), VerdictState::Failed);
        let state = |interval| of(Some(interval), unknown());
        assert_eq!(state((0.04, 0.03, 0.05)), VerdictState::Held);
        assert_eq!(state((0.04, 0.03, 0.06)), VerdictState::Undecided);
        assert_eq!(state((0.07, 0.06, 0.08)), VerdictState::Failed);
        assert_eq!(of(None, unknown()), VerdictState::Undecided);
        let censored = Level::Censored {
            never_count: 1,
            never_ratio: (0.0, 0.5),
            median: 0.01,
            median_interval: None,
        };
        assert_eq!(of(None, censored), VerdictState::Failed);
    }
}
