//! How far a variant is from the reference.

use super::sample::Sample;
use crate::experiment::pool::{Pool, SECTION_COUNT_MIN};
use crate::scenario::measure::Unit;
use crate::stats::binomial::sign_test_p_value;
use crate::stats::contrast::{
    Contrast, Pairing, RatioContrast, difference, ratio, unpaired, unpaired_ratio,
};
use crate::stats::moments::mean;

/// How far a variant is from the reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Effect {
    /// By its ratio.
    Ratio(RatioContrast),
    /// By its difference.
    Difference(Contrast),
    /// By who was lower in a replication, because one of them never got there in some.
    Signs {
        /// Replications in which the variant was lower.
        lower_count: u64,
        /// Replications in which the reference was lower.
        higher_count: u64,
    },
}

/// The numbers of a variant and of the reference that are compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Pairs {
    /// Of the variant.
    pub values: Vec<f64>,
    /// Of the reference; at the same place where they are paired.
    pub reference: Vec<f64>,
    /// Whether they are of groups of replications, because one alone has too few samples.
    pub is_grouped: bool,
}

impl Effect {
    /// Compares the numbers of a variant with those of the reference. Shares are compared by their
    /// difference, other numbers by their ratio where all are positive.
    pub fn new(unit: Unit, pairs: &Pairs, is_paired: bool) -> Option<Self> {
        let (values, reference) = (&pairs.values[..], &pairs.reference[..]);
        if values.iter().chain(reference).any(|x| x.is_infinite()) {
            let pairs = || values.iter().zip(reference);
            return is_paired.then(|| Effect::Signs {
                lower_count: pairs().filter(|(x, y)| x < y).count() as u64,
                higher_count: pairs().filter(|(x, y)| x > y).count() as u64,
            });
        }
        let by_ratio = match (unit, is_paired) {
            (Unit::Ratio, _) => None,
            (_, true) => ratio(values, reference),
            (_, false) => unpaired_ratio(values, reference),
        };
        if let Some(ratio) = by_ratio {
            return Some(Effect::Ratio(ratio));
        }
        let contrast = match is_paired {
            true => difference(values, reference),
            false => unpaired(values, reference),
        };
        contrast.map(Effect::Difference)
    }

    /// The p-value of no effect.
    pub fn p_value(&self) -> f64 {
        match self {
            Effect::Ratio(ratio) => ratio.logarithms.p_value,
            Effect::Difference(contrast) => contrast.p_value,
            Effect::Signs {
                lower_count,
                higher_count,
            } => sign_test_p_value(*lower_count, *higher_count),
        }
    }

    /// The p-value of an effect as large as a margin: for shares in points of the whole, otherwise
    /// relative to the reference. None where who was lower is all that is known.
    pub fn equivalence_p_value(&self, margin: f64, unit: Unit, pairs: &Pairs) -> Option<f64> {
        match (self, unit) {
            (Effect::Signs { .. }, _) => None,
            (Effect::Ratio(ratio), _) => {
                Some(ratio.logarithms.equivalence_p_value(libm::log1p(margin)))
            }
            (Effect::Difference(contrast), Unit::Ratio) => {
                Some(contrast.equivalence_p_value(margin))
            }
            (Effect::Difference(contrast), _) => {
                let size = margin * mean(&pairs.reference)?.abs();
                (0.0 < size).then(|| contrast.equivalence_p_value(size))
            }
        }
    }

    /// The correlation that common random numbers reached, and how the pairs were compared.
    pub fn pairing(&self) -> Option<(Option<f64>, Pairing)> {
        let contrast = match self {
            Effect::Ratio(ratio) => ratio.logarithms,
            Effect::Difference(contrast) => *contrast,
            Effect::Signs { .. } => return None,
        };
        Some((contrast.correlation, contrast.pairing))
    }

    /// Whether all pairs are equal.
    pub fn is_none(&self) -> bool {
        let interval = match self {
            Effect::Ratio(ratio) => ratio.logarithms.difference,
            Effect::Difference(contrast) => contrast.difference,
            Effect::Signs {
                lower_count,
                higher_count,
            } => return lower_count + higher_count == 0,
        };
        interval.mean == 0.0 && interval.half_width == 0.0
    }

    /// Whether the variant is lower than the reference.
    pub fn is_lower(&self) -> bool {
        match self {
            Effect::Ratio(ratio) => ratio.ratio < 1.0,
            Effect::Difference(contrast) => contrast.difference.mean < 0.0,
            Effect::Signs {
                lower_count,
                higher_count,
            } => higher_count < lower_count,
        }
    }
}

impl Pairs {
    /// The numbers of a question to compare: of every replication, or of the smallest groups of
    /// them in which each percentile has enough samples. None where neither exists.
    pub fn new(question: usize, sample: &Sample, reference: &Sample) -> Option<Self> {
        Self::of(sample, question, reference, question)
    }

    /// The numbers of a question to a variant, and of another question to another variant.
    pub fn of(
        sample: &Sample,
        question: usize,
        reference: &Sample,
        other_question: usize,
    ) -> Option<Self> {
        let known = |sample: &Sample, question| {
            let values = sample.values(question).into_iter();
            values.collect::<Option<Vec<f64>>>()
        };
        let both = known(sample, question).zip(known(reference, other_question));
        if let Some((values, reference)) = both {
            return Some(Pairs {
                values,
                reference,
                is_grouped: false,
            });
        }
        let (own, other) = (sample.pool(question)?, reference.pool(other_question)?);
        let section_count = own.section_count();
        if section_count != other.section_count() {
            return None;
        }
        let groups = |pool: &Pool, count| pool.percentiles_of_groups(count);
        (2..)
            .map(|size| section_count / size)
            .take_while(|count| SECTION_COUNT_MIN <= *count)
            .find_map(|count| {
                Some(Pairs {
                    values: groups(own, count)?,
                    reference: groups(other, count)?,
                    is_grouped: true,
                })
            })
    }
}
