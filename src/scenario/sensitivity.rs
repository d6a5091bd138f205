//! `[sensitivity]`: inputs that are not known exactly.

/// What is varied, and what is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SensitivityConfig {
    /// The number that is looked at, in the language of `[expect]`.
    pub measure: String,
    /// Replications at each end of each input.
    pub repeat: u32,
    /// The inputs, in order of the file.
    pub inputs: Vec<UncertainInput>,
}

/// An input that is not known exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UncertainInput {
    /// Its name.
    pub name: String,
    /// The path of its key.
    pub path: String,
    /// Its value in the scenario, in TOML.
    pub base: String,
    /// The ends of what it may be, in TOML.
    pub ends: [String; 2],
}
