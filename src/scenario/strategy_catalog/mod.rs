//! What is said about every balancing strategy: the text of `stormglass strategies`. The
//! parameters and their defaults are those of the schema.

mod basic;
mod keyed;

/// What is said about one strategy, or one wrapper around strategies.
#[derive(Clone, Copy, Debug)]
pub struct StrategyInfo {
    /// Its name: the `policy`, or the key of a wrapper.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// Where the rule is from: paper, or system with version and file.
    pub source: &'static str,
    /// What shows that it behaves like that.
    pub evidence: Evidence,
    /// What it promises, ties and rounding included.
    pub guarantee: &'static str,
    /// Cost of a pick.
    pub cost: &'static str,
    /// When to use it.
    pub use_when: &'static str,
    /// When not to use it, and what is wrong with it.
    pub avoid_when: &'static str,
}

/// What shows that a strategy behaves like the system or the paper that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A recording of the real system: system, version and file.
    Recorded(&'static str),
    /// A published table, vector or closed form.
    Published(&'static str),
    /// Its source was read; nothing was recorded.
    SourceReading(&'static str),
    /// Nothing but the description.
    Assumed(&'static str),
}

/// All strategies, family by family.
pub const FAMILIES: &[&[StrategyInfo]] = &[basic::STRATEGIES, keyed::STRATEGIES];

/// What is said about a strategy.
pub fn find(name: &str) -> Option<&'static StrategyInfo> {
    all().find(|info| info.name == name)
}

/// All strategies in order.
pub fn all() -> impl Iterator<Item = &'static StrategyInfo> {
    FAMILIES.iter().copied().flatten()
}
