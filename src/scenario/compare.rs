//! `[compare]`: variants of a scenario.

use super::expect::Operator;

/// The variants that are compared on the same seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct CompareConfig {
    /// The variant that the others are compared with.
    pub reference: String,
    /// The variants in order of the file.
    pub variants: Vec<Variant>,
    /// The only measure that has verdicts, in the language of `[expect]`.
    pub primary: Option<String>,
    /// How small a difference means nothing, by measure.
    pub margins: Vec<Margin>,
    /// What is expected between variants.
    pub expectations: Vec<VariantExpectation>,
}

/// One variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// What it sets: paths and values in TOML, as `--set` takes them.
    pub sets: Vec<(String, String)>,
}

/// How small a difference means nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Margin {
    /// The measure, in the language of `[expect]`.
    pub measure: String,
    /// For shares in points of the whole, otherwise relative to the reference; above zero.
    pub ratio: f64,
}

/// `two_choices.latency.p99 <= 0.8 * ring.latency.p99`.
#[derive(Clone, Debug, PartialEq)]
pub struct VariantExpectation {
    /// The key in `[compare.expect]`.
    pub name: String,
    /// As written.
    pub text: String,
    /// The number that is judged.
    pub left: VariantMeasure,
    /// How it is compared.
    pub operator: Operator,
    /// What the other number is multiplied with; above zero.
    pub factor: f64,
    /// What it is compared with.
    pub right: VariantMeasure,
}

/// A measure of one variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariantMeasure {
    /// The variant.
    pub variant: String,
    /// The measure, in the language of `[expect]`.
    pub measure: String,
}
