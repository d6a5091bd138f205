//! `[compare]`: variants of a scenario.

/// The variants that are compared on the same seeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompareConfig {
    /// The variant that the others are compared with.
    pub reference: String,
    /// The variants in order of the file.
    pub variants: Vec<Variant>,
}

/// One variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// What it sets: paths and values in TOML, as `--set` takes them.
    pub sets: Vec<(String, String)>,
}
