//! Every measure that an expectation may name, with its definition: the text of
//! `stormglass metrics`.

mod class;
mod direction;
mod family;
mod flow;
mod member;
mod placement;
mod returns;
mod rollout;
mod table;

use super::measure::{Measure, Statistic, Unit};

pub use class::why_no_class;
pub use direction::{Direction, direction};
pub use table::MEASURES;

/// What is said about one family of measures.
#[derive(Clone, Copy, Debug)]
pub struct MeasureInfo {
    /// The family.
    pub measure: Measure,
    /// Its name in expectations.
    pub name: &'static str,
    /// The unit of its plain numbers.
    pub unit: Unit,
    /// Which numbers of the family there are.
    pub statistics: Statistics,
    /// The keys that a scope may have.
    pub scopes: &'static [&'static str],
    /// Whether it is a measure of one fault and needs `of fault.NAME`.
    pub is_of_fault: bool,
    /// Whether its ratios may exceed 1: what is counted above need not be counted below, or not in
    /// the same phase.
    pub can_exceed_one: bool,
    /// What it means: formula, and source where it has one.
    pub definition: &'static str,
}

/// Which numbers a family has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistics {
    /// One only, without a word.
    Single,
    /// `mean`, `min`, `max`, `sd` and percentiles `p50`, `p99.9`.
    Distribution,
    /// One of the first window, without a word; `mean`, `min` and `max` over all windows.
    PerWindow,
    /// `mean`, `min` and `max` over members.
    OverMembers,
    /// `max_over_mean`, `cv` and `jain`.
    Balance,
    /// `max_absolute`, `max_relative` and `chi_squared_p`.
    Deviation,
    /// `max` and `burst_max`.
    Prefix,
}

/// The measure of a name.
pub fn find(name: &str) -> Option<&'static MeasureInfo> {
    MEASURES.iter().find(|info| info.name == name)
}

/// What is said about a measure.
pub fn info(measure: Measure) -> &'static MeasureInfo {
    let mut all = MEASURES.iter();
    all.find(|info| info.measure == measure)
        .expect("the catalog has every measure")
}

impl MeasureInfo {
    /// Whether each caller has a number of its own, so that `.worst` and `.spread` mean something.
    pub fn is_by_caller(&self) -> bool {
        self.scopes.contains(&"call")
    }

    /// Whether one number of the family is a share of a whole, between 0 and 1.
    pub fn is_share(&self, statistic: Statistic) -> bool {
        let is_relative = statistic == Statistic::MaxRelative;
        self.unit_of(statistic) == Unit::Ratio && !self.can_exceed_one && !is_relative
    }

    /// The unit of one number of the family.
    pub fn unit_of(&self, statistic: Statistic) -> Unit {
        match statistic {
            Statistic::MaxOverMean
            | Statistic::Cv
            | Statistic::Jain
            | Statistic::BurstMax
            | Statistic::ChiSquaredP => Unit::Number,
            Statistic::MaxAbsolute | Statistic::MaxRelative => Unit::Ratio,
            Statistic::Value
            | Statistic::Mean
            | Statistic::Min
            | Statistic::Max
            | Statistic::StandardDeviation
            | Statistic::Percentile(_) => self.unit,
        }
    }
}

impl Statistics {
    /// Whether a family has this number.
    pub fn has(self, statistic: Statistic) -> bool {
        use Statistic as S;
        match self {
            Statistics::Single => matches!(statistic, S::Value),
            Statistics::Distribution => matches!(
                statistic,
                S::Mean | S::Min | S::Max | S::StandardDeviation | S::Percentile(_)
            ),
            Statistics::PerWindow => matches!(statistic, S::Value | S::Mean | S::Min | S::Max),
            Statistics::OverMembers => matches!(statistic, S::Mean | S::Min | S::Max),
            Statistics::Balance => matches!(statistic, S::MaxOverMean | S::Cv | S::Jain),
            Statistics::Deviation => {
                matches!(statistic, S::MaxAbsolute | S::MaxRelative | S::ChiSquaredP)
            }
            Statistics::Prefix => matches!(statistic, S::Max | S::BurstMax),
        }
    }

    /// The words of these numbers; the empty word is none.
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Statistics::Single => &[""],
            Statistics::Distribution => &["mean", "min", "max", "sd", "p50", "p90", "p99", "p99.9"],
            Statistics::PerWindow => &["", "mean", "min", "max"],
            Statistics::OverMembers => &["mean", "min", "max"],
            Statistics::Balance => &["max_over_mean", "cv", "jain"],
            Statistics::Deviation => &["max_absolute", "max_relative", "chi_squared_p"],
            Statistics::Prefix => &["max", "burst_max"],
        }
    }
}

/// The number that a word names: `mean`, `p99.9`, `max_over_mean`. None for other words and for
/// percentiles that are not between 0 and 100.
pub fn statistic(word: &str) -> Option<Statistic> {
    Some(match word {
        "mean" => Statistic::Mean,
        "min" => Statistic::Min,
        "max" => Statistic::Max,
        "sd" => Statistic::StandardDeviation,
        "max_over_mean" => Statistic::MaxOverMean,
        "cv" => Statistic::Cv,
        "jain" => Statistic::Jain,
        "max_absolute" => Statistic::MaxAbsolute,
        "max_relative" => Statistic::MaxRelative,
        "chi_squared_p" => Statistic::ChiSquaredP,
        "burst_max" => Statistic::BurstMax,
        _ => {
            let percent = word.strip_prefix('p')?;
            let is_decimal = percent.bytes().all(|b| b.is_ascii_digit() || b == b'.');
            let percent: f64 = percent.parse().ok().filter(|_| is_decimal)?;
            (0.0 < percent && percent < 100.0).then_some(Statistic::Percentile(percent))?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_open_at_both_ends() {
        assert_eq!(statistic("p99.9"), Some(Statistic::Percentile(99.9)));
        for word in ["p", "p0", "p100", "p-1", "pnan", "pinf", "p1e1", "99", "q5"] {
            assert_eq!(statistic(word), None, "{word}");
        }
    }

    #[test]
    fn the_catalog_has_every_measure() {
        assert_eq!(MEASURES.len(), Measure::FullReplicationTime as usize + 1);
    }

    #[test]
    fn names_are_unique_and_every_word_of_a_family_is_one_of_its_numbers() {
        for (place, info) in MEASURES.iter().enumerate() {
            let others = &MEASURES[place + 1..];
            assert!(
                others.iter().all(|other| other.name != info.name),
                "{}",
                info.name
            );
            assert!(others.iter().all(|other| other.measure != info.measure));
            for word in info.statistics.words() {
                let number = match word.is_empty() {
                    true => Statistic::Value,
                    false => statistic(word).expect(word),
                };
                assert!(info.statistics.has(number), "{}.{word}", info.name);
            }
        }
    }
}
