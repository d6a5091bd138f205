//! Limits that are written as numbers: `98.5%`, `300ms`, `10/s`, `1.2`.

use crate::quantity::{self, ParseQuantityError};
use crate::scenario::measure::Unit;
use crate::time::SimDuration;

/// A number in the base unit, or what is wrong and what was expected.
pub fn literal_value(literal: &str, unit: Unit) -> Result<f64, (String, String)> {
    let quantity = |result: Result<f64, ParseQuantityError>| {
        result.map_err(|error| (error.message, error.fix))
    };
    match unit {
        Unit::Time => {
            let length: Result<SimDuration, _> = literal.parse();
            length.map(SimDuration::as_secs_f64).map_err(|error| {
                (
                    error.to_string(),
                    "expected a time like \"250ms\"".to_string(),
                )
            })
        }
        Unit::Ratio => match literal.strip_suffix('%') {
            // Limits outside 0 to 1 are no mistake of the reader: they draw a warning.
            Some(percent) => quantity(quantity::parse_percent(percent)),
            None => quantity(quantity::parse_number(literal)),
        },
        Unit::Rate => match literal.strip_suffix("/s") {
            Some("0") => Ok(0.0),
            _ => quantity(quantity::parse_rate(literal)),
        },
        Unit::Number => quantity(quantity::parse_number(literal)),
    }
}

/// Whether a word can be the unit of a number that stands before it.
pub fn is_unit(word: &str) -> bool {
    matches!(word, "%" | "ns" | "us" | "ms" | "s" | "m" | "h" | "d") || word.starts_with('/')
}
