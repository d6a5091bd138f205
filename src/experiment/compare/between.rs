//! What is expected between variants.

use super::effect::{Effect, Pairs};
use super::sample::Sample;
use crate::metrics::evaluate::{VerdictState, holds};
use crate::scenario::compare::VariantExpectation;
use crate::scenario::measure::Unit;

/// A number of one variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberOf {
    /// The place of the variant.
    pub variant: usize,
    /// The place of the reading.
    pub reading: usize,
}

/// What became of an expectation between variants.
#[derive(Clone, Debug, PartialEq)]
pub struct BetweenJudgement {
    /// True only if the interval excludes the contrary.
    pub state: VerdictState,
    /// The number divided by the other one, or their difference for shares.
    pub value: Option<f64>,
    /// Its 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// Whether the value is a ratio; otherwise it is what is left of the number after the factor
    /// times the other one.
    pub is_ratio: bool,
    /// Why it is undecided; empty otherwise.
    pub reason: String,
}

/// Judges an expectation between two numbers of the same unit.
pub fn judge_between(
    expectation: &VariantExpectation,
    unit: Unit,
    samples: &[Sample],
    left: NumberOf,
    right: NumberOf,
    is_paired: bool,
) -> BetweenJudgement {
    let undecided = |reason: &str| BetweenJudgement {
        state: VerdictState::Undecided,
        value: None,
        interval: None,
        is_ratio: false,
        reason: reason.to_string(),
    };
    let (own, other) = (&samples[left.variant], &samples[right.variant]);
    let Some(mut pairs) = Pairs::of(own, left.reading, other, right.reading) else {
        return undecided("a number does not exist in some replications");
    };
    if pairs.values.len().min(pairs.reference.len()) < super::VERDICT_RUN_COUNT_MIN {
        return undecided("fewer than 5 replications");
    }
    let operator = expectation.operator;
    let decided = |value: f64, low: f64, high: f64, limit: f64, is_ratio: bool| {
        let (state, reason) = match (holds(operator, low, limit), holds(operator, high, limit)) {
            (true, true) => (VerdictState::Held, ""),
            (false, false) => (VerdictState::Failed, ""),
            _ => (VerdictState::Undecided, "the 95 % interval holds the limit"),
        };
        BetweenJudgement {
            state,
            value: Some(value),
            interval: Some((low, high)),
            is_ratio,
            reason: reason.to_string(),
        }
    };
    if let Some(Effect::Ratio(ratio)) = Effect::new(unit, &pairs, is_paired) {
        return decided(ratio.ratio, ratio.low, ratio.high, expectation.factor, true);
    }
    pairs
        .reference
        .iter_mut()
        .for_each(|x| *x *= expectation.factor);
    match Effect::new(Unit::Ratio, &pairs, is_paired) {
        Some(Effect::Difference(contrast)) => {
            let found = contrast.difference;
            decided(found.mean, found.low(), found.high(), 0.0, false)
        }
        _ => undecided("a number was never reached in some replications"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::evaluate::Reading;
    use crate::scenario::compare::VariantMeasure;
    use crate::scenario::expect::Operator;

    fn judged(
        operator: Operator,
        factor: f64,
        unit: Unit,
        values: [&[f64]; 2],
    ) -> BetweenJudgement {
        let measure = || VariantMeasure {
            variant: String::new(),
            measure: String::new(),
        };
        let expectation = VariantExpectation {
            name: "e".into(),
            text: String::new(),
            left: measure(),
            operator,
            factor,
            right: measure(),
        };
        let samples = values.map(|values| Sample {
            name: String::new(),
            readings: values.iter().map(|x| vec![Reading::Known(*x)]).collect(),
            pools: Vec::new(),
        });
        let number = |variant| NumberOf {
            variant,
            reading: 0,
        };
        judge_between(&expectation, unit, &samples, number(0), number(1), true)
    }

    const RING: [f64; 6] = [0.10, 0.12, 0.09, 0.11, 0.10, 0.10];
    const HALF: [f64; 6] = [0.051, 0.059, 0.046, 0.054, 0.050, 0.051];

    #[test]
    fn it_is_true_only_if_the_paired_interval_excludes_the_contrary() {
        let state = |factor| {
            let judgement = judged(Operator::LessOrEqual, factor, Unit::Time, [&HALF, &RING]);
            judgement.state
        };
        assert_eq!(state(0.8), VerdictState::Held);
        assert_eq!(state(0.503), VerdictState::Undecided);
        assert_eq!(state(0.4), VerdictState::Failed);
        let few = judged(Operator::Less, 0.8, Unit::Time, [&HALF[..4], &RING[..4]]);
        assert_eq!(few.reason, "fewer than 5 replications");
    }

    #[test]
    fn shares_are_judged_by_their_difference() {
        let high = [0.99, 0.991, 0.989, 0.99, 0.99];
        let low = [0.97, 0.971, 0.969, 0.97, 0.971];
        let judgement = judged(Operator::Greater, 1.0, Unit::Ratio, [&high, &low]);
        assert_eq!(
            (judgement.state, judgement.is_ratio),
            (VerdictState::Held, false)
        );
        let judgement = judged(Operator::Greater, 1.05, Unit::Ratio, [&high, &low]);
        assert_eq!(judgement.state, VerdictState::Failed);
    }

    #[test]
    fn what_never_came_decides_nothing() {
        let never = [1.0, 1.0, f64::INFINITY, 1.0, 1.0];
        let judgement = judged(Operator::Less, 1.0, Unit::Time, [&never, &RING[..5]]);
        assert_eq!(judgement.state, VerdictState::Undecided);
    }
}
