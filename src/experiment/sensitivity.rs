//! How far a number moves when an uncertain input is at either end of what it may be, and where
//! the verdict flips.

use crate::metrics::evaluate::VerdictState;

use super::study::{Distance, Estimate};

/// Steps of the search for the value at which a verdict flips.
pub const FLIP_STEP_COUNT: u32 = 8;

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
    /// Between which values the verdict flips on the way there, if it does and the input is a
    /// quantity.
    pub flip: Option<[String; 2]>,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(name: &str, values: [f64; 2]) -> Effect {
        Effect {
            name: name.to_string(),
            base: "1".to_string(),
            ends: values.map(|value| End {
                toml: value.to_string(),
                estimate: Some(at(value)),
                distance: None,
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
}
