//! `[sweep]`: axes, what is excluded from the points that they span, and what is asked of each.

pub mod constraint;

use constraint::Constraint;

/// Most axes.
pub const AXIS_COUNT_MAX: usize = 8;
/// Most values of an axis.
pub const VALUE_COUNT_MAX: usize = 10_000;
/// Most points that the axes may span, before constraints.
pub const POINT_COUNT_MAX: u64 = 1 << 24;
/// Most replications of a point.
pub const REPEAT_MAX: u64 = 100_000;
/// Most runs of a sweep.
pub const RUN_COUNT_MAX: u64 = 1 << 24;

/// What a sweep is.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepConfig {
    /// The axes; the last one varies fastest.
    pub axes: Vec<Axis>,
    /// Replications of each point.
    pub repeat: u32,
    /// The measures that are read, in the language of `[expect]`.
    pub measures: Vec<String>,
    /// What every point must fulfill.
    pub constraints: Vec<Constraint>,
    /// Two measures of which the best compromises are looked for.
    pub pareto: Option<[String; 2]>,
    /// Limits that points should hold, in the language of `[expect]`.
    pub objectives: Vec<String>,
}

/// One key of the scenario and the values that it takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Its name, which is a column of the results.
    pub name: String,
    /// The path of the key.
    pub path: String,
    /// The values, in order.
    pub values: Vec<AxisValue>,
    /// What they are.
    pub unit: AxisUnit,
}

/// One value of an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct AxisValue {
    /// In TOML.
    pub toml: String,
    /// In the base unit; None of what is no quantity.
    pub number: Option<f64>,
}

/// What the values of an axis are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisUnit {
    /// Seconds.
    Secs,
    /// Per second.
    PerSec,
    /// Bytes.
    Bytes,
    /// Bytes per second.
    BytesPerSec,
    /// Plain numbers and shares.
    Plain,
    /// Anything else, or several of these.
    Text,
}

impl AxisUnit {
    /// What ends the name of a column: `_secs`.
    pub fn suffix(self) -> &'static str {
        match self {
            AxisUnit::Secs => "_secs",
            AxisUnit::PerSec => "_per_sec",
            AxisUnit::Bytes => "_bytes",
            AxisUnit::BytesPerSec => "_bytes_per_sec",
            AxisUnit::Plain | AxisUnit::Text => "",
        }
    }
}

impl AxisValue {
    /// As a person would write it: without the quotes of a text.
    pub fn text(&self) -> &str {
        let inner = self
            .toml
            .strip_prefix('"')
            .and_then(|t| t.strip_suffix('"'));
        inner.filter(|t| !t.contains('\\')).unwrap_or(&self.toml)
    }
}

impl Axis {
    /// The name of its column: `timeout_secs`.
    pub fn column(&self) -> String {
        let suffix = self.unit.suffix();
        match self.name.ends_with(suffix) {
            true => self.name.clone(),
            false => format!("{}{suffix}", self.name),
        }
    }
}
