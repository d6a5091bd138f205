//! What is said about every balancing strategy: the text of `stormglass strategies`. The
//! parameters and their defaults are those of the schema.

mod basic;
mod feedback;
mod keyed;
mod load;
mod weighted;
mod wrappers;

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

impl Evidence {
    /// What kind of evidence it is.
    pub fn kind(&self) -> &'static str {
        match self {
            Evidence::Recorded(_) => "recorded",
            Evidence::Published(_) => "published",
            Evidence::SourceReading(_) => "source reading",
            Evidence::Assumed(_) => "assumed",
        }
    }

    /// Which, or what of it.
    pub fn text(&self) -> &'static str {
        match self {
            Evidence::Recorded(text)
            | Evidence::Published(text)
            | Evidence::SourceReading(text)
            | Evidence::Assumed(text) => text,
        }
    }
}

/// All strategies, family by family, each with its heading.
pub const FAMILIES: &[(&str, &[StrategyInfo])] = &[
    ("plain", basic::STRATEGIES),
    ("by key", keyed::STRATEGIES),
    ("by weight", weighted::STRATEGIES),
    ("by load", load::STRATEGIES),
    ("told by the instances", feedback::STRATEGIES),
    ("around any strategy", wrappers::STRATEGIES),
];

/// What the textbook says.
pub const TEXTBOOK_ADVICE: &str = "\
The textbook's advice: random or round_robin for idempotent requests on equal servers, \
weighted_random for unequal servers, sticky for stateful ones, and failover (retry) by business \
need: only where doing a request twice is harmless.";

/// What is said about a strategy.
pub fn find(name: &str) -> Option<&'static StrategyInfo> {
    all().find(|info| info.name == name)
}

/// All strategies in order.
pub fn all() -> impl Iterator<Item = &'static StrategyInfo> {
    FAMILIES.iter().flat_map(|(_, strategies)| *strategies)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load::schema::BALANCER;

    #[test]
    fn every_policy_has_one_description_and_every_description_a_policy_or_a_wrapper() {
        for variant in BALANCER.variants {
            let count = all().filter(|info| info.name == variant.name).count();
            assert_eq!(count, 1, "{} is described {count} times", variant.name);
        }
        for info in all() {
            let is_policy = BALANCER.variant(info.name).is_some();
            let is_wrapper = BALANCER.keys.iter().any(|key| key.name == info.name);
            assert!(
                is_policy || is_wrapper,
                "{} is no key of a balancer",
                info.name
            );
        }
    }

    #[test]
    fn nothing_is_left_unsaid_or_takes_two_lines_where_one_is_meant() {
        for info in all() {
            let texts = [
                info.source,
                info.evidence.text(),
                info.guarantee,
                info.cost,
                info.use_when,
                info.avoid_when,
            ];
            assert!(texts.iter().all(|text| !text.is_empty()), "{}", info.name);
            assert!(info.summary.len() <= 80, "{}: {}", info.name, info.summary);
        }
    }
}
