//! Reads one number of a run, and judges expectations.

/// One number of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// The number, in the base unit of its measure.
    Known(f64),
    /// Why there is none.
    Undecided(String),
}

/// What became of an expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictState {
    /// It held.
    Held,
    /// It did not.
    Failed,
    /// A number that it needs does not exist.
    Undecided,
}

/// The judgement of one expectation in one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Whether it held.
    pub state: VerdictState,
    /// The number is within its sampling error of the limit.
    pub is_close: bool,
    /// The number that was judged.
    pub reading: Reading,
    /// The limit, in the base unit of the measure; None where it could not be computed.
    pub limit: Option<f64>,
    /// Why it is undecided; empty otherwise.
    pub reason: String,
}
