//! How far a number moves when an uncertain input is at either end of what it may be, and where
//! the verdict flips.

use super::study::{Distance, Estimate};
use crate::metrics::evaluate::VerdictState;
use crate::stats::holm::adjusted;

/// Steps of the search for the value at which a verdict flips.
pub const FLIP_STEP_COUNT: u32 = 8;
/// Wrong claims of any difference among all ends, at most.
const LEVEL: f64 = 0.05;

/// One end of an input.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// The value in TOML.
    pub toml: String,
    /// The number there.
    pub estimate: Option<Estimate>,
    /// How far it is from the number at the value of the scenario, on the same seeds.
    pub distance: Option<Distance>,
    /// What becomes of what the scenario expects.
    pub state: VerdictState,
    /// The p-value of that distance, Holm's over all ends of all inputs.
    pub p_adjusted: Option<f64>,
    /// Where the verdict flips on the way there, if it does and the input is a quantity.
    pub flip: Option<Flip>,
}

/// Where the numbers begin to say something else.
#[derive(Clone, Debug, PartialEq)]
pub struct Flip {
    /// The value in TOML up to which they say the same.
    pub same: String,
    /// The value from which on they say something else.
    pub other: String,
    /// Between both the replications do not tell.
    pub is_undecided: bool,
}

/// One input.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// Its name.
    pub name: String,
    /// The value of the scenario in TOML.
    pub base: String,
    /// The lower and the upper end, in the order in which they are given.
    pub ends: [End; 2],
}

impl End {
    /// Whether the number differs from that of the scenario by more than seeds explain: at the 5 %
    /// level, or by the same in every replication.
    pub fn is_apart(&self) -> bool {
        let is_same = |distance: &Distance| distance.is_constant() && !distance.is_none();
        self.p_adjusted.is_some_and(|p| p <= LEVEL) || self.distance.as_ref().is_some_and(is_same)
    }
}

impl Effect {
    /// How far apart the numbers at both ends and at the value of the scenario are; zero where
    /// they do not exist.
    pub fn width(&self, base: Option<Estimate>) -> f64 {
        let ends = self.ends.iter().filter_map(|end| end.estimate);
        let values: Vec<f64> = ends.chain(base).map(|estimate| estimate.value).collect();
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        (most - least).max(0.0)
    }
}

/// Puts the inputs that matter most first; equal ones stay in order.
pub fn sort(effects: &mut [Effect], base: Option<Estimate>) {
    effects.sort_by(|a, b| b.width(base).total_cmp(&a.width(base)));
}

/// Gives every end the p-value of its distance among all of them.
pub fn adjust(effects: &mut [Effect]) {
    let ends = || effects.iter().flat_map(|effect| &effect.ends);
    let known = ends().filter_map(|end| end.distance.as_ref());
    let p_values: Vec<f64> = known.map(Distance::p_value).collect();
    let mut adjusted = adjusted(&p_values).into_iter();
    for end in effects.iter_mut().flat_map(|effect| &mut effect.ends) {
        end.p_adjusted = end.distance.as_ref().and_then(|_| adjusted.next());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::contrast::difference;

    fn effect(name: &str, values: [f64; 2]) -> Effect {
        Effect {
            name: name.to_string(),
            base: "1".to_string(),
            ends: values.map(|value| End {
                toml: value.to_string(),
                estimate: Some(at(value)),
                distance: None,
                p_adjusted: None,
                state: VerdictState::Held,
                flip: None,
            }),
        }
    }

    fn at(value: f64) -> Estimate {
        Estimate {
            value,
            low: value,
            high: value,
        }
    }

    #[test]
    fn the_input_that_moves_the_number_farthest_comes_first() {
        let mut effects = [
            effect("none", [5.0, 5.0]),
            effect("one-sided", [6.0, 9.0]),
            effect("both", [4.0, 6.5]),
        ];
        sort(&mut effects, Some(at(5.0)));
        let names: Vec<&str> = effects.iter().map(|effect| effect.name.as_str()).collect();
        assert_eq!(names, ["one-sided", "both", "none"]);
        assert_eq!(effects[0].width(Some(at(5.0))), 4.0);
    }

    #[test]
    fn many_ends_are_not_judged_as_if_each_were_alone() {
        let mut effects = [effect("a", [4.0, 6.0]), effect("b", [5.0, 5.0])];
        let distance = |values: &[f64]| difference(values, &[0.0; 4]).map(Distance::Difference);
        // Mean 1 and 0.5, standard error 0.2887: t = 3.464 and 1.732 of 3 degrees, which a table
        // gives two-sided 4.05 % and 18.17 %.
        effects[0].ends[0].distance = distance(&[0.5, 0.5, 1.5, 1.5]);
        effects[0].ends[1].distance = distance(&[0.0, 0.0, 1.0, 1.0]);
        effects[1].ends[0].distance = distance(&[2.0; 4]);
        adjust(&mut effects);
        let p = |input: usize, end: usize| effects[input].ends[end].p_adjusted;
        assert!((p(0, 0).expect("known") - 3.0 * 0.0405).abs() < 1e-3);
        assert_eq!(p(1, 1), None);
        assert!(!effects[0].ends[0].is_apart());
        // By two in every replication: the sign test gives 1/8, and nobody doubts it.
        assert!(effects[1].ends[0].is_apart());
    }
}
