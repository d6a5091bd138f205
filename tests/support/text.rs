//! Scenarios from texts that tests make.

use stormglass::scenario::Scenario;
use stormglass::scenario::load::limits::Limits;
use stormglass::scenario::load::{LoadInput, LoadText, Loaded, load};

use super::run::valid;

/// Loads a text with overrides.
pub fn load_text(text: &str, sets: &[&str]) -> Loaded {
    load(&LoadInput {
        text: LoadText::Text {
            name: "generated.toml".to_string(),
            text: text.to_string(),
        },
        sets: sets.iter().map(|set| set.to_string()).collect(),
        limits: Limits::STANDARD,
    })
}

/// The scenario of a text that has no errors.
pub fn scenario(text: &str, sets: &[&str]) -> Scenario {
    valid(load_text(text, sets))
}
